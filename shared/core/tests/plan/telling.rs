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

/// The alerts of a service of which this many targets are missing, or fail their health checks, with
/// the impact of each.
fn impacts(world: &str) -> String {
    let text = reported(world);
    let firsts = text.lines().map(|line| line.split(", web i-1:").next().unwrap());
    firsts.fold(String::new(), |table, line| table + line + "\n")
}

/// The record holds 300 incidents; the impact counts what the check found.
#[test]
fn an_outage_of_any_size_is_one_critical_alert() {
    let sizes = [50, 51, 300, 301, 1000];
    let table = sizes.map(|size| format!("{size}: {}", impacts(&service(size, size))));
    expect![[r#"
        50: alert: missing (critical): web i-1:32768
        51: alert: missing (critical, 51 of 51 tasks): web
        300: alert: missing (critical, 300 of 300 tasks): web
        301: alert: missing (critical, 301 of 301 tasks): web
        1000: alert: missing (critical, 1000 of 1000 tasks): web
    "#]]
    .assert_eq(&table.concat());
}

#[test]
fn an_outage_of_a_part_has_the_severity_of_its_share() {
    let sizes = [51, 99, 100, 301, 999, 1000];
    let table =
        sizes.map(|missing| format!("{missing} of 1000: {}", impacts(&service(1000, missing))));
    expect![[r#"
        51 of 1000: alert: missing (warning, 51 of 1000 tasks): web
        99 of 1000: alert: missing (warning, 99 of 1000 tasks): web
        100 of 1000: alert: missing (error, 100 of 1000 tasks): web
        301 of 1000: alert: missing (error, 301 of 1000 tasks): web
        999 of 1000: alert: missing (error, 999 of 1000 tasks): web
        1000 of 1000: alert: missing (critical, 1000 of 1000 tasks): web
    "#]]
    .assert_eq(&table.concat());
}

/// The targets of a group fail and recover: one alert, and one end.
#[test]
fn a_group_whose_targets_fail_is_one_incident_until_the_last_one_recovers() {
    let mut world = service(301, 0);
    let state = |world: &mut String, ports: std::ops::RangeInclusive<usize>, state: &str| {
        for port in ports {
            writeln!(world, "target web i-1:{port} {state}").unwrap();
        }
    };
    world.push_str("look\n");
    state(&mut world, 32768..=33068, "unhealthy Target.Timeout");
    world.push_str("look after 60s\nlook after 200s\nlook after 60s\n");
    state(&mut world, 32770..=33068, "healthy");
    world.push_str("look after 60s\nlook after 60s\n");
    state(&mut world, 32768..=32769, "healthy");
    world.push_str("look after 60s\nlook after 60s\n");
    expect![[r#"
        0s:
        60s:
          asks: group web
          looks again in 120s
        260s:
          asks: group web
          alert: unhealthy (critical, 301 of 301 tasks): web
        320s:
          asks: group web
        380s:
          asks: group web
        440s:
          asks: group web
        500s:
          alert: resolved unhealthy (critical): web (no target of the group has this fault any longer, after 7 min 20 s)
        560s:
          nothing to write down
    "#]].assert_eq(
        &run(&world)
            .lines()
            .filter(|line| !line.contains(" i-1:") || line.contains("alert: "))
            .fold(String::new(), |shown, line| shown + line + "\n"),
    );
}

/// Every one of them is registered, as many at once as the record holds.
#[test]
fn all_targets_of_a_large_group_are_registered() {
    let mut world = service(700, 700).replace("policy mode=alert\n", "");
    world.push_str("look\nlook after 60s\n");
    for first in [32768, 33068, 33368] {
        for port in (first..first + 300).take_while(|port| *port < 32768 + 700) {
            writeln!(world, "target web i-1:{port} healthy").unwrap();
        }
        world.push_str("look after 60s\nlook after 60s\n");
    }
    let text = run(&world);
    let lines = text.lines().filter_map(|line| {
        let registered = line.matches("i-1:").count();
        let shown = line.split(" [i-1").next().unwrap().to_owned();
        let kept = !line.contains(" | ") || line.contains("web | ") || line.contains("service | ");
        kept.then(|| {
            if line.contains("plan:") {
                format!("{shown} {registered}\n")
            } else {
                format!("{line}\n")
            }
        })
    });
    expect![[r#"
        0s:
          asks: state of i-1; group web
          web | missing | await 60s | 700 of 700 expected targets; the first is i-1:32768: task t01 has been running for 10 min and its target is not registered: found once; waiting for a second check
          looks again in 60s
        60s:
          asks: state of i-1; group web
          web | missing | alert | 700 of 700 expected targets; the first is i-1:32768: task t01 has been running for 11 min and its target is not registered: alert only
          plan: register web 300
          alert: missing (critical, 700 of 700 tasks): web
          looks again in 60s
        120s:
          asks: state of i-1; group web
          web | missing | alert | 400 of 700 expected targets; the first is i-1:33068: task t301 has been running for 12 min and its target is not registered: alert only
          looks again in 60s
        180s:
          asks: state of i-1; group web
          web | missing | alert | 400 of 700 expected targets; the first is i-1:33068: task t301 has been running for 13 min and its target is not registered: alert only
          plan: register web 299
          looks again in 60s
        240s:
          asks: state of i-1; group web
          web | missing | alert | 100 of 700 expected targets; the first is i-1:33368: task t601 has been running for 14 min and its target is not registered: alert only
          looks again in 60s
        300s:
          asks: state of i-1; group web
          web | missing | alert | 100 of 700 expected targets; the first is i-1:33368: task t601 has been running for 15 min and its target is not registered: alert only
          plan: register web 100
          looks again in 60s
        360s:
          alert: resolved missing (critical): web (no target of the group has this fault any longer, after 6 min)
        420s:
          nothing to write down
    "#]].assert_eq(&lines.collect::<String>());
}

/// An alert named some targets before the others followed: they are not named again, and each end is
/// reported where its begin was.
#[test]
fn targets_that_were_reported_alone_before_their_group_end_alone() {
    let mut world = service(60, 2);
    world.push_str("look\nlook after 60s\n");
    for port in 32770..=32827 {
        writeln!(world, "target web i-1:{port} gone").unwrap();
    }
    world.push_str("call 1m ago DeregisterTargets web i-1:32770 by alice\n");
    world.push_str("look after 60s\nlook after 60s\nlook after 60s\n");
    for port in 32768..=32827 {
        writeln!(world, "target web i-1:{port} healthy").unwrap();
    }
    world.push_str("look after 60s\nlook after 60s\n");
    expect![[r#"
        alert: missing (warning): web i-1:32768, web i-1:32769
        alert: missing (warning): web i-1:32770, by IAM user alice with DeregisterTargets at 2026-11-23T10:00:00Z
        alert: missing (critical, 60 of 60 tasks): web
        alert: resolved missing (critical): web (no target of the group has this fault any longer, after 3 min), web i-1:32768 (registered and healthy, after 5 min), web i-1:32769 (registered and healthy, after 5 min), web i-1:32770 (registered and healthy, after 3 min), by IAM user alice with DeregisterTargets at 2026-11-23T10:00:00Z
    "#]].assert_eq(&reported(&world));
}

/// One call deregistered all of them.
#[test]
fn the_cause_of_a_group_is_that_of_all_its_targets() {
    let mut world = service(60, 60);
    let named: Vec<String> = (32768..=32827).map(|port| format!("i-1:{port}")).collect();
    let call = format!("call 1m ago DeregisterTargets web {} by alice\n", named.join(" "));
    world.push_str("look\n");
    world.push_str(&call);
    world.push_str("look after 60s\n");
    expect![[r#"
        alert: missing (critical, 60 of 60 tasks): web, by IAM user alice with DeregisterTargets at 2026-11-23T09:59:00Z
    "#]].assert_eq(&reported(&world));
}

/// Each group has its own incident and its own severity.
#[test]
fn each_of_two_large_groups_is_one_incident() {
    let mut world = "policy mode=alert\ngroup web\ngroup admin\nservice shop/web binds web to app:8080 and admin to app:9090\n".to_owned();
    for number in 0..400 {
        let (web, admin) = (32768 + number, 42768 + number);
        writeln!(world, "task t{number} RUNNING/RUNNING on i-1 app:8080->{web} app:9090->{admin}")
            .unwrap();
        if number < 100 {
            writeln!(world, "target admin i-1:{admin} healthy").unwrap();
        }
    }
    expect![[r#"
        alert: missing (critical, 400 of 400 tasks): admin, web
    "#]]
    .assert_eq(&reported(&world));
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
              alert: target_group_unattached (critical): web
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

/// Tasks that run for seconds before they fail serve nobody.
#[test]
fn a_shortage_lasts_until_a_target_is_healthy() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 1m ago stop-code EssentialContainerExited
        look
        look after 16m
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 for 10s
        target web i-1:32769 initial
        look after 5m
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 1m ago stop-code EssentialContainerExited
        target web i-1:32769 gone
        look after 5m
        look after 16m
        task t3 RUNNING/RUNNING on i-1 app:8080->32770 for 10s
        target web i-1:32770 initial
        look after 5m
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 1m ago stop-code EssentialContainerExited
        target web i-1:32770 gone
        look after 5m
        look after 16m
        ",
        &expect![[r#"
            0s:
              service | below_desired | await 900s | 0 of 1 desired tasks are running; the last task that failed: EssentialContainerExited: found once; waiting for a second check
              looks again in 900s
            960s:
              service | below_desired | alert | 0 of 1 desired tasks are running; the last task that failed: EssentialContainerExited: alert only
              alert: below_desired (critical): service
            1260s:
              asks: group web
              web i-1:32769 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 120s
            1560s:
              service | below_desired | alert | 0 of 1 desired tasks are running; the last task that failed: EssentialContainerExited: alert only
            2520s:
              service | below_desired | alert | 0 of 1 desired tasks are running; the last task that failed: EssentialContainerExited: alert only
            2820s:
              asks: group web
              web i-1:32770 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 120s
            3120s:
              service | below_desired | alert | 0 of 1 desired tasks are running; the last task that failed: EssentialContainerExited: alert only
            4080s:
              service | below_desired | alert | 0 of 1 desired tasks are running; the last task that failed: EssentialContainerExited: alert only
            open: below_desired service, seen 6, reported
        "#]],
    );
}
