//! The service as a whole: tasks that are missing for a long time.

use crate::text_world::check;
use expect_test::expect;

const STEADY: &str = "(service web) has reached a steady state.";
const NO_PLACE: &str = "(service web) was unable to place a task because no container instance met all of its \
                        requirements. The closest matching (container-instance i-1) has insufficient memory available.";

#[test]
fn tasks_that_are_lacking_for_long_are_told_with_what_ecs_says_of_it() {
    check(
        &format!(
            r#"
            group web
            service shop/web binds web to app:8080 desired=2
            task t1 RUNNING/RUNNING on i-1 app:8080->32768
            target web i-1:32768 healthy
            says 60m "{STEADY}"
            says 20m "(service web) has started 1 tasks: (task t0)."
            says 10m "{NO_PLACE}"
            says 5m "(service web) (task t0) registered 1 targets in (target-group web)"
            look
            look after 600s
            look after 300s
            look after 600s
            task t2 RUNNING/RUNNING on i-1 app:8080->32769
            target web i-1:32769 healthy
            look after 60s
            look after 60s
            "#
        ),
        &expect![[r#"
            0s:
              service | below_desired | await 900s | 1 of 2 desired tasks are running; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance i-1) has insufficient memory available: found once; waiting for a second check
              looks again in 900s
            600s:
              service | below_desired | await 300s | 1 of 2 desired tasks are running; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance i-1) has insufficient memory available: found once; waiting for a second check
            900s:
              service | below_desired | alert | 1 of 2 desired tasks are running; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance i-1) has insufficient memory available: alert only
              alert: below_desired (error): service
            1500s:
              service | below_desired | alert | 1 of 2 desired tasks are running; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance i-1) has insufficient memory available: alert only
            1560s:
              alert: resolved below_desired (error): service (2 of 2 desired tasks are running, after 26 min)
            1620s:
              nothing to write down
        "#]],
    );
}

#[test]
fn a_deployment_in_progress_explains_that_tasks_are_lacking() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 1 PRIMARY web:1 IN_PROGRESS
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        look after 900s
        deployment 1 PRIMARY web:1 COMPLETED
        look after 60s
        deployment 2 ACTIVE web:0
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | below_desired | await 1800s | 1 of 2 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            900s:
              service | below_desired | await 900s | 1 of 2 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            960s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
              alert: below_desired (error): service
            1020s:
              service | below_desired | alert | 1 of 2 desired tasks are running; a deployment is in progress: alert only
            open: below_desired service, seen 4, reported
        "#]],
    );
}

