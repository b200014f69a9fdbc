//! A stopped task's target is still registered. Deregistering needs proof.

use crate::text_world::check;
use expect_test::expect;

// CASES 19
#[test]
fn a_stale_target_is_deregistered_on_the_proof_of_the_stopped_task() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        look after 60s
        look after 60s
        target web i-1:32769 gone
        look after 300s
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second look
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            120s:
              alert: resolved stale (info): web i-1:32769 (the target is no longer registered, 2 min after it was first seen)
            420s:
        "#]],
    );
}

// CASES 19
#[test]
fn a_stale_target_is_deregistered_on_the_proof_of_the_ledger_when_ecs_says_that_the_task_is_gone() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        known web i-1:32769 t2
        ",
        expect![[r#"
            0s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              looks again in 60s
            60s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second look
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, told
        "#]],
    );
}

// CASES 19
#[test]
fn the_ledger_alone_proves_nothing_when_ecs_asked_by_name_still_knows_the_task() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 unlisted
        counts running=1
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2
        ",
        expect![[r#"
            0s:
              asks: tasks t2; owners on i-1
            60s:
              asks: tasks t2; owners on i-1
        "#]],
    );
}

// CASES 19
#[test]
fn what_the_ledger_saw_of_a_running_task_proves_its_target_later() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        task t2 gone
        look after 2h
        look after 60s
        ",
        expect![[r#"
            0s:
            7200s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              looks again in 60s
            7260s:
              asks: tasks t2; owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second look
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, told
        "#]],
    );
}

// CASES 19
#[test]
fn the_target_of_a_task_that_has_only_just_stopped_is_left_to_ecs() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 20s ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        target web i-1:32769 draining
        look after 70s
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 70s | its task has only just stopped; ECS may still deregister it
              looks again in 70s
            70s:
        "#]],
    );
}

// CASES 19, 34
#[test]
fn without_any_proof_it_is_foreign_and_is_not_touched() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 60s
        look after 60s
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task explains it: registered by hand or by another tool: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | tell | no task explains it: registered by hand or by another tool: not Portkeeper's to repair
              alert: foreign (warning): web i-1:32769
            120s:
              web i-1:32769 | foreign | tell | no task explains it: registered by hand or by another tool: not Portkeeper's to repair
            open: foreign web i-1:32769, seen 3, told
        "#]],
    );
}

// CASES 34
#[test]
fn the_first_run_with_an_empty_ledger_deregisters_only_what_ecs_itself_proves() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 30m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        target web i-1:32770 unhealthy
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              web i-1:32770 | foreign | await 60s | no task explains it: registered by hand or by another tool: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second look
              web i-1:32770 | foreign | tell | no task explains it: registered by hand or by another tool: not Portkeeper's to repair
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              alert: foreign (warning): web i-1:32770
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, told
            open: foreign web i-1:32770, seen 2, told
        "#]],
    );
}

// CASES 20
#[test]
fn a_reused_port_that_sends_requests_to_another_service_is_hijacked() {
    check(
        "
        group web
        group billing
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        target billing i-1:32769 healthy
        group billing missing
        look
        look after 60s
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong program: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | deregister | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong program: confirmed by a second look
              plan: deregister web [i-1:32769]
              alert: hijacked (critical): web i-1:32769
              looks again in 60s
            open: hijacked web i-1:32769, seen 2, 1 repairs, told
        "#]],
    );
}

// CASES 20
#[test]
fn a_stale_target_that_becomes_hijacked_is_told_of_again_and_stays_one_incident() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32769 healthy
        look after 60s
        target web i-1:32769 gone
        look after 60s
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | tell | task t2 has stopped and its target is still registered: mode alert: nothing is written
              alert: stale (error): web i-1:32769
            120s:
              asks: owners on i-1
              web i-1:32769 | hijacked | tell | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong program: mode alert: nothing is written
              alert: hijacked (critical): web i-1:32769
            180s:
              alert: resolved hijacked (info): web i-1:32769 (the target is no longer registered, 3 min after it was first seen)
        "#]],
    );
}

// CASES 21
#[test]
fn a_reused_address_is_hijacked_too() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        task t2 STOPPED/STOPPED ip 10.0.0.6 ended 10m ago
        owner billing/t9 RUNNING/RUNNING ip 10.0.0.6 groups billing
        target web 10.0.0.5:8080 healthy
        target web 10.0.0.6:8080 healthy
        ",
        expect![[r#"
            0s:
              asks: owners in the cluster
              web 10.0.0.6:8080 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong program: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners in the cluster
              web 10.0.0.6:8080 | hijacked | deregister | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong program: confirmed by a second look
              plan: deregister web [10.0.0.6:8080]
              alert: hijacked (critical): web 10.0.0.6:8080
              looks again in 60s
            open: hijacked web 10.0.0.6:8080, seen 2, 1 repairs, told
        "#]],
    );
}

