//! Tasks that fail repeatedly: `kill_loop`, in proportion to the desired count.

use crate::text_world::check;
use crate::whole::alerts_of;
use expect_test::expect;

#[test]
fn tasks_killed_again_and_again_for_failed_health_checks_are_told_until_it_is_over() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task k1 STOPPED/STOPPED on i-1 for 29m ended 28m ago killed web
        task k2 STOPPED/STOPPED on i-1 for 16m ended 15m ago killed web
        look
        task k3 STOPPED/STOPPED on i-1 for 3m ended 2m ago killed web
        says 3m "(service web) (task k3) (instance i-1) (port 32770) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef) due to (reason Health checks failed with these codes: [502])"
        look
        look after 60s
        look after 1500s
        look after 300s
        "#,
        &expect![[r#"
            0s:
            0s:
              service | kill_loop | await 60s | ECS stopped 3 tasks within 30 min for failed health checks in web; the last one had run for 1 min; ECS reported: (reason Health checks failed with these codes: [502]); the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: found once; waiting for a second check
              looks again in 60s
            60s:
              service | kill_loop | alert | ECS stopped 3 tasks within 30 min for failed health checks in web; the last one had run for 1 min; ECS reported: (reason Health checks failed with these codes: [502]); the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: alert only
              alert: kill_loop (error): service
            1560s:
              service | kill_loop | alert | ECS stopped 1 task within 30 min for failed health checks in web; the last one had run for 1 min; ECS reported: (reason Health checks failed with these codes: [502]); the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: alert only
            1860s:
              alert: resolved kill_loop (error): service (no task failed within 30 min, after 31 min)
        "#]],
    );
}

#[test]
fn tasks_that_end_for_other_reasons_are_no_kill_loop() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        task e1 STOPPED/STOPPED on i-1 ended 9m ago
        task e2 STOPPED/STOPPED on i-1 ended 8m ago
        task k1 STOPPED/STOPPED on i-1 ended 7m ago killed web
        task k2 STOPPED/STOPPED on i-1 ended 6m ago killed web
        task p1 STOPPED/STOPPED on i-1 ended 6m ago killed web stop-code UserInitiated
        task j1 STOPPED/STOPPED on i-1 group family:job started-by person ended 5m ago killed web
        ",
        &expect![[r#"
            0s:
              task j1 | - | leave | this service did not start the task, so no target is expected
            60s:
              task j1 | - | leave | this service did not start the task, so no target is expected
              nothing to write down
        "#]],
    );
}

/// A single stopped task keeps the incident open only once its alert is due.
#[test]
fn a_kill_loop_that_was_seen_once_needs_as_many_tasks_again() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task k1 STOPPED/STOPPED on i-1 ended 29m ago killed web
        task k2 STOPPED/STOPPED on i-1 ended 29m ago killed web
        task k3 STOPPED/STOPPED on i-1 ended 5m ago killed web
        target web i-1:32768 healthy
        look
        look after 120s
        look after 60s
        ",
        &expect![[r#"
            0s:
              service | kill_loop | await 60s | ECS stopped 3 tasks within 30 min for failed health checks in web; the last one had run for 5 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: found once; waiting for a second check
              looks again in 60s
            120s:
            180s:
              nothing to write down
        "#]],
    );
}

