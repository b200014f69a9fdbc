//! Target groups that the service no longer names: what was its own there is judged until it is
//! gone, and nothing else.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_leftover_in_a_group_that_the_service_has_left_is_deregistered_with_proof() {
    check(
        "
        group old
        group new
        service shop/web binds old to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target old i-1:32768 healthy
        target old i-9:80 healthy
        look
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        task t1 STOPPED/STOPPED ended 2m ago
        task t2 RUNNING/RUNNING on i-1 app:8080->32770 by 222 of web:2
        target new i-1:32770 healthy
        look after 60s
        look after 60s
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-9
              old i-9:80 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              old i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there; the service no longer uses this target group: found once; waiting for a second check
              old i-9:80 | - | leave | the service no longer uses the target group
              looks again in 60s
            120s:
              task t1 | - | leave | stopped; where it was registered is unknown
            180s:
              task t1 | - | leave | stopped; where it was registered is unknown
              nothing to write down
            240s:
              task t1 | - | leave | stopped; where it was registered is unknown
              nothing to write down
        "#]],
    );
}

#[test]
fn a_hijack_in_a_group_that_the_service_has_left_stays_critical() {
    check(
        "
        policy mode=alert
        group old
        group new
        group mail
        service shop/web binds old to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target old i-1:32768 healthy
        look
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        task t1 STOPPED/STOPPED ended 2m ago
        task t2 RUNNING/RUNNING on i-1 app:8080->32770 by 222 of web:2
        owner mail/t9 RUNNING/RUNNING on i-1 app:80->32768 groups mail
        target new i-1:32770 healthy
        look after 60s
        look after 60s
        task t1 gone
        look after 2h
        group old unattached
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              old i-1:32768 | hijacked | await 60s | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task; the service no longer uses this target group: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              old i-1:32768 | hijacked | alert | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task; the service no longer uses this target group: mode alert: Portkeeper writes nothing
              alert: hijacked (critical): old i-1:32768
            7320s:
              asks: tasks t1; owners on i-1
              old i-1:32768 | hijacked | alert | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task; the service no longer uses this target group: mode alert: Portkeeper writes nothing
            7380s:
              old i-1:32768 | - | leave | neither the service nor a load balancer uses the target group any longer
              alert: resolved hijacked (critical): old i-1:32768 (neither the service nor a load balancer uses the target group any longer, after 2 h 2 min)
            7440s:
        "#]],
    );
}

/// The last target of a group stays, also of one that the service has left.
#[test]
fn the_last_target_of_a_group_that_the_service_has_left_is_only_reported() {
    check(
        "
        group old
        group new
        service shop/web binds old to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target old i-1:32768 healthy
        look
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        task t1 STOPPED/STOPPED ended 2m ago
        task t2 RUNNING/RUNNING on i-1 app:8080->32770 by 222 of web:2
        target new i-1:32770 healthy
        look after 60s
        look after 60s
        target old i-1:32768 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              old i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there; the service no longer uses this target group: found once; waiting for a second check
              looks again in 60s
            120s:
              task t1 | - | leave | stopped; where it was registered is unknown
            180s:
              task t1 | - | leave | stopped; where it was registered is unknown
              nothing to write down
        "#]],
    );
}

/// Many targets of others in such a group do not raise the limit of deregistrations.
#[test]
fn targets_of_others_in_a_group_that_the_service_has_left_are_not_judged() {
    check(
        "
        group old
        group new
        service shop/web binds old to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target old i-1:32768 healthy
        target old i-1:32769 healthy
        owner web-2/t7 RUNNING/RUNNING on i-1 app:80->32769 groups old
        look
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:2
        task t1 STOPPED/STOPPED ended 10s ago
        task t2 RUNNING/RUNNING on i-1 app:8080->32770 by 222 of web:2
        target new i-1:32770 healthy
        target old i-1:32768 draining
        target old i-9:80 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              old i-1:32769 | - | leave | belongs to task t7 of service web-2, which also uses this group
            60s:
              task t1 | - | leave | stopped; where it was registered is unknown
              old i-1:32769 | - | leave | the service no longer uses the target group
              old i-9:80 | - | leave | the service no longer uses the target group
            120s:
              task t1 | - | leave | stopped; where it was registered is unknown
        "#]],
    );
}

