//! Ways to a wrong write that an adversarial review found. Each test closes one.

use crate::text_world::check;
use expect_test::expect;
use portkeeper_core::ids::{Target, TargetGroupArn, TaskArn};
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::time::Timestamp;

/// Holds I-PARTIAL. The task's other container waits for the first one, and may receive the port in
/// question.
#[test]
fn a_task_that_has_only_some_of_its_ports_is_waited_for() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080
        definition twin:1 bridge side:9000 app:80
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner twin/t9 PENDING/RUNNING on i-1 side:9000->32770 groups web
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        "#,
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
        "#]],
    );
}

/// Holds I-ABSENT. No check ran meanwhile, and a person registered a page of their own on the same
/// port.
#[test]
fn proof_ends_while_a_service_is_scaled_to_zero() {
    check(
        r#"
        group web
        service shop/web binds web to app:80
        definition web:1 host app:80
        task t1 RUNNING/RUNNING on i-1
        target web i-1:80 healthy
        look
        task t1 STOPPED/STOPPED on i-1 ended 0s ago
        service shop/web binds web to app:80 desired=0
        target web i-1:80 draining
        look after 95s
        target web i-1:80 gone
        look after 10m
        target web i-1:80 healthy
        look after 20h
        task t1 gone
        service shop/web binds web to app:80 desired=1
        task t7 RUNNING/RUNNING on i-2
        target web i-2:80 healthy
        look after 1h hop=0
        look after 60s
        "#,
        &expect![[r#"
            0s:
            95s:
              service | - | leave | the desired count is 0 and no target is registered
            695s:
              service | - | leave | the desired count is 0 and no target is registered
              nothing to write down
            72695s:
              asks: owners in the cluster; owners on i-1
              web i-1:80 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            76295s:
              asks: owners in the cluster; owners on i-1; owners elsewhere in web
              web i-1:80 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
              alert: foreign (warning): web i-1:80
            76355s:
              web i-1:80 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
            open: foreign web i-1:80, seen 3, reported
        "#]],
    );
}

/// A task that a person runs took the port within the settle time, and the person registered the
/// target.
#[test]
fn a_target_may_belong_to_a_task_that_a_person_runs() {
    check(
        r#"
        group web
        service shop/web binds web to app:80
        task t1 RUNNING/RUNNING on i-1 app:80->80
        task t3 RUNNING/RUNNING on i-2 app:80->80
        target web i-1:80 healthy
        target web i-2:80 healthy
        look
        task t1 STOPPED/STOPPED on i-1 app:80->80 ended 10s ago
        owner -/job RUNNING/RUNNING on i-1 app:80->80
        look after 95s
        look after 60s
        "#,
        &expect![[r#"
            0s:
            95s:
              asks: owners on i-1
              web i-1:80 | hijacked | await 60s | task t1 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: found once; waiting for a second check
              looks again in 60s
            155s:
              asks: owners on i-1
              web i-1:80 | hijacked | alert | task t1 has stopped, and its target now leads to task job, which no service started: requests reach the wrong task: alert only
              alert: hijacked (critical): web i-1:80
            open: hijacked web i-1:80, seen 2, reported
        "#]],
    );
}

#[test]
fn a_task_of_an_unread_revision_is_ambiguous() {
    check(
        r#"
        group a
        group b
        service shop/web binds b to app:8080
        deployment 22 PRIMARY web:1
        deployment 11 ACTIVE web:1
        revision 22 web:1 binds b to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 11
        task t2 RUNNING/RUNNING on i-1 app:8080->32769 by 22
        target a i-1:32768 healthy
        target b i-1:32769 healthy
        known a i-1:32768 t1
        "#,
        &expect![[r#"
            0s:
              task t1 | ambiguous_revision | await 60s | startedBy ecs-svc/11 matches no current revision: found once; waiting for a second check
              a i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/11 matches no current revision
              looks again in 60s
            60s:
              task t1 | ambiguous_revision | alert | startedBy ecs-svc/11 matches no current revision: alert only
              a i-1:32768 | - | unknown | registered; it may belong to task t1: startedBy ecs-svc/11 matches no current revision
              alert: ambiguous_revision (warning): task t1
            open: ambiguous_revision task t1, seen 2, reported
        "#]],
    );
}

/// Holds I-ABSENT.
#[test]
fn proof_ends_when_another_service_uses_the_target() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner twin/t9 RUNNING/RUNNING on i-1 app:80->32769 groups web
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        look
        task t2 gone
        look after 48h hop=0
        owner twin/t9 gone
        owner -/job RUNNING/RUNNING on i-1 app:80->32769
        look after 24h hop=0
        look after 60s
        "#,
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
            172800s:
              asks: owners on i-1
              web i-1:32769 | - | leave | belongs to task t9 of service twin, which also uses this group
              nothing to write down
            259200s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | leads to task job, which no service started: found once; waiting for a second check
              looks again in 60s
            259260s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task job, which no service started: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-PARTIAL.
#[test]
fn a_stopping_task_does_not_replace_one_that_the_list_lacks() {
    check(
        r#"
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t4 DEACTIVATING/STOPPED on i-1 app:8080->32770
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        counts running=2
        "#,
        &expect![[r#"
            0s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
            60s:
              service | - | unknown | the list of tasks is incomplete, so Portkeeper deregisters nothing
              web i-1:32769 | - | await 60s | registered; some tasks could not be read, and the target may belong to one of them
              looks again in 60s
        "#]],
    );
}

/// A deployment of a large service marks each former target. The record drops the marks before it
/// becomes too large, and keeps live targets first.
#[test]
fn a_deployment_of_a_large_service_does_not_fill_the_record() {
    let now = Timestamp::from_secs(1_795_000_000);
    for (tasks, groups) in [(1000, 1), (1000, 2), (600, 5)] {
        let group = |number: u32| {
            let path = format!("targetgroup/ecs-production-orders-{number}/0123456789abcdef");
            TargetGroupArn::try_from(format!(
                "arn:aws:elasticloadbalancing:eu-central-1:111122223333:{path}"
            ))
            .unwrap()
        };
        let task = |age: u32, number: u32| {
            let path = format!("task/production-eu-cluster/{age:08x}{number:024x}");
            TaskArn::try_from(format!("arn:aws:ecs:eu-central-1:111122223333:{path}")).unwrap()
        };
        let target = |age: u32, number: u32| {
            Target::try_from(format!(
                "10.{}.{}.{}:8080",
                100 + age,
                100 + number / 250,
                1 + number % 250
            ))
            .unwrap()
        };
        let everything =
            || (0..tasks).flat_map(move |number| (0..groups).map(move |of| (number, of)));
        let mut record = LedgerRecord {
            continuous_since: Some(Timestamp::from_secs(0)),
            ..LedgerRecord::default()
        };
        for (number, of) in everything() {
            record.remember(&group(of), &target(0, number), &task(0, number));
        }
        for (number, of) in everything() {
            record.mark_seen_absent(&group(of), &target(0, number), &task(0, number), now);
            record.remember(&group(of), &target(1, number), &task(1, number));
        }
        record.tidy(now, 600);
        let bytes = serde_json::to_string(&record).unwrap().len();
        assert!(bytes < 250_000, "{tasks} x {groups}: {bytes} bytes");
        let live = record
            .known
            .values()
            .flatten()
            .filter(|(_, known)| known.seen_absent_at.is_none())
            .count();
        assert!(live >= 900, "{tasks} x {groups}: {live} remembered");
        assert_eq!(record.continuous_since, Some(now), "what the marks barred stays barred");
    }
}