#[test]
fn a_loop_is_judged_in_proportion() {
    let counts =
        [(1, 2), (1, 3), (2, 3), (10, 3), (100, 3), (100, 5), (1000, 3), (1000, 50), (1000, 100)];
    let table = counts.map(|(desired, failed)| {
        format!("{failed} of {desired}: {}\n", alerts_of(desired, desired, failed, "killed web"))
    });
    expect![[r#"
        2 of 1: 
        3 of 1: alert: kill_loop (error): service
        3 of 2: alert: kill_loop (error): service
        3 of 10: alert: kill_loop (error): service
        3 of 100: 
        5 of 100: alert: kill_loop (warning): service
        3 of 1000: 
        50 of 1000: alert: kill_loop (warning): service
        100 of 1000: alert: kill_loop (error): service
    "#]]
    .assert_eq(&table.concat());
}

#[test]
fn tasks_that_fail_by_themselves_are_a_loop() {
    let codes = [
        "EssentialContainerExited",
        "TaskFailedToStart",
        "ServiceSchedulerInitiated",
        "SpotInterruption",
        "TerminationNotice",
        "UserInitiated",
        "SomethingNew",
    ];
    let table = codes
        .map(|code| format!("{code}: {}\n", alerts_of(2, 2, 3, &format!("stop-code ?{code}"))));
    expect![[r#"
        EssentialContainerExited: alert: kill_loop (error): service
        TaskFailedToStart: alert: kill_loop (error): service
        ServiceSchedulerInitiated: 
        SpotInterruption: 
        TerminationNotice: 
        UserInitiated: 
        SomethingNew: 
    "#]]
    .assert_eq(&table.concat());
}

#[test]
fn tasks_that_fail_by_themselves_are_named_in_the_alerts() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=2
        task e1 STOPPED/STOPPED on i-1 for 9m ended 8m ago stop-code EssentialContainerExited reason "Essential container in task exited"
        task e2 STOPPED/STOPPED on i-1 ended 7m ago never-ran stop-code TaskFailedToStart reason "CannotPullContainerError: not found."
        task e3 STOPPED/STOPPED on i-1 for 6m ended 5m ago stop-code ServiceSchedulerInitiated reason "Task failed container health checks"
        task e4 STOPPED/STOPPED on i-1 for 5m ended 4m ago killed web
        look
        look after 60s
        look after 840s
        look after 1800s
        "#,
        &expect![[r#"
            0s:
              service | kill_loop | await 60s | ECS stopped 1 task within 30 min for failed health checks in web; 3 tasks failed within 30 min, the last one with ServiceSchedulerInitiated (Task failed container health checks); the last one had run for 1 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: found once; waiting for a second check
              service | below_desired | await 900s | 0 of 2 desired tasks are running; the last task that failed: ServiceSchedulerInitiated (Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)): found once; waiting for a second check
              looks again in 60s
            60s:
              service | kill_loop | alert | ECS stopped 1 task within 30 min for failed health checks in web; 3 tasks failed within 30 min, the last one with ServiceSchedulerInitiated (Task failed container health checks); the last one had run for 1 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: alert only
              service | below_desired | await 840s | 0 of 2 desired tasks are running; the last task that failed: ServiceSchedulerInitiated (Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)): found once; waiting for a second check
              alert: kill_loop (critical): service
              looks again in 840s
            900s:
              service | kill_loop | alert | ECS stopped 1 task within 30 min for failed health checks in web; 3 tasks failed within 30 min, the last one with ServiceSchedulerInitiated (Task failed container health checks); the last one had run for 1 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: alert only
              service | below_desired | alert | 0 of 2 desired tasks are running; the last task that failed: ServiceSchedulerInitiated (Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)): alert only
              alert: below_desired (critical): service
            2700s:
              service | below_desired | alert | 0 of 2 desired tasks are running; none of the service's events explains it: alert only
              alert: resolved kill_loop (critical): service (no task failed within 30 min, after 45 min)
            open: below_desired service, seen 4, reported
        "#]],
    );
}

#[test]
fn tasks_of_a_deployment_that_fail_in_a_row_are_a_loop_while_it_is_in_progress() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 1 PRIMARY web:1 IN_PROGRESS for 1m failed=7
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        look after 60s
        deployment 1 PRIMARY web:1 FAILED for 2m failed=7
        look after 60s
        "#,
        &expect![[r#"
            0s:
              service | kill_loop | await 60s | 7 tasks of the deployment in progress failed in a row: found once; waiting for a second check
              looks again in 60s
            60s:
              service | kill_loop | alert | 7 tasks of the deployment in progress failed in a row: alert only
              alert: kill_loop (error): service
            120s:
              alert: resolved kill_loop (error): service (no task failed within 30 min, after 2 min)
        "#]],
    );
}

#[test]
fn a_loop_of_new_tasks_is_a_warning_while_every_task_that_they_are_to_replace_runs() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=1
        deployment 1 ACTIVE web:1 COMPLETED
        deployment 2 PRIMARY web:2 IN_PROGRESS for 10m failed=3
        revision 1 web:1 binds web to app:8080
        revision 2 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 1
        task k1 STOPPED/STOPPED on i-1 by 2 of web:2 ended 9m ago killed web
        task k2 STOPPED/STOPPED on i-1 by 2 of web:2 ended 6m ago killed web
        task k3 STOPPED/STOPPED on i-1 by 2 of web:2 ended 3m ago killed web
        target web i-1:32768 healthy
        look
        look after 60s
        task t1 gone
        target web i-1:32768 gone
        look after 60s
        "#,
        &expect![[r#"
            0s:
              service | kill_loop | await 60s | ECS stopped 3 tasks within 30 min for failed health checks in web; 3 tasks of the deployment in progress failed in a row; the last one had run for 7 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: found once; waiting for a second check
              looks again in 60s
            60s:
              service | kill_loop | alert | ECS stopped 3 tasks within 30 min for failed health checks in web; 3 tasks of the deployment in progress failed in a row; the last one had run for 7 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: alert only
              alert: kill_loop (warning): service
            120s:
              service | kill_loop | alert | ECS stopped 3 tasks within 30 min for failed health checks in web; 3 tasks of the deployment in progress failed in a row; the last one had run for 7 min; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: alert only
              service | below_desired | await 900s | 0 of 1 desired tasks are running; a deployment is in progress; 3 tasks of the deployment failed in a row; the last task that failed: ServiceSchedulerInitiated (Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef)): found once; waiting for a second check
              alert: escalated kill_loop (critical): service
              looks again in 900s
            open: kill_loop service, seen 3, reported
            open: below_desired service, seen 1
        "#]],
    );
}

