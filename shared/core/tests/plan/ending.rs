//! The end of a service: it is being deleted, is deleted, or has left a target group. What it
//! leaves registered is judged until it is gone.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_leftover_of_a_service_that_is_being_deleted_is_deregistered_with_proof() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        service shop/web binds web to app:8080 status=DRAINING desired=0
        task t1 STOPPED/STOPPED ended 2m ago
        task t2 RUNNING/STOPPED
        target web i-1:32768 unhealthy
        look after 60s
        look after 60s
        look after 60s
        task t2 STOPPED/STOPPED ended 1s ago
        target web i-1:32768 gone
        target web i-2:32768 gone
        service shop/web binds web to app:8080 status=INACTIVE
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32768]
              alert: stale (error): web i-1:32768
              looks again in 60s
            180s:
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              alert: resolved stale (error): web i-1:32768 (the target is no longer registered, after 2 min)
              looks again in 900s
            240s:
              service | - | leave | the service is deleted
        "#]],
    );
}

/// No task of the service is left, and nobody else may be served by the group: the last target may
/// go, as that of a service scaled to zero.
#[test]
fn the_last_leftover_of_a_deleted_service_is_deregistered_after_everybody_was_read() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        task t1 STOPPED/STOPPED ended 2m ago
        target web i-1:32768 unhealthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | stale | deregister | task t1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32768]
              alert: stale (error): web i-1:32768
              looks again in 60s
            open: stale web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn the_last_leftover_of_a_deleted_service_stays_if_another_service_uses_the_group() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        owner web-2/t7 PENDING/RUNNING on i-2 app:8080->32768 groups web
        look
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        task t1 STOPPED/STOPPED ended 2m ago
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32768
              looks again in 900s
            open: foreign web i-1:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn a_leftover_of_a_deleted_service_stays_if_not_everybody_could_be_read() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        task t1 STOPPED/STOPPED ended 2m ago
        gap elsewhere
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | - | await 60s | registered and unexplained; the services of other clusters that use this group could not be read
              looks again in 60s
            120s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | - | await 60s | registered and unexplained; the services of other clusters that use this group could not be read
              looks again in 60s
        "#]],
    );
}

#[test]
fn a_leftover_of_a_deleted_service_without_proof_is_reported_only() {
    check(
        "
        group web
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        target web i-1:32768 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-1
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
              alert: foreign (warning): web i-1:32768
              looks again in 900s
            open: foreign web i-1:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn a_hijack_stays_open_until_the_target_of_the_deleted_service_is_gone() {
    check(
        "
        policy mode=alert
        group web
        group mail
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        task t1 STOPPED/STOPPED ended 3m ago
        owner mail/t9 RUNNING/RUNNING on i-1 app:80->32768 groups mail
        look after 60s
        look after 60s
        service shop/web binds web to app:8080 status=DRAINING desired=0
        task t2 STOPPED/STOPPED ended 10s ago
        target web i-2:32768 draining
        look after 60s
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        look after 15m
        target web i-1:32768 gone
        look after 15m
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32768 | hijacked | await 60s | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32768 | hijacked | alert | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: mode alert: Portkeeper writes nothing
              alert: hijacked (critical): web i-1:32768
            180s:
              asks: owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | hijacked | alert | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: mode alert: Portkeeper writes nothing
              looks again in 900s
            1080s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | hijacked | alert | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: mode alert: Portkeeper writes nothing
              looks again in 900s
            1980s:
              service | - | leave | the service is deleted
              alert: resolved hijacked (critical): web i-1:32768 (the service is deleted, after 32 min)
        "#]],
    );
}

/// ECS deregisters the targets of such a service, and starts nothing: an absent target, a missing
/// group or load balancer and a task without ports are no faults.
#[test]
fn what_a_service_that_is_being_deleted_lacks_is_no_fault() {
    check(
        "
        group web unattached
        group admin missing
        service shop/web binds web to app:8080 and admin to admin:9090 status=DRAINING desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        task t3 RUNNING/RUNNING on i-3
        target web i-1:32768 unused Target.NotInUse
        look
        look after 60s
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              service | - | unknown | task definition web:1 could not be read: throttled
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              task t3 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web i-2:32768 | - | leave | not registered; the service is being deleted
              looks again in 900s
            60s:
              asks: state of i-2; group web
              service | - | unknown | task definition web:1 could not be read: throttled
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              task t3 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web i-2:32768 | - | leave | not registered; the service is being deleted
              nothing to write down
            3660s:
              asks: state of i-2; group web
              service | - | unknown | task definition web:1 could not be read: throttled
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              task t3 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web i-2:32768 | - | leave | not registered; the service is being deleted
              looks again in 900s
        "#]],
    );
}

#[test]
fn incidents_of_a_deleted_service_end_when_nothing_is_registered() {
    check(
        "
        policy below=60
        group web
        service shop/web binds web to app:8080 desired=3
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:9999 healthy
        look
        look after 60s
        service shop/web binds web to app:8080 status=DRAINING desired=0
        task t1 RUNNING/STOPPED
        look after 60s
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        task t1 STOPPED/STOPPED ended 30s ago
        target web i-1:32768 draining
        look after 60s
        target web i-1:9999 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | below_desired | await 60s | 1 of 3 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:9999 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              service | below_desired | alert | 1 of 3 desired tasks are running; none of the service's events explains it: alert only
              web i-1:9999 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:9999
              alert: below_desired (error): service
            120s:
              service | - | leave | the service is being deleted: Portkeeper judges only the targets that are still registered
              web i-1:9999 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: resolved below_desired (error): service (the service is being deleted, after 2 min)
              looks again in 900s
            180s:
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              web i-1:9999 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
            240s:
              service | - | leave | the service is deleted
              alert: resolved foreign (warning): web i-1:9999 (the service is deleted, after 4 min)
        "#]],
    );
}

/// The new service has the same name; its tasks' targets are expected, and the old one's are
/// proved by the ledger.
#[test]
fn a_new_service_of_the_same_name_keeps_its_own_targets() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        task t1 STOPPED/STOPPED ended 3m ago
        task t2 STOPPED/STOPPED ended 3m ago
        target web i-2:32768 draining
        look after 60s
        service shop/web binds web to app:8080 desired=2
        deployment 222 PRIMARY web:1
        task n1 RUNNING/RUNNING on i-1 app:8080->32768 by 222 for 3m
        task n2 RUNNING/RUNNING on i-2 app:8080->32770 by 222 for 3m
        target web i-2:32770 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            120s:
              task t1 | - | leave | stopped; where it was registered is unknown
              task t2 | - | leave | stopped; where it was registered is unknown
            180s:
              task t1 | - | leave | stopped; where it was registered is unknown
              task t2 | - | leave | stopped; where it was registered is unknown
              nothing to write down
        "#]],
    );
}

/// ECS may show no tags of a deleted service.
#[test]
fn a_deleted_service_keeps_the_mode_of_its_tag() {
    check(
        "
        group web
        service shop/web binds web to app:8080 mode=alert
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        service shop/web binds web to app:8080 status=INACTIVE desired=0
        task t1 STOPPED/STOPPED ended 2m ago
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: tasks t1; owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners in the cluster; owners on i-1; owners elsewhere in web
              service | - | leave | the service is deleted: Portkeeper judges only the targets that are still registered
              web i-1:32768 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32768
              looks again in 900s
            open: foreign web i-1:32768, seen 2, reported
        "#]],
    );
}