#[test]
fn a_service_that_has_left_all_its_groups_is_judged_until_its_targets_are_gone() {
    check(
        "
        group old
        service shop/web binds old to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target old i-1:32768 healthy
        target old i-2:32768 healthy
        look
        service shop/web binds nothing
        task t1 STOPPED/STOPPED ended 2m ago
        task t2 STOPPED/STOPPED ended 2m ago
        task t3 RUNNING/RUNNING on i-2 app:8080->32770 by 222 of web:2
        deployment 222 PRIMARY web:2
        target old i-2:32768 draining
        target old i-9:80 healthy
        look after 60s
        look after 60s
        target old i-1:32768 gone
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              task t2 | - | leave | stopped; where it was registered is unknown
              task t3 | - | leave | its revision has no target group
              old i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there; the service no longer uses this target group: found once; waiting for a second check
              old i-9:80 | - | leave | the service no longer uses the target group
              looks again in 60s
            120s:
              service | - | leave | it has no target group
            180s:
              service | - | leave | it has no target group
              nothing to write down
            240s:
              service | - | leave | it has no target group
              nothing to write down
        "#]],
    );
}

/// A new service has the name, and uses another group.
#[test]
fn a_leftover_of_a_deleted_service_is_judged_under_a_new_service_of_the_same_name() {
    check(
        "
        group old
        group new
        service shop/web binds old to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target old i-1:32768 healthy
        target old i-2:32768 healthy
        look
        service shop/web binds new to app:8080
        deployment 222 PRIMARY web:1
        task t1 STOPPED/STOPPED ended 3m ago
        task t2 STOPPED/STOPPED ended 3m ago
        task n1 RUNNING/RUNNING on i-1 app:8080->32768 by 222 for 3m
        task n2 RUNNING/RUNNING on i-2 app:8080->32770 by 222 for 3m
        target new i-1:32768 healthy
        target new i-2:32770 healthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1, i-2
              task t1 | - | leave | stopped; where it was registered is unknown
              task t2 | - | leave | stopped; where it was registered is unknown
              old i-1:32768 | stale | await 60s | task t1 has stopped and its target is still registered; the service no longer uses this target group, and the target leads to its task n1: found once; waiting for a second check
              old i-2:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but its health checks are answered although no task of this cluster is on its address: something else answers there; the service no longer uses this target group: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              task t1 | - | leave | stopped; where it was registered is unknown
              task t2 | - | leave | stopped; where it was registered is unknown
              old i-1:32768 | stale | alert | task t1 has stopped and its target is still registered; the service no longer uses this target group, and the target leads to its task n1: alert only
              old i-2:32768 | - | leave | the service no longer uses the target group
              alert: stale (error): old i-1:32768
            open: stale old i-1:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn a_hijack_stays_open_while_ecs_does_not_know_the_service() {
    check(
        "
        policy mode=alert
        group web
        group mail
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        task t1 STOPPED/STOPPED ended 3m ago
        owner mail/t9 RUNNING/RUNNING on i-1 app:80->32768 groups mail
        look after 60s
        look after 60s
        service shop/web gone
        look after 60s
        group web unread
        look after 60s
        group web
        target web i-1:32768 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: owners on i-1
              service | below_desired | await 900s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32768 | hijacked | await 60s | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            120s:
              asks: owners on i-1
              service | below_desired | await 840s | 0 of 1 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-1:32768 | hijacked | alert | task t1 has stopped, and its target now leads to task t9 of service mail: requests reach the wrong task: mode alert: Portkeeper writes nothing
              alert: hijacked (critical): web i-1:32768
              looks again in 840s
            180s:
              service | - | leave | ECS does not know this service
            240s:
              service | - | leave | ECS does not know this service
              nothing to write down
            300s:
              service | - | leave | ECS does not know this service
              alert: resolved hijacked (critical): web i-1:32768 (ECS does not know this service, after 4 min)
        "#]],
    );
}

/// Where the task was registered before does not count as the other group of a pair.
#[test]
fn a_running_task_that_is_registered_only_in_a_group_that_was_left_is_missing() {
    check(
        "
        group old
        group new
        service shop/web binds new to app:8080 controller=CODE_DEPLOY
        taskset 11 binds new to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 11
        known old i-1:32768 t1
        target old i-1:32768 healthy
        target new i-2:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group new; owners on i-1
              new i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              old i-1:32768 | misplaced | await 60s | task t1 belongs in new, not in this group; the service no longer uses this target group, and the target leads to its task t1: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group new; owners on i-1
              new i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              old i-1:32768 | misplaced | alert | task t1 belongs in new, not in this group; the service no longer uses this target group, and the target leads to its task t1: alert only
              plan: register new [i-1:32768]
              alert: missing (error): new i-1:32768
              alert: misplaced (error): old i-1:32768
              looks again in 60s
            open: missing new i-1:32768, seen 2, 1 repairs, reported
            open: misplaced old i-1:32768, seen 2, reported
        "#]],
    );
}

/// The old revision cannot be described, so the group of its tasks is unknown.
#[test]
fn tasks_that_are_healthy_in_a_group_that_was_left_are_no_outage() {
    check(
        "
        group web
        group new
        service shop/web binds web to app:8080 desired=2 grace=600
        deployment 1 PRIMARY web:1 COMPLETED for 5h
        revision 1 web:1 undescribed
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1 of web:1 for 5h
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        service shop/web binds new to app:8080 desired=2 grace=600
        deployment 2 PRIMARY web:1 IN_PROGRESS for 20s
        deployment 1 ACTIVE web:1 COMPLETED for 5h
        revision 2 web:1 binds new to app:8080
        look after 60s
        task t3 RUNNING/RUNNING on i-3 app:8080->32768 by 2 of web:1 for 20s
        target new i-3:32768 unhealthy
        look after 60s
        look after 60s
        look after 60s
        target new i-3:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/1 matches no current revision: found once; waiting for a second check
              task t2 | ambiguous_revision | await 60s | startedBy ecs-svc/1 matches no current revision: found once; waiting for a second check
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
              looks again in 60s
            120s:
              asks: group new
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              new i-3:32768 | unhealthy | await 640s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
              alert: ambiguous_revision (warning): task t1, task t2
              looks again in 640s
            180s:
              asks: group new
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              new i-3:32768 | unhealthy | await 580s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
            240s:
              asks: group new
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              new i-3:32768 | unhealthy | await 520s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
            300s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
            open: ambiguous_revision task t1, seen 5, reported
            open: ambiguous_revision task t2, seen 5, reported
        "#]],
    );
}

/// Their targets are healthy in the group that the service has left.
#[test]
fn such_tasks_are_no_more_than_a_warning() {
    check(
        "
        group web
        group new
        service shop/web binds web to app:8080 desired=2
        deployment 1 PRIMARY web:1 COMPLETED for 5h
        revision 1 web:1 undescribed
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1 of web:1 for 5h
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        service shop/web binds new to app:8080 desired=2
        deployment 2 PRIMARY web:1 IN_PROGRESS for 2m
        deployment 1 ACTIVE web:1 COMPLETED for 5h
        revision 2 web:1 binds new to app:8080
        task t3 RUNNING/RUNNING on i-3 app:8080->32768 by 2 of web:1 for 2m
        target new i-3:32768 healthy
        look after 60s
        look after 60s
        look after 10m
        ",
        &expect![[r#"
            0s:
            60s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/1 matches no current revision: found once; waiting for a second check
              task t2 | ambiguous_revision | await 60s | startedBy ecs-svc/1 matches no current revision: found once; waiting for a second check
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
              looks again in 60s
            120s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
              alert: ambiguous_revision (warning): task t1, task t2
            720s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              task t2 | ambiguous_revision | alert | startedBy ecs-svc/1 matches no current revision: alert only
              web i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/1 matches no current revision
              web i-2:32768 | - | unknown | registered; it may belong to task t2: startedBy ecs-svc/1 matches no current revision
            open: ambiguous_revision task t1, seen 3, reported
            open: ambiguous_revision task t2, seen 3, reported
        "#]],
    );
}
