//! Registered targets that fail their health checks: when Portkeeper reports them.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-32.
#[test]
fn a_target_that_fails_for_no_longer_than_its_settings_explain_is_awaited() {
    check(
        "
        group web interval=30 threshold=3
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 unhealthy Target.Timeout
        look
        look after 140s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 150s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min 30 s of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              looks again in 150s
            140s:
              asks: group web
              web i-1:32768 | unhealthy | await 10s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min 30 s of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
            200s:
        "#]],
    );
}

/// Holds C-32.
#[test]
fn a_target_of_an_application_load_balancer_that_fails_for_longer_is_unhealthy() {
    check(
        "
        group web interval=30 threshold=3
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 initial Elb.InitialHealthChecking
        look
        look after 149s
        target web i-1:32768 unhealthy Target.ResponseCodeMismatch
        look after 1s
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 150s | registered, but initial (Elb.InitialHealthChecking); the group's settings explain at most 2 min 30 s of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
              looks again in 150s
            149s:
              asks: group web
              web i-1:32768 | unhealthy | await 1s | registered, but initial (Elb.InitialHealthChecking); the group's settings explain at most 2 min 30 s of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
            150s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min 30 s of that; the program answers the check with another code: check the path and the program's log: alert only
              alert: unhealthy (critical): web i-1:32768
            210s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min 30 s of that; the program answers the check with another code: check the path and the program's log: alert only
            270s:
              alert: resolved unhealthy (critical): web i-1:32768 (the target is healthy, after 4 min 30 s)
        "#]],
    );
}

/// Holds C-32.
#[test]
fn a_target_of_a_network_load_balancer_may_be_initial_for_minutes() {
    check(
        "
        group web protocol=TCP interval=10 threshold=3
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 initial Elb.RegistrationInProgress
        look
        look after 180s
        look after 209s
        look after 1s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 390s | registered, but initial (Elb.RegistrationInProgress); the group's settings explain at most 6 min 30 s of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
              looks again in 390s
            180s:
              asks: group web
              web i-1:32768 | unhealthy | await 210s | registered, but initial (Elb.RegistrationInProgress); the group's settings explain at most 6 min 30 s of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
            389s:
              asks: group web
              web i-1:32768 | unhealthy | await 1s | registered, but initial (Elb.RegistrationInProgress); the group's settings explain at most 6 min 30 s of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
            390s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but initial (Elb.RegistrationInProgress); the group's settings explain at most 6 min 30 s of that; its initial health checks do not finish: check the state of the load balancer: alert only
              alert: unhealthy (critical): web i-1:32768
            open: unhealthy web i-1:32768, seen 4, reported
        "#]],
    );
}

