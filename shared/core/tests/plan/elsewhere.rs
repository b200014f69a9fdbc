//! One target group that services of two clusters use.

use crate::text_world::{check, run};
use expect_test::expect;

/// Holds I-ADDRESS. A service that moves to another cluster shrinks in one and grows in the other,
/// and its tasks release and reuse addresses.
#[test]
fn an_address_that_a_task_of_another_cluster_uses_stays_registered() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 10m ago
        owner web/t9 RUNNING/RUNNING ip 10.0.0.2 groups web in prod-2
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | - | leave | belongs to task t9 of service prod-2/web, which also uses this group
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | - | leave | belongs to task t9 of service prod-2/web, which also uses this group
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn a_task_of_another_cluster_that_has_no_address_yet_is_waited_for() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 10m ago
        owner web/t9 PENDING/RUNNING ip ? groups web in prod-2
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 unhealthy Target.FailedHealthChecks
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | - | await 60s | registered; task t9 may be about to use its address
              looks again in 60s
        "#]],
    );
}

/// Other clusters have many tasks that do not use this group.
#[test]
fn tasks_of_other_clusters_in_other_groups_do_not_matter() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 10m ago
        owner api/t9 PENDING/RUNNING ip ? groups api in prod-2
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 unhealthy Target.FailedHealthChecks
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [10.0.0.2:8080]
              alert: stale (error): web 10.0.0.2:8080
              looks again in 60s
            open: stale web 10.0.0.2:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds I-ADDRESS.
#[test]
fn nothing_is_deregistered_while_other_clusters_could_not_be_read() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 10m ago
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 unhealthy Target.FailedHealthChecks
        gap elsewhere
        look
        look after 60s
        gap none
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              web 10.0.0.2:8080 | - | await 60s | registered and unexplained; the services of other clusters that use this group could not be read
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              web 10.0.0.2:8080 | - | await 60s | registered and unexplained; the services of other clusters that use this group could not be read
              looks again in 60s
            120s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            180s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [10.0.0.2:8080]
              alert: stale (error): web 10.0.0.2:8080
              looks again in 60s
            open: stale web 10.0.0.2:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

/// A container instance moves from one cluster to another and keeps its instance ID.
#[test]
fn an_instance_that_moved_to_another_cluster_may_run_its_tasks() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        owner web/t9 RUNNING/RUNNING on i-2 app:8080->32769 groups web in prod-2
        target web i-1:32768 healthy
        target web i-2:32769 healthy
        known web i-2:32769 t2
        ",
        &expect![[r#"
            0s:
              asks: tasks t2; owners in the cluster; owners on i-2; owners elsewhere in web
              web i-2:32769 | - | leave | belongs to task t9 of service prod-2/web, which also uses this group
            60s:
              asks: owners in the cluster; owners on i-2
              web i-2:32769 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            open: foreign web i-2:32769, seen 1
        "#]],
    );
}

/// Holds I-ADDRESS. A host may be a container instance of another cluster, too: as long as the other
/// clusters did not answer, a task of theirs may be on the port.
#[test]
fn a_port_of_this_clusters_instance_is_not_deregistered_while_another_cluster_may_have_it() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy Target.FailedHealthChecks
        gap elsewhere
        look
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              service | - | unknown | the services of other clusters could not be read: throttled
              web i-1:32769 | - | await 60s | registered and unexplained; the services of other clusters that use this group could not be read
              looks again in 60s
        "#]],
    );
}

/// The service is scaled to zero in this cluster, and the group serves the other cluster.
#[test]
fn a_service_scaled_to_zero_does_not_empty_a_group_that_serves_another_cluster() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080 desired=0
        task t2 STOPPED/STOPPED ip 10.0.0.2 ended 10m ago
        owner web/t9 RUNNING/RUNNING ip 10.0.0.9 groups web in prod-2
        target web 10.0.0.2:8080 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web | limit_exceeded | alert | deregistering 10.0.0.2:8080 would leave web without targets; Portkeeper deregistered nothing there
              web 10.0.0.2:8080 | stale | withheld | task t2 has stopped and its target is still registered: it would leave the target group without targets
              alert: limit_exceeded (error): web
            open: stale web 10.0.0.2:8080, seen 2
            open: limit_exceeded web, seen 1, reported
        "#]],
    );
}

