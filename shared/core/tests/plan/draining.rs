//! Targets of running tasks that drain, or that ELBv2 lists without having them registered.

use crate::text_world::check;
use expect_test::expect;

/// ELBv2 accepts an address again only after the deregistration delay, and no request reaches the
/// task until then.
#[test]
fn an_address_that_drains_is_reported_at_the_second_check_and_registered_after_the_delay() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 RUNNING/RUNNING ip 10.0.0.2
        target web 10.0.0.1:8080 draining Target.DeregistrationInProgress
        target web 10.0.0.2:8080 draining Target.DeregistrationInProgress
        call 1m ago DeregisterTargets web 10.0.0.1:8080 10.0.0.2:8080 by alice
        look
        look after 60s
        target web 10.0.0.1:8080 gone
        target web 10.0.0.2:8080 gone
        look after 240s
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 1740s | task t1 has been running for 10 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay; IAM user alice deregistered it at 2026-11-23 09:59:00Z, and Portkeeper registers it again after 2026-11-23 10:29:00Z: a person deregistered it, so the repair waits
              web 10.0.0.2:8080 | missing | await 1740s | task t2 has been running for 10 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay; IAM user alice deregistered it at 2026-11-23 09:59:00Z, and Portkeeper registers it again after 2026-11-23 10:29:00Z: a person deregistered it, so the repair waits
              alert: missing (critical): web 10.0.0.1:8080, by IAM user alice with DeregisterTargets at 2026-11-23T09:59:00Z, web 10.0.0.2:8080, by IAM user alice with DeregisterTargets at 2026-11-23T09:59:00Z
              looks again in 900s
            60s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 1680s | task t1 has been running for 11 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay; IAM user alice deregistered it at 2026-11-23 09:59:00Z, and Portkeeper registers it again after 2026-11-23 10:29:00Z: a person deregistered it, so the repair waits
              web 10.0.0.2:8080 | missing | await 1680s | task t2 has been running for 11 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay; IAM user alice deregistered it at 2026-11-23 09:59:00Z, and Portkeeper registers it again after 2026-11-23 10:29:00Z: a person deregistered it, so the repair waits
            300s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 1440s | task t1 has been running for 15 min and its target is not registered; IAM user alice deregistered it at 2026-11-23 09:59:00Z, and Portkeeper registers it again after 2026-11-23 10:29:00Z: a person deregistered it, so the repair waits
              web 10.0.0.2:8080 | missing | await 1440s | task t2 has been running for 15 min and its target is not registered; IAM user alice deregistered it at 2026-11-23 09:59:00Z, and Portkeeper registers it again after 2026-11-23 10:29:00Z: a person deregistered it, so the repair waits
            360s:
              alert: resolved missing (critical): web 10.0.0.1:8080 (registered and healthy, after 6 min), by IAM user alice with DeregisterTargets at 2026-11-23T09:59:00Z, web 10.0.0.2:8080 (registered and healthy, after 6 min), by IAM user alice with DeregisterTargets at 2026-11-23T09:59:00Z
        "#]],
    );
}

/// The delay of a group may be up to an hour (ELBv2 `deregistration_delay.timeout_seconds`).
#[test]
fn an_address_that_drains_for_longer_is_checked_less_and_less_often() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 RUNNING/RUNNING ip 10.0.0.2
        target web 10.0.0.1:8080 draining
        target web 10.0.0.2:8080 healthy
        look
        look after 60s
        look after 240s
        look after 60s
        look after 60s
        look after 120s
        task t1 STOPPED/STOPPED ended 10s ago
        look after 240s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 60s | task t1 has been running for 10 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 240s | task t1 has been running for 11 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              alert: missing (error): web 10.0.0.1:8080
              looks again in 240s
            300s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 60s | task t1 has been running for 15 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              looks again in 60s
            360s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 60s | task t1 has been running for 16 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              looks again in 60s
            420s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 120s | task t1 has been running for 17 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              looks again in 120s
            540s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 240s | task t1 has been running for 19 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              looks again in 240s
            780s:
              alert: resolved missing (error): web 10.0.0.1:8080 (its task has stopped, after 13 min)
        "#]],
    );
}

#[test]
fn an_address_that_drains_is_not_waited_for_if_portkeeper_may_not_write() {
    check(
        "
        policy mode=alert
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 draining
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 60s | task t1 has been running for 10 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.1:8080 | missing | alert | task t1 has been running for 11 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay: mode alert: Portkeeper writes nothing
              alert: missing (critical): web 10.0.0.1:8080
            open: missing web 10.0.0.1:8080, seen 2, reported
        "#]],
    );
}

/// The task got an address that still drains for a task before it.
#[test]
fn an_address_that_drains_for_another_task_is_left_to_ecs_for_the_settle_time() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1 for 30s
        task t0 STOPPED/STOPPED ip 10.0.0.1 ended 2m ago
        target web 10.0.0.1:8080 draining
        look
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              web 10.0.0.1:8080 | missing | await 60s | its task has just started; ECS may still register the target
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 60s | task t1 has been running for 1 min 30 s and its target is draining: ELBv2 accepts the address again only after the deregistration delay: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 240s | task t1 has been running for 2 min 30 s and its target is draining: ELBv2 accepts the address again only after the deregistration delay: confirmed by a second check; AWS does not accept the repair (register) yet
              alert: missing (critical): web 10.0.0.1:8080
              looks again in 240s
            open: missing web 10.0.0.1:8080, seen 2, reported
        "#]],
    );
}

/// `Target.NotRegistered` is the reason with which ELBv2 answers for a single target (API
/// `TargetHealth`).
#[test]
fn a_target_that_is_listed_as_not_registered_is_missing_and_does_not_drain() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 unused Target.NotRegistered
        target web 10.0.0.9:8080 unused Target.NotRegistered
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.1:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.1:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [10.0.0.1:8080]
              alert: missing (critical): web 10.0.0.1:8080
              looks again in 60s
            open: missing web 10.0.0.1:8080, seen 2, 1 repairs, reported
        "#]],
    );
}
