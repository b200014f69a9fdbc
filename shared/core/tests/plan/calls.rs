//! Attribution: alerts name the API call that CloudTrail reports, and nothing else changes.

use crate::text_world::{check, run};
use expect_test::expect;

/// A person usually means it: the alert comes at once, and the repair waits for half an hour.
#[test]
fn a_target_that_a_person_deregistered_is_left_alone_for_a_while() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
        call 2m ago DeregisterTargets web i-1:32768
        look
        look after 60s
        look after 1620s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1680s | task t1 has been running for 1 h and its target is not registered; IAM user alice deregistered it at 2026-11-23 09:58:00Z, and Portkeeper registers it again after 2026-11-23 10:28:00Z: a person deregistered it, so the repair waits
              alert: missing (critical): web i-1:32768, by IAM user alice with DeregisterTargets at 2026-11-23T09:58:00Z
              looks again in 900s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 1620s | task t1 has been running for 1 h 1 min and its target is not registered; IAM user alice deregistered it at 2026-11-23 09:58:00Z, and Portkeeper registers it again after 2026-11-23 10:28:00Z: a person deregistered it, so the repair waits
            1680s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 1 h 28 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              looks again in 60s
            1740s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 29 min), by IAM user alice with DeregisterTargets at 2026-11-23T09:58:00Z
        "#]],
    );
}

/// The alert was sent before the cause was known; the alert that resolves the incident names it.
#[test]
fn an_event_that_comes_after_the_alert() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
        look
        look after 60s
        call 5m ago DeregisterTargets web i-1:32768
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 1 h and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 1 h 1 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (critical): web i-1:32768
              looks again in 60s
            120s:
              asks: group web
              web i-1:32768 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            180s:
              alert: resolved missing (critical): web i-1:32768 (registered and healthy, after 3 min), by IAM user alice with DeregisterTargets at 2026-11-23T09:56:00Z
        "#]],
    );
}

/// Holds I-CAUSE. The API call was about another target, another group or an earlier task on the
/// same port, or was undone before it had an effect.
#[test]
fn an_unrelated_api_call_is_not_the_cause() {
    let world = "
        group web
        group admin
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 10m
    ";
    for call in [
        "call 2m ago DeregisterTargets web i-1:32769",
        "call 2m ago DeregisterTargets admin i-1:32768",
        "call 11m ago DeregisterTargets web i-1:32768",
        "call 2m ago RegisterTargets web i-1:32768",
        "call 2m ago DeleteRule lb",
        "call 3m ago DeregisterTargets web i-1:32768\ncall 2m ago RegisterTargets web i-1:32768 by bob",
        "call 2h ago DeregisterTargets web i-1:32768",
        "target web i-1:32768 healthy\ncall 2m ago DeregisterTargets web i-1:32768\nlook\ntarget web i-1:32768 gone",
    ] {
        let reported = run(&format!("{world}\n{call}\nlook\nlook after 90s"));
        assert!(
            reported.contains("alert: missing (critical): web i-1:32768\n"),
            "{call}: {reported}"
        );
    }
}

