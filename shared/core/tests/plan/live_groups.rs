//! The live group of a service that does not use every group: blue/green by ECS, `CODE_DEPLOY` and
//! EXTERNAL. The idle group of a pair may be unused; the live one may not.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_live_group_of_blue_green_without_load_balancer_is_reported() {
    check(
        "
        group blue
        group green unattached
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN
        deployment 22 PRIMARY web:2 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 22 of web:2
        target green i-1:32768 unused Target.NotInUse
        target green i-2:32768 unused Target.NotInUse
        look
        look after 60s
        look after 240s
        deployment 22 ACTIVE web:2 COMPLETED
        deployment 33 PRIMARY web:3 IN_PROGRESS
        revision 33 web:3 binds blue|green to app:8080 resolved blue
        task t3 RUNNING/RUNNING on i-3 app:8080->32768 by 33 of web:3
        target blue i-3:32768 healthy
        look after 60s
        deployment 22 gone
        deployment 33 PRIMARY web:3 COMPLETED
        revision 22 gone
        task t1 STOPPED/STOPPED ended 10s ago
        task t2 STOPPED/STOPPED ended 10s ago
        target green i-1:32768 draining
        target green i-2:32768 draining
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group green
              green | target_group_unattached | await 300s | no load balancer uses the group, so its targets receive no requests; registering targets does not help: found once; waiting for a second check
              looks again in 300s
            60s:
              asks: group green
              green | target_group_unattached | await 240s | no load balancer uses the group, so its targets receive no requests; registering targets does not help: found once; waiting for a second check
            300s:
              asks: group green
              green | target_group_unattached | alert | no load balancer uses the group, so its targets receive no requests; registering targets does not help: alert only
              alert: target_group_unattached (critical): green
            360s:
            420s:
              task t1 | - | leave | stopped; where it was registered is unknown
              task t2 | - | leave | stopped; where it was registered is unknown
              alert: resolved target_group_unattached (critical): green (no longer found, after 7 min)
        "#]],
    );
}

/// A load balancer uses the group, and no listener forwards to it where the targets are.
#[test]
fn a_live_group_of_linear_and_canary_to_which_nothing_leads_is_reported() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=CANARY
        deployment 22 PRIMARY web:2 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
        target green i-1:32768 unused Target.NotInUse
        look
        look after 5m
        ",
        &expect![[r#"
            0s:
              asks: group green
              green | az_disabled | await 300s | a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled: found once; waiting for a second check
              looks again in 300s
            300s:
              asks: group green
              green | az_disabled | alert | a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled: alert only
              alert: az_disabled (critical): green
            open: az_disabled green, seen 2, reported
        "#]],
    );
}

#[test]
fn the_live_group_of_the_only_task_set_is_reported() {
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let text = crate::text_world::run(&format!(
            "
            group green unattached
            service shop/web binds green to app:8080 controller={controller}
            taskset 33 binds green to app:8080 desired 1
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 33
            target green i-1:32768 unused Target.NotInUse
            call 2m ago DeleteListener lb by alice
            look
            look after 5m
            "
        ));
        assert!(text.contains("alert: target_group_unattached"), "{controller}: {text}");
    }
}

/// In every stage of a deployment one of the groups may be unused.
#[test]
fn in_a_deployment_an_unused_group_is_no_finding() {
    for stage in [
        "strategy=BLUE_GREEN\ndeployment 22 PRIMARY web:2 IN_PROGRESS\ntask t2 PENDING/RUNNING on i-2 by 22 of web:2",
        "strategy=BLUE_GREEN\ndeployment 22 PRIMARY web:2\ndeployment 11 ACTIVE web:1",
        "strategy=LINEAR\ndeployment 22 PRIMARY web:2 COMPLETED\ntask t2 RUNNING/RUNNING on i-2 app:8080->32768 by 11 of web:1",
    ] {
        let text = crate::text_world::run(&format!(
            "
            group blue
            group green unattached
            definition web:2 bridge app:8080
            service shop/web binds blue|green to app:8080 {stage}
            revision 22 web:2 binds blue|green to app:8080 resolved green
            revision 11 web:1 binds blue|green to app:8080 resolved blue
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
            target green i-1:32768 unused Target.NotInUse
            target blue i-2:32768 healthy
            look
            look after 20m
            "
        ));
        assert!(!text.contains("target_group_unattached"), "{stage}: {text}");
    }
}

