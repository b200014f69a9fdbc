//! Which groups apply to a task: those of its own revision, not those of new tasks.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-9.
#[test]
fn old_tasks_keep_their_groups_after_the_service_got_new_ones() {
    check(
        "
        group old
        group new
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        deployment 111 ACTIVE web:1
        revision 111 web:1 binds old to app:8080
        revision 222 web:2 binds new to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222 of web:2
        target old i-1:32768 healthy
        target new i-1:32769 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-9.
#[test]
fn during_a_rolling_deployment_each_task_is_judged_by_its_own_revision() {
    check(
        "
        group old
        group new
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        deployment 111 ACTIVE web:1
        revision 111 web:1 binds old to app:8080
        revision 222 web:2 binds new to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222 of web:2
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group new, old
              new i-1:32769 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              old i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group new, old
              new i-1:32769 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              old i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register new [i-1:32769]; register old [i-1:32768]
              alert: missing (critical): new i-1:32769, old i-1:32768
              looks again in 60s
            open: missing new i-1:32769, seen 2, 1 repairs, reported
            open: missing old i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-9.
#[test]
fn revisions_from_before_aws_kept_them_are_not_needed_for_the_primary_deployment() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        deployment 222 PRIMARY web:2
        deployment 111 ACTIVE web:1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 222 of web:2
        target web i-1:32768 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-11.
#[test]
fn a_task_of_no_current_revision_is_ambiguous_and_only_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        deployment 222 PRIMARY web:2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 222 of web:2
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/111 matches no current revision: found once; waiting for a second check
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/111 matches no current revision
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/111 matches no current revision: alert only
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/111 matches no current revision
              alert: ambiguous_revision (warning): task t1
            open: ambiguous_revision task t1, seen 2, reported
        "#]],
    );
}

/// Holds C-11, C-18.
#[test]
fn a_stopping_task_of_an_older_deployment_is_not_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        deployment 222 PRIMARY web:2
        task t1 DEACTIVATING/STOPPED on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 222 of web:2
        target web i-1:32768 draining
        target web i-2:32768 healthy
        ",
        &expect![[r"
            0s:
              task t1 | - | unknown | startedBy ecs-svc/111 matches no current revision
            60s:
              task t1 | - | unknown | startedBy ecs-svc/111 matches no current revision
              nothing to write down
        "]],
    );
}

/// Holds C-11.
#[test]
fn revisions_with_the_same_task_definition_that_agree_are_enough() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        deployment 333 PRIMARY web:1
        deployment 222 ACTIVE web:1
        revision 901 web:1 binds web to app:8080
        revision 902 web:1 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 222
        target web i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
    );
}

/// Holds C-11.
#[test]
fn revisions_with_the_same_task_definition_that_disagree_are_ambiguous() {
    check(
        "
        group old
        group new
        service shop/web binds new to app:8080
        deployment 333 PRIMARY web:1
        deployment 222 ACTIVE web:1
        revision 901 web:1 binds old to app:8080
        revision 902 web:1 binds new to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 222
        target old i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/222 matches no current revision: found once; waiting for a second check
              old i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/222 matches no current revision
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/222 matches no current revision: alert only
              old i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/222 matches no current revision
              alert: ambiguous_revision (warning): task t1
            open: ambiguous_revision task t1, seen 2, reported
        "#]],
    );
}

/// Holds C-11, C-29.
#[test]
fn agreement_counts_for_nothing_while_revisions_are_unread() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        deployment 333 PRIMARY web:1
        deployment 222 ACTIVE web:1
        revision 901 web:1 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 222
        target web i-1:32768 healthy
        gap revisions
        ",
        &expect![[r"
            0s:
              service | - | unknown | the service's revisions could not be read: throttled
              task t1 | - | unknown | startedBy ecs-svc/222 matches no current revision
              web i-1:32768 | - | await 60s | registered; it may belong to task t1: startedBy ecs-svc/222 matches no current revision
              looks again in 60s
            60s:
              service | - | unknown | the service's revisions could not be read: throttled
              task t1 | - | unknown | startedBy ecs-svc/222 matches no current revision
              web i-1:32768 | - | await 60s | registered; it may belong to task t1: startedBy ecs-svc/222 matches no current revision
              looks again in 60s
        "]],
    );
}

/// Holds C-11.
#[test]
fn digits_that_match_a_revision_of_another_task_definition_are_ignored() {
    check(
        "
        group web
        service shop/web binds web to app:8080 strategy=BLUE_GREEN
        revision 111 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        ",
        &expect![[r#"
            0s:
              service | no_traffic | await 300s | its only running task has no healthy target; task t1: revision 111 runs web:2, but the task does not: found once; waiting for a second check
              task t1 | ambiguous_revision | await 60s | revision 111 runs web:2, but the task does not; none of its targets is healthy: found once; waiting for a second check
              looks again in 60s
            60s:
              service | no_traffic | await 240s | its only running task has no healthy target; task t1: revision 111 runs web:2, but the task does not: found once; waiting for a second check
              task t1 | ambiguous_revision | alert | revision 111 runs web:2, but the task does not; none of its targets is healthy: alert only
              alert: ambiguous_revision (error): task t1
              looks again in 240s
            open: ambiguous_revision task t1, seen 2, reported
            open: no_traffic service, seen 2
        "#]],
    );
}

/// Holds C-11.
#[test]
fn an_unknown_deployment_strategy_or_controller_is_ambiguous() {
    check(
        "
        group web
        service shop/web binds web to app:8080 strategy=?SIDEWAYS
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look after 0s
        service shop/web binds web to app:8080 controller=?ROBOT
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | no_traffic | await 300s | its only running task has no healthy target; task t1: this version of Portkeeper does not know the deployment strategy `SIDEWAYS`: found once; waiting for a second check
              task t1 | ambiguous_revision | await 60s | this version of Portkeeper does not know the deployment strategy `SIDEWAYS`; none of its targets is healthy: found once; waiting for a second check
              looks again in 60s
            60s:
              service | no_traffic | await 240s | its only running task has no healthy target; task t1: this version of Portkeeper does not know the deployment controller `ROBOT`: found once; waiting for a second check
              task t1 | ambiguous_revision | alert | this version of Portkeeper does not know the deployment controller `ROBOT`; none of its targets is healthy: alert only
              alert: ambiguous_revision (error): task t1
              looks again in 240s
            open: ambiguous_revision task t1, seen 2, reported
            open: no_traffic service, seen 2
        "#]],
    );
}