// CASES 20
#[test]
fn a_port_reused_by_a_task_that_no_service_started_is_hijacked_too() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner -/job RUNNING/RUNNING on i-1 app:80->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong program: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | deregister | task t2 has stopped, and its target now leads to task job, which no service started: requests reach the wrong program: confirmed by a second look
              plan: deregister web [i-1:32769]
              alert: hijacked (critical): web i-1:32769
              looks again in 60s
            open: hijacked web i-1:32769, seen 2, 1 repairs, told
        "#]],
    );
}

#[test]
fn a_port_reused_by_a_sidecar_of_the_same_service_is_stale() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 metrics:9090->32769
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second look
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, told
        "#]],
    );
}

#[test]
fn a_port_reused_by_the_same_services_next_task_is_in_order() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t0 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
        target web i-1:32768 healthy
        known web i-1:32768 t0
        ",
        expect![[r#"
            0s:
            60s:
        "#]],
    );
}

#[test]
fn a_target_that_was_seen_gone_and_comes_back_is_somebody_elses() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        look
        target web i-1:32769 healthy
        look after 60s
        look after 60s
        ",
        expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task explains it: registered by hand or by another tool: seen once; a second look decides
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | foreign | tell | no task explains it: registered by hand or by another tool: not Portkeeper's to repair
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, told
        "#]],
    );
}

#[test]
fn a_released_target_of_the_ledger_proves_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2 released 5m ago
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task explains it: registered by hand or by another tool: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | tell | no task explains it: registered by hand or by another tool: not Portkeeper's to repair
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, told
        "#]],
    );
}

#[test]
fn registering_comes_before_deregistering() {
    check(
        "
        group alpha
        group web
        service shop/web binds web to app:8080 and alpha to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target alpha i-1:32768 healthy
        target alpha i-1:32769 unhealthy
        target web i-1:32760 healthy
        ",
        expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              alpha i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: seen once; a second look decides
              web i-1:32760 | foreign | await 60s | no task explains it: registered by hand or by another tool: seen once; a second look decides
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: seen once; a second look decides
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              alpha i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second look
              web i-1:32760 | foreign | tell | no task explains it: registered by hand or by another tool: not Portkeeper's to repair
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second look
              plan: register web [i-1:32768]; deregister alpha [i-1:32769]
              alert: missing (error): web i-1:32768
              alert: stale (error): alpha i-1:32769
              alert: foreign (warning): web i-1:32760
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, told
            open: stale alpha i-1:32769, seen 2, 1 repairs, told
            open: foreign web i-1:32760, seen 2, told
        "#]],
    );
}

// CASES 23
#[test]
fn an_instance_on_the_groups_default_port_is_that_of_an_auto_scaling_group() {
    check(
        "
        group web port=80
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:80 unhealthy
        ",
        expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:80 | foreign | await 60s | an instance on the group's default port: an Auto Scaling group is probably attached to this target group: seen once; a second look decides
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:80 | foreign | tell | an instance on the group's default port: an Auto Scaling group is probably attached to this target group: not Portkeeper's to repair
              alert: foreign (warning): web i-1:80
            open: foreign web i-1:80, seen 2, told
        "#]],
    );
}

#[test]
fn a_task_in_a_group_of_the_service_that_is_not_its_own_is_misplaced() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 111 web:1 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        target web i-1:32768 healthy
        ",
        expect![[r#"
            0s:
              asks: state of i-1; group web-alt; owners on i-1
              web-alt i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: seen once; a second look decides
              web i-1:32768 | misplaced | await 60s | task t1 belongs into web-alt, not into this group: seen once; a second look decides
              looks again in 60s
            60s:
              asks: state of i-1; group web-alt; owners on i-1
              web-alt i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second look
              web i-1:32768 | misplaced | tell | task t1 belongs into web-alt, not into this group: not Portkeeper's to repair
              plan: register web-alt [i-1:32768]
              alert: missing (error): web-alt i-1:32768
              alert: misplaced (error): web i-1:32768
              looks again in 60s
            open: missing web-alt i-1:32768, seen 2, 1 repairs, told
            open: misplaced web i-1:32768, seen 2, told
        "#]],
    );
}

#[test]
fn a_port_on_which_the_task_does_not_answer_any_more_goes_once_its_right_one_is_there() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32760 unhealthy
        known web i-1:32760 t1
        look
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 runs and no longer answers on this port: seen once; a second look decides
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: seen once; a second look decides
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:32760 | wrong_port | await 60s | task t1 runs and no longer answers on this port: the task's right target is registered first
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second look
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              alert: wrong_port (error): web i-1:32760
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32760 | wrong_port | deregister | task t1 runs and no longer answers on this port: confirmed by a second look
              plan: deregister web [i-1:32760]
              alert: resolved missing (info): web i-1:32768 (registered and healthy, 2 min after it was first seen)
              looks again in 60s
            open: wrong_port web i-1:32760, seen 3, 1 repairs, told
        "#]],
    );
}
