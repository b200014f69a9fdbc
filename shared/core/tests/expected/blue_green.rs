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
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
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
              service | no_traffic | await 300s | its only running task has no healthy target; task t1: revision 111 does not say which of its two groups it uses: found once; waiting for a second check
              task t1 | ambiguous_revision | await 60s | revision 111 does not say which of its two groups it uses; none of its targets is healthy: found once; waiting for a second check
              looks again in 60s
            60s:
              service | no_traffic | await 240s | its only running task has no healthy target; task t1: revision 111 does not say which of its two groups it uses: found once; waiting for a second check
              task t1 | ambiguous_revision | alert | revision 111 does not say which of its two groups it uses; none of its targets is healthy: alert only
              alert: ambiguous_revision (error): task t1
              looks again in 240s
            open: ambiguous_revision task t1, seen 2, reported
            open: no_traffic service, seen 2
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
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
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

/// A rolling service that still names a pair, with a revision that ECS has not resolved: where the
/// other tasks of the deployment are, there belongs a task that is missing.
#[test]
fn a_rolling_service_uses_the_group_of_a_pair_that_has_all_its_targets() {
    let world = |group: &str, revision: &str| {
        run(&format!(
            "
            group web
            group web-alt
            service shop/web binds web|web-alt to app:8080
            {revision}
            task t1 RUNNING/RUNNING on i-1 app:8080->32768
            task t2 RUNNING/RUNNING on i-2 app:8080->32768
            target {group} i-1:32768 healthy
            "
        ))
    };
    let unresolved = "revision 1 web:1 binds web|web-alt to app:8080";
    let both = format!("{unresolved} resolved web,web-alt");
    for revision in [unresolved, &both, ""] {
        for group in ["web", "web-alt"] {
            let made = world(group, revision);
            assert!(made.contains(&format!("plan: register {group} [i-2:32768]")), "{made}");
            assert!(!made.contains("ambiguous"), "{made}");
        }
    }
}

#[test]
fn a_rolling_service_without_a_target_in_a_pair_registers_in_the_first_group() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080
        revision 1 web:1 binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Two groups with different tasks of one deployment are a case for a person.
#[test]
fn a_rolling_service_with_targets_in_both_groups_of_a_pair_is_ambiguous() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080
        revision 1 web:1 binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web-alt i-2:32768 healthy
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | revision 1 does not say which of its two groups it uses, and its targets do not show it: found once; waiting for a second check
              task t2 | ambiguous_revision | await 60s | revision 1 does not say which of its two groups it uses, and its targets do not show it: found once; waiting for a second check
              web-alt i-2:32768 | - | unknown | registered; it may belong to task t2: revision 1 does not say which of its two groups it uses, and its targets do not show it
              web i-1:32768 | - | unknown | registered; it may belong to task t1: revision 1 does not say which of its two groups it uses, and its targets do not show it
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | revision 1 does not say which of its two groups it uses, and its targets do not show it: alert only
              task t2 | ambiguous_revision | alert | revision 1 does not say which of its two groups it uses, and its targets do not show it: alert only
              web-alt i-2:32768 | - | unknown | registered; it may belong to task t2: revision 1 does not say which of its two groups it uses, and its targets do not show it
              web i-1:32768 | - | unknown | registered; it may belong to task t1: revision 1 does not say which of its two groups it uses, and its targets do not show it
              alert: ambiguous_revision (warning): task t1, task t2
            open: ambiguous_revision task t1, seen 2, reported
            open: ambiguous_revision task t2, seen 2, reported
        "#]],
    );
}

/// One target that a person registered in the other group changes nothing.
#[test]
fn a_rolling_service_keeps_its_group_of_a_pair_if_the_other_one_has_a_part() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080
        revision 1 web:1 binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web-alt i-1:32768 healthy
        target web-alt i-2:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32768 | misplaced | await 60s | task t1 belongs in web-alt, not in this group: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32768 | misplaced | alert | task t1 belongs in web-alt, not in this group: alert only
              alert: misplaced (error): web i-1:32768
            open: misplaced web i-1:32768, seen 2, reported
        "#]],
    );
}

/// The record knows where the tasks were.
#[test]
fn a_rolling_service_whose_group_of_a_pair_is_emptied_is_registered_there_again() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080
        revision 1 web:1 binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web-alt i-1:32768 healthy
        look
        target web-alt i-1:32768 gone
        look after 10m
        look after 90s
        ",
        &expect![[r#"
            0s:
            600s:
              asks: state of i-1; group web-alt
              web-alt i-1:32768 | missing | await 90s | task t1 has been running for 20 min and its target is not registered: found once; waiting for a second check
              looks again in 90s
            690s:
              asks: state of i-1; group web-alt
              web-alt i-1:32768 | missing | register | task t1 has been running for 21 min 30 s and its target is not registered: confirmed by a second check
              plan: register web-alt [i-1:32768]
              alert: missing (critical): web-alt i-1:32768
              looks again in 60s
            open: missing web-alt i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// The first group is a guess if no target shows it: a guess proves nothing of a stopped task.
#[test]
fn a_stopped_task_of_a_rolling_service_with_a_pair_proves_nothing_in_a_group_that_is_guessed() {
    check(
        "
        group web
        group web-alt
        service shop/web binds web|web-alt to app:8080 desired=0
        revision 1 web:1 binds web|web-alt to app:8080
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
        target web i-1:32768 unhealthy Target.FailedHealthChecks
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners on i-1; owners elsewhere in web
              task t1 | - | leave | stopped; where it was registered is unknown
              web i-1:32768 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32768
            open: foreign web i-1:32768, seen 2, reported
        "#]],
    );
}

/// A group that could not be read decides nothing.
#[test]
fn a_pair_of_a_rolling_service_of_which_one_group_is_unread_waits() {
    check(
        "
        group web
        group web-alt unread
        service shop/web binds web|web-alt to app:8080
        revision 1 web:1 binds web|web-alt to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        ",
        &expect![[r#"
            0s:
              service | - | unknown | target group web-alt could not be read: throttled
              task t1 | - | unknown | revision 1 does not say which of its two groups it uses, and its targets do not show it
              nothing to write down
            60s:
              service | - | unknown | target group web-alt could not be read: throttled
              task t1 | - | unknown | revision 1 does not say which of its two groups it uses, and its targets do not show it
              nothing to write down
        "#]],
    );
}