#[test]
fn tasks_that_were_all_there_in_between_are_lacking_anew() {
    check(
        &format!(
            r#"
            policy below=300
            group web
            service shop/web binds web to app:8080 desired=2
            task t1 RUNNING/RUNNING on i-1 app:8080->32768
            target web i-1:32768 healthy
            look
            look after 240s
            says 60s "{STEADY}"
            look after 60s
            look after 180s
            "#
        ),
        &expect![[r#"
            0s:
              service | below_desired | await 300s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 300s
            240s:
              service | below_desired | await 60s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
            300s:
              service | below_desired | await 180s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 180s
            480s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
              alert: below_desired (error): service
            open: below_desired service, seen 4, reported
        "#]],
    );
}

#[test]
fn tasks_that_stay_lacking_through_a_deployment_stay_one_incident() {
    check(
        "
        policy below=60
        group web
        service shop/web binds web to app:8080 desired=2
        deployment 1 PRIMARY web:1 COMPLETED
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        look after 60s
        deployment 1 PRIMARY web:1 IN_PROGRESS
        look after 60s
        deployment 1 PRIMARY web:1 COMPLETED
        look after 60s
        service shop/web binds web to app:8080 desired=1
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | below_desired | await 60s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 60s
            60s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
              alert: below_desired (error): service
            120s:
              service | below_desired | alert | 1 of 2 desired tasks are running; a deployment is in progress: alert only
            180s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
            240s:
              alert: resolved below_desired (error): service (1 of 1 desired tasks are running, after 4 min)
        "#]],
    );
}

#[test]
fn a_service_with_all_its_tasks_is_quiet_whatever_ecs_said_before() {
    check(
        &format!(
            r#"
            group web
            service shop/web binds web to app:8080 desired=1
            task t1 RUNNING/RUNNING on i-1 app:8080->32768
            target web i-1:32768 healthy
            says 20m "{NO_PLACE}"
            "#
        ),
        &expect![[r#"
            0s:
            60s:
              nothing to write down
        "#]],
    );
}

#[test]
fn what_ecs_says_of_unhealthy_tasks_counts_where_they_are_not_listed() {
    let says = |task: &str, group: &str| {
        format!(
            r#"says 5m "(service web) (task {task}) (port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{group}/0123456789abcdef) due to (reason Request timed out)""#
        )
    };
    check(
        &format!(
            "
            group web
            service shop/web binds web to app:8080 grace=120
            task t1 RUNNING/RUNNING on i-1 app:8080->32768
            target web i-1:32768 healthy
            {}
            {}
            {}
            look
            {}
            look
            look after 60s
            ",
            says("k1", "web"),
            says("k2", "web"),
            says("k2", "web"),
            says("k3", "admin"),
        ),
        &expect![[r#"
            0s:
            0s:
              service | kill_loop | await 60s | ECS stopped 3 tasks within 30 min for failed health checks in admin, web; ECS reported: (reason Request timed out); the health check grace period is 2 min: found once; waiting for a second check
              looks again in 60s
            60s:
              service | kill_loop | alert | ECS stopped 3 tasks within 30 min for failed health checks in admin, web; ECS reported: (reason Request timed out); the health check grace period is 2 min: alert only
              alert: kill_loop (error): service
            open: kill_loop service, seen 2, reported
        "#]],
    );
}

#[test]
fn a_task_set_scale_below_100_percent_lowers_the_expected_count() {
    check(
        "
        group web
        service shop/web binds nothing controller=EXTERNAL desired=4
        taskset 111 binds web to app:8080 desired 2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 111
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        task t2 gone
        target web i-1:32769 gone
        look after 60s
        ",
        &expect![[r#"
            0s:
            60s:
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            open: below_desired service, seen 1
        "#]],
    );
}

#[test]
fn what_ecs_said_before_all_tasks_ran_explains_nothing() {
    check(
        &format!(
            r#"
            group web
            service shop/web binds web to app:8080 desired=2
            task t1 RUNNING/RUNNING on i-1 app:8080->32768
            target web i-1:32768 healthy
            says 70m "{NO_PLACE}"
            says 60m "{STEADY}"
            look
            "#
        ),
        &expect![[r#"
            0s:
              service | below_desired | await 900s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 900s
            open: below_desired service, seen 1
        "#]],
    );
}

#[test]
fn a_change_of_task_sets_explains_that_tasks_are_lacking() {
    check(
        "
        group web
        service shop/web binds nothing controller=CODE_DEPLOY desired=2
        taskset 111 binds web to app:8080
        taskset 222 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111
        target web i-1:32768 healthy
        look
        ",
        &expect![[r#"
            0s:
              service | below_desired | await 1800s | 1 of 2 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            open: below_desired service, seen 1
        "#]],
    );
}

/// A deployment never explains that no task runs. ECS does not end one without a circuit breaker.
#[test]
fn no_running_task_is_critical_whatever_is_in_progress() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=4
        deployment 1 PRIMARY web:1 IN_PROGRESS for 24h failed=2
        says 10m "(service web) was unable to place a task because no container instance met all of its requirements."
        look
        look after 900s
        look after 3600s
        "#,
        &expect![[r#"
            0s:
              service | below_desired | await 900s | 0 of 4 desired tasks are running; a deployment is in progress; 2 tasks of the deployment failed in a row; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements: found once; waiting for a second check
              looks again in 900s
            900s:
              service | below_desired | alert | 0 of 4 desired tasks are running; a deployment is in progress; 2 tasks of the deployment failed in a row; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements: alert only
              alert: below_desired (critical): service
            4500s:
              service | below_desired | alert | 0 of 4 desired tasks are running; a deployment is in progress; 2 tasks of the deployment failed in a row; ECS reported at 2026-11-23 09:50:00Z: (service web) was unable to place a task because no container instance met all of its requirements: alert only
            open: below_desired service, seen 3, reported
        "#]],
    );
}

#[test]
fn a_deployment_explains_missing_tasks_for_half_an_hour() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=4 min=50
        deployment 1 PRIMARY web:1 IN_PROGRESS for 1m
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        audit
        look
        look after 840s
        look after 900s
        "#,
        &expect![[r#"
            audit:
              young: service | 2 of 4 desired tasks are running; a deployment is in progress
            0s:
              service | below_desired | await 840s | 2 of 4 desired tasks are running; a deployment is in progress
              looks again in 840s
            840s:
              service | below_desired | await 900s | 2 of 4 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            1740s:
              service | below_desired | alert | 2 of 4 desired tasks are running; a deployment is in progress: alert only
              alert: below_desired (error): service
            open: below_desired service, seen 2, reported
        "#]],
    );
}

/// Each task that starts is progress, and so is a count that rises.
#[test]
fn a_deployment_that_makes_progress_explains_missing_tasks() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=4 min=25
        deployment 1 PRIMARY web:1 IN_PROGRESS for 10m
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        look after 900s
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 for 20m
        target web i-1:32769 healthy
        look after 120s
        task t3 RUNNING/RUNNING on i-1 app:8080->32770 for 2m
        target web i-1:32770 healthy
        look after 800s
        look after 900s
        task t4 RUNNING/RUNNING on i-1 app:8080->32771 for 2m
        target web i-1:32771 healthy
        look after 60s
        "#,
        &expect![[r#"
            0s:
              service | below_desired | await 300s | 1 of 4 desired tasks are running; a deployment is in progress
              looks again in 300s
            900s:
              service | below_desired | await 900s | 1 of 4 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            1020s:
              service | below_desired | await 60s | 2 of 4 desired tasks are running; a deployment is in progress, and more tasks are running than before
              looks again in 60s
            1820s:
              service | below_desired | await 900s | 3 of 4 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            2720s:
              service | below_desired | alert | 3 of 4 desired tasks are running; a deployment is in progress: alert only
              alert: below_desired (error): service
            2780s:
              alert: resolved below_desired (error): service (4 of 4 desired tasks are running, after 16 min)
        "#]],
    );
}

#[test]
fn a_deployment_explains_only_as_many_missing_tasks_as_its_minimum_allows() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=2 min=100
        deployment 1 PRIMARY web:1 IN_PROGRESS for 1m
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        look after 900s
        "#,
        &expect![[r#"
            0s:
              service | below_desired | await 900s | 1 of 2 desired tasks are running; a deployment is in progress: found once; waiting for a second check
              looks again in 900s
            900s:
              service | below_desired | alert | 1 of 2 desired tasks are running; a deployment is in progress: alert only
              alert: below_desired (error): service
            open: below_desired service, seen 2, reported
        "#]],
    );
}

#[test]
fn a_dead_green_revision_is_no_outage_while_the_blue_one_runs() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=2 min=100
        deployment 1 ACTIVE web:1 COMPLETED
        deployment 2 PRIMARY web:2 IN_PROGRESS for 5h
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 1
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        look after 900s
        "#,
        &expect![[r#"
            0s:
              service | deployment_stuck | await 60s | the deployment of web:2 runs 0 of 2 desired tasks, and none of them has started for 5 h; none of the service's events explains it: found once; waiting for a second check
              looks again in 60s
            900s:
              service | deployment_stuck | alert | the deployment of web:2 runs 0 of 2 desired tasks, and none of them has started for 5 h 15 min; none of the service's events explains it: alert only
              alert: deployment_stuck (warning): service
            open: deployment_stuck service, seen 2, reported
        "#]],
    );
}

#[test]
fn one_running_task_of_two_that_ends_raises_the_severity() {
    check(
        r#"
        policy below=60
        group web
        service shop/web binds web to app:8080 desired=2
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        look after 60s
        task t1 gone
        target web i-1:32768 gone
        look after 60s
        "#,
        &expect![[r#"
            0s:
              service | below_desired | await 60s | 1 of 2 desired tasks are running; none of the service's events explains it: found once; waiting for a second check
              looks again in 60s
            60s:
              service | below_desired | alert | 1 of 2 desired tasks are running; none of the service's events explains it: alert only
              alert: below_desired (error): service
            120s:
              service | below_desired | alert | 0 of 2 desired tasks are running; none of the service's events explains it: alert only
              alert: escalated below_desired (critical): service
            open: below_desired service, seen 3, reported
        "#]],
    );
}

/// Returns the alerts of a service of which this many tasks run, or failed, for a quarter of an hour.
pub(crate) fn alerts_of(desired: u32, running: u32, failed: u32, rest: &str) -> String {
    let failed: Vec<String> = (0..failed)
        .map(|n| format!("task k{n} STOPPED/STOPPED on i-1 ended 5m ago {rest}"))
        .collect();
    let failed = failed.join("\n");
    let healthy = "task t0 RUNNING/RUNNING on i-1 app:8080->31000\ntarget web i-1:31000 healthy";
    let healthy = if running > 0 { healthy } else { "" };
    let text = crate::text_world::run(&format!(
        "
        group web
        service shop/web binds web to app:8080 desired={desired}
        counts running={running} pending={}
        {healthy}
        {failed}
        look
        look after 900s
        ",
        desired - running
    ));
    let alerts = text.lines().filter(|line| line.contains("alert: ")).map(str::trim);
    alerts.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_shortage_is_judged_in_proportion() {
    let counts =
        [(1, 0), (2, 1), (2, 0), (10, 9), (20, 19), (20, 18), (1000, 990), (1000, 930), (1000, 0)];
    let table = counts.map(|(desired, running)| {
        format!("{running} of {desired}: {}\n", alerts_of(desired, running, 0, ""))
    });
    expect![[r#"
        0 of 1: alert: below_desired (critical): service
        1 of 2: alert: below_desired (error): service
        0 of 2: alert: below_desired (critical): service
        9 of 10: alert: below_desired (error): service
        19 of 20: 
        18 of 20: alert: below_desired (error): service
        990 of 1000: 
        930 of 1000: alert: below_desired (warning): service
        0 of 1000: alert: below_desired (critical): service
    "#]]
    .assert_eq(&table.concat());
}
