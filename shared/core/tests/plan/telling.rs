//! The severity of alerts, and when an alert is sent again.

use crate::text_world::{check, run};
use expect_test::expect;
use std::fmt::Write as _;

fn reported(world: &str) -> String {
    let text = run(world);
    let alerts = text.lines().map(str::trim).filter(|line| line.starts_with("alert: "));
    alerts.fold(String::new(), |reported, alert| reported + alert + "\n")
}

/// Tasks `1..=tasks`, of which the first `missing` are not registered.
fn service(tasks: usize, missing: usize) -> String {
    let mut world =
        "policy mode=alert\ngroup web\nservice shop/web binds web to app:8080\n".to_owned();
    for number in 1..=tasks {
        let port = 32767 + number;
        writeln!(world, "task t{number:02} RUNNING/RUNNING on i-1 app:8080->{port}").unwrap();
        if number > missing {
            writeln!(world, "target web i-1:{port} healthy").unwrap();
        }
    }
    world
}

#[test]
fn one_missing_target_of_many_is_a_warning() {
    expect![[r#"
        alert: missing (warning): web i-1:32768
    "#]]
    .assert_eq(&reported(&service(11, 1)));
}

#[test]
fn a_missing_tenth_is_an_error() {
    expect![[r#"
        alert: missing (error): web i-1:32768
    "#]]
    .assert_eq(&reported(&service(10, 1)));
}

#[test]
fn none_with_traffic_is_critical() {
    expect![[r#"
        alert: missing (critical): web i-1:32768, web i-1:32769
    "#]]
    .assert_eq(&reported(&service(2, 2)));
}

/// An alert reported a few targets, and then nearly all are missing: one more alert is sent, and
/// only one.
#[test]
fn an_incident_that_gets_worse_is_reported_once_more() {
    let mut world = service(11, 1);
    world.push_str("look\nlook after 60s\n");
    for port in 32769..=32777 {
        writeln!(world, "target web i-1:{port} gone").unwrap();
    }
    world.push_str("look after 60s\nlook after 60s\nlook after 60s\n");
    for port in 32768..=32777 {
        writeln!(world, "target web i-1:{port} healthy").unwrap();
    }
    world.push_str("look after 60s\nlook after 60s\n");
    expect![[r#"
        alert: missing (warning): web i-1:32768
        alert: missing (error): web i-1:32769, web i-1:32770, web i-1:32771, web i-1:32772, web i-1:32773, web i-1:32774, web i-1:32775, web i-1:32776, web i-1:32777
        alert: escalated missing (error): web i-1:32768
        alert: resolved missing (error): web i-1:32768 (registered and healthy, after 5 min), web i-1:32769 (registered and healthy, after 3 min), web i-1:32770 (registered and healthy, after 3 min), web i-1:32771 (registered and healthy, after 3 min), web i-1:32772 (registered and healthy, after 3 min), web i-1:32773 (registered and healthy, after 3 min), web i-1:32774 (registered and healthy, after 3 min), web i-1:32775 (registered and healthy, after 3 min), web i-1:32776 (registered and healthy, after 3 min), web i-1:32777 (registered and healthy, after 3 min)
    "#]].assert_eq(&reported(&world));
}

/// Each group counts by itself: a service whose administration interface receives no traffic at all
/// has a critical fault.
#[test]
fn a_group_without_traffic_is_critical_whatever_the_other_groups_receive() {
    expect![[r#"
        alert: missing (critical): admin i-1:32769
    "#]]
    .assert_eq(&reported(
        "
        policy mode=alert
        group web
        group admin
        service shop/web binds web to app:8080 and admin to app:9090
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        target web i-1:32768 healthy
        ",
    ));
}

#[test]
fn a_lasting_error_is_reported_again_after_the_interval_and_a_warning_is_not() {
    let looks = "look after 600s\n".repeat(13);
    let world = format!(
        "
        policy mode=alert remind=3600
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32769 healthy
        target web i-1:9 healthy
        look
        {looks}
        "
    );
    expect![[r#"
        alert: missing (error): web i-1:32768
        alert: foreign (warning): web i-1:9
        alert: reminder missing (error): web i-1:32768
        alert: reminder missing (error): web i-1:32768
    "#]]
    .assert_eq(&reported(&world));
    let silent = world.replace("remind=3600", "remind=0");
    expect![[r#"
        alert: missing (error): web i-1:32768
        alert: foreign (warning): web i-1:9
    "#]]
    .assert_eq(&reported(&silent));
}

/// A target reported as `stale` turns out to lead to another service: the incident stays the same,
/// with a new code and a higher severity.
#[test]
fn an_incident_stays_the_same_when_its_code_changes() {
    expect![[r#"
        alert: stale (error): web i-1:32769
        alert: escalated hijacked (critical): web i-1:32769
        alert: resolved hijacked (critical): web i-1:32769 (the target is no longer registered, after 4 min)
    "#]]
    .assert_eq(&reported(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        look after 60s
        look after 60s
        target web i-1:32769 gone
        look after 60s
        ",
    ));
}

/// The alert that resolves an incident says how long the incident lasted, and which incident it
/// was.
#[test]
fn an_incident_that_another_one_reports_is_superseded() {
    check(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32769 healthy
        look
        look after 60s
        group web unattached
        target web i-1:32769 unused Target.NotInUse
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | alert | task t1 has been running for 11 min and its target is not registered: mode alert: Portkeeper writes nothing
              alert: missing (error): web i-1:32768
            120s:
              asks: state of i-1; group web
              web | target_group_unattached | await 60s | no load balancer uses the group, so its targets receive no requests; registering targets does not help: found once; waiting for a second check
              alert: superseded missing (error): web i-1:32768 (superseded by target_group_unattached of its target group, after 2 min)
              looks again in 60s
            180s:
              asks: state of i-1; group web
              web | target_group_unattached | alert | no load balancer uses the group, so its targets receive no requests; registering targets does not help: alert only
              alert: target_group_unattached (error): web
            open: target_group_unattached web, seen 2, reported
        "#]],
    );
}

/// One function publishes an alert, and has not recorded yet what SNS accepted. Another function
/// that checks the service meanwhile publishes nothing; once the first function must have ended,
/// the next check publishes.
#[test]
fn an_alert_that_another_function_is_publishing_is_not_published_twice() {
    let text = run("
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32769 healthy
        policy mode=alert
        look
        look after 60s dies
        look after 59s
        look after 1s
        look after 60s
    ");
    let looks =
        text.lines().filter(|line| line.ends_with("s:") || line.trim().starts_with("alert: "));
    let looks: Vec<&str> = looks.map(str::trim).collect();
    expect![[r#"
        0s:
        60s:
        alert: missing (error): web i-1:32768
        119s:
        120s:
        alert: missing (error): web i-1:32768
        180s:
    "#]]
    .assert_eq(&(looks.join("\n") + "\n"));
}

/// A task's target was missing, and the alert could not be published. The task stops, and the same
/// target is missing for another task: the alert about the first task does not count for the
/// second.
#[test]
fn two_incidents_about_one_target_are_distinct() {
    expect![[r#"
        alert: missing (error): web i-1:32768
        alert: missing (error): web i-1:32768
        alert: resolved missing (error): web i-1:32768 (its task has stopped, after 2 min)
        alert: missing (error): web i-1:32768
        alert: resolved missing (error): web i-1:32768 (registered and healthy, after 3 min)
    "#]]
    .assert_eq(&reported(
        "
        policy mode=alert
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32769 healthy
        look
        look after 60s unsent
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 1m ago
        task t3 RUNNING/RUNNING on i-1 app:8080->32768
        look after 60s
        look after 60s
        look after 60s
        target web i-1:32768 healthy
        look after 60s
    ",
    ));
}
