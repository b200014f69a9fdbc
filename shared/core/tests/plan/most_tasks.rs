//! Most tasks of a service receive no requests, and the state of each is undetermined.

use crate::text_world::check;
use expect_test::expect;

/// Agents disconnect several times an hour, but not for long. Nothing is registered without them.
#[test]
fn targets_that_are_missing_where_the_agent_stays_disconnected_are_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=4
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        task t3 RUNNING/RUNNING on i-3 app:8080->32768
        task t4 RUNNING/RUNNING on i-4 app:8080->32768
        instance i-1 ACTIVE disconnected
        instance i-2 ACTIVE disconnected
        instance i-3 ACTIVE disconnected
        target web i-4:32768 healthy
        look
        look after 60s
        look after 20m
        look after 3h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2, i-3; group web
              web i-1:32768 | missing | await 900s | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32768 | missing | await 900s | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-3:32768 | missing | await 900s | task t3 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: state of i-1, i-2, i-3; group web
              web i-1:32768 | missing | await 840s | task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32768 | missing | await 840s | task t2 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-3:32768 | missing | await 840s | task t3 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
            1260s:
              asks: state of i-1, i-2, i-3; group web
              web i-1:32768 | missing | alert | task t1 has been running for 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-2:32768 | missing | alert | task t2 has been running for 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-3:32768 | missing | alert | task t3 has been running for 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              alert: missing (error): web i-1:32768, web i-2:32768, web i-3:32768
            12060s:
              asks: state of i-1, i-2, i-3; group web
              web i-1:32768 | missing | alert | task t1 has been running for 3 h 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-2:32768 | missing | alert | task t2 has been running for 3 h 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-3:32768 | missing | alert | task t3 has been running for 3 h 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
            open: missing web i-1:32768, seen 4, reported
            open: missing web i-2:32768, seen 4, reported
            open: missing web i-3:32768, seen 4, reported
        "#]],
    );
}

/// The state of a task may be outdated, but not what the load balancer reports of its target.
#[test]
fn targets_that_fail_their_checks_behind_disconnected_agents_are_more_than_a_warning() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=3
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 disconnected
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 disconnected
        task t3 RUNNING/RUNNING on i-3 app:8080->32768
        target web i-1:32768 unhealthy
        target web i-2:32768 unhealthy
        target web i-3:32768 healthy
        look
        look after 60s
        look after 30m
        look after 3h
        ",
        &expect![[r#"
            0s:
              task t1 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              task t2 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              looks again in 900s
            60s:
              task t1 | agent_disconnected | await 840s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              task t2 | agent_disconnected | await 840s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
            1860s:
              task t1 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              task t2 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              alert: agent_disconnected (error): task t1, task t2
            12660s:
              task t1 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
              task t2 | agent_disconnected | alert | its agent is disconnected, so its state may be outdated; none of its targets is healthy: alert only
            open: agent_disconnected task t1, seen 4, reported
            open: agent_disconnected task t2, seen 4, reported
        "#]],
    );
}

/// The revision of most tasks is unknown, and none of them is registered.
#[test]
fn tasks_of_an_unknown_revision_without_targets_are_more_than_a_warning() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=4
        deployment 2 PRIMARY web:2 COMPLETED
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 9 of web:9 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 9 of web:9 for 5h
        task t3 RUNNING/RUNNING on i-3 app:8080->32768 by 9 of web:9 for 5h
        task t4 RUNNING/RUNNING on i-4 app:8080->32768 by 2 of web:2 for 5h
        target web i-4:32768 healthy
        look
        look after 60s
        look after 20m
        ",
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: found once; waiting for a second check
              task t2 | ambiguous_revision | await 60s | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: found once; waiting for a second check
              task t3 | ambiguous_revision | await 60s | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: alert only
              task t3 | ambiguous_revision | alert | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: alert only
              alert: ambiguous_revision (error): task t1, task t2, task t3
            1260s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: alert only
              task t3 | ambiguous_revision | alert | startedBy ecs-svc/9 matches no current revision; none of its targets is healthy: alert only
            open: ambiguous_revision task t1, seen 3, reported
            open: ambiguous_revision task t2, seen 3, reported
            open: ambiguous_revision task t3, seen 3, reported
        "#]],
    );
}

/// Holds I-PARTIAL. What ECS showed of a task while its agent was disconnected is no first check.
#[test]
fn a_target_is_registered_two_checks_after_the_agent_is_back() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        instance i-1 ACTIVE disconnected
        target web i-2:32768 healthy
        look
        look after 20m
        instance i-1 ACTIVE
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 900s | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            1200s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 30 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              alert: missing (error): web i-1:32768
            1260s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 31 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            1320s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 32 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            open: missing web i-1:32768, seen 4, 1 repairs, reported
        "#]],
    );
}

/// ECS lists the tasks as running long after their container instance was deregistered.
#[test]
fn orphans_that_are_not_registered_are_reported() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=4
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5h
        task t3 RUNNING/RUNNING on i-2 app:8080->32769 for 5h
        task t4 RUNNING/RUNNING on i-2 app:8080->32770 for 5h
        instance i-2 INACTIVE
        target web i-1:32768 healthy
        look
        look after 60s
        look after 3h
        ready
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 900s | task t2 has been running for 5 h and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32769 | missing | await 900s | task t3 has been running for 5 h and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32770 | missing | await 900s | task t4 has been running for 5 h and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 840s | task t2 has been running for 5 h 1 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32769 | missing | await 840s | task t3 has been running for 5 h 1 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
              web i-2:32770 | missing | await 840s | task t4 has been running for 5 h 1 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: found once; waiting for a second check
            10860s:
              asks: state of i-2; group web
              web i-2:32768 | missing | alert | task t2 has been running for 8 h 1 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: alert only
              web i-2:32769 | missing | alert | task t3 has been running for 8 h 1 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: alert only
              web i-2:32770 | missing | alert | task t4 has been running for 8 h 1 min and its target is not registered; its container instance is INACTIVE: the task is an orphan that ECS no longer monitors, so Portkeeper does not register it: alert only
              alert: missing (error): web i-2:32768, web i-2:32769, web i-2:32770
            not ready: task t2 is not registered in web as i-2:32768
            open: missing web i-2:32768, seen 3, reported
            open: missing web i-2:32769, seen 3, reported
            open: missing web i-2:32770, seen 3, reported
        "#]],
    );
}
