//! Tasks with a network interface of their own (awsvpc), and tasks in host mode.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-5.
#[test]
fn host_mode_has_no_bindings_and_takes_the_port_of_the_task_definition() {
    check(
        "
        group web
        definition web:1 host app:8080 app:9090
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:8080]
              alert: missing (critical): web i-1:8080
              looks again in 60s
            open: missing web i-1:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-5.
#[test]
fn host_mode_without_the_port_in_the_task_definition_is_not_guessed() {
    check(
        "
        group web
        definition web:1 host app:9090
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1
        ",
        &expect![[r#"
            0s:
              task t1 | bindings_missing | await 60s | container `app` has no port 8080 in its task definition: found once; waiting for a second check
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1: container `app` has no port 8080 in its task definition: found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | bindings_missing | alert | container `app` has no port 8080 in its task definition: alert only
              web | no_traffic | await 60s | the only running task of web has no healthy target; task t1: container `app` has no port 8080 in its task definition: found once; waiting for a second check
              alert: bindings_missing (error): task t1
              looks again in 60s
            open: bindings_missing task t1, seen 2, reported
            open: no_traffic web, seen 2
        "#]],
    );
}

/// Holds C-6.
#[test]
fn awsvpc_takes_the_interface_address_and_the_container_port() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5 ip6 fd00::5
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.5:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.5:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [10.0.0.5:8080]
              alert: missing (critical): web 10.0.0.5:8080
              looks again in 60s
            open: missing web 10.0.0.5:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-6.
#[test]
fn awsvpc_takes_the_ipv6_address_for_a_group_of_ipv6() {
    check(
        "
        group web type=ip family=ipv6
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5 ip6 fd00::5
        ",
        &expect![[r#"
            0s:
              asks: group web
              web [fd00::5]:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web [fd00::5]:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [[fd00::5]:8080]
              alert: missing (critical): web [fd00::5]:8080
              looks again in 60s
            open: missing web [fd00::5]:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-6, C-24.
#[test]
fn awsvpc_without_an_address_of_the_groups_family_is_a_mismatch() {
    check(
        "
        group web type=ip family=ipv6
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        ",
        &expect![[r#"
            0s:
              web | ip_family_mismatch | await 60s | the group accepts ipv6 addresses, but the task has none: found once; waiting for a second check
              looks again in 60s
            60s:
              web | ip_family_mismatch | alert | the group accepts ipv6 addresses, but the task has none: alert only
              alert: ip_family_mismatch (critical): web
            open: ip_family_mismatch web, seen 2, reported
        "#]],
    );
}

/// Holds C-6.
#[test]
fn an_interface_without_address_yet_may_get_any_address() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        task t2 PENDING/RUNNING ip ?
        target web 10.0.0.5:8080 healthy
        target web 10.0.0.6:8080 initial
        known web 10.0.0.6:8080 t0
        ",
        &expect![[r"
            0s:
              task t2 | - | unknown | its network interface has no address yet
              web 10.0.0.6:8080 | - | await 60s | registered; it may belong to task t2: its network interface has no address yet
              looks again in 60s
            60s:
              task t2 | - | unknown | its network interface has no address yet
              web 10.0.0.6:8080 | - | await 60s | registered; it may belong to task t2: its network interface has no address yet
              looks again in 60s
        "]],
    );
}

/// Holds C-6.
#[test]
fn a_running_task_without_address_is_reported_and_freezes_deregistration_of_addresses() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip ?
        task t2 RUNNING/RUNNING ip 10.0.0.7
        target web 10.0.0.7:8080 healthy
        target web 10.0.0.6:8080 healthy
        known web 10.0.0.6:8080 t0
        ",
        &expect![[r#"
            0s:
              task t1 | bindings_missing | await 60s | its network interface has no address yet: found once; waiting for a second check
              web 10.0.0.6:8080 | - | unknown | registered; it may belong to task t1: its network interface has no address yet
              looks again in 60s
            60s:
              task t1 | bindings_missing | alert | its network interface has no address yet: alert only
              web 10.0.0.6:8080 | - | unknown | registered; it may belong to task t1: its network interface has no address yet
              alert: bindings_missing (error): task t1
            open: bindings_missing task t1, seen 2, reported
        "#]],
    );
}

/// Holds C-7.
#[test]
fn two_ports_of_one_task_in_one_group_are_two_targets() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080 and web to app:8081
        task t1 RUNNING/RUNNING ip 10.0.0.5
        target web 10.0.0.5:8080 healthy
        target web 10.0.0.5:8081 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

#[test]
fn geneve_targets_answer_on_their_own_port() {
    check(
        "
        group inspect type=ip protocol=GENEVE
        service shop/web binds inspect to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        target inspect 10.0.0.5:6081 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

#[test]
fn a_quic_target_needs_a_server_id_that_only_ecs_knows() {
    check(
        "
        group web type=ip protocol=QUIC
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.5
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.5:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered; a QUIC target needs a server ID that only ECS knows, so Portkeeper cannot register it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.5:8080 | missing | alert | task t1 has been running for 11 min and its target is not registered; a QUIC target needs a server ID that only ECS knows, so Portkeeper cannot register it: alert only
              alert: missing (critical): web 10.0.0.5:8080
            open: missing web 10.0.0.5:8080, seen 2, reported
        "#]],
    );
}

/// Holds C-29, C-31.
#[test]
fn a_task_definition_or_an_instance_that_could_not_be_read_is_no_finding() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:8080 healthy
        target web i-2:32768 healthy
        known web i-1:8080 t0
        ",
        &expect![[r#"
            0s:
              service | - | unknown | task definition web:1 could not be read: throttled
              task t1 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web i-1:8080 | - | await 60s | registered; it may belong to task t1: the task has no port bindings and no network interface yet, and its task definition is unknown
              looks again in 60s
            60s:
              service | - | unknown | task definition web:1 could not be read: throttled
              task t1 | - | unknown | the task has no port bindings and no network interface yet, and its task definition is unknown
              web i-1:8080 | - | await 60s | registered; it may belong to task t1: the task has no port bindings and no network interface yet, and its task definition is unknown
              looks again in 60s
        "#]],
    );
}
