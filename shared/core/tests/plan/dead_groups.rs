//! `no_traffic` of one target group, while another group of the service, or another writer's target,
//! is healthy.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_dead_group_is_an_outage_whatever_another_group_serves() {
    check(
        "
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 app:9090->32769
        instance i-1 ACTIVE disconnected
        instance i-2 ACTIVE disconnected
        target admin i-1:32769 healthy
        target admin i-2:32769 healthy
        look
        look after 60s
        look after 20m
        look after 3h
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
            1260s:
              asks: state of i-1, i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1 has been running for 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): web
            12060s:
              asks: state of i-1, i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t1 has been running for 3 h 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 3 h 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32768 | missing | unknown | task t2 has been running for 3 h 31 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            open: no_traffic web, seen 4, reported
        "#]],
    );
}

#[test]
fn a_dead_group_is_an_outage_if_another_group_was_not_read() {
    check(
        "
        group web
        group admin unread
        service shop/web binds web to app:8080 and admin to app:9090 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        instance i-1 ACTIVE disconnected
        look
        look after 20m
        look after 24h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              service | - | unknown | target group admin could not be read: throttled
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 120s
            1200s:
              asks: state of i-1; group web
              service | - | unknown | target group admin could not be read: throttled
              web | no_traffic | alert | the only running task of web has no healthy target; task t1 has been running for 30 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 30 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): web
            87600s:
              asks: state of i-1; group web
              service | - | unknown | target group admin could not be read: throttled
              web | no_traffic | alert | the only running task of web has no healthy target; task t1 has been running for 24 h 30 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 24 h 30 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: reminder no_traffic (critical): web
            open: no_traffic web, seen 3, reported
        "#]],
    );
}

#[test]
fn one_unhealthy_and_one_unregistered_target_are_an_outage_of_the_group() {
    check(
        "
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 app:9090->32769
        instance i-2 ACTIVE disconnected
        target web i-1:32768 unhealthy
        target admin i-1:32769 healthy
        target admin i-2:32769 healthy
        look
        look after 2m
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              web | no_traffic | await 120s | none of the 2 running tasks of web has a healthy target; task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 120s
            120s:
              asks: state of i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t2 has been running for 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
              web i-2:32768 | missing | unknown | task t2 has been running for 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: unhealthy (error): web i-1:32768
              alert: no_traffic (critical): web
            3720s:
              asks: state of i-2; group web
              web | no_traffic | alert | none of the 2 running tasks of web has a healthy target; task t2 has been running for 1 h 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
              web i-2:32768 | missing | unknown | task t2 has been running for 1 h 12 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            open: unhealthy web i-1:32768, seen 3, reported
            open: no_traffic web, seen 3, reported
        "#]],
    );
}

#[test]
fn a_healthy_green_group_hides_no_outage_of_the_live_one() {
    check(
        "
        group blue
        group green
        service shop/web binds blue|green to app:8080 desired=1 strategy=BLUE_GREEN
        deployment 2 PRIMARY web:2 IN_PROGRESS for 20m
        deployment 1 ACTIVE web:1 COMPLETED
        revision 1 web:1 binds blue|green to app:8080 resolved blue
        revision 2 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 2 of web:2
        instance i-1 ACTIVE disconnected
        target green i-2:32768 healthy
        look
        look after 60s
        look after 20m
        look after 3h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group blue
              blue | no_traffic | await 300s | the only running task of blue has no healthy target; task t1 has been running for 5 h and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              blue i-1:32768 | missing | unknown | task t1 has been running for 5 h and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 300s
            60s:
              asks: state of i-1; group blue
              blue | no_traffic | await 240s | the only running task of blue has no healthy target; task t1 has been running for 5 h 1 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              blue i-1:32768 | missing | unknown | task t1 has been running for 5 h 1 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            1260s:
              asks: state of i-1; group blue
              blue | no_traffic | alert | the only running task of blue has no healthy target; task t1 has been running for 5 h 21 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              blue i-1:32768 | missing | unknown | task t1 has been running for 5 h 21 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): blue
            12060s:
              asks: state of i-1; group blue
              blue | no_traffic | alert | the only running task of blue has no healthy target; task t1 has been running for 8 h 21 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              blue i-1:32768 | missing | unknown | task t1 has been running for 8 h 21 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            open: no_traffic blue, seen 4, reported
        "#]],
    );
}

