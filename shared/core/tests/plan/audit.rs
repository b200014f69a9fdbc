//! A first check without a ledger: what counts as a finding, and what would follow once a second
//! check confirms it.

use crate::text_world::check;
use expect_test::expect;

#[test]
fn a_missing_target_would_be_registered() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        audit
        ",
        &expect![[r#"
            audit:
              web i-1:32768 | missing (error) | then register | task t1 has been running for 10 min and its target is not registered
        "#]],
    );
}

#[test]
fn a_stopped_task_proves_nothing_in_a_first_check() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        audit
        ",
        &expect![[r#"
            audit:
              web i-1:32769 | stale (error) | then alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task
        "#]],
    );
}

/// The fault that Portkeeper exists for: health checks pass, and requests reach the wrong program.
#[test]
fn a_target_that_leads_to_another_service_is_an_error() {
    check(
        "
        group web
        group billing
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        audit
        ",
        &expect![[r#"
            audit:
              web i-1:32769 | hijacked (critical) | then alert | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task
        "#]],
    );
}

/// Groups are read before tasks: a task that starts or stops meanwhile causes a difference that is
/// not a fault.
#[test]
fn nothing_is_a_finding_within_the_settle_time() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 0s ago
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 89s ago
        task t4 STOPPED/STOPPED on i-1 app:8080->32771 ended 90s ago
        task t5 RUNNING/RUNNING on i-1 app:8080->32772 for 10s
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        target web i-1:32770 unhealthy Target.FailedHealthChecks
        target web i-1:32771 unhealthy Target.FailedHealthChecks
        audit
        ",
        &expect![[r#"
            audit:
              web i-1:32771 | stale (error) | then alert | task t4 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task
              young: web i-1:32769 | its task has just stopped; ECS may still deregister the target
              young: web i-1:32770 | its task has just stopped; ECS may still deregister the target
              young: web i-1:32772 | its task has just started; ECS may still register the target
        "#]],
    );
}

#[test]
fn a_lasting_fault_without_a_repair_is_reported() {
    check(
        "
        group web interval=30 threshold=3
        service shop/web binds web to app:8080 grace=600
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        definition web:1 bridge app:8080
        task t2 RUNNING/RUNNING on i-1 for 20m of web:1
        target web i-1:32768 unhealthy Target.Timeout
        audit
        ",
        &expect![[r#"
            audit:
              web | no_traffic (critical) | then await 150s | none of the 2 running tasks of web has a healthy target; task t2: the task has no container `app`
              task t2 | bindings_missing (error) | then alert | the task has no container `app`
              web i-1:32768 | unhealthy (error) | then await 150s | registered, but unhealthy (Target.Timeout); the group's settings explain at most 2 min 30 s of that; the target did not answer in time: the security group of i-1 must let the load balancer reach host port 32768, and the program must answer within the group's health check timeout
        "#]],
    );
}

#[test]
fn what_could_not_be_read_is_not_judged() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        gap tasks \"page 2 failed\"
        audit
        ",
        &expect![[r#"
            audit:
              unknown: service | the list of tasks could not be read: page 2 failed
              unknown: service | the list of tasks is incomplete, so Portkeeper deregisters nothing
              unknown: web i-1:32769 | registered; some tasks could not be read, and the target may belong to one of them
        "#]],
    );
}

#[test]
fn the_mode_of_the_service_applies() {
    check(
        "
        group web
        service shop/web binds web to app:8080 mode=alert
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        audit
        service shop/web binds web to app:8080 mode=off
        audit
        ",
        &expect![[r#"
            audit:
              web i-1:32768 | missing (error) | then alert | task t1 has been running for 10 min and its target is not registered
            audit:
        "#]],
    );
}

/// An audit finds more faults than the ledger can keep open.
#[test]
fn every_foreign_target_of_a_group_is_found() {
    let mut text = "group web\nservice shop/web binds web to app:8080\n".to_owned();
    text.push_str("task t1 RUNNING/RUNNING on i-1 app:8080->32768\ntarget web i-1:32768 healthy\n");
    let targets: Vec<String> =
        (40_000..41_000).map(|port| format!("target web i-1:{port} unhealthy\n")).collect();
    text.push_str(&targets.concat());
    text.push_str("audit\n");
    let out = crate::text_world::run(&text);
    assert_eq!(out.matches("| foreign (warning) | then ").count(), 1000, "{out}");
}