/// No task of the service becomes healthy before it fails.
#[test]
fn a_loop_of_which_no_task_ever_serves_is_an_outage() {
    check(
        "
        group web
        service shop/web binds web to app:8080 desired=1
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 3m ago stop-code EssentialContainerExited
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 2m ago stop-code EssentialContainerExited
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 1m ago stop-code EssentialContainerExited
        task t4 RUNNING/RUNNING on i-1 app:8080->32771 for 10s
        target web i-1:32771 initial
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: group web
              service | kill_loop | await 60s | 3 tasks failed within 30 min, the last one with EssentialContainerExited; the last one had run for 9 min; none of the service's targets is healthy: found once; waiting for a second check
              web i-1:32771 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              service | kill_loop | alert | 3 tasks failed within 30 min, the last one with EssentialContainerExited; the last one had run for 9 min; none of the service's targets is healthy: alert only
              web i-1:32771 | unhealthy | await 60s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              alert: kill_loop (critical): service
              looks again in 60s
            open: unhealthy web i-1:32771, seen 2
            open: kill_loop service, seen 2, reported
        "#]],
    );
}

/// ECS replaces each task that fails, and the outage is one.
#[test]
fn each_task_of_a_loop_that_never_serves_has_no_alert_of_its_own() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080 desired=1 min=0
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        look
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 4m ago stop-code ServiceSchedulerInitiated reason "Task failed ELB health checks in (target-group arn:x)"
        target web i-1:32768 gone
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 for 90s
        target web i-1:32769 unhealthy
        look after 5m
        look after 2m
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10s ago stop-code ServiceSchedulerInitiated reason "Task failed ELB health checks in (target-group arn:x)"
        target web i-1:32769 gone
        task t3 RUNNING/RUNNING on i-1 app:8080->32770 for 90s
        target web i-1:32770 unhealthy
        look after 3m
        look after 2m
        task t3 STOPPED/STOPPED on i-1 app:8080->32770 ended 10s ago stop-code ServiceSchedulerInitiated reason "Task failed ELB health checks in (target-group arn:x)"
        target web i-1:32770 gone
        task t4 RUNNING/RUNNING on i-1 app:8080->32771 for 90s
        target web i-1:32771 unhealthy
        look after 3m
        look after 2m
        task t4 STOPPED/STOPPED on i-1 app:8080->32771 ended 10s ago stop-code ServiceSchedulerInitiated reason "Task failed ELB health checks in (target-group arn:x)"
        target web i-1:32771 gone
        task t5 RUNNING/RUNNING on i-1 app:8080->32772 for 90s
        target web i-1:32772 unhealthy
        look after 3m
        look after 2m
        target web i-1:32772 healthy
        look after 3m
        look after 30m
        "#,
        &expect![[r#"
            0s:
            300s:
              asks: group web
              web i-1:32769 | unhealthy | await 120s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 120s
            420s:
              asks: group web
              web i-1:32769 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
              alert: unhealthy (critical): web i-1:32769
            600s:
              asks: group web
              web i-1:32770 | unhealthy | await 120s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              alert: resolved unhealthy (critical): web i-1:32769 (the target is no longer registered, after 5 min)
              looks again in 120s
            720s:
              asks: group web
              web i-1:32770 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
              alert: unhealthy (critical): web i-1:32770
            900s:
              asks: group web
              service | kill_loop | await 60s | ECS stopped 3 tasks within 30 min for failed health checks in arn:x; the last one had run for 6 min 20 s; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: found once; waiting for a second check
              web i-1:32771 | unhealthy | await 120s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              alert: resolved unhealthy (critical): web i-1:32770 (the target is no longer registered, after 5 min)
              looks again in 60s
            1020s:
              asks: group web
              service | kill_loop | alert | ECS stopped 3 tasks within 30 min for failed health checks in arn:x; the last one had run for 6 min 20 s; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: alert only
              web i-1:32771 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
              alert: kill_loop (critical): service
            1200s:
              asks: group web
              service | kill_loop | alert | ECS stopped 4 tasks within 30 min for failed health checks in arn:x; the last one had run for 6 min 20 s; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: alert only
              web i-1:32772 | unhealthy | await 120s | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 120s
            1320s:
              asks: group web
              service | kill_loop | alert | ECS stopped 4 tasks within 30 min for failed health checks in arn:x; the last one had run for 6 min 20 s; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready; none of the service's targets is healthy: alert only
              web i-1:32772 | unhealthy | alert | registered, but unhealthy (no reason given); the group's settings explain at most 2 min of that: alert only
            1500s:
              service | kill_loop | alert | ECS stopped 4 tasks within 30 min for failed health checks in arn:x; the last one had run for 6 min 20 s; the health check grace period is 0, so ECS stops a task that starts slowly before it is ready: alert only
            3300s:
              alert: resolved kill_loop (critical): service (no task failed within 30 min, after 40 min)
        "#]],
    );
}