#[test]
fn with_two_task_sets_an_unused_group_is_no_finding() {
    check(
        "
        group blue
        group green unattached
        service shop/web binds blue to app:8080 controller=CODE_DEPLOY
        taskset 11 binds blue to app:8080
        taskset 22 binds green to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 22
        target blue i-1:32768 healthy
        target green i-2:32768 unused Target.NotInUse
        look
        look after 20m
        ",
        &expect![[r#"
            0s:
            1200s:
              nothing to write down
        "#]],
    );
}

/// One that is used at all: the zones of the others may not be enabled, as in the idle group.
#[test]
fn a_live_group_that_is_used_is_no_finding() {
    check(
        "
        group green
        service shop/web binds green to app:8080 controller=EXTERNAL
        taskset 22 binds green to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 22
        target green i-1:32768 healthy
        target green i-2:32768 unused Target.NotInUse
        look
        look after 20m
        ",
        &expect![[r#"
            0s:
              asks: group green
            1200s:
              asks: group green
              nothing to write down
        "#]],
    );
}

/// What was found once before a deployment is a new finding after it.
#[test]
fn a_deployment_starts_the_five_minutes_again() {
    check(
        "
        group blue unattached
        group green unattached
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN
        deployment 22 PRIMARY web:2 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
        target green i-1:32768 unused Target.NotInUse
        look
        deployment 22 PRIMARY web:2 IN_PROGRESS
        look after 5m
        deployment 22 PRIMARY web:2 COMPLETED
        look after 5m
        ",
        &expect![[r#"
            0s:
              asks: group green
              green | target_group_unattached | await 300s | no load balancer uses the group, so its targets receive no requests; registering targets does not help: found once; waiting for a second check
              looks again in 300s
            300s:
            600s:
              asks: group green
              green | target_group_unattached | await 300s | no load balancer uses the group, so its targets receive no requests; registering targets does not help: found once; waiting for a second check
              looks again in 300s
            open: target_group_unattached green, seen 1
        "#]],
    );
}

/// Both revisions of a blue/green deployment resolve to one group, so the answer is ambiguous.
#[test]
fn a_task_whose_group_has_targets_of_another_revision_is_reported_and_not_registered() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN
        deployment 33 PRIMARY web:3 IN_PROGRESS
        deployment 22 ACTIVE web:2 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved blue
        revision 33 web:3 binds blue|green to app:8080 resolved blue
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 33 of web:3
        target blue i-1:32768 healthy
        look
        look after 5m
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group blue
              task t2 | ambiguous_revision | await 60s | not registered in blue; task t1, which another revision started, belongs there, too: found once; waiting for a second check
              looks again in 60s
            300s:
              asks: state of i-2; group blue
              task t2 | ambiguous_revision | alert | not registered in blue; task t1, which another revision started, belongs there, too: alert only
              alert: ambiguous_revision (warning): task t2
            open: ambiguous_revision task t2, seen 2, reported
        "#]],
    );
}

/// A task set names its group itself.
#[test]
fn a_task_of_one_of_two_task_sets_in_one_group_is_registered() {
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let text = crate::text_world::run(&format!(
            "
            group web
            service shop/web binds web to app:8080 controller={controller}
            taskset 22 binds web to app:8080 status PRIMARY
            taskset 33 binds web to app:8080 status ACTIVE
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22
            task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 33
            target web i-1:32768 healthy
            look
            look after 5m
            "
        ));
        assert!(text.contains("plan: register web [i-2:32768]"), "{controller}: {text}");
    }
}

/// ECS stops the tasks of a task set whose status is DRAINING, and deregisters their targets.
#[test]
fn tasks_of_a_task_set_that_ends_are_not_registered_again() {
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        for left in ["target blue i-1:32768 draining", "target blue i-1:32768 gone"] {
            let text = crate::text_world::run(&format!(
                "
                group blue
                group green
                service shop/web binds green to app:8080 controller={controller} desired=1
                taskset 11 binds blue to app:8080 desired 0 status DRAINING
                taskset 22 binds green to app:8080 desired 1 status PRIMARY
                task a1 RUNNING/RUNNING on i-1 app:8080->32768 for 20h by 11
                task b1 RUNNING/RUNNING on i-1 app:8080->32769 by 22 of web:2 for 1h
                target green i-1:32769 healthy
                {left}
                look
                look after 60s
                "
            ));
            assert!(!text.contains("plan:"), "{controller} {left}: {text}");
            assert!(!text.contains("alert:"), "{controller} {left}: {text}");
        }
    }
}

#[test]
fn a_task_is_not_registered_where_a_task_of_an_undescribed_revision_may_belong() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS for 10m
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved blue
        revision 11 web:1 undescribed
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11 of web:1 for 2h
        task t3 RUNNING/RUNNING on i-1 app:8080->32769 by 22 of web:2 for 10m
        target blue i-1:32768 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group blue
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/11 matches no current revision: found once; waiting for a second check
              task t3 | ambiguous_revision | await 60s | not registered in blue; task t1, which another revision started, may belong there, too (startedBy ecs-svc/11 matches no current revision): found once; waiting for a second check
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/11 matches no current revision
              looks again in 60s
            60s:
              asks: state of i-1; group blue
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/11 matches no current revision: alert only
              task t3 | ambiguous_revision | alert | not registered in blue; task t1, which another revision started, may belong there, too (startedBy ecs-svc/11 matches no current revision): alert only
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/11 matches no current revision
              alert: ambiguous_revision (warning): task t1, task t3
            open: ambiguous_revision task t1, seen 2, reported
            open: ambiguous_revision task t3, seen 2, reported
        "#]],
    );
}

