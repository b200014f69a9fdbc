//! A target that another writer registered again after its task had stopped. The task's stop was
//! proved, but this registration is no longer the task's: it is reported and stays.

use crate::text_world::{check, run};
use expect_test::expect;
use portkeeper_core::code::Code;
use portkeeper_core::plan::{Plan, plan};
use portkeeper_core::time::Timestamp;
use portkeeper_text_world::World;

/// The world of a stopped task, with other tasks or scaled to zero, and what is different in it.
fn world(desired: u32, difference: &str) -> String {
    let others = if desired == 0 {
        ""
    } else {
        "task t0 RUNNING/RUNNING on i-1 app:8080->32768\ntarget web i-1:32768 healthy"
    };
    run(&format!(
        "
        group web interval=30 threshold=2
        service shop/web binds web to app:8080 desired={desired}
        {others}
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 for 1h ended 10m ago
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        {difference}
        look
        look after 60s
        look after 60s
        "
    ))
}

/// Holds I-PROOF.
#[test]
fn the_target_of_a_stopped_task_that_fails_its_checks_is_deregistered() {
    for desired in [0, 1] {
        let made = world(desired, "");
        assert!(made.contains("plan: deregister web [i-1:32769]"), "{desired}: {made}");
    }
}

/// Holds I-PROOF. A call proves nothing, but it disproves.
#[test]
fn a_registration_by_another_writer_after_the_stop_ends_the_proof() {
    for desired in [0, 1] {
        for call in [
            "call 9m ago RegisterTargets web i-1:32769 by bob",
            "call 10m ago RegisterTargets web i-1:32769 role deployer",
            "call 1m ago RegisterTargets web i-1:32769 through CloudFormation",
            "call 9m ago RegisterTargets web i-1",
            "call 9m ago RegisterTargets web i-1:32769\ncall 8m ago DeregisterTargets web i-1:32769",
        ] {
            let made = world(desired, call);
            assert!(!made.contains("plan: deregister"), "{desired}, {call}: {made}");
            assert!(made.contains("alert: foreign"), "{desired}, {call}: {made}");
        }
    }
}

/// The proof does not come back when the call, or ECS's list, is forgotten.
#[test]
fn a_proof_that_a_call_ended_does_not_come_back() {
    let made = world(
        1,
        "call 9m ago RegisterTargets web i-1:32769 by bob\nlook\ntask t2 gone\nlook after 2h",
    );
    assert!(!made.contains("plan: deregister"), "{made}");
}

/// Holds I-PROOF. Earlier calls, and calls about other targets, are not about this registration.
#[test]
fn other_calls_do_not_end_the_proof() {
    for call in [
        "call 20m ago RegisterTargets web i-1:32769 by bob",
        "call 9m ago RegisterTargets web i-1:32770 by bob",
        "call 9m ago DeregisterTargets web i-1:32769 by bob",
    ] {
        let made = world(1, call);
        assert!(made.contains("plan: deregister web [i-1:32769]"), "{call}: {made}");
    }
}

/// Holds I-PROOF. Something answers, and no task of ECS is there.
#[test]
fn a_healthy_target_without_a_task_is_in_use_by_something_outside_ecs() {
    for desired in [0, 1] {
        let made = world(desired, "target web i-1:32769 healthy");
        assert!(!made.contains("plan: deregister"), "{desired}: {made}");
        assert!(made.contains("something else answers there"), "{desired}: {made}");
    }
    let later = "target web i-1:32769 healthy\nlook\ntarget web i-1:32769 unhealthy";
    assert!(!world(1, later).contains("plan: deregister"), "it was in use once");
}

