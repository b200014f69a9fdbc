//! Addresses outside the group's VPC, which ECS cannot register.

use crate::text_world::check;
use expect_test::expect;

/// As ELBv2 refuses such an address (kubernetes-sigs/aws-load-balancer-controller#3084).
const OUTSIDE: &str = "elasticloadbalancing:RegisterTargets of 10.9.0.5:8080 in web was refused: ValidationError: You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '10.9.0.5' is outside the VPC (request r-1)";

/// The other message for the same error (kubernetes-sigs/aws-load-balancer-controller#3714).
const NOT_IN_VPC: &str = "ValidationError: The Availability Zone is required for IP address '10.9.0.5' because it is not in the VPC";

/// The answer of ELBv2 when an address of the VPC comes with the zone `all`
/// (kubernetes-sigs/aws-load-balancer-controller#561).
const INSIDE: &str = "ValidationError: The IP address '10.9.0.5' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'eu-west-1b'";

/// Holds C-25.
#[test]
fn an_address_outside_the_vpc_is_reported_and_not_tried_again() {
    check(
        &format!(
            r#"
            group web type=ip vpc=vpc-1
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING ip 10.9.0.5
            look
            look after 60s refused "{OUTSIDE}"
            look after 60s
            look after 900s
            target web 10.9.0.5:8080 healthy zone=all
            look after 60s
            "#
        ),
        &expect![[r#"
            0s:
              asks: group web
              web 10.9.0.5:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.9.0.5:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [10.9.0.5:8080]
              alert: missing (critical): web 10.9.0.5:8080
              looks again in 60s
            120s:
              asks: group web
              web 10.9.0.5:8080 | az_all_needed | alert | task t1 has been running for 12 min, and ELBv2 refuses its address without an Availability Zone: it is outside the group's VPC vpc-1, and ECS cannot register it; the parameter AzAll is off, so Portkeeper does not register it: alert only
              alert: escalated az_all_needed (critical): web 10.9.0.5:8080
              looks again in 60s
            1020s:
              asks: group web
              web 10.9.0.5:8080 | az_all_needed | alert | task t1 has been running for 27 min, and ELBv2 refuses its address without an Availability Zone: it is outside the group's VPC vpc-1, and ECS cannot register it; the parameter AzAll is off, so Portkeeper does not register it: alert only
            1080s:
              alert: resolved az_all_needed (critical): web 10.9.0.5:8080 (registered and healthy, after 18 min)
        "#]],
    );
}

/// Holds C-25.
#[test]
fn by_policy_it_is_registered_with_the_zone_all() {
    check(
        &format!(
            r#"
            policy az-all=true
            group web type=ip vpc=vpc-1
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING ip 10.9.0.5
            look
            look after 60s refused "{NOT_IN_VPC}"
            look after 60s
            target web 10.9.0.5:8080 healthy zone=all
            look after 60s
            look after 60s
            "#
        ),
        &expect![[r#"
            0s:
              asks: group web
              web 10.9.0.5:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.9.0.5:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [10.9.0.5:8080]
              alert: missing (critical): web 10.9.0.5:8080
              looks again in 60s
            120s:
              asks: group web
              web 10.9.0.5:8080 | az_all_needed | register | task t1 has been running for 12 min, and ELBv2 refuses its address without an Availability Zone: it is outside the group's VPC vpc-1, and ECS cannot register it: confirmed by a second check
              plan: register web [10.9.0.5:8080] in zone all
              alert: escalated az_all_needed (critical): web 10.9.0.5:8080
              looks again in 60s
            180s:
              alert: resolved az_all_needed (critical): web 10.9.0.5:8080 (registered and healthy, after 3 min)
            240s:
              nothing to write down
        "#]],
    );
}

/// Holds C-25.
#[test]
fn a_registered_target_of_the_same_subnet_shows_the_zone_to_use() {
    check(
        "
        policy az-all=true
        group web type=ip vpc=vpc-1
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.9.0.4 subnet s-9
        task t2 RUNNING/RUNNING ip 10.9.0.5 subnet s-9
        task t3 RUNNING/RUNNING ip 10.0.0.5 subnet s-1
        target web 10.9.0.4:8080 healthy zone=all
        ",
        &expect![[r#"
            0s:
              asks: group web
              web 10.0.0.5:8080 | missing | await 60s | task t3 has been running for 10 min and its target is not registered: found once; waiting for a second check
              web 10.9.0.5:8080 | az_all_needed | await 60s | task t2 has been running for 10 min, and 10.9.0.4 in the same subnet is registered with the Availability Zone `all`: it is outside the group's VPC vpc-1, and ECS cannot register it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.0.0.5:8080 | missing | register | task t3 has been running for 11 min and its target is not registered: confirmed by a second check
              web 10.9.0.5:8080 | az_all_needed | register | task t2 has been running for 11 min, and 10.9.0.4 in the same subnet is registered with the Availability Zone `all`: it is outside the group's VPC vpc-1, and ECS cannot register it: confirmed by a second check
              plan: register web [10.0.0.5:8080]; register web [10.9.0.5:8080] in zone all
              alert: missing (error): web 10.0.0.5:8080
              alert: az_all_needed (error): web 10.9.0.5:8080
              looks again in 60s
            open: missing web 10.0.0.5:8080, seen 2, 1 repairs, reported
            open: az_all_needed web 10.9.0.5:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn another_refusal_says_nothing_of_the_zone() {
    check(
        &format!(
            r#"
            policy az-all=true
            group web type=ip
            service shop/web binds web to app:8080
            task t1 RUNNING/RUNNING ip 10.9.0.6
            look
            look after 60s refused "{OUTSIDE}"
            look after 60s
            "#
        ),
        &expect![[r#"
            0s:
              asks: group web
              web 10.9.0.6:8080 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.9.0.6:8080 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [10.9.0.6:8080]
              alert: missing (critical): web 10.9.0.6:8080
              looks again in 60s
            120s:
              asks: group web
              web 10.9.0.6:8080 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [10.9.0.6:8080]
              looks again in 60s
            open: missing web 10.9.0.6:8080, seen 3, 2 repairs, reported
        "#]],
    );
}

#[test]
fn an_address_that_proves_to_be_within_the_vpc_is_registered_without_zone() {
    check(
        &format!(
            r#"
            policy az-all=true
            group web type=ip
            service shop/web binds web to app:8080
            task t0 RUNNING/RUNNING ip 10.9.0.4 subnet s-9
            task t1 RUNNING/RUNNING ip 10.9.0.5 subnet s-9
            target web 10.9.0.4:8080 healthy zone=all
            look
            look after 60s refused "{INSIDE}"
            look after 60s
            look after 60s
            "#
        ),
        &expect![[r#"
            0s:
              asks: group web
              web 10.9.0.5:8080 | az_all_needed | await 60s | task t1 has been running for 10 min, and 10.9.0.4 in the same subnet is registered with the Availability Zone `all`: it is outside the group's VPC, and ECS cannot register it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: group web
              web 10.9.0.5:8080 | az_all_needed | register | task t1 has been running for 11 min, and 10.9.0.4 in the same subnet is registered with the Availability Zone `all`: it is outside the group's VPC, and ECS cannot register it: confirmed by a second check
              plan: register web [10.9.0.5:8080] in zone all
              alert: az_all_needed (error): web 10.9.0.5:8080
              looks again in 60s
            120s:
              asks: group web
              web 10.9.0.5:8080 | missing | register | task t1 has been running for 12 min and its target is not registered: confirmed by a second check
              plan: register web [10.9.0.5:8080]
              looks again in 60s
            180s:
              asks: group web
              web 10.9.0.5:8080 | unhealthy | await 120s | registered, but initial (no reason given); the group's settings explain at most 2 min of that: found once; waiting for a second check
              looks again in 60s
            open: missing web 10.9.0.5:8080, seen 3, 2 repairs, reported
            open: unhealthy web 10.9.0.5:8080, seen 1
        "#]],
    );
}

#[test]
fn a_stale_target_with_the_zone_all_is_deregistered_with_it() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.9.0.4
        task t2 STOPPED/STOPPED ip 10.9.0.5 ended 10m ago
        target web 10.9.0.4:8080 healthy zone=all
        target web 10.9.0.5:8080 unhealthy zone=all
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.9.0.5:8080 | stale | await 60s | task t2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 10.9.0.5:8080 | stale | deregister | task t2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [10.9.0.5:8080] in zone all
              alert: stale (error): web 10.9.0.5:8080
              looks again in 60s
            open: stale web 10.9.0.5:8080, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn an_unexplained_target_with_the_zone_all_is_foreign() {
    check(
        "
        group web type=ip
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING ip 10.0.0.4
        target web 10.0.0.4:8080 healthy
        target web 192.168.0.9:8080 healthy zone=all
        ",
        &expect![[r#"
            0s:
              asks: owners in the cluster
              web 192.168.0.9:8080 | foreign | await 60s | registered with the Availability Zone `all`, as an address outside the group's VPC: ECS cannot do that, so a person or another tool registered it: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners in the cluster; owners elsewhere in web
              web 192.168.0.9:8080 | foreign | alert | registered with the Availability Zone `all`, as an address outside the group's VPC: ECS cannot do that, so a person or another tool registered it: alert only
              alert: foreign (warning): web 192.168.0.9:8080
            open: foreign web 192.168.0.9:8080, seen 2, reported
        "#]],
    );
}