#[test]
fn a_healthy_replacement_task_set_hides_no_outage_of_the_primary_one() {
    check(
        "
        group blue
        group green
        service shop/web binds blue to app:8080 controller=CODE_DEPLOY desired=2
        taskset 1 binds blue to app:8080 desired 2 status PRIMARY
        taskset 2 binds green to app:8080 desired 2 status ACTIVE
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1
        task t3 RUNNING/RUNNING on i-3 app:8080->32768 by 2
        task t4 RUNNING/RUNNING on i-4 app:8080->32768 by 2
        instance i-1 ACTIVE disconnected
        instance i-2 ACTIVE disconnected
        target green i-3:32768 healthy
        target green i-4:32768 healthy
        look
        look after 60s
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1, i-2; group blue
              blue | no_traffic | await 300s | none of the 2 running tasks of blue has a healthy target; task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              blue i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              blue i-2:32768 | missing | unknown | task t2 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              looks again in 300s
            60s:
              asks: state of i-1, i-2; group blue
              blue | no_traffic | await 240s | none of the 2 running tasks of blue has a healthy target; task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              blue i-1:32768 | missing | unknown | task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              blue i-2:32768 | missing | unknown | task t2 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
            3660s:
              asks: state of i-1, i-2; group blue
              blue | no_traffic | alert | none of the 2 running tasks of blue has a healthy target; task t1 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              blue i-1:32768 | missing | unknown | task t1 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              blue i-2:32768 | missing | unknown | task t2 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              alert: no_traffic (critical): blue
            open: no_traffic blue, seen 3, reported
        "#]],
    );
}

#[test]
fn a_target_of_another_service_serves_nobody_here() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        instance i-1 ACTIVE disconnected
        owner billing/t9 RUNNING/RUNNING on i-2 app:80->32769 groups billing
        target web i-2:32769 healthy
        look
        look after 60s
        look after 1h
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners in the cluster; owners on i-2
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 10 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32769 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners in the cluster; owners on i-2; owners elsewhere in web
              web | no_traffic | await 60s | the only running task of web has no healthy target; task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: found once; waiting for a second check
              web i-1:32768 | missing | unknown | task t1 has been running for 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: alert only
              alert: foreign (warning): web i-2:32769
              looks again in 60s
            3660s:
              asks: state of i-1; group web
              web | no_traffic | alert | the only running task of web has no healthy target; task t1 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it: alert only
              web i-1:32768 | missing | unknown | task t1 has been running for 1 h 11 min and its target is not registered; the agent of its container instance is disconnected, so Portkeeper does not register it
              web i-2:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: alert only
              alert: no_traffic (critical): web
            open: foreign web i-2:32769, seen 3, reported
            open: no_traffic web, seen 3, reported
        "#]],
    );
}

#[test]
fn a_program_that_starts_has_the_grace_period_with_a_disconnected_agent_too() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1 min=0 grace=1800
        deployment 2 PRIMARY web:2 IN_PROGRESS for 3m
        revision 2 web:2 binds web to app:8080
        task t2 RUNNING/RUNNING on i-1 app:8080->32768 by 2 of web:2 for 2m disconnected
        target web i-1:32768 unhealthy
        look
        look after 3m
        ",
        &expect![[r#"
            0s:
              task t2 | agent_disconnected | await 900s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
              looks again in 900s
            180s:
              task t2 | agent_disconnected | await 720s | its agent is disconnected, so its state may be outdated; none of its targets is healthy: found once; waiting for a second check
            open: agent_disconnected task t2, seen 2
        "#]],
    );
}