/// The service of another cluster deploys again and again: its tasks explain its targets.
#[test]
fn deployments_of_another_cluster_in_the_same_group_cause_no_alert() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 healthy
        owner web/a RUNNING/RUNNING ip 10.0.5.1 groups web in prod-2
        target web 10.0.5.1:8080 healthy
        look
        look after 70s
        look after 10m
        owner web/a gone
        target web 10.0.5.1:8080 gone
        owner web/b RUNNING/RUNNING ip 10.0.6.1 groups web in prod-2
        target web 10.0.6.1:8080 healthy
        look after 1h
        look after 70s
        owner web/b gone
        target web 10.0.6.1:8080 gone
        owner web/c RUNNING/RUNNING ip 10.0.7.1 groups web in prod-2
        target web 10.0.7.1:8080 healthy
        look after 1h
        look after 70s
        look after 25h
        look after 70s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster
              web 10.0.5.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            70s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.5.1:8080 | - | leave | belongs to task a of service prod-2/web, which also uses this group
            670s:
              asks: owners in the cluster
              web 10.0.5.1:8080 | - | leave | belongs to a task of another cluster, which an earlier check has found
              nothing to write down
            4270s:
              asks: owners in the cluster
              web 10.0.6.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            4340s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.6.1:8080 | - | leave | belongs to task b of service prod-2/web, which also uses this group
            7940s:
              asks: owners in the cluster
              web 10.0.7.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            8010s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.7.1:8080 | - | leave | belongs to task c of service prod-2/web, which also uses this group
            98010s:
              asks: owners in the cluster
              web 10.0.7.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            98080s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.7.1:8080 | - | leave | belongs to task c of service prod-2/web, which also uses this group
        "#]],
    );
}

/// A target that leads to no task of any cluster is reported, whatever else was found before.
#[test]
fn a_target_of_no_task_next_to_those_of_another_cluster_is_reported() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 healthy
        owner web/a RUNNING/RUNNING ip 10.0.5.1 groups web in prod-2
        target web 10.0.5.1:8080 healthy
        target web 10.0.9.9:8080 healthy
        look
        look after 70s
        owner web/a gone
        target web 10.0.6.1:8080 healthy
        look after 1h
        look after 70s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster
              web 10.0.5.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              web 10.0.9.9:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            70s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.5.1:8080 | - | leave | belongs to task a of service prod-2/web, which also uses this group
              web 10.0.9.9:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: alert only
              alert: foreign (warning): web 10.0.9.9:8080
            3670s:
              asks: owners in the cluster
              web 10.0.5.1:8080 | - | leave | belongs to a task of another cluster, which an earlier check has found
              web 10.0.6.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              web 10.0.9.9:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: alert only
              looks again in 60s
            3740s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.5.1:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              web 10.0.6.1:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: alert only
              web 10.0.9.9:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: alert only
              alert: foreign (warning): web 10.0.6.1:8080
              looks again in 60s
            open: foreign web 10.0.5.1:8080, seen 1
            open: foreign web 10.0.6.1:8080, seen 2, reported
            open: foreign web 10.0.9.9:8080, seen 4, reported
        "#]],
    );
}