#[test]
fn a_task_is_not_registered_where_a_task_that_was_not_read_may_belong() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS for 10m
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved blue
        revision 11 web:1 binds blue|green to app:8080 resolved blue
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11 of web:1 for 2h unread
        task t3 RUNNING/RUNNING on i-2 app:8080->32769 by 22 of web:2 for 10m
        target blue i-1:32768 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group blue
              service | - | unknown | task t1 could not be read: not understood
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              blue i-1:32768 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              blue i-2:32769 | missing | await 60s | not registered in blue; some tasks could not be read, and one of another revision may belong there, too
              looks again in 60s
            60s:
              asks: state of i-2; group blue
              service | - | unknown | task t1 could not be read: not understood
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              blue i-1:32768 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              blue i-2:32769 | missing | await 60s | not registered in blue; some tasks could not be read, and one of another revision may belong there, too
              looks again in 60s
        "#]],
    );
}

#[test]
fn tasks_of_two_revisions_are_not_registered_in_one_group() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS for 10m
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved blue
        revision 11 web:1 binds blue|green to app:8080 resolved blue
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11 of web:1 for 2h
        task t3 RUNNING/RUNNING on i-2 app:8080->32769 by 22 of web:2 for 10m
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group blue
              task t1 | ambiguous_revision | await 60s | not registered in blue; task t3, which another revision started, belongs there, too; none of its targets is healthy: found once; waiting for a second check
              task t3 | ambiguous_revision | await 60s | not registered in blue; task t1, which another revision started, belongs there, too: found once; waiting for a second check
              blue | no_traffic | await 300s | the only running task of blue has no healthy target; task t1: not registered in blue; task t3, which another revision started, belongs there, too: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1, i-2; group blue
              task t1 | ambiguous_revision | alert | not registered in blue; task t3, which another revision started, belongs there, too; none of its targets is healthy: alert only
              task t3 | ambiguous_revision | alert | not registered in blue; task t1, which another revision started, belongs there, too: alert only
              blue | no_traffic | await 240s | the only running task of blue has no healthy target; task t1: not registered in blue; task t3, which another revision started, belongs there, too: found once; waiting for a second check
              alert: ambiguous_revision (error): task t1, task t3
              looks again in 240s
            open: ambiguous_revision task t1, seen 2, reported
            open: ambiguous_revision task t3, seen 2, reported
            open: no_traffic blue, seen 2
        "#]],
    );
}

/// Neither a task that has no address yet nor one with a disconnected agent.
#[test]
fn a_task_of_the_other_group_does_not_withhold_a_registration() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=2
        deployment 22 PRIMARY web:2 IN_PROGRESS for 10m
        deployment 11 ACTIVE web:1 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved green
        revision 11 web:1 binds blue|green to app:8080 resolved blue
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11 of web:1 for 2h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 11 of web:1 for 2h disconnected
        task t3 RUNNING/RUNNING on i-1 app:8080->32769 by 22 of web:2 for 10m
        task t4 PENDING/RUNNING on i-1 by 22 of web:2 for 10m
        target blue i-2:32768 healthy
        target green i-1:32769 healthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group blue
              service | - | unknown | task definition web:2 could not be read: throttled
              task t2 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated: found once; waiting for a second check
              task t4 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              blue i-1:32768 | missing | await 60s | task t1 has been running for 2 h and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group blue
              service | - | unknown | task definition web:2 could not be read: throttled
              task t2 | agent_disconnected | await 840s | its agent is disconnected, so its state may be outdated: found once; waiting for a second check
              task t4 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              blue i-1:32768 | missing | register | task t1 has been running for 2 h 1 min and its target is not registered: confirmed by a second check
              plan: register blue [i-1:32768]
              alert: missing (critical): blue i-1:32768
              looks again in 60s
            open: missing blue i-1:32768, seen 2, 1 repairs, reported
            open: agent_disconnected task t2, seen 2
        "#]],
    );
}
