//! A spec against the account: what it names must exist, and fit.

use super::account::found;
use super::{context, good, lines};
use expect_test::{Expect, expect};
use portkeeper_service_spec::found::{About, Found, FoundTargetGroup, Gap};
use portkeeper_service_spec::verify_live;

const BRIDGE: &str = include_str!("../../../../specs/bridge-alb.yaml");
const FARGATE: &str = include_str!("../../../../specs/fargate.yaml");

fn check(spec: &str, change: impl Fn(&mut Found), expect: &Expect) {
    let mut found = found();
    change(&mut found);
    expect.assert_eq(&lines(&verify_live(&good(spec), &found, Some(&context().owner))));
}

#[test]
fn the_cluster() {
    check(
        BRIDGE,
        |found| found.cluster = None,
        &expect![[r#"
            3:10 error no_such_cluster cluster: cluster `shop` not found in this account and region: check the name and the region
        "#]],
    );
    check(
        BRIDGE,
        |found| found.cluster.as_mut().unwrap().status = "INACTIVE".to_owned(),
        &expect![[r#"
        3:10 error cluster_inactive cluster: the cluster `shop` is INACTIVE, not ACTIVE
    "#]],
    );
    check(
        BRIDGE,
        |found| found.cluster.as_mut().unwrap().registered_instances = 0,
        &expect![[r#"
        3:10 error no_capacity cluster: the cluster `shop` has no container instances, so no task could be placed: add some, or run the service on Fargate
    "#]],
    );
    check(
        FARGATE,
        |found| found.cluster.as_mut().unwrap().capacity_providers.clear(),
        &expect![[r#"
            34:26 error no_such_provider service.capacityProviderStrategy[0].capacityProvider: capacity provider `FARGATE` not found in the cluster; it has none
            35:26 error no_such_provider service.capacityProviderStrategy[1].capacityProvider: capacity provider `FARGATE_SPOT` not found in the cluster; it has none
        "#]],
    );
}

#[test]
fn listeners_and_load_balancers() {
    check(
        BRIDGE,
        |found| found.listeners.clear(),
        &expect![[r#"
        47:15 error no_such_listener loadBalancing[0].listener: `shop` has no listener on port 443; it has none
    "#]],
    );
    check(
        BRIDGE,
        |found| {
            found.listeners.clear();
            found.load_balancers.clear();
        },
        &expect![[r#"
            47:15 error no_such_load_balancer loadBalancing[0].listener: load balancer `shop` not found in this account and region: check the name
        "#]],
    );
    check(
        &BRIDGE.replace("port: 443", "port: 8443"),
        |_| {},
        &expect![[r#"
        47:15 error no_such_listener loadBalancing[0].listener: `shop` has no listener on port 8443; it listens on 443 (HTTPS)
    "#]],
    );
    check(
        &BRIDGE.replace("loadBalancer: shop", "loadBalancer: devices"),
        |_| {},
        &expect![[r#"
            51:7 error protocol_of_other_kind loadBalancing[0].targetGroup.protocol: `devices` is a Network Load Balancer: set `targetGroup.protocol: TCP` (or TLS, UDP, TCP_UDP)
        "#]],
    );
}

#[test]
fn subnets_and_security_groups() {
    check(
        FARGATE,
        |found| {
            found.subnets.as_mut().unwrap().pop_first();
            found.security_groups.as_mut().unwrap().clear();
        },
        &expect![[r#"
            38:17 error no_such_network service.networkConfiguration.awsvpcConfiguration.subnets[0]: subnet `subnet-0a1b2c3d4e5f60001` not found in this account and region
            39:24 error no_such_network service.networkConfiguration.awsvpcConfiguration.securityGroups[0]: security group `sg-0a1b2c3d4e5f60001` not found in this account and region
        "#]],
    );
    check(
        FARGATE,
        |found| {
            found.subnets.iter_mut().flatten().for_each(|(_, vpc)| *vpc = "vpc-2".to_owned());
        },
        &expect![[r#"
            38:7 error several_vpcs service.networkConfiguration.awsvpcConfiguration: subnets and security groups are in several VPCs: vpc-1, vpc-2; use those of one VPC
        "#]],
    );
    check(
        FARGATE,
        |found| found.listeners[0].vpc = "vpc-9".to_owned(),
        &expect![[r#"
        45:15 error other_vpc loadBalancing[0].listener: `shop` is in vpc-9, and the tasks' subnets are in vpc-1: they must be in one VPC
    "#]],
    );
}

#[test]
fn roles_and_log_groups() {
    check(
        BRIDGE,
        |found| found.roles.as_mut().unwrap().clear(),
        &expect![[r#"
            7:16 error no_such_role taskDefinition.taskRoleArn: role `orders` not found in this account
        "#]],
    );
    check(
        &BRIDGE.replace("logGroups:\n  - {name: /ecs/orders, retentionDays: 30}\n", ""),
        |_| {},
        &expect![[r#"
            29:26 error no_such_log_group taskDefinition.containerDefinitions[0].logConfiguration.options.awslogs-group: log group `/ecs/orders` not found, so the container would not start: add it to `logGroups`
        "#]],
    );
}

#[test]
fn groups_that_exist() {
    let spec = "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions: [{name: web, image: nginx, memory: 128, portMappings: [{containerPort: 80}]}]
service:
  serviceName: hello
  desiredCount: 2
  loadBalancers: [{targetGroupName: old, containerName: web, containerPort: 80}]
";
    check(
        spec,
        |_| {},
        &expect![[r#"
            9:37 error no_such_group service.loadBalancers[0].targetGroupName: target group `old` not found in this account and region
        "#]],
    );
    let group = |kind: &str, balancers: &[&str]| FoundTargetGroup {
        arn: "arn".to_owned(),
        name: "old".to_owned(),
        target_type: kind.to_owned(),
        vpc: "vpc-1".to_owned(),
        load_balancers: balancers.iter().map(|arn| (*arn).to_owned()).collect(),
        ..FoundTargetGroup::default()
    };
    check(
        spec,
        |found| found.groups.push(group("instance", &[])),
        &expect![[r#"
            9:37 error group_without_listener service.loadBalancers[0].targetGroupName: no listener forwards to the target group `old`, and ECS refuses such a group: create a rule that forwards to it, or let `loadBalancing` create both
        "#]],
    );
    check(
        spec,
        |found| found.groups.push(group("ip", &["alb"])),
        &expect![[r#"
            9:37 error target_type service.loadBalancers[0].targetGroupName: in bridge mode tasks are reached by a port of their instance, but `old` accepts targets of type ip: use a group of type instance
        "#]],
    );
    check(spec, |found| found.groups.push(group("instance", &["alb"])), &expect![[r#""#]]);
}

/// Holds C-42: with fixed host ports it depends on how many instances there are.
#[test]
fn fixed_host_ports_need_instances() {
    let text = BRIDGE.replace("hostPort: 0", "hostPort: 8080").replace("max: 12", "max: 2");
    check(&text, |_| {}, &expect![[r#""#]]);
    check(
        &text,
        |found| found.cluster.as_mut().unwrap().registered_instances = 2,
        &expect![[r#"
        16:21 error static_host_port taskDefinition.containerDefinitions[0].portMappings[0].hostPort: with the host port fixed to 8080, 2 tasks need 3 instances (one for a deployment that stops none first), and the cluster has 2: set `hostPort: 0`, or lower `minimumHealthyPercent`
    "#]],
    );
}

/// A gap is not absence: it is reported with any missing permission, and nothing is concluded from
/// it.
#[test]
fn gaps_are_reported_and_nothing_is_concluded_from_them() {
    let gap = |about, action: &str, denied| Gap {
        about,
        action: action.to_owned(),
        why: "the listeners cannot be read".to_owned(),
        denied,
    };
    check(
        BRIDGE,
        |found| {
            found.listeners.clear();
            found.gaps.push(gap(About::Listeners, "elasticloadbalancing:DescribeRules", true));
        },
        &expect![[r#"
            45:3 error permission_missing loadBalancing: the listeners cannot be read: the IAM permission elasticloadbalancing:DescribeRules is missing; add it and retry
        "#]],
    );
    check(
        BRIDGE,
        |found| {
            found.roles.as_mut().unwrap().clear();
            found.gaps.push(gap(About::Roles, "iam:GetRole", true));
        },
        &expect![[r#"
            34:3 warning not_looked_at service: the listeners cannot be read; it is unknown whether everything that the spec names here exists
        "#]],
    );
    check(
        BRIDGE,
        |found| {
            found.cluster = None;
            found.gaps.push(gap(About::Cluster, "ecs:DescribeClusters", false));
        },
        &expect![[r#"
            3:10 error not_read cluster: the listeners cannot be read; try again
        "#]],
    );
}
