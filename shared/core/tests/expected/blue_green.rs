//! Services whose tasks alternate between two groups, and services whose task sets have groups of
//! their own.

use crate::text_world::{check, run};
use expect_test::expect;

/// Holds C-10.
#[test]
fn blue_green_with_the_live_tasks_in_the_alternate_group_is_in_order() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 111 web:1 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        target web-alt i-1:32768 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-10.
#[test]
fn during_a_blue_green_deployment_both_groups_have_targets_and_the_idle_one_is_not_in_use() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 111 web:1 binds web|web-alt to app:8080 resolved web
        revision 222 web:2 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222 of web:2
        target web i-1:32768 healthy
        target web-alt i-1:32769 unused Target.NotInUse
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-10.
#[test]
fn a_blue_green_task_missing_from_its_resolved_group_is_registered_there() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=CANARY
        revision 111 web:1 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web-alt
              web-alt i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web-alt
              web-alt i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web-alt [i-1:32768]
              alert: missing (critical): web-alt i-1:32768
              looks again in 60s
            open: missing web-alt i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-10.
#[test]
fn a_blue_green_revision_that_does_not_say_which_group_it_uses_is_ambiguous() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=LINEAR
        revision 111 web:1 binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | revision 111 does not say which of its two groups it uses: found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | revision 111 does not say which of its two groups it uses: alert only
              alert: ambiguous_revision (warning): task t1
            open: ambiguous_revision task t1, seen 2, reported
        "#]],
    );
}

/// Holds C-10.
/// Of a pair, ECS names one group. If it names both or neither, green tasks that have no traffic yet
/// must not be registered in the production group.
#[test]
fn a_revision_that_names_both_groups_of_a_pair_or_none_of_them_is_undetermined() {
    let world = |resolved: &str| {
        run(&format!(
            "
            group web
            group web-alt
            group other
            service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
            deployment 2 PRIMARY web:2 IN_PROGRESS
            deployment 1 ACTIVE web:1 COMPLETED
            revision 1 web:1 binds web|web-alt to app:8080 resolved web
            revision 2 web:2 binds web|web-alt to app:8080{resolved}
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1
            task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 2 of web:2
            target web i-1:32768 healthy
            target web-alt i-2:32768 unused Target.NotInUse
            "
        ))
    };
    for resolved in ["", " resolved web,web-alt", " resolved other"] {
        let made = world(resolved);
        assert!(!made.contains("plan: "), "{resolved}: {made}");
        assert!(made.contains("ambiguous_revision"), "{resolved}: {made}");
    }
    let made = world(" resolved web-alt");
    assert!(!made.contains("plan: ") && !made.contains("ambiguous"), "{made}");
    // Even if ECS named the production group only, blue tasks are there.
    let made = world(" resolved web");
    assert!(!made.contains("plan: "), "{made}");
}

#[test]
fn a_code_deploy_service_is_judged_by_task_sets() {
    check(
        "
        group blue
        group green
        service shop/web binds blue to app:8080 controller=CODE_DEPLOY
        taskset 111 binds blue to app:8080
        taskset 222 binds green to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222
        target blue i-1:32768 healthy
        target green i-1:32769 unused Target.NotInUse
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-10.
#[test]
fn an_external_service_has_no_groups_of_its_own_but_those_of_its_task_sets() {
    check(
        "
        group green
        service shop/web binds nothing controller=EXTERNAL
        taskset 222 binds green to app:8080
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 222
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group green
              green i-1:32769 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group green
              green i-1:32769 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register green [i-1:32769]
              alert: missing (critical): green i-1:32769
              looks again in 60s
            open: missing green i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-11.
#[test]
fn a_task_of_a_task_set_that_does_not_exist_is_ambiguous() {
    check(
        "
        group blue
        service shop/web binds blue to app:8080 controller=CODE_DEPLOY
        taskset 111 binds blue to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 999
        target blue i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | no task set has the id ecs-svc/999: found once; waiting for a second check
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: no task set has the id ecs-svc/999
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | no task set has the id ecs-svc/999: alert only
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: no task set has the id ecs-svc/999
              alert: ambiguous_revision (warning): task t1
            open: ambiguous_revision task t1, seen 2, reported
        "#]],
    );
}

/// Holds C-10: `UpdateService` with another strategy starts no deployment, so the tasks stay in the
/// second group.
#[test]
fn a_service_that_has_just_become_rolling_keeps_its_tasks_where_blue_green_left_them() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 strategy=BLUE_GREEN
        revision 1 web:1 binds web|web-alt to app:8080 resolved web-alt
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web-alt i-1:32768 healthy
        look
        service shop/web binds web|web-alt to app:8080 strategy=ROLLING
        revision 1 web:1 binds web|web-alt to app:8080 resolved web-alt
        look after 10m
        look after 60s
        ",
        &expect![[r#"
            0s:
            600s:
              nothing to write down
            660s:
              nothing to write down
        "#]],
    );
}

#[test]
fn a_rolling_service_whose_revision_does_not_say_which_of_two_groups_it_uses_is_ambiguous() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web-alt i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/1 matches no current revision: found once; waiting for a second check
              web-alt i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              web-alt i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              alert: ambiguous_revision (warning): task t1
            open: ambiguous_revision task t1, seen 2, reported
        "#]],
    );
}
