//! Target groups that several services share, and the other tasks on an address.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-ADDRESS.
#[test]
fn a_target_of_another_service_that_uses_the_group_is_never_touched() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        owner twin/t9 RUNNING/RUNNING on i-1 app:80->32769 groups web,other
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
            60s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
              nothing to write down
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn a_reused_port_in_a_shared_group_is_the_other_services_whatever_the_proof() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner twin/t9 RUNNING/RUNNING on i-1 app:80->32769 groups web
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
            60s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
              nothing to write down
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn a_task_of_another_service_that_shares_the_group_and_has_no_ports_yet_is_waited_for() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        definition twin:1 bridge app:80
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner twin/t9 PENDING/RUNNING on i-1 groups web
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        look
        look after 60s
        owner twin/t9 RUNNING/RUNNING on i-1 app:80->32770 groups web
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn a_task_of_a_service_that_does_not_use_the_group_is_not_waited_for() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        definition billing:1 bridge app:80
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 PENDING/RUNNING on i-1 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn a_task_whose_groups_are_unknown_freezes_its_address() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner twin/t9 RUNNING/RUNNING on i-1 app:80->32769 groups ?
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | unknown | task t9 uses its address, and the target groups of that task's service could not be read
            60s:
              asks: owners on i-1
              web i-1:32769 | - | unknown | task t9 uses its address, and the target groups of that task's service could not be read
              nothing to write down
        "#]],
    );
}

/// Holds I-ADDRESS, C-29.
#[test]
fn nothing_is_deregistered_while_other_tasks_on_the_instance_could_not_be_read() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        gap owners
        look
        look after 60s
        gap none
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              looks again in 60s
            60s:
              asks: owners on i-1
              service | - | unknown | the tasks of other services could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the other tasks that may use its address could not be read
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: stale (error): web i-1:32769
              looks again in 60s
            open: stale web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-22.
#[test]
fn a_running_task_of_another_service_in_this_group_without_proof_is_foreign() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        owner -/job RUNNING/RUNNING on i-1 app:80->32770
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        target web i-1:32770 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: found once; waiting for a second check
              web i-1:32770 | foreign | await 60s | leads to task job, which no service started: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: alert only
              web i-1:32770 | foreign | alert | leads to task job, which no service started: alert only
              alert: foreign (warning): web i-1:32769, web i-1:32770
            open: foreign web i-1:32769, seen 2, reported
            open: foreign web i-1:32770, seen 2, reported
        "#]],
    );
}

/// Holds C-22.
#[test]
fn a_reported_foreign_target_costs_no_further_calls() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 60s
        look after 1h
        target web i-1:32769 gone
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            3660s:
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
            7260s:
              alert: resolved foreign (warning): web i-1:32769 (the target is no longer registered, after 2 h 1 min)
        "#]],
    );
}

#[test]
fn an_owner_that_runs_on_the_instance_in_host_mode_holds_the_ports_of_its_definition() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        definition billing:1 host app:32769
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 RUNNING/RUNNING on i-1 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | deregister | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: confirmed by a second check
              plan: deregister web [i-1:32769]
              alert: hijacked (critical): web i-1:32769
              looks again in 60s
            open: hijacked web i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn other_tasks_on_an_instance_without_own_tasks_are_read_from_the_whole_cluster() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        owner billing/t9 RUNNING/RUNNING on i-2 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-2:32769 healthy
        known web i-2:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: tasks t2; owners in the cluster; owners on i-2; owners elsewhere in web
              web i-2:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: tasks t2; owners in the cluster; owners on i-2; owners elsewhere in web
              web i-2:32769 | hijacked | deregister | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task: confirmed by a second check
              plan: deregister web [i-2:32769]
              alert: hijacked (critical): web i-2:32769
              looks again in 60s
            open: hijacked web i-2:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn a_task_of_this_service_that_started_during_the_reading_explains_its_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        task t3 RUNNING/RUNNING on i-1 app:8080->32769 unlisted for 1m
        counts running=1
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: tasks t3; owners on i-1
              service | below_desired | await 840s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
            open: below_desired service, seen 2
        "#]],
    );
}

// A stopping task still shows its port when another task may already use it.
#[test]
fn of_two_tasks_on_one_port_the_one_that_the_group_is_for_counts() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner api/t8 STOPPING/STOPPED on i-1 app:80->32769 groups other
        owner twin/t9 RUNNING/RUNNING on i-1 app:80->32769 groups web
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
            60s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
              nothing to write down
        "#]],
    );
}

#[test]
fn a_starting_task_outweighs_a_stopping_one() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner api/t8 STOPPING/STOPPED on i-1 app:80->32769 groups other
        owner twin/t9 PENDING/RUNNING on i-1 groups web
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | - | unknown | task definition twin:1 could not be read: throttled
              web i-1:32769 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
            60s:
              asks: owners on i-1
              service | - | unknown | task definition twin:1 could not be read: throttled
              web i-1:32769 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
        "#]],
    );
}
