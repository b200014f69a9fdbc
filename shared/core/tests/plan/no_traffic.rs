//! `no_traffic`: tasks run, and none of the service's targets is healthy. Each world has another
//! reason for which no other finding reports the whole outage.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn agents_that_are_disconnected_do_not_hide_that_nothing_is_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        instance i-1 ACTIVE disconnected
        instance i-2 ACTIVE disconnected
        look
        look after 60s
        look after 1h
        look after 2h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group web
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 120s
            60s:
              asks: state of i-1, i-2; group web
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            3660s:
              asks: state of i-1, i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): web
            10860s:
              asks: state of i-1, i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1 has been running for 3 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 3 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 3 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            open: no_traffic web, seen 4, reported
        "#]],
    );
}

#[test]
fn disconnected_tasks_with_unhealthy_targets_are_an_outage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 disconnected
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 disconnected
        target web i-1:32768 unhealthy
        look
        look after 60s
        look after 16m
        look after 2h
        ",
        &expect![[r#"
            0s:
              task t1 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              task t2 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1: its agent is disconnected, so its state may be outdated: found once; waiting for a second check
              looks again in 120s
            60s:
              task t1 | agent_disconnected | await 840s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              task t2 | agent_disconnected | await 840s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1: its agent is disconnected, so its state may be outdated: found once; waiting for a second check
            1020s:
              task t1 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              task t2 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1: its agent is disconnected, so its state may be outdated: alert only
              alert: agent_disconnected (error): task t1, task t2
              alert: no_traffic (critical): web
            8220s:
              task t1 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              task t2 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1: its agent is disconnected, so its state may be outdated: alert only
            open: agent_disconnected task t1, seen 4, reported
            open: agent_disconnected task t2, seen 4, reported
            open: no_traffic web, seen 4, reported
        "#]],
    );
}

#[test]
fn unhealthy_targets_of_tasks_without_a_revision_are_an_outage() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=2
        deployment 22 PRIMARY web:2 COMPLETED
        revision 22 web:2 undescribed
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2 for 2h
        task t3 RUNNING/RUNNING on i-1 app:8080->32769 by 22 of web:2 for 2h
        target blue i-1:32768 unhealthy
        target blue i-1:32769 unhealthy
        look
        look after 60s
        look after 20m
        ",
        &expect![[r#"
            0s:
              service | no_traffic | await 300s | none of its 2 running tasks has a healthy target; task t1: startedBy ecs-svc/22 matches no current revision: found once; waiting for a second check
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/22 matches no current revision; none of its targets is healthy: found once; waiting for a second check
              task t3 | ambiguous_revision | await 60s | startedBy ecs-svc/22 matches no current revision; none of its targets is healthy: found once; waiting for a second check
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/22 matches no current revision
              blue i-1:32769 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/22 matches no current revision
              looks again in 60s
            60s:
              service | no_traffic | await 240s | none of its 2 running tasks has a healthy target; task t1: startedBy ecs-svc/22 matches no current revision: found once; waiting for a second check
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/22 matches no current revision; none of its targets is healthy: alert only
              task t3 | ambiguous_revision | alert | startedBy ecs-svc/22 matches no current revision; none of its targets is healthy: alert only
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/22 matches no current revision
              blue i-1:32769 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/22 matches no current revision
              alert: ambiguous_revision (error): task t1, task t3
              looks again in 240s
            1260s:
              service | no_traffic | alert | none of its 2 running tasks has a healthy target; task t1: startedBy ecs-svc/22 matches no current revision: alert only
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/22 matches no current revision; none of its targets is healthy: alert only
              task t3 | ambiguous_revision | alert | startedBy ecs-svc/22 matches no current revision; none of its targets is healthy: alert only
              blue i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/22 matches no current revision
              blue i-1:32769 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/22 matches no current revision
              alert: no_traffic (critical): service
            open: ambiguous_revision task t1, seen 3, reported
            open: ambiguous_revision task t3, seen 3, reported
            open: no_traffic service, seen 3, reported
        "#]],
    );
}