/// Holds C-18.
#[test]
fn unhealthy_draining_is_registered() {
    check(
        "
        group web protocol=TCP
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 unhealthy.draining Target.FailedHealthChecks
        look
        look after 120s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy.draining (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: found once; waiting for a second check
              looks again in 120s
            120s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy.draining (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: alert only
              alert: unhealthy (critical): web i-1:32768
            open: unhealthy web i-1:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn the_health_check_grace_period_delays_the_finding() {
    check(
        "
        group web interval=30 threshold=2
        service shop/web binds web to app:8080 grace=300
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 0s
        target web i-1:32768 unhealthy Target.FailedHealthChecks
        look
        look after 240s
        look after 179s
        look after 1s
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 420s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: found once; waiting for a second check
              looks again in 420s
            240s:
              asks: group web
              web i-1:32768 | unhealthy | await 180s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: found once; waiting for a second check
            419s:
              asks: group web
              web i-1:32768 | unhealthy | await 1s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: found once; waiting for a second check
            420s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: alert only
              alert: unhealthy (critical): web i-1:32768
            open: unhealthy web i-1:32768, seen 4, reported
        "#]],
    );
}

#[test]
fn a_missing_target_that_was_registered_and_fails_is_known_as_unhealthy_from_then_on() {
    check(
        "
        group web interval=10 threshold=2
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        look after 60s
        target web i-1:32768 unhealthy Target.Timeout
        look after 60s
        look after 80s
        look after 60s
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
            120s:
              asks: group web
              web i-1:32768 | unhealthy | await 80s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 1 min 20 s of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              looks again in 60s
            200s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 1 min 20 s of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              alert: unhealthy (critical): web i-1:32768
              looks again in 60s
            260s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 1 min 20 s of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              alert: superseded missing (critical): web i-1:32768 (registered; superseded by unhealthy, after 4 min 20 s)
            open: unhealthy web i-1:32768, seen 3, reported
        "#]],
    );
}

#[test]
fn health_that_is_not_checked_or_not_known_is_no_fault() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 unavailable Target.HealthCheckDisabled
        target web i-2:32768 sleepy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

#[test]
fn the_reason_says_what_to_check_for_ports_of_an_instance() {
    check(
        "
        group web path=/health codes=200-299
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        task t3 RUNNING/RUNNING on i-1 app:8080->32770
        task t4 RUNNING/RUNNING on i-1 app:8080->32771
        task t5 RUNNING/RUNNING on i-1 app:8080->32772
        task t6 RUNNING/RUNNING on i-1 app:8080->32773
        task t7 RUNNING/RUNNING on i-1 app:8080->32774
        target web i-1:32768 unhealthy Target.Timeout
        target web i-1:32769 unhealthy Target.ResponseCodeMismatch
        target web i-1:32770 unhealthy Target.FailedHealthChecks
        target web i-1:32771 unhealthy Elb.InternalError
        target web i-1:32772 unhealthy Target.SomethingNew
        target web i-1:32773 unhealthy
        target web i-1:32774 unavailable Target.HealthCheckDisabled
        look
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              web i-1:32769 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers `/health` with another code (expected: 200-299): check the path and the program's log: found once; waiting for a second check
              web i-1:32770 | unhealthy | await 120s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32770 yet, listens on 127.0.0.1 only, or speaks another protocol than the check: found once; waiting for a second check
              web i-1:32771 | unhealthy | await 120s | registered, but unhealthy (Elb.InternalError); the group's settings explain at most 2 min of that; the load balancer itself failed: if this persists, contact AWS Support: found once; waiting for a second check
              web i-1:32772 | unhealthy | await 120s | registered, but unhealthy (Target.SomethingNew); the group's settings explain at most 2 min of that: found once; waiting for a second check
              web i-1:32773 | unhealthy | await 120s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 120s
            open: unhealthy web i-1:32768, seen 1
            open: unhealthy web i-1:32769, seen 1
            open: unhealthy web i-1:32770, seen 1
            open: unhealthy web i-1:32771, seen 1
            open: unhealthy web i-1:32772, seen 1
            open: unhealthy web i-1:32773, seen 1
        "#]],
    );
}

#[test]
fn the_reason_says_what_to_check_for_addresses_and_a_port_of_its_own() {
    check(
        "
        group web type=ip check=9000
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        task t2 RUNNING/RUNNING ip 10.0.0.6
        target web 10.0.0.5:8080 unhealthy Target.Timeout
        target web 10.0.0.6:8080 unhealthy Target.ResponseCodeMismatch
        look
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.5:8080 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the task's security group must let the load balancer reach port 9000, and the program must answer within the group's health check timeout: found once; waiting for a second check
              web 10.0.0.6:8080 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with another code: check the path and the program's log: found once; waiting for a second check
              looks again in 120s
            open: unhealthy web 10.0.0.5:8080, seen 1
            open: unhealthy web 10.0.0.6:8080, seen 1
        "#]],
    );
}

/// Holds C-32.
#[test]
fn a_group_of_no_load_balancer_is_judged_by_its_protocol() {
    check(
        "
        group web protocol=TCP unattached
        service shop/web binds web to app:8080 strategy=BLUE_GREEN
        revision 1 web:1 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 initial Elb.RegistrationInProgress
        look
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 420s | registered, but initial (Elb.RegistrationInProgress); the group's settings explain at most 7 min of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
              looks again in 420s
            open: unhealthy web i-1:32768, seen 1
        "#]],
    );
}

/// Holds C-32.
#[test]
fn the_kind_of_the_load_balancer_counts_before_the_protocol_of_its_group() {
    check(
        "
        group web protocol=NEW lb=app
        group admin protocol=HTTP lb=gwy
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        target web i-1:32768 initial Elb.InitialHealthChecking
        target admin i-1:32769 initial Elb.InitialHealthChecking
        look
        ",
        &expect![[r#"
            0s:
              asks: group admin, web
              admin i-1:32769 | unhealthy | await 420s | registered, but initial (Elb.InitialHealthChecking); the group's settings explain at most 7 min of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
              web i-1:32768 | unhealthy | await 120s | registered, but initial (Elb.InitialHealthChecking); the group's settings explain at most 2 min of that; its initial health checks do not finish: check the state of the load balancer: found once; waiting for a second check
              looks again in 120s
            open: unhealthy admin i-1:32769, seen 1
            open: unhealthy web i-1:32768, seen 1
        "#]],
    );
}

/// With dynamic host ports, a fixed health check port is nobody's, or another task's. A port that
/// the task has bound gets the usual advice.
#[test]
fn checks_of_a_port_that_the_task_does_not_use_are_named() {
    check(
        "
        group web check=9000
        group own check=9001
        service shop/web binds web to app:8080 and own to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32770 admin:9001->9001
        task t2 RUNNING/RUNNING on i-2 app:8080->32770 admin:9001->9001
        target web i-1:32770 unhealthy Target.Timeout
        target web i-2:32770 unhealthy Target.ResponseCodeMismatch
        target own i-1:32770 unhealthy Target.Timeout
        target own i-2:32770 unhealthy Elb.InternalError
        look
        ",
        &expect![[r#"
            0s:
              asks: group own, web
              own i-1:32770 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 9001, and the program must answer within the group's health check timeout: found once; waiting for a second check
              own i-2:32770 | unhealthy | await 120s | registered, but unhealthy (Elb.InternalError); the group's settings explain at most 2 min of that; the load balancer itself failed: if this persists, contact AWS Support: found once; waiting for a second check
              web i-1:32770 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the group checks host port 9000, which is no port of task t1: set the health check port of the group to `traffic-port`: found once; waiting for a second check
              web i-2:32770 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the group checks host port 9000, which is no port of task t2: set the health check port of the group to `traffic-port`: found once; waiting for a second check
              looks again in 120s
            open: unhealthy own i-1:32770, seen 1
            open: unhealthy own i-2:32770, seen 1
            open: unhealthy web i-1:32770, seen 1
            open: unhealthy web i-2:32770, seen 1
        "#]],
    );
}
