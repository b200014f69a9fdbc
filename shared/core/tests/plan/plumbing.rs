//! Groups and listeners that cannot work: Portkeeper reports them, and registers nothing in them.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-24.
#[test]
fn a_deleted_target_group_is_reported_and_nothing_is_registered() {
    check(
        "
        group web missing
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        look
        look after 60s
        group web
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              web | target_group_missing | await 60s | the target group does not exist, so ECS cannot register any target: found once; waiting for a second check
              looks again in 60s
            60s:
              web | target_group_missing | alert | the target group does not exist, so ECS cannot register any target: alert only
              alert: target_group_missing (critical): web
            120s:
              alert: resolved target_group_missing (critical): web (no longer found, after 2 min)
        "#]],
    );
}

/// Holds C-24.
#[test]
fn a_missing_target_whose_group_is_deleted_is_resolved() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        group web missing
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              alert: missing (critical): web i-1:32768
            120s:
              web | target_group_missing | await 60s | the target group does not exist, so ECS cannot register any target: found once; waiting for a second check
              alert: resolved missing (critical): web i-1:32768 (its target group no longer exists, after 2 min)
              looks again in 60s
            open: target_group_missing web, seen 1
        "#]],
    );
}

#[test]
fn incidents_in_a_group_that_the_service_no_longer_uses_are_resolved() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        deployment 111 PRIMARY web:1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        target web i-1:32769 healthy
        look
        look after 60s
        deployment 111 gone
        deployment 222 PRIMARY web:2
        task t1 gone
        task t2 RUNNING/RUNNING on i-1 app:8080->32770 by 222 of web:2
        group web gone
        group new
        service shop/web binds new to app:8080
        target new i-1:32770 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: missing (critical): web i-1:32768
              alert: foreign (warning): web i-1:32769
            120s:
              alert: resolved missing (critical): web i-1:32768 (the service no longer uses the target group, and Portkeeper does not check what is registered there, after 2 min)
              alert: resolved foreign (warning): web i-1:32769 (the service no longer uses the target group, and Portkeeper does not check what is registered there, after 2 min)
        "#]],
    );
}

/// Holds C-24.
#[test]
fn a_group_without_load_balancer_is_reported_once_and_nothing_is_registered() {
    check(
        "
        group web unattached
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web | target_group_unattached | await 60s | no load balancer uses the group, so a registered target would receive no requests: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web | target_group_unattached | alert | no load balancer uses the group, so a registered target would receive no requests: alert only
              alert: target_group_unattached (critical): web
            open: target_group_unattached web, seen 2, reported
        "#]],
    );
}

/// Holds C-24.
#[test]
fn registered_targets_of_a_group_without_load_balancer_are_one_finding() {
    check(
        "
        group web unattached
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        task t3 RUNNING/RUNNING on i-1 app:8080->32770
        target web i-1:32768 unused Target.NotInUse
        target web i-1:32769 unused Target.NotInUse
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web | target_group_unattached | await 60s | no load balancer uses the group, so its targets receive no requests; registering targets does not help: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web | target_group_unattached | alert | no load balancer uses the group, so its targets receive no requests; registering targets does not help: alert only
              alert: target_group_unattached (critical): web
            open: target_group_unattached web, seen 2, reported
        "#]],
    );
}

/// Holds C-24.
#[test]
fn a_group_without_listener_or_with_a_disabled_zone_is_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 unused Target.NotInUse
        look
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web | az_disabled | await 60s | a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web | az_disabled | alert | a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled: alert only
              alert: az_disabled (critical): web
            120s:
              alert: resolved az_disabled (critical): web (no longer found, after 2 min)
        "#]],
    );
}

/// Holds C-10, C-24.
#[test]
fn the_idle_group_of_a_blue_green_pair_is_not_reported_even_without_load_balancer() {
    check(
        "
        group web
        group web-alt unattached
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 111 web:1 binds web|web-alt to app:8080 resolved web
        revision 222 web:2 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222 of web:2
        target web i-1:32768 healthy
        target web-alt i-1:32769 unused Target.NotInUse
        ",
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
    );
}

/// Holds C-24.
#[test]
fn a_group_of_the_wrong_target_type_is_reported() {
    check(
        "
        group web type=ip
        group own
        service shop/web binds web to app:8080 and own to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target own i-1:32768 healthy
        look
        task t1 gone
        task t2 RUNNING/RUNNING ip 10.0.0.5
        target own i-1:32768 unhealthy Target.FailedHealthChecks
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              web | target_type_mismatch | await 60s | the group accepts ip targets, but a task in network mode bridge cannot be one: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: tasks t1; group web; owners in the cluster; owners on i-1; owners elsewhere in own
              own | target_type_mismatch | await 60s | the group accepts instance targets, but a task in network mode awsvpc cannot be one: found once; waiting for a second check
              own i-1:32768 | stale | await 60s | task t1 has stopped and its target is still registered: found once; waiting for a second check
              web 10.0.0.5:8080 | missing | await 60s | task t2 has been running for 11 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: tasks t1; group web; owners in the cluster; owners on i-1; owners elsewhere in own
              own | target_type_mismatch | alert | the group accepts instance targets, but a task in network mode awsvpc cannot be one: alert only
              own | limit_exceeded | alert | deregistering i-1:32768 would leave own without targets; Portkeeper deregistered nothing there
              own i-1:32768 | stale | withheld | task t1 has stopped and its target is still registered: it would leave the target group without targets
              web 10.0.0.5:8080 | missing | register | task t2 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [10.0.0.5:8080]
              alert: missing (critical): web 10.0.0.5:8080
              alert: target_type_mismatch (critical): own
              alert: limit_exceeded (error): own
              looks again in 60s
            open: missing web 10.0.0.5:8080, seen 2, 1 repairs, reported
            open: stale own i-1:32768, seen 2
            open: target_type_mismatch own, seen 2, reported
            open: limit_exceeded own, seen 1, reported
        "#]],
    );
}

#[test]
fn two_ports_without_binding_are_one_finding() {
    check(
        "
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:7070->32768
        ",
        &expect![[r#"
            0s:
              task t1 | bindings_missing | await 60s | container `app` has no binding for port 9090: found once; waiting for a second check
              admin | no_traffic | await 120s | the only running task of admin has no healthy target; task t1: container `app` has no binding for port 9090: found once; waiting for a second check
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1: container `app` has no binding for port 9090: found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | bindings_missing | alert | container `app` has no binding for port 9090: alert only
              admin | no_traffic | await 60s | the only running task of admin has no healthy target; task t1: container `app` has no binding for port 9090: found once; waiting for a second check
              web | no_traffic | await 60s | the only running task of web has no healthy target; task t1: container `app` has no binding for port 9090: found once; waiting for a second check
              alert: bindings_missing (error): task t1
              looks again in 60s
            open: bindings_missing task t1, seen 2, reported
            open: no_traffic admin, seen 2
            open: no_traffic web, seen 2
        "#]],
    );
}

#[test]
fn missing_targets_of_a_group_that_loses_its_load_balancer_become_one_finding() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        group web unattached
        look after 10s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            10s:
              asks: state of i-1; group web
              web | target_group_unattached | await 60s | no load balancer uses the group, so a registered target would receive no requests: found once; waiting for a second check
            70s:
              asks: state of i-1; group web
              web | target_group_unattached | alert | no load balancer uses the group, so a registered target would receive no requests: alert only
              alert: target_group_unattached (critical): web
            open: target_group_unattached web, seen 2, reported
        "#]],
    );
}