#[test]
fn tasks_of_no_task_set_without_targets_are_an_outage() {
    check(
        "
        group blue
        service shop/web binds blue to app:8080 controller=CODE_DEPLOY desired=2
        taskset 11 binds blue to app:8080 desired 2 status PRIMARY
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 33
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 33
        look
        look after 60s
        look after 20m
        ",
        &expect![[r#"
            0s:
              service | no_traffic | await 300s | none of its 2 running tasks has a healthy target; task t1: no task set has the id ecs-svc/33: found once; waiting for a second check
              task t1 | ambiguous_revision | await 60s | no task set has the id ecs-svc/33; none of its targets is healthy: found once; waiting for a second check
              task t2 | ambiguous_revision | await 60s | no task set has the id ecs-svc/33; none of its targets is healthy: found once; waiting for a second check
              looks again in 60s
            60s:
              service | no_traffic | await 240s | none of its 2 running tasks has a healthy target; task t1: no task set has the id ecs-svc/33: found once; waiting for a second check
              task t1 | ambiguous_revision | alert | no task set has the id ecs-svc/33; none of its targets is healthy: alert only
              task t2 | ambiguous_revision | alert | no task set has the id ecs-svc/33; none of its targets is healthy: alert only
              alert: ambiguous_revision (error): task t1, task t2
              looks again in 240s
            1260s:
              service | no_traffic | alert | none of its 2 running tasks has a healthy target; task t1: no task set has the id ecs-svc/33: alert only
              task t1 | ambiguous_revision | alert | no task set has the id ecs-svc/33; none of its targets is healthy: alert only
              task t2 | ambiguous_revision | alert | no task set has the id ecs-svc/33; none of its targets is healthy: alert only
              alert: no_traffic (critical): service
            open: ambiguous_revision task t1, seen 3, reported
            open: ambiguous_revision task t2, seen 3, reported
            open: no_traffic service, seen 3, reported
        "#]],
    );
}

#[test]
fn tasks_whose_ports_are_unknown_are_an_outage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 for 2h
        task t2 RUNNING/RUNNING on i-2 for 2h
        look
        look after 60s
        look after 1h
        ",
        &expect![[r#"
            0s:
              service | - | unknown | task definition web:1 could not be read: throttled
              task t1 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              task t2 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1: the task has no port bindings and no network interface yet, and its task definition is unknown: found once; waiting for a second check
              looks again in 120s
            60s:
              service | - | unknown | task definition web:1 could not be read: throttled
              task t1 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              task t2 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1: the task has no port bindings and no network interface yet, and its task definition is unknown: found once; waiting for a second check
            3660s:
              service | - | unknown | task definition web:1 could not be read: throttled
              task t1 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              task t2 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1: the task has no port bindings and no network interface yet, and its task definition is unknown: alert only
              alert: no_traffic (critical): web
            open: no_traffic web, seen 3, reported
        "#]],
    );
}

#[test]
fn tasks_that_ecs_counts_and_does_not_list_have_the_time_of_a_shortage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        counts running=2 pending=0
        look
        look after 20m
        look after 3h
        ",
        &expect![[r#"
            0s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              service | no_traffic | await 900s | none of its 2 running tasks has a healthy target: found once; waiting for a second check
              looks again in 900s
            1200s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              service | no_traffic | alert | none of its 2 running tasks has a healthy target: alert only
              alert: no_traffic (critical): service
            12000s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              service | no_traffic | alert | none of its 2 running tasks has a healthy target: alert only
            open: no_traffic service, seen 3, reported
        "#]],
    );
}

#[test]
fn a_group_of_another_type_is_an_outage_of_the_whole_service() {
    check(
        "
        group web type=instance
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING ip 10.0.0.5
        task t2 RUNNING/RUNNING ip 10.0.0.6
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              web | target_type_mismatch | await 60s | the group accepts instance targets, but a task in network mode awsvpc cannot be one: found once; waiting for a second check
              looks again in 60s
            60s:
              web | target_type_mismatch | alert | the group accepts instance targets, but a task in network mode awsvpc cannot be one: alert only
              alert: target_type_mismatch (critical): web
            open: target_type_mismatch web, seen 2, reported
        "#]],
    );
}

#[test]
fn a_container_that_no_task_has_is_an_outage_of_the_whole_service() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        definition web:1 bridge other:9090
        task t1 RUNNING/RUNNING on i-1 other:9090->32768
        task t2 RUNNING/RUNNING on i-1 other:9090->32769
        look
        look after 60s
        look after 20m
        ",
        &expect![[r#"
            0s:
              task t1 | bindings_missing | await 60s | the task has no container `app`: found once; waiting for a second check
              task t2 | bindings_missing | await 60s | the task has no container `app`: found once; waiting for a second check
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1: the task has no container `app`: found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | bindings_missing | alert | the task has no container `app`: alert only
              task t2 | bindings_missing | alert | the task has no container `app`: alert only
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1: the task has no container `app`: found once; waiting for a second check
              alert: bindings_missing (error): task t1, task t2
              looks again in 60s
            1260s:
              task t1 | bindings_missing | alert | the task has no container `app`: alert only
              task t2 | bindings_missing | alert | the task has no container `app`: alert only
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1: the task has no container `app`: alert only
              alert: no_traffic (critical): web
            open: bindings_missing task t1, seen 3, reported
            open: bindings_missing task t2, seen 3, reported
            open: no_traffic web, seen 3, reported
        "#]],
    );
}

#[test]
fn tasks_only_in_the_idle_group_are_an_outage() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=1
        deployment 22 PRIMARY web:2 COMPLETED
        revision 22 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
        target blue i-1:32768 unused Target.NotInUse
        look
        look after 60s
        look after 20m
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group green; owners on i-1
              green | no_traffic | await 300s | the only running task of green has no healthy target; task t1: registered in blue; which of the two groups ECS uses is unknown: found once; waiting for a second check
              blue i-1:32768 | misplaced | await 60s | task t1 belongs in green, not in this group: found once; waiting for a second check
              green i-1:32768 | missing | unknown | registered in blue; which of the two groups ECS uses is unknown
              looks again in 60s
            60s:
              asks: state of i-1; group green; owners on i-1
              green | no_traffic | await 240s | the only running task of green has no healthy target; task t1: registered in blue; which of the two groups ECS uses is unknown: found once; waiting for a second check
              blue i-1:32768 | misplaced | alert | task t1 belongs in green, not in this group: alert only
              green i-1:32768 | missing | unknown | registered in blue; which of the two groups ECS uses is unknown
              alert: misplaced (error): blue i-1:32768
              looks again in 240s
            1260s:
              asks: state of i-1; group green; owners on i-1
              green | no_traffic | alert | the only running task of green has no healthy target; task t1: registered in blue; which of the two groups ECS uses is unknown: alert only
              blue i-1:32768 | misplaced | alert | task t1 belongs in green, not in this group: alert only
              green i-1:32768 | missing | unknown | registered in blue; which of the two groups ECS uses is unknown
              alert: no_traffic (critical): green
            open: misplaced blue i-1:32768, seen 3, reported
            open: no_traffic green, seen 3, reported
        "#]],
    );
}

