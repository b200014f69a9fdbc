//! Tasks and services without expected targets, and the names of services.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-12.
#[test]
fn tasks_that_no_service_started_have_no_expected_target() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task job RUNNING/RUNNING on i-1 app:8080->32769 group family:web
        task imitation RUNNING/RUNNING on i-1 app:8080->32770 started-by me
        target web i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              task imitation | - | leave | this service did not start the task, so no target is expected
              task job | - | leave | this service did not start the task, so no target is expected
            60s:
              task imitation | - | leave | this service did not start the task, so no target is expected
              task job | - | leave | this service did not start the task, so no target is expected
              nothing to write down
        "#]],
    );
}

/// Holds C-12.
#[test]
fn ecs_anywhere_is_not_load_balanced() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on mi-1 app:8080->32768 anywhere
        ",
        &expect![[r#"
            0s:
              task t1 | - | leave | ECS Anywhere: AWS does not load-balance the task
              nothing to write down
            60s:
              task t1 | - | leave | ECS Anywhere: AWS does not load-balance the task
              nothing to write down
        "#]],
    );
}

/// Holds C-12.
#[test]
fn vpc_lattice_is_not_elbv2() {
    check(
        "
        service shop/web binds nothing lattice
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        ",
        &expect![[r"
            0s:
              service | - | leave | it uses VPC Lattice, which is not ELBv2
              nothing to write down
        "]],
    );
}

/// Holds C-12.
#[test]
fn a_classic_load_balancer_knows_no_dynamic_ports() {
    check(
        "
        service shop/web binds classic-elb-main to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        ",
        &expect![[r#"
            0s:
              service | - | leave | it uses a Classic Load Balancer, which registers instances only and does not support dynamic host ports
              nothing to write down
        "#]],
    );
}

/// Holds C-12.
#[test]
fn express_services_and_gateways_are_observed_only() {
    check(
        "
        group web
        service shop/web binds web to app:8080 express
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        service shop/web binds web to app:8080 gateway
        look
        ",
        &expect![[r#"
            0s:
              service | - | leave | ECS manages this service's target groups itself, so Portkeeper only observes it
              nothing to write down
            0s:
              service | - | leave | ECS manages this service's target groups itself, so Portkeeper only observes it
              nothing to write down
        "#]],
    );
}

/// Holds C-35.
#[test]
fn a_service_without_load_balancer_is_out_of_scope() {
    check(
        "
        service shop/web binds nothing
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        look
        ",
        &expect![[r"
            0s:
              service | - | leave | it has no target group
              nothing to write down
        "]],
    );
}

/// Holds C-12.
#[test]
fn a_revision_without_groups_has_no_expected_target_while_others_have_groups() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        deployment 222 PRIMARY web:2
        deployment 111 ACTIVE web:1
        revision 111 web:1 binds nothing
        revision 222 web:2 binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 by 111 of web:1
        task t2 RUNNING/RUNNING on i-2 app:8080->32768 by 222 of web:2
        target web i-2:32768 healthy
        ",
        &expect![[r"
            0s:
              task t1 | - | leave | its revision has no target group
            60s:
              task t1 | - | leave | its revision has no target group
              nothing to write down
        "]],
    );
}

/// Holds C-13.
#[test]
fn a_task_of_a_service_of_the_same_name_in_another_cluster_is_another_services() {
    check(
        "
        group web
        service other/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-9:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners on i-9
              web i-9:32768 | foreign | await 60s | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners on i-9; owners elsewhere in web
              web i-9:32768 | foreign | alert | no task of this cluster runs on this instance: it belongs to another cluster, or a person or another tool registered it: alert only
              alert: foreign (warning): web i-9:32768
            open: foreign web i-9:32768, seen 2, reported
        "#]],
    );
}
