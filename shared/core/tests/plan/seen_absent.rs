//! A target that a check has seen absent: what is registered there afterwards is another writer's,
//! until a task that runs has it again.

use crate::text_world::check;
use expect_test::expect;

/// Holds I-ABSENT. ECS deregistered the target and stopped the task; another writer registered it.
#[test]
fn the_target_of_a_task_that_is_being_replaced_is_not_proved_again() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 2 PRIMARY web:2 COMPLETED for 2h
        deployment 1 ACTIVE web:1 FAILED for 1h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 2 of web:2 for 2h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 1 of web:1 for 1h
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        target web i-2:32768 draining
        look after 60s
        task t2 STOPPED/STOPPED on i-2 app:8080->32768 ended 1s ago
        target web i-2:32768 unhealthy
        look after 10m
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 1800s | task t2 has been running for 1 h 1 min and its target is draining; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            660s:
              asks: owners on i-2
              web i-2:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but a check after the end of the task found it not registered: found once; waiting for a second check
              looks again in 60s
            720s:
              asks: owners on i-2
              web i-2:32768 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-2:32768
            open: foreign web i-2:32768, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT, C-22. A person registers another service's task in this group, on purpose.
#[test]
fn a_task_whose_target_was_never_registered_proves_nothing() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 2 PRIMARY web:2 COMPLETED for 1h
        deployment 1 ACTIVE web:1 FAILED for 5h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5h by 2 of web:2
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5h by 1 of web:1
        target web i-1:32768 healthy
        look
        look after 5m
        task t2 STOPPED/STOPPED on i-2 app:8080->32768 ended 10s ago by 1 of web:1
        owner billing/t9 RUNNING/RUNNING on i-2 app:80->32768 for 5s groups billing
        target web i-2:32768 healthy
        look after 3m
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 1800s | task t2 has been running for 5 h and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            300s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 1500s | task t2 has been running for 5 h 5 min and its target is not registered; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
            480s:
              asks: owners on i-2
              web i-2:32768 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but a check after the end of the task found it not registered: found once; waiting for a second check
              looks again in 60s
            540s:
              asks: owners on i-2
              web i-2:32768 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-2:32768
            open: foreign web i-2:32768, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn an_address_that_another_writer_registers_while_its_task_leaves_proves_nothing() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080 desired=1
        deployment 2 PRIMARY web:2 COMPLETED for 1h
        deployment 1 ACTIVE web:1 FAILED for 5h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1 for 5h by 2 of web:2
        task t2 RUNNING/RUNNING ip 10.0.0.2 for 5h by 1 of web:1
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 healthy
        look
        target web 10.0.0.2:8080 draining
        look after 60s
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 10s ago by 1 of web:1
        owner billing/t9 RUNNING/RUNNING ip 10.0.0.2 for 60s groups billing
        target web 10.0.0.2:8080 healthy
        look after 5m
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: group web
              web 10.0.0.2:8080 | missing | await 1800s | task t2 has been running for 5 h 1 min and its target is draining: ELBv2 accepts the address again only after the deregistration delay; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            360s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but a check after the end of the task found it not registered: found once; waiting for a second check
              looks again in 60s
            420s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web 10.0.0.2:8080
            open: foreign web 10.0.0.2:8080, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn the_target_of_a_task_set_that_is_scaled_to_zero_is_not_proved_again() {
    check(
        "
        group web
        service shop/web binds nothing controller=EXTERNAL desired=1
        taskset 1 binds web to app:8080 desired 1 status ACTIVE
        taskset 2 binds web to app:8080 desired 1 status PRIMARY
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1
        task t2 RUNNING/RUNNING on i-2 app:8080->32769 by 2
        target web i-1:32768 healthy
        target web i-2:32769 healthy
        look
        taskset 1 binds web to app:8080 desired 0 status ACTIVE
        target web i-1:32768 draining
        look after 60s
        look after 60s
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 1s ago
        target web i-1:32768 unhealthy
        look after 10m
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1800s | task t1 has been running for 11 min and its target is draining; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
              looks again in 900s
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1740s | task t1 has been running for 12 min and its target is draining; ECS no longer needs the tasks of its deployment or task set, so Portkeeper does not register it: found once; waiting for a second check
            720s:
              asks: owners on i-1
              web i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but a check after the end of the task found it not registered: found once; waiting for a second check
              looks again in 60s
            780s:
              asks: owners on i-1
              web i-1:32768 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32768
            open: foreign web i-1:32768, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT, I-PROOF.
#[test]
fn a_registration_that_aws_refused_proves_nothing() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5h
        target web i-1:32768 healthy
        look
        look after 60s refused "TooManyTargets"
        task t2 STOPPED/STOPPED on i-2 app:8080->32768 ended 10s ago
        owner billing/t9 RUNNING/RUNNING on i-2 app:80->32768 for 5s groups billing
        target web i-2:32768 healthy
        look after 3m
        look after 60s
        "#,
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 60s | task t2 has been running for 5 h and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-2; group web
              web i-2:32768 | missing | register | task t2 has been running for 5 h 1 min and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              alert: missing (error): web i-2:32768
              looks again in 60s
            240s:
              asks: owners on i-2
              web i-2:32768 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              alert: resolved missing (error): web i-2:32768 (its task has stopped, after 4 min)
              looks again in 60s
            300s:
              asks: owners on i-2
              web i-2:32768 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-2:32768
            open: foreign web i-2:32768, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT, I-PROOF.
#[test]
fn a_registration_that_came_too_late_proves_nothing() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5h
        target web i-1:32768 healthy
        look
        look after 60s late "the proof is too old"
        task t2 STOPPED/STOPPED on i-2 app:8080->32768 ended 10s ago
        owner billing/t9 RUNNING/RUNNING on i-2 app:80->32768 for 5s groups billing
        target web i-2:32768 healthy
        look after 3m
        look after 60s
        "#,
        &expect![[r#"
            0s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 60s | task t2 has been running for 5 h and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-2; group web
              web i-2:32768 | missing | register | task t2 has been running for 5 h 1 min and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              alert: missing (error): web i-2:32768
              looks again in 60s
            240s:
              asks: owners on i-2
              web i-2:32768 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              alert: resolved missing (error): web i-2:32768 (its task has stopped, after 4 min)
              looks again in 60s
            300s:
              asks: owners on i-2
              web i-2:32768 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-2:32768
            open: foreign web i-2:32768, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn a_target_that_was_absent_before_a_refusal_proves_nothing() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 5h
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        target web i-2:32768 gone
        look after 30s
        look after 60s refused "no"
        look after 60s refused "no"
        look after 60s refused "no"
        task t2 STOPPED/STOPPED on i-2 app:8080->32768 ended 10s ago
        target web i-2:32768 unhealthy
        look after 3m
        look after 60s
        "#,
        &expect![[r#"
            0s:
            30s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 90s | task t2 has been running for 5 h and its target is not registered: found once; waiting for a second check
              looks again in 90s
            90s:
              asks: state of i-2; group web
              web i-2:32768 | missing | await 30s | task t2 has been running for 5 h 1 min and its target is not registered: found once; waiting for a second check
            150s:
              asks: state of i-2; group web
              web i-2:32768 | missing | register | task t2 has been running for 5 h 2 min and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              alert: missing (error): web i-2:32768
              looks again in 60s
            210s:
              asks: state of i-2; group web
              web i-2:32768 | missing | register | task t2 has been running for 5 h 3 min and its target is not registered: confirmed by a second check
              plan: register web [i-2:32768]
              looks again in 60s
            390s:
              asks: owners on i-2
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-2:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              alert: resolved missing (error): web i-2:32768 (its task has stopped, after 6 min)
              looks again in 60s
            450s:
              asks: owners on i-2
              service | below_desired | await 840s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              web i-2:32768 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-2:32768
              looks again in 840s
            open: foreign web i-2:32768, seen 2, reported
            open: below_desired service, seen 2
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn what_is_healthy_while_the_successor_has_not_started_is_not_forgotten() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 RUNNING/RUNNING ip 10.0.0.2
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 healthy
        look
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 1s ago
        task t3 PROVISIONING/RUNNING ip ?
        look after 5m
        task t3 RUNNING/RUNNING ip 10.0.0.3
        target web 10.0.0.3:8080 healthy
        target web 10.0.0.2:8080 unhealthy Target.Timeout
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
            300s:
              asks: owners in the cluster; owners elsewhere in web
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              task t3 | - | unknown | its network interface has no address yet
              web 10.0.0.2:8080 | - | await 60s | registered; it may belong to task t3: its network interface has no address yet
              looks again in 60s
            360s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              looks again in 60s
            420s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web 10.0.0.2:8080
            open: foreign web 10.0.0.2:8080, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn what_ecs_deregistered_is_not_forgotten_while_the_successor_starts() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 RUNNING/RUNNING ip 10.0.0.2
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 healthy
        look
        task t2 STOPPED/STOPPED ip 10.0.0.2 deregistered ended 1s ago
        task t3 PROVISIONING/RUNNING ip ?
        target web 10.0.0.2:8080 unhealthy Target.Timeout
        look after 5m
        look after 20m
        look after 30m
        task t2 gone
        task t3 RUNNING/RUNNING ip 10.0.0.3
        target web 10.0.0.3:8080 healthy
        look after 20m
        look after 60s
        ",
        &expect![[r#"
            0s:
            300s:
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              task t3 | - | unknown | its network interface has no address yet
              web 10.0.0.2:8080 | - | await 60s | registered; it may belong to task t3: its network interface has no address yet
              looks again in 60s
            1500s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
              task t3 | - | unknown | its network interface has no address yet
              web 10.0.0.2:8080 | - | await 60s | registered; it may belong to task t3: its network interface has no address yet
              alert: below_desired (error): service
              looks again in 60s
            3300s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
              task t3 | - | unknown | its network interface has no address yet
              web 10.0.0.2:8080 | - | await 60s | registered; it may belong to task t3: its network interface has no address yet
              looks again in 60s
            4500s:
              asks: owners in the cluster
              web 10.0.0.2:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              alert: resolved below_desired (error): service (2 of 2 desired tasks are running, after 1 h 10 min)
              looks again in 60s
            4560s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: alert only
              alert: foreign (warning): web 10.0.0.2:8080
            open: foreign web 10.0.0.2:8080, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF. ECS registers nothing for a task before it has started.
#[test]
fn a_task_that_never_ran_proves_nothing() {
    check(
        r#"
        group web type=ip
        service shop/web binds web to app:8080 desired=1
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 healthy
        look
        task t2 STOPPED/STOPPED ip 10.0.0.2 never-ran ended 2m ago reason "CannotPullContainerError"
        owner billing/t9 RUNNING/RUNNING ip 10.0.0.2 for 60s groups billing
        target web 10.0.0.2:8080 healthy
        look after 5m
        look after 60s
        "#,
        &expect![[r#"
            0s:
            300s:
              asks: owners in the cluster
              web 10.0.0.2:8080 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: found once; waiting for a second check
              looks again in 60s
            360s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service: alert only
              alert: foreign (warning): web 10.0.0.2:8080
            open: foreign web 10.0.0.2:8080, seen 2, reported
        "#]],
    );
}