/// Once an alert has named the cause, the next incident has an unknown cause until another API call
/// explains it.
#[test]
fn an_api_call_is_the_cause_of_one_incident_only() {
    let reported = run("
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
        call 1m ago DeregisterTargets web i-1:32768
        look
        look after 60s
        target web i-1:32768 healthy
        look after 60s
        target web i-1:32768 gone
        look after 60s
        look after 90s
    ");
    let alerts: Vec<&str> = reported.lines().filter(|line| line.contains("alert: ")).collect();
    assert_eq!(alerts.len(), 3, "{reported}");
    let named: Vec<bool> = alerts.iter().map(|alert| alert.contains("by IAM user alice")).collect();
    assert_eq!(named, [true, true, false], "{reported}");
}

/// The cause of an unexplained target is the last API call that registered it. A port that the call
/// does not name is the group's own.
#[test]
fn a_foreign_target_names_the_call_that_registered_it() {
    check(
        "
        group web port=80
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
        target web i-1:32768 healthy
        target web i-9:80 unhealthy
        call 9m ago RegisterTargets web i-9:80 by alice
        call 2m ago RegisterTargets web i-9 by bob
        look
        look after 60s
        target web i-9:80 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-9
              web i-9:80 | foreign | await 60s | an instance on the group's default port: an Auto Scaling group is probably attached to this target group: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners on i-9; owners elsewhere in web
              web i-9:80 | foreign | alert | an instance on the group's default port: an Auto Scaling group is probably attached to this target group: alert only
              alert: foreign (warning): web i-9:80, by IAM user bob with RegisterTargets at 2026-11-23T09:58:00Z
            120s:
              alert: resolved foreign (warning): web i-9:80 (the target is no longer registered, after 2 min), by IAM user bob with RegisterTargets at 2026-11-23T09:58:00Z
        "#]],
    );
}

/// ECS is the cause of a target that a stopped task left registered, even if a person once
/// registered the same target. A target that was registered after the task stopped is another
/// writer's.
#[test]
fn a_leftover_target_names_no_call_from_before_its_task_stopped() {
    let world = |call: &str| {
        format!(
            "
            group web
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING on i-2 app:8080->32768 for 1h
            target web i-2:32768 healthy
            task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
            target web i-1:32769 unhealthy
            {call}
            look
            look after 60s
            "
        )
    };
    let before = run(&world("call 20m ago RegisterTargets web i-1:32769"));
    assert!(before.contains("alert: stale (error): web i-1:32769\n"), "{before}");
    let after = run(&world("call 5m ago RegisterTargets web i-1:32769"));
    assert!(
        after.contains(
            "alert: foreign (warning): web i-1:32769, by IAM user alice with RegisterTargets"
        ),
        "{after}"
    );
}

/// A group that was deleted, and a group that lost its rule. For the second, the cause is the last
/// change at the load balancer before the check that found it.
#[test]
fn a_deleted_group_or_rule_names_the_call() {
    let world = |group: &str, call: &str| {
        run(&format!(
            "
            group web {group}
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
            {call}
            look
            look after 60s
            call 30s ago ModifyListener lb by carol
            group web
            target web i-1:32768 healthy
            look after 60s
            "
        ))
    };
    let deleted = world("missing", "call 2m ago DeleteTargetGroup web");
    assert!(
        deleted.contains(
            "alert: target_group_missing (critical): web, by IAM user alice with DeleteTargetGroup"
        ),
        "{deleted}"
    );
    let calls = "call 3m ago ModifyRule lb by bob\ncall 2m ago DeleteRule lb";
    let unattached = world("unattached", calls);
    let reported: Vec<&str> = unattached.lines().filter(|line| line.contains("alert: ")).collect();
    assert!(
        reported.iter().all(|line| line.contains("by IAM user alice with DeleteRule"))
            && reported.len() == 2,
        "{unattached}"
    );
}

/// A fight: the alert names the other writer.
#[test]
fn a_fight_names_the_other_writer() {
    let reported = run("
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
        look
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-1:32768 gone
        look after 60s
        target web i-1:32768 gone
        call 20s ago DeregisterTargets web i-1:32768 role terraform
        look after 60s
    ");
    assert!(
        reported.contains(
            "alert: fight (error): web i-1:32768, by role terraform with DeregisterTargets"
        ),
        "{reported}"
    );
}

/// Holds I-CAUSE. What tools do is repaired as usual.
#[test]
fn a_target_that_a_tool_deregistered_is_registered_after_the_second_check() {
    for by in ["through CloudFormation", "role deployer"] {
        let reported = run(&format!(
            "
            group web
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
            call 2m ago DeregisterTargets web i-1:32768 {by}
            "
        ));
        assert!(reported.contains("plan: register web [i-1:32768]"), "{by}: {reported}");
    }
}

/// Holds I-CAUSE. An API call proves nothing: nothing is deregistered because of one.
#[test]
fn an_api_call_changes_no_decision() {
    let world = |call: &str| {
        run(&format!(
            "
            group web
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING on i-1 app:8080->32768 for 1h
            target web i-1:32769 healthy
            target web i-2:80 healthy
            {call}
            look
            look after 60s
            look after 60s
            "
        ))
    };
    let calls = "call 1m ago DeregisterTargets web i-1:32768 role deployer\ncall 1m ago RegisterTargets web i-1:32769 i-2:80\ncall 1m ago DeleteTargetGroup web\ncall 1m ago DeleteListener lb";
    let without_names = |text: &str| {
        let cut = |line: &str| line.split(", by ").next().unwrap_or_default().to_owned();
        text.lines().filter(|line| !line.contains("alert: ")).map(cut).collect::<Vec<String>>()
    };
    assert_eq!(without_names(&world(calls)), without_names(&world("")));
}

#[test]
fn the_repair_of_what_a_person_did_waits_for_a_second_check_too() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        policy person=60
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        call 50s ago DeregisterTargets web i-1:32769 by alice
        target web i-1:32769 gone
        look after 60s
        look after 20s
        look after 40s
        ",
        &expect![[r#"
            0s:
            60s:
              asks: state of i-1; group web
              web i-1:32769 | missing | await 60s | task t2 has been running for 11 min and its target is not registered; IAM user alice deregistered it at 2026-11-23 09:59:10Z, and Portkeeper registers it again after 2026-11-23 10:02:00Z: a person deregistered it, so the repair waits
              alert: missing (error): web i-1:32769, by IAM user alice with DeregisterTargets at 2026-11-23T09:59:10Z
              looks again in 60s
            80s:
              asks: state of i-1; group web
              web i-1:32769 | missing | await 40s | task t2 has been running for 11 min 20 s and its target is not registered; IAM user alice deregistered it at 2026-11-23 09:59:10Z, and Portkeeper registers it again after 2026-11-23 10:02:00Z: a person deregistered it, so the repair waits
            120s:
              asks: state of i-1; group web
              web i-1:32769 | missing | register | task t2 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32769]
              looks again in 60s
            open: missing web i-1:32769, seen 3, 1 repairs, reported
        "#]],
    );
}