#[test]
fn orphans_on_inactive_instances_are_an_outage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        instance i-1 INACTIVE
        look
        look after 60s
        look after 20m
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 10 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              web i-1:32769 | missing | unknown | task t2 has been running for 10 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              looks again in 120s
            60s:
              asks: state of i-1; group web
              web | no_traffic | await 60s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 11 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 11 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              web i-1:32769 | missing | unknown | task t2 has been running for 11 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
            1260s:
              asks: state of i-1; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1 has been running for 31 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 31 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              web i-1:32769 | missing | unknown | task t2 has been running for 31 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it
              alert: no_traffic (critical): web
            open: no_traffic web, seen 3, reported
        "#]],
    );
}

/// Findings about the targets replace the reasons, and the outage stays the same.
#[test]
fn an_outage_lasts_until_a_target_is_healthy() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        instance i-1 ACTIVE disconnected
        instance i-2 ACTIVE disconnected
        look
        look after 2m
        instance i-1 ACTIVE
        instance i-2 ACTIVE
        look after 60s
        target web i-1:32768 initial
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group web
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 120s
            120s:
              asks: state of i-1, i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1 has been running for 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): web
            180s:
              asks: state of i-1, i-2; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 13 min and its target is not registered: found once; waiting for a second check
              web i-2:32768 | missing | await 60s | task t2 has been running for 13 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            240s:
              asks: state of i-2; group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-2:32768 | missing | register | task t2 has been running for 14 min and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              alert: missing (error): web i-2:32768
              looks again in 60s
            300s:
              asks: group web
              web i-2:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              alert: resolved no_traffic (critical): web (a target of the service is healthy, after 5 min)
              looks again in 60s
            open: missing web i-2:32768, seen 2, 1 repairs, reported
            open: unhealthy web i-2:32768, seen 1
        "#]],
    );
}

