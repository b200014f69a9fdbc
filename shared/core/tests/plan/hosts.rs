//! One EC2 instance, several container instances: what must be read before a deregistration is the
//! host (aws/amazon-ecs-agent#782).

use crate::text_world::{check, run};
use expect_test::expect;

/// A host that registered again shows no task on its earlier container instance, while the new one
/// runs another service's task on the same port, in the same group.
///
/// Holds I-ADDRESS.
#[test]
fn a_task_on_another_container_instance_of_the_host_has_the_target() {
    check(
        "
        group shared
        service shop/web binds shared to app:8080
        task t0 RUNNING/RUNNING on i-2 app:8080->32768
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
        target shared i-2:32768 healthy
        target shared i-1:32768 healthy
        owner billing/t9 RUNNING/RUNNING on i-1#2 app:80->32768 groups shared
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              shared i-1:32768 | - | leave | belongs to task t9 of service billing, which also uses this group
            60s:
              asks: owners on i-1
              shared i-1:32768 | - | leave | belongs to task t9 of service billing, which also uses this group
              nothing to write down
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn nothing_is_deregistered_on_a_host_whose_container_instances_are_not_all_fit() {
    let world = |instances: &str| {
        run(&format!(
            "
            group web
            service shop/web binds web to app:8080
            task t0 RUNNING/RUNNING on i-2 app:8080->32768
            task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
            target web i-2:32768 healthy
            target web i-1:32768 unhealthy Target.FailedHealthChecks
            {instances}
            "
        ))
    };
    for fit in ["", "instance i-1#2 ACTIVE", "instance i-1 DRAINING"] {
        let made = world(fit);
        assert!(made.contains("plan: deregister web [i-1:32768]"), "{fit}: {made}");
    }
    for unfit in [
        "instance i-1 disconnected",
        "instance i-1#2 disconnected",
        "instance i-1#0 disconnected",
        "instance i-1#2 INACTIVE",
        "instance i-1#2 REGISTERING",
        "instance i-1#2 DEREGISTERING",
        "instance i-1#2 unread",
        "instance prod-2/i-1 ACTIVE",
        "instance prod-2/i-1 disconnected",
        "instance prod-2/i-1 INACTIVE",
    ] {
        let made = world(unfit);
        assert!(!made.contains("plan: deregister"), "{unfit}: {made}");
        let is_reported = made.contains("alert: stale") && made.contains("not deregistered: ");
        assert!(is_reported || unfit.ends_with("unread"), "{unfit}: {made}");
    }
}

/// Holds I-ADDRESS. A service scaled to zero is no exception.
#[test]
fn a_host_of_two_clusters_keeps_the_targets_of_a_service_without_tasks() {
    let made = run("
        group web
        service shop/web binds web to app:8080 desired=0
        task t1 STOPPED/STOPPED on i-1 app:8080->32768 ended 10m ago
        target web i-1:32768 unhealthy Target.FailedHealthChecks
        instance prod-2/i-1 ACTIVE
    ");
    assert!(!made.contains("plan: deregister"), "{made}");
}

#[test]
fn a_disconnected_task_of_another_service_leaves_its_host_unread() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner twin/t9 RUNNING/RUNNING on i-1 app:8080->32771 groups web disconnected
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: the agent of task t9 on its host is disconnected, so ECS may not show the task that uses it now: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: the agent of task t9 on its host is disconnected, so ECS may not show the task that uses it now: alert only
              alert: stale (error): web i-1:32769
            open: stale web i-1:32769, seen 2, reported
        "#]],
    );
}