/// The load balancer takes a while to notice that a task has stopped.
#[test]
fn a_target_is_healthy_until_the_health_checks_notice_the_stop() {
    check(
        "
        group web interval=30 threshold=5
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 for 1h ended 100s ago
        target web i-1:32769 healthy
        look
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look after 110s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 110s | task t2 has stopped and its target is still registered: the load balancer has not finished its health checks since
              looks again in 110s
            110s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            170s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// ELBv2's other states do not show whether anything answers.
#[test]
fn a_target_of_unknown_health_stays() {
    for state in ["initial Elb.RegistrationInProgress", "unavailable", "?novel"] {
        let made = world(1, &format!("target web i-1:32769 {state}"));
        assert!(!made.contains("plan: deregister"), "{state}: {made}");
    }
    let made = world(1, "target web i-1:32769 unused Target.NotInUse");
    assert!(made.contains("plan: deregister web [i-1:32769]"), "{made}");
}

/// Holds I-PROOF. ECS took the target out itself: what is registered now is another registration.
#[test]
fn a_target_that_ecs_deregistered_is_another_writers() {
    let gone = "task t2 STOPPED/STOPPED on i-1 app:8080->32769 for 1h ended 10m ago deregistered";
    let made = world(1, gone);
    assert!(!made.contains("plan: deregister"), "{made}");
    assert!(made.contains("ECS reports that it deregistered the target"), "{made}");
    let later = format!("{gone}\nlook\ntask t2 gone\nlook after 2h");
    assert!(!world(1, &later).contains("plan: deregister"));
}

/// A hijacker's requests are served by a task that ECS shows: the target is still the old task's.
#[test]
fn a_healthy_target_that_leads_to_another_services_task_is_deregistered() {
    let hijacked = "target web i-1:32769 healthy\nowner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing";
    let made = world(1, hijacked);
    assert!(made.contains("plan: deregister web [i-1:32769]"), "{made}");
    let meant = format!("{hijacked}\ncall 5m ago RegisterTargets web i-1:32769 by bob");
    assert!(!world(1, &meant).contains("plan: deregister"));
}

/// The health checks have not noticed yet that the hijacker has stopped, too.
#[test]
fn a_target_is_healthy_until_the_health_checks_notice_that_its_hijacker_has_stopped() {
    for hijacker in ["owner billing/t9", "owner none/t9"] {
        let made = world(
            1,
            &format!(
                "target web i-1:32769 healthy
                {hijacker} STOPPED/STOPPED on i-1 app:80->32769 ended 20s ago
                look
                target web i-1:32769 unhealthy Target.FailedHealthChecks
                look after 120s"
            ),
        );
        assert!(made.contains("has not finished its health checks since"), "{made}");
        assert!(made.contains("plan: deregister web [i-1:32769]"), "{made}");
    }
    let outside = world(
        1,
        "target web i-1:32769 healthy
        owner billing/t9 STOPPED/STOPPED on i-1 app:80->32769 ended 20s ago
        look
        look after 10m",
    );
    assert!(outside.contains("something else answers there"), "{outside}");
    assert!(!outside.contains("plan: deregister"), "{outside}");
}

/// Holds I-PROOF. What has not started cannot answer.
#[test]
fn a_task_that_has_not_started_does_not_explain_a_healthy_target() {
    check(
        "
        group web
        definition billing:1 host app:32769
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        owner billing/t9 PENDING/RUNNING on i-1 of billing:1 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 60s
        owner billing/t9 RUNNING/RUNNING on i-1 of billing:1 groups billing
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | its health checks are answered although task t9, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | its health checks are answered although task t9, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: alert only
              alert: foreign (warning): web i-1:32769
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
            open: foreign web i-1:32769, seen 3, reported
        "#]],
    );
}

/// Holds I-PROOF. While a task begins or ends to use a port, health checks may not show it yet.
#[test]
fn a_task_that_begins_or_ends_to_use_a_port_is_waited_for() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        owner billing/t9 PENDING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        owner billing/t9 DEPROVISIONING/STOPPED on i-1 app:80->32769 groups billing exited app
        look after 60s
        look after 3m
        owner billing/t9 STOPPED/STOPPED on i-1 app:80->32769 groups billing ended 1s ago
        look after 60s
        look after 3m
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: the load balancer has not finished its health checks since
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: the load balancer has not finished its health checks since
              looks again in 60s
            240s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: the load balancer has not finished its health checks since
              looks again in 60s
            300s:
              asks: owners on i-1
              web i-1:32769 | stale | await 59s | task t2 has stopped and its target is still registered: the load balancer has not finished its health checks since
              looks again in 59s
            480s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            540s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn a_udp_port_does_not_explain_a_healthy_tcp_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 log:514->32769/udp
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | its health checks are answered although task t1, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | its health checks are answered although task t1, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn a_port_of_the_other_address_family_does_not_explain_a_healthy_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769/tcp@:: app:80->32780/tcp@0.0.0.0 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | its health checks are answered although task t9, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | its health checks are answered although task t9, which has its address, cannot answer there (it does not run, its container has stopped, or its port has another protocol or address family): something outside ECS answers; it belonged to task t2: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// The answers were slow: the health was read when the health checks had not noticed the stop.
#[test]
fn the_health_counts_from_when_it_was_read() {
    let mut plans = Vec::new();
    let text = "
        group web interval=30 threshold=2
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 for 1h ended 5m ago
        target web i-1:32769 healthy
        look
        ";
    portkeeper_text_world::run_in(&mut World::new().unwrap(), text, |look| {
        let mut input = look.input.clone();
        plans.push(plan(&input));
        input.observation.observed_at = Timestamp::from_millis(input.now.as_millis() - 290_000);
        plans.push(plan(&input));
    })
    .unwrap();
    let codes =
        |plan: &Plan| plan.verdicts.iter().filter_map(|it| it.code.clone()).collect::<Vec<Code>>();
    assert_eq!(plans.iter().map(codes).collect::<Vec<_>>(), [[Code::Foreign], [Code::Stale]]);
}

#[test]
fn a_call_that_arrives_while_the_service_cannot_be_read_disproves_later() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        known web i-1:32769 t2
        call 1m ago RegisterTargets web i-1:32769 by bob
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        gap service "x"
        look
        gap none
        target web i-1:32769 unhealthy
        look after 2h
        look after 60s
        "#,
        &expect![[r#"
            0s:
              service | - | unknown | the service could not be read
            7200s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but IAM user bob registered the target at 2026-11-23 09:59:00Z: found once; waiting for a second check
              looks again in 60s
            7260s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// ECS still listed the task as running.
#[test]
fn a_target_that_was_missing_after_its_task_had_stopped_proves_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        policy mode=alert
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        target web i-1:32769 gone
        look after 60s
        policy mode=repair
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 30s ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32769 healthy
        look after 10m
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: state of i-1; group web
              web i-1:32769 | missing | await 90s | task t2 has been running for 11 min and its target is not registered: found once; waiting for a second check
              looks again in 90s
            660s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but a check after the end of the task found it not registered: found once; waiting for a second check
              looks again in 60s
            720s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

#[test]
fn a_registration_by_portkeeper_of_a_task_that_had_just_stopped_is_its_own() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        target web i-1:32769 gone
        look after 60s
        look after 90s
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10s ago
        target web i-1:32769 unhealthy
        look after 10m
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: state of i-1; group web
              web i-1:32769 | missing | await 90s | task t2 has been running for 11 min and its target is not registered: found once; waiting for a second check
              looks again in 90s
            150s:
              asks: state of i-1; group web
              web i-1:32769 | missing | register | task t2 has been running for 12 min 30 s and its target is not registered: confirmed by a second check
              plan: register web [i-1:32769]
              alert: missing (error): web i-1:32769
              looks again in 60s
            750s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              alert: resolved missing (error): web i-1:32769 (its task has stopped, after 11 min 30 s)
              looks again in 60s
            810s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn an_unexpected_code_is_an_answer() {
    check(
        "
        group web path=/health codes=200
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 1s ago
        target web i-1:32769 unhealthy Target.ResponseCodeMismatch
        look after 30m
        look after 60s
        ",
        &expect![[r#"
            0s:
            1800s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            1860s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn an_unexpected_code_disproves_what_the_ledger_holds() {
    check(
        "
        group web path=/health
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        known web i-1:32769 t2
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.ResponseCodeMismatch
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn a_group_that_was_missing_had_no_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        group web missing
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 1s ago
        look after 3m
        group web
        target web i-1:32769 unhealthy
        look after 5m
        look after 60s
        ",
        &expect![[r#"
            0s:
            180s:
              web | target_group_missing | await 60s | the target group does not exist, so ECS cannot register any target: found once; waiting for a second check
              looks again in 60s
            480s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              looks again in 60s
            540s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// A task can be on its way out for long: its agent may hang. The target stays, and a person must
/// find out.
#[test]
fn a_hijacking_task_that_never_ends_to_stop_is_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20m ago
        owner billing/t9 DEPROVISIONING/STOPPED on i-1 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 60s
        look after 3h
        look after 24h
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: the load balancer has not finished its health checks since
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: the load balancer has not finished its health checks since
              looks again in 60s
            10860s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: the load balancer has not finished its health checks since: found once; waiting for a second check
              looks again in 60s
            97260s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: the load balancer has not finished its health checks since: alert only
              alert: hijacked (critical): web i-1:32769
            open: hijacked web i-1:32769, seen 2, reported
        "#]],
    );
}

/// The load balancer may not check any target: it may be failed, or being created.
#[test]
fn a_leftover_that_the_load_balancer_never_checks_is_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 initial
        look
        look after 60s
        look after 1h
        look after 3h
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: the load balancer has not finished its health checks since
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: the load balancer has not finished its health checks since
              looks again in 60s
            3660s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: the load balancer has not finished its health checks since: found once; waiting for a second check
              looks again in 60s
            14460s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: the load balancer has not finished its health checks since: alert only
              alert: stale (error): web i-1:32769
            open: stale web i-1:32769, seen 2, reported
        "#]],
    );
}