#[test]
fn one_healthy_target_is_no_outage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        instance i-1 ACTIVE disconnected
        instance i-2 ACTIVE disconnected
        look
        look after 60s
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 900s | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 840s | task t2 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
            3660s:
              asks: state of i-2; group web
              web i-2:32768 | missing | alert | task t2 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              alert: missing (error): web i-2:32768
            open: missing web i-2:32768, seen 3, reported
        "#]],
    );
}

#[test]
fn a_group_that_was_not_read_may_have_healthy_targets() {
    check(
        "
        group web
        group admin unread
        service shop/web binds web to app:8080 and admin to app:8081 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:8081->32769
        instance i-1 ACTIVE disconnected
        look
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              service | - | unknown | target group admin could not be read: throttled
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 120s
            3600s:
              asks: state of i-1; group web
              service | - | unknown | target group admin could not be read: throttled
              web | no_traffic | alert | the only running task of web has no healthy target; task t1 has been running for 1 h 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 1 h 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): web
            open: no_traffic web, seen 2, reported
        "#]],
    );
}

#[test]
fn tasks_that_have_just_started_are_no_outage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 10s
        instance i-1 ACTIVE disconnected
        look
        look after 30s
        ",
        &expect![[r#"
            0s:
              web i-1:32768 | missing | await 80s | its task has just started; ECS may still register the target
              looks again in 80s
            30s:
              web i-1:32768 | missing | await 50s | its task has just started; ECS may still register the target
              nothing to write down
        "#]],
    );
}

#[test]
fn an_outage_that_another_finding_reports_is_one_alert() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 unhealthy Target.Timeout
        target web i-2:32768 unhealthy Target.Timeout
        look
        look after 3m
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              web i-2:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              looks again in 120s
            180s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              web i-2:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              alert: unhealthy (critical): web i-1:32768, web i-2:32768
            open: unhealthy web i-1:32768, seen 2, reported
            open: unhealthy web i-2:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn a_service_that_is_being_deleted_needs_no_traffic() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2 status=DRAINING
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        instance i-1 ACTIVE disconnected
        look
        look after 1h
        ",
        &expect![[r#"
            0s:
              service | - | leave | the service is being deleted
              nothing to write down
            3600s:
              service | - | leave | the service is being deleted
              nothing to write down
        "#]],
    );
}

#[test]
fn an_outage_that_another_finding_takes_over_before_it_is_confirmed_ends() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=1
        deployment 22 PRIMARY web:2 IN_PROGRESS
        revision 22 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 22 of web:2
        target green i-1:32768 unused Target.NotInUse
        look
        deployment 22 PRIMARY web:2 COMPLETED
        look after 60s
        look after 5m
        ",
        &expect![[r#"
            0s:
            60s:
              asks: group green
              green | az_disabled | await 300s | a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled: found once; waiting for a second check
              looks again in 300s
            360s:
              asks: group green
              green | az_disabled | alert | a load balancer uses the group, but no listener forwards to it, or the target's Availability Zone is not enabled: alert only
              alert: az_disabled (critical): green
            open: az_disabled green, seen 2, reported
        "#]],
    );
}