/// A failed call delays the alert, but not for good.
#[test]
fn an_unexplained_target_waits_for_the_answer_of_other_clusters_for_a_while() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 healthy
        target web 10.0.9.9:8080 healthy
        gap elsewhere
        look
        look after 70s
        look after 15m
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster
              web 10.0.9.9:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            70s:
              asks: owners in the cluster; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              web 10.0.9.9:8080 | foreign | await 830s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 830s
            970s:
              asks: owners in the cluster; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              web 10.0.9.9:8080 | foreign | alert | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: alert only
              alert: foreign (warning): web 10.0.9.9:8080
            open: foreign web 10.0.9.9:8080, seen 3, reported
        "#]],
    );
}

/// An instance of another cluster is no host of this one.
#[test]
fn a_target_on_an_instance_of_another_cluster_belongs_to_its_task_there() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        owner web/a RUNNING/RUNNING on i-7 app:8080->32768 groups web in prod-2
        target web i-7:32768 healthy
        look
        look after 70s
        look after 10m
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-7
              web i-7:32768 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            70s:
              asks: owners in the cluster; owners on i-7; owners elsewhere in web
              web i-7:32768 | - | leave | belongs to task a of service prod-2/web, which also uses this group
            670s:
              asks: owners in the cluster; owners on i-7
              web i-7:32768 | - | leave | belongs to a task of another cluster, which an earlier check has found
              nothing to write down
        "#]],
    );
}

/// More targets than the record can hold as foreign: the second check explains them all.
#[test]
fn many_targets_of_another_cluster_cause_no_alert() {
    let mut world = String::from(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        target web 10.0.0.1:8080 healthy
        ",
    );
    for number in 0..150 {
        let owner = format!("owner web/a{number} RUNNING/RUNNING ip 10.0.5.{number}");
        world.extend([owner, " groups web in prod-2\n".to_owned()]);
        world.push_str(&["target web 10.0.5.", &number.to_string(), ":8080 healthy\n"].concat());
    }
    world.push_str("look\nlook after 70s\nlook after 1h\n");
    let made = run(&world);
    assert!(!made.contains("alert:"), "{made}");
    assert!(!made.contains("open:"), "{made}");
}

/// A task of this cluster got the address, so the one of the other cluster is gone.
#[test]
fn another_explanation_ends_what_is_remembered_of_other_clusters() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.1
        owner web/t9 RUNNING/RUNNING ip 10.0.0.2 groups web in prod-2
        target web 10.0.0.1:8080 healthy
        target web 10.0.0.2:8080 healthy
        look
        look after 60s
        owner web/t9 STOPPED/STOPPED ip 10.0.0.2 groups web in prod-2 ended 1s ago
        owner billing/t8 RUNNING/RUNNING ip 10.0.0.2 groups billing
        target web 10.0.0.3:8080 unhealthy
        gap elsewhere
        look after 1h
        owner billing/t8 STOPPED/STOPPED ip 10.0.0.2 groups billing ended 1s ago
        target web 10.0.0.2:8080 unhealthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster
              web 10.0.0.2:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.0.0.2:8080 | - | leave | belongs to task t9 of service prod-2/web, which also uses this group
            3660s:
              asks: owners in the cluster
              web 10.0.0.2:8080 | foreign | await 60s | leads to task t8 of service billing; Portkeeper has no proof that it ever belonged to this service: found once; waiting for a second check
              web 10.0.0.3:8080 | foreign | await 60s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 60s
            3720s:
              asks: owners in the cluster; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              web 10.0.0.2:8080 | foreign | await 840s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              web 10.0.0.3:8080 | foreign | await 840s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              looks again in 840s
            3780s:
              asks: owners in the cluster; owners elsewhere in web
              service | - | unknown | the services of other clusters could not be read: throttled
              web 10.0.0.2:8080 | foreign | await 780s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
              web 10.0.0.3:8080 | foreign | await 780s | no task of this cluster has this address: it belongs to another cluster, or a person or another tool registered something outside ECS: found once; waiting for a second check
            open: foreign web 10.0.0.2:8080, seen 3
            open: foreign web 10.0.0.3:8080, seen 3
        "#]],
    );
}
