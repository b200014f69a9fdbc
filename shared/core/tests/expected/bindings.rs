//! Where a task in bridge mode listens: bindings of every form.

use crate::text_world::check;
use expect_test::expect;

/// Holds C-1.
#[test]
fn the_same_host_port_on_two_instances_is_two_targets() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-1.
#[test]
fn one_of_two_targets_with_the_same_port_is_missing() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-2 app:8080->32768
        target web i-2:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            open: missing web i-1:32768, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-2.
#[test]
fn sidecar_and_metrics_ports_are_not_expected_targets() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769 envoy:8080->32770
        target web i-1:32768 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-2.
#[test]
fn a_registered_metrics_port_is_the_wrong_port_and_is_not_touched_without_proof() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | wrong_port | await 60s | task t1 uses this address and port, but it is not the task's load-balanced port: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | wrong_port | alert | task t1 uses this address and port, but it is not the task's load-balanced port: alert only
              alert: wrong_port (error): web i-1:32769
            open: wrong_port web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds C-3.
#[test]
fn of_two_families_on_different_host_ports_the_one_of_the_group_is_expected() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->49153@0.0.0.0 app:8080->49154@::
        target web i-1:49154 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web; owners on i-1
              web i-1:49153 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web i-1:49154 | wrong_port | await 60s | task t1 uses this address and port, but it is not the task's load-balanced port: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web; owners on i-1
              web i-1:49153 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              web i-1:49154 | wrong_port | alert | task t1 uses this address and port, but it is not the task's load-balanced port: alert only
              plan: register web [i-1:49153]
              alert: missing (critical): web i-1:49153
              alert: wrong_port (error): web i-1:49154
              looks again in 60s
            open: missing web i-1:49153, seen 2, 1 repairs, reported
            open: wrong_port web i-1:49154, seen 2, reported
        "#]],
    );
}

