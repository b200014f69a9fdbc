//! ECS's own messages about its registrations: they are the cause of a missing or a stale target.

use crate::text_world::{check, run};
use expect_test::expect;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";

#[test]
fn the_alert_says_why_ecs_could_not_register() {
    check(
        "
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        target admin i-1:32769 healthy
        says 9m ago \"(service web) failed to register targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) with (error an older refusal)\"
        says 5m ago \"(service web) failed to register targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) with (error some refusal of ELBv2)\"
        says 4m ago \"(service web) failed to register targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/admin/0123456789abcdef) with (error of another group)\"
        says 3m ago \"(service web) has reached a steady state.\"
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered; 5 min ago ECS reported for the group: some refusal of ELBv2: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered; 6 min ago ECS reported for the group: some refusal of ELBv2: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// ELBv2 would refuse a registration by Portkeeper as it refused ECS's.
#[test]
fn nothing_is_registered_in_a_group_that_is_full() {
    check(
        "
        group web protocol=TCP
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        says 5m ago \"(service web) failed to register targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) with (error You cannot have more than 1000 targets per network load balancer with cross-zone load balancing enabled)\"
        look
        look after 60s
        says 5s ago \"(service web) registered 1 targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)\"
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered; 5 min ago ECS reported for the group: You cannot have more than 1000 targets per network load balancer with cross-zone load balancing enabled; Portkeeper does not register, because ELBv2 would refuse that, too: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered; 6 min ago ECS reported for the group: You cannot have more than 1000 targets per network load balancer with cross-zone load balancing enabled; Portkeeper does not register, because ELBv2 would refuse that, too: alert only
              alert: missing (critical): web i-1:32768
            120s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 12 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            open: missing web i-1:32768, seen 3, reported
        "#]],
    );
}

/// Each message of AWS's page of service event messages that is about a target group and may
/// explain that a target is missing, and those that may not.
#[test]
fn messages_about_a_group_explain_a_missing_target() {
    let why = |message: &str| {
        let text = run(&format!(
            "group web\nservice shop/web binds web to app:8080\n\
             task t1 RUNNING/RUNNING on i-1 app:8080->32768\nsays 2m ago \"{message}\"\nlook"
        ));
        let line = text.lines().find(|line| line.contains("| missing |")).unwrap().to_owned();
        let (_, rest) = line.split_once("its target is not registered").unwrap();
        rest.strip_suffix(": found once; waiting for a second check").unwrap().to_owned()
    };
    let told = [
        format!("(service web) failed to register targets in (target-group {GROUP}) with (error Rate exceeded)"),
        format!("(service web) failed to register targets in (target-group {GROUP}) with (error You've reached the limit on the number of targets)"),
        format!("(service web, taskSet ecs-svc/1) failed to register targets in (target-group {GROUP}) with (error x)"),
        format!("(service web) task set (ecs-svc/1) is not healthy in (target-group {GROUP}) due to TARGET GROUP IS NOT FOUND."),
        format!("(service web) task set (ecs-svc/1) is not healthy in (target-group {GROUP}) due to TARGET IS NOT FOUND."),
        "(service web) operations are being throttled on elb. Will try again later.".to_owned(),
        format!("(service web) registered 1 targets in (target-group {GROUP})"),
        format!("(service web) deregistered 1 targets in (target-group {GROUP})"),
        format!("(service web) failed to deregister targets in (target-group {GROUP}) with (error x)"),
        format!("(service web) has begun draining connections on 1 tasks in (target-group {GROUP})."),
        format!("(service web) (task t1) (port 80) is unhealthy in (target-group {GROUP}) due to (reason Health checks failed)"),
        "(service web) was unable to place a task because no container instance met all of its requirements.".to_owned(),
    ];
    let told: Vec<String> = told.iter().map(|message| format!("{}\n", why(message))).collect();
    expect![[r#"
        ; 2 min ago ECS reported for the group: Rate exceeded
        ; 2 min ago ECS reported for the group: You've reached the limit on the number of targets; Portkeeper does not register, because ELBv2 would refuse that, too
        ; 2 min ago ECS reported for the group: x
        ; 2 min ago ECS reported for the group: (service web) task set (ecs-svc/1) is not healthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) due to TARGET GROUP IS NOT FOUND
        ; 2 min ago ECS reported for the group: (service web) task set (ecs-svc/1) is not healthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) due to TARGET IS NOT FOUND
        ; 2 min ago ECS reported for the group: (service web) operations are being throttled on elb. Will try again later






    "#]]
    .assert_eq(&told.concat());
}

/// ECS repeats a message after six hours, so an older one is about something else.
#[test]
fn a_message_of_another_day_explains_nothing() {
    let text = run(&format!(
        "group web\nservice shop/web binds web to app:8080\n\
         task t1 RUNNING/RUNNING on i-1 app:8080->32768\n\
         says 7h ago \"(service web) failed to register targets in (target-group {GROUP}) with (error x)\"\nlook"
    ));
    assert!(!text.contains("ECS"), "{text}");
}

#[test]
fn the_alert_about_a_leftover_says_why_ecs_could_not_deregister() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        target web i-3:9 healthy
        says 9m ago \"(service web) failed to deregister targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) with (error You've reached a limit)\"
        says 8m ago \"(service web) registered 1 targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)\"
        look
        says 1s ago \"(service web) deregistered 1 targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)\"
        look after 30s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-1, i-3
              web i-1:32768 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              web i-3:9 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            30s:
              asks: owners in the cluster; owners on i-1, i-3; owners elsewhere in web
              web i-1:32768 | foreign | await 30s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists; it belonged to task t1, but its health checks are answered although no task of this cluster is on its address: something else answers there: found once; waiting for a second check
              web i-3:9 | foreign | await 30s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
            open: foreign web i-1:32768, seen 2
            open: foreign web i-3:9, seen 2
        "#]],
    );
}
