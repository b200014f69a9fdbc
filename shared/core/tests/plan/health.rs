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
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min 30 s of that; the program answers the check with an unexpected code: check the path and the program's log: alert only
              alert: unhealthy (critical): web i-1:32768
            210s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min 30 s of that; the program answers the check with an unexpected code: check the path and the program's log: alert only
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
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy.draining (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
              looks again in 120s
            120s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy.draining (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: alert only
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
              web i-1:32768 | unhealthy | await 420s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
              looks again in 420s
            240s:
              asks: group web
              web i-1:32768 | unhealthy | await 180s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
            419s:
              asks: group web
              web i-1:32768 | unhealthy | await 1s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
            420s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32768 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: alert only
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
        target web i-2:32768 ?sleepy
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
              web i-1:32769 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers `/health` with an unexpected code (expected: 200-299): check the path and the program's log: found once; waiting for a second check
              web i-1:32770 | unhealthy | await 120s | registered, but unhealthy (Target.FailedHealthChecks); the group's settings explain at most 2 min of that; the connection failed or the answer was malformed: the program does not listen on host port 32770 yet, listens on 127.0.0.1 only, or uses a different protocol from the health check: found once; waiting for a second check
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
              web 10.0.0.6:8080 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log: found once; waiting for a second check
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
        group web protocol=?NEW lb=app
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

/// Before its tasks are healthy ECS shifts no traffic to a revision.
#[test]
fn green_tasks_that_were_never_healthy_are_a_warning_after_half_an_hour() {
    check(
        r#"
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=2
        deployment 1 ACTIVE web:1 COMPLETED
        deployment 2 PRIMARY web:2 IN_PROGRESS for 2m
        revision 1 web:1 binds blue|green to app:8080 resolved blue
        revision 2 web:2 binds blue|green to app:8080 resolved green
        task b1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1
        task b2 RUNNING/RUNNING on i-1 app:8080->32769 by 1 of web:1
        task g1 RUNNING/RUNNING on i-1 app:8080->32770 for 100s by 2 of web:2
        task g2 RUNNING/RUNNING on i-1 app:8080->32771 for 100s by 2 of web:2
        target blue i-1:32768 healthy
        target blue i-1:32769 healthy
        target green i-1:32770 unhealthy Target.ResponseCodeMismatch
        target green i-1:32771 unhealthy Target.ResponseCodeMismatch
        look
        look after 130s
        look after 900s
        look after 651s
        look after 60s
        "#,
        &expect![[r#"
            0s:
              asks: group green
              green i-1:32770 | unhealthy | await 1680s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              green i-1:32771 | unhealthy | await 1680s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              looks again in 900s
            130s:
              asks: group green
              green i-1:32770 | unhealthy | await 1550s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              green i-1:32771 | unhealthy | await 1550s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
            1030s:
              asks: group green
              green i-1:32770 | unhealthy | await 650s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              green i-1:32771 | unhealthy | await 650s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              looks again in 650s
            1681s:
              asks: group green
              green i-1:32770 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: alert only
              green i-1:32771 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: alert only
              alert: unhealthy (warning): green i-1:32770, green i-1:32771
            1741s:
              asks: group green
              green i-1:32770 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: alert only
              green i-1:32771 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log; it has not been healthy since its task started, and every task that it is to replace is healthy: alert only
            open: unhealthy green i-1:32770, seen 5, reported
            open: unhealthy green i-1:32771, seen 5, reported
        "#]],
    );
}

#[test]
fn green_tasks_that_were_healthy_may_have_traffic() {
    check(
        r#"
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=2
        deployment 1 ACTIVE web:1 COMPLETED
        deployment 2 PRIMARY web:2 IN_PROGRESS for 2m
        revision 1 web:1 binds blue|green to app:8080 resolved blue
        revision 2 web:2 binds blue|green to app:8080 resolved green
        task b1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1
        task b2 RUNNING/RUNNING on i-1 app:8080->32769 by 1 of web:1
        task g1 RUNNING/RUNNING on i-1 app:8080->32770 for 100s by 2 of web:2
        task g2 RUNNING/RUNNING on i-1 app:8080->32771 for 100s by 2 of web:2
        target blue i-1:32768 healthy
        target blue i-1:32769 healthy
        target green i-1:32770 healthy
        target green i-1:32771 healthy
        look
        target green i-1:32770 unhealthy Target.ResponseCodeMismatch
        target green i-1:32771 unhealthy Target.ResponseCodeMismatch
        look after 60s
        look after 130s
        "#,
        &expect![[r#"
            0s:
            60s:
              asks: group green
              green i-1:32770 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; an earlier check found it healthy; the program answers the check with an unexpected code: check the path and the program's log: found once; waiting for a second check
              green i-1:32771 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; an earlier check found it healthy; the program answers the check with an unexpected code: check the path and the program's log: found once; waiting for a second check
              looks again in 120s
            190s:
              asks: group green
              green i-1:32770 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; an earlier check found it healthy; the program answers the check with an unexpected code: check the path and the program's log: alert only
              green i-1:32771 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; an earlier check found it healthy; the program answers the check with an unexpected code: check the path and the program's log: alert only
              alert: unhealthy (critical): green i-1:32770, green i-1:32771
            open: unhealthy green i-1:32770, seen 2, reported
            open: unhealthy green i-1:32771, seen 2, reported
        "#]],
    );
}

#[test]
fn green_tasks_that_fail_when_a_blue_one_is_missing_are_an_outage() {
    check(
        r#"
        group blue
        group green
        service shop/web binds blue|green to app:8080 strategy=BLUE_GREEN desired=2
        deployment 1 ACTIVE web:1 COMPLETED
        deployment 2 PRIMARY web:2 IN_PROGRESS for 2m
        revision 1 web:1 binds blue|green to app:8080 resolved blue
        revision 2 web:2 binds blue|green to app:8080 resolved green
        task b1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1
        task b2 RUNNING/RUNNING on i-1 app:8080->32769 by 1 of web:1
        task g1 RUNNING/RUNNING on i-1 app:8080->32770 for 100s by 2 of web:2
        task g2 RUNNING/RUNNING on i-1 app:8080->32771 for 100s by 2 of web:2
        target blue i-1:32768 healthy
        target blue i-1:32769 healthy
        target green i-1:32770 unhealthy Target.ResponseCodeMismatch
        target green i-1:32771 unhealthy Target.ResponseCodeMismatch
        target blue i-1:32769 gone
        look
        look after 130s
        "#,
        &expect![[r#"
            0s:
              asks: state of i-1; group blue, green
              blue i-1:32769 | missing | await 60s | task b2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              green i-1:32770 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log: found once; waiting for a second check
              green i-1:32771 | unhealthy | await 120s | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log: found once; waiting for a second check
              looks again in 60s
            130s:
              asks: state of i-1; group blue, green
              blue i-1:32769 | missing | register | task b2 has been running for 12 min 10 s and its target is not registered: confirmed by a second check
              green i-1:32770 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log: alert only
              green i-1:32771 | unhealthy | alert | registered, but unhealthy (Target.ResponseCodeMismatch); the group's settings explain at most 2 min of that; the program answers the check with an unexpected code: check the path and the program's log: alert only
              plan: register blue [i-1:32769]
              alert: missing (error): blue i-1:32769
              alert: unhealthy (critical): green i-1:32770, green i-1:32771
              looks again in 60s
            open: missing blue i-1:32769, seen 2, 1 repairs, reported
            open: unhealthy green i-1:32770, seen 2, reported
            open: unhealthy green i-1:32771, seen 2, reported
        "#]],
    );
}

#[test]
fn new_tasks_of_a_rolling_deployment_that_were_never_healthy_are_no_outage() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 1 ACTIVE web:1 COMPLETED
        deployment 2 PRIMARY web:2 IN_PROGRESS for 2m
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task b1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1
        task b2 RUNNING/RUNNING on i-1 app:8080->32769 by 1 of web:1
        task g1 RUNNING/RUNNING on i-1 app:8080->32770 for 100s by 2 of web:2
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        target web i-1:32770 unhealthy Target.Timeout
        look
        look after 130s
        target web i-1:32770 healthy
        look after 60s
        "#,
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32770 | unhealthy | await 1680s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32770, and the program must answer within the group's health check timeout; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              looks again in 900s
            130s:
              asks: group web
              web i-1:32770 | unhealthy | await 1550s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32770, and the program must answer within the group's health check timeout; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
            190s:
        "#]],
    );
}

#[test]
fn a_replacement_task_set_that_was_never_healthy_is_no_outage() {
    check(
        r#"
        group blue
        group green
        service shop/web binds nothing controller=CODE_DEPLOY desired=1
        taskset 1 binds blue to app:8080 status PRIMARY
        taskset 2 binds green to app:8080 status ACTIVE
        task b1 RUNNING/RUNNING on i-1 app:8080->32768 by 1
        task g1 RUNNING/RUNNING on i-1 app:8080->32770 for 100s by 2
        target blue i-1:32768 healthy
        target green i-1:32770 unhealthy Target.Timeout
        look
        look after 130s
        look after 1600s
        "#,
        &expect![[r#"
            0s:
              asks: group green
              green i-1:32770 | unhealthy | await 1700s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32770, and the program must answer within the group's health check timeout; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              looks again in 900s
            130s:
              asks: group green
              green i-1:32770 | unhealthy | await 1570s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32770, and the program must answer within the group's health check timeout; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
            1730s:
              asks: group green
              green i-1:32770 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32770, and the program must answer within the group's health check timeout; it has not been healthy since its task started, and every task that it is to replace is healthy: alert only
              alert: unhealthy (warning): green i-1:32770
            open: unhealthy green i-1:32770, seen 3, reported
        "#]],
    );
}

#[test]
fn a_grace_period_does_not_excuse_a_target_that_was_in_order() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2 grace=7200
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 10m
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 for 10m
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        look
        target web i-1:32768 unhealthy Target.Timeout
        target web i-2:32768 unhealthy Target.Timeout
        look after 5m
        look after 60m
        ",
        &expect![[r#"
            0s:
            300s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              web i-2:32768 | unhealthy | await 120s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: found once; waiting for a second check
              looks again in 120s
            3900s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              web i-2:32768 | unhealthy | alert | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min of that; an earlier check found it healthy; the target did not answer in time: the security group of i-2 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout: alert only
              alert: unhealthy (critical): web i-1:32768, web i-2:32768
            open: unhealthy web i-1:32768, seen 2, reported
            open: unhealthy web i-2:32768, seen 2, reported
        "#]],
    );
}

#[test]
fn a_grace_period_of_years_ends_after_two_hours() {
    check(
        "
        group web
        service shop/web binds web to app:8080 grace=2147483647
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 unhealthy
        look
        look after 60s
        look after 1h
        look after 2h
        ",
        &expect![[r#"
            0s:
              asks: group web
              web i-1:32768 | unhealthy | await 6720s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 900s
            60s:
              asks: group web
              web i-1:32768 | unhealthy | await 6660s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
            3660s:
              asks: group web
              web i-1:32768 | unhealthy | await 3060s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 900s
            10860s:
              asks: group web
              web i-1:32768 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
              alert: unhealthy (critical): web i-1:32768
            open: unhealthy web i-1:32768, seen 4, reported
        "#]],
    );
}

#[test]
fn a_target_that_was_seen_before_its_task_started_has_the_grace_period() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1 grace=900
        deployment 2 PRIMARY web:2 IN_PROGRESS for 2m
        deployment 1 ACTIVE web:1 COMPLETED
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 ACTIVATING/RUNNING on i-2 app:8080->32768 by 2 of web:2
        target web i-1:32768 healthy
        target web i-2:32768 initial
        look
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 2 of web:2 for 20s
        target web i-2:32768 unhealthy
        look after 90s
        look after 2m
        target web i-2:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
            90s:
              asks: group web
              web i-2:32768 | unhealthy | await 1590s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              looks again in 900s
            210s:
              asks: group web
              web i-2:32768 | unhealthy | await 1470s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
            270s:
        "#]],
    );
}

#[test]
fn a_green_group_that_was_not_in_use_was_not_healthy() {
    check(
        "
        group blue
        group green unattached
        service shop/web binds blue|green to app:8080 desired=1 strategy=BLUE_GREEN grace=1800
        deployment 2 PRIMARY web:2 IN_PROGRESS for 20m
        deployment 1 ACTIVE web:1 COMPLETED
        revision 1 web:1 binds blue|green to app:8080 resolved blue
        revision 2 web:2 binds blue|green to app:8080 resolved green
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1 of web:1 for 5h
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 2 of web:2 for 3m
        target blue i-1:32768 healthy
        target green i-2:32768 unused Target.NotInUse
        look
        group green
        target green i-2:32768 unhealthy
        look after 2m
        look after 2m
        look after 2m
        ",
        &expect![[r#"
            0s:
            120s:
              asks: group green
              green i-2:32768 | unhealthy | await 1620s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
              looks again in 900s
            240s:
              asks: group green
              green i-2:32768 | unhealthy | await 1500s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
            360s:
              asks: group green
              green i-2:32768 | unhealthy | await 1380s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that; it has not been healthy since its task started, and every task that it is to replace is healthy: found once; waiting for a second check
            open: unhealthy green i-2:32768, seen 3
        "#]],
    );
}