/// Holds C-3.
#[test]
fn a_group_of_ipv6_takes_the_ipv6_binding() {
    check(
        "
        group web family=ipv6
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->49153@0.0.0.0 app:8080->49154@::
        target web i-1:49154 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-3, C-24.
#[test]
fn no_binding_of_the_groups_family_is_a_mismatch() {
    check(
        "
        group web family=ipv6
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->49153@0.0.0.0
        ",
        &expect![[r#"
            0s:
              web | ip_family_mismatch | await 60s | port 8080 is bound, but to no ipv6 address: found once; waiting for a second check
              looks again in 60s
            60s:
              web | ip_family_mismatch | alert | port 8080 is bound, but to no ipv6 address: alert only
              alert: ip_family_mismatch (critical): web
            open: ip_family_mismatch web, seen 2, reported
        "#]],
    );
}

/// Holds C-4.
#[test]
fn bindings_on_every_address_on_one_and_on_none_named_are_understood_and_repeats_are_one() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768@0.0.0.0 app:8080->32768@:: app:8080->32768@0.0.0.0
        task t2 RUNNING/RUNNING on i-2 app:8080->32768@10.0.0.7
        task t3 RUNNING/RUNNING on i-3 app:8080->32768
        target web i-1:32768 healthy
        target web i-2:32768 healthy
        target web i-3:32768 healthy
        ",
        &expect![[r"
            0s:
            60s:
              nothing to write down
        "]],
    );
}

/// Holds C-4.
#[test]
fn two_host_ports_for_one_port_in_one_family_are_not_guessed() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768@10.0.0.7 app:8080->32769@10.0.0.8
        ",
        &expect![[r#"
            0s:
              task t1 | bindings_missing | await 60s | port 8080 is bound to several host ports (32768, 32769): found once; waiting for a second check
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1: port 8080 is bound to several host ports (32768, 32769): found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | bindings_missing | alert | port 8080 is bound to several host ports (32768, 32769): alert only
              web | no_traffic | await 60s | the only running task of web has no healthy target; task t1: port 8080 is bound to several host ports (32768, 32769): found once; waiting for a second check
              alert: bindings_missing (error): task t1
              looks again in 60s
            open: bindings_missing task t1, seen 2, reported
            open: no_traffic web, seen 2
        "#]],
    );
}

/// Whichever of its ports is registered leads to the task: ECS may have chosen either.
#[test]
fn of_two_host_ports_for_one_port_the_registered_ones_are_right() {
    let fixed_and_dynamic = "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->8080 app:8080->32770
        ";
    let tcp_and_udp = "
        group web protocol=TCP_UDP
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->8080/tcp app:8080->32770/udp
        ";
    for world in [fixed_and_dynamic, tcp_and_udp] {
        for registered in [&["8080"][..], &["32770"], &["8080", "32770"]] {
            let targets = registered.iter().map(|port| format!("target web i-1:{port} healthy\n"));
            check(
                &format!("{world}{}", targets.collect::<String>()),
                &expect![[r"
                    0s:
                    60s:
                      nothing to write down
                "]],
            );
        }
    }
}

/// Its targets are known, so those of other tasks on the host can be judged.
#[test]
fn a_task_with_two_host_ports_does_not_bar_its_host() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->8080 app:8080->32770
        target web i-1:32770 healthy
        task t2 STOPPED/STOPPED on i-1 app:8080->32771 ended 10m ago
        target web i-1:32771 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32771 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32771 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32771]
              alert: stale (error): web i-1:32771
              looks again in 60s
            open: stale web i-1:32771, seen 2, 1 repairs, reported
        "#]],
    );
}

/// ECS deregisters the one that it had registered, so what is left may be another writer's.
#[test]
fn after_a_task_with_two_host_ports_has_stopped_neither_is_proved() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t0 RUNNING/RUNNING on i-2 app:8080->8080
        target web i-2:8080 healthy
        task t1 STOPPED/STOPPED on i-1 app:8080->8080 app:8080->32770 ended 10m ago
        target web i-1:32770 unhealthy
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32770 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32770 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32770
            open: foreign web i-1:32770, seen 2, reported
        "#]],
    );
}

/// Holds C-4.
#[test]
fn the_groups_protocol_distinguishes_udp_and_tcp_of_one_port() {
    check(
        "
        group dns protocol=UDP
        group dns-tcp protocol=TCP
        service shop/web binds dns to app:53 and dns-tcp to app:53
        task t1 RUNNING/RUNNING on i-1 app:53->32768/udp app:53->32769/tcp
        target dns i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group dns-tcp
              dns-tcp i-1:32769 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group dns-tcp
              dns-tcp i-1:32769 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register dns-tcp [i-1:32769]
              alert: missing (critical): dns-tcp i-1:32769
              looks again in 60s
            open: missing dns-tcp i-1:32769, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-7.
#[test]
fn one_port_in_two_groups_and_two_ports_and_containers_in_others_are_all_expected() {
    check(
        "
        group internal
        group public
        group admin
        group side
        service shop/web binds internal to app:8080 and public to app:8080 and admin to app:9090 and side to envoy:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768 app:9090->32769 envoy:8080->32770
        target internal i-1:32768 healthy
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group admin, public, side
              admin i-1:32769 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              public i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              side i-1:32770 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group admin, public, side
              admin i-1:32769 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              public i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              side i-1:32770 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register admin [i-1:32769]; register public [i-1:32768]; register side [i-1:32770]
              alert: missing (critical): admin i-1:32769, public i-1:32768, side i-1:32770
              looks again in 60s
            open: missing admin i-1:32769, seen 2, 1 repairs, reported
            open: missing public i-1:32768, seen 2, 1 repairs, reported
            open: missing side i-1:32770, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-8.
#[test]
fn a_port_in_a_range_is_found_by_its_offset() {
    check(
        "
        group web
        service shop/web binds web to app:8003
        task t1 RUNNING/RUNNING on i-1 app:8000-8010->32800-32810
        target web i-1:32803 healthy
        task t2 RUNNING/RUNNING on i-1 app:8000-8010->32811-32821
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32814 | missing | await 60s | task t2 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32814 | missing | register | task t2 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32814]
              alert: missing (error): web i-1:32814
              looks again in 60s
            open: missing web i-1:32814, seen 2, 1 repairs, reported
        "#]],
    );
}

/// Holds C-8.
#[test]
fn a_port_outside_of_the_range_has_no_target() {
    check(
        "
        group web
        service shop/web binds web to app:8011
        task t1 RUNNING/RUNNING on i-1 app:8000-8010->32800-32810
        ",
        &expect![[r#"
            0s:
              task t1 | bindings_missing | await 60s | container `app` has no binding for port 8011: found once; waiting for a second check
              web | no_traffic | await 120s | the only running task of web has no healthy target; task t1: container `app` has no binding for port 8011: found once; waiting for a second check
              looks again in 60s
            60s:
              task t1 | bindings_missing | alert | container `app` has no binding for port 8011: alert only
              web | no_traffic | await 60s | the only running task of web has no healthy target; task t1: container `app` has no binding for port 8011: found once; waiting for a second check
              alert: bindings_missing (error): task t1
              looks again in 60s
            open: bindings_missing task t1, seen 2, reported
            open: no_traffic web, seen 2
        "#]],
    );
}
