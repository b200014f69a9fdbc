//! An account as it is found, and what AWS would show of it after a plan was applied: with its
//! defaults filled in, and lists in another order. It knows only what the examples need.

use portkeeper_service_spec::found::{
    Found, FoundCluster, FoundListener, FoundLoadBalancer, FoundRule, FoundScaling, FoundService,
    FoundTargetGroup, FoundTaskDefinition,
};
use portkeeper_service_spec::steps::{CreatedArns, NewResource, Ref, SpecPlan, Write};
use portkeeper_service_spec::{fill, undo};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:";
pub const SUBNETS: [&str; 2] = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"];

fn listener(name: &str, kind: &str, port: u16, arn: String) -> FoundListener {
    FoundListener {
        arn,
        load_balancer: name.to_owned(),
        load_balancer_arn: format!("{ARN}loadbalancer/app/{name}/50dc6c495c0c9188"),
        kind: kind.to_owned(),
        vpc: "vpc-1".to_owned(),
        port,
        protocol: "HTTPS".to_owned(),
        tags: BTreeMap::new(),
        rules: vec![FoundRule {
            arn: format!("{ARN}default"),
            other_actions: vec!["fixed-response".to_owned()],
            ..FoundRule::default()
        }],
    }
}

/// A cluster with instances and Fargate, two Application Load Balancers and a Network Load
/// Balancer.
pub fn found() -> Found {
    let providers = ["FARGATE", "FARGATE_SPOT"].map(str::to_owned);
    let balancer = |kind: &str| FoundLoadBalancer {
        arn: format!("{ARN}loadbalancer/net/devices/1"),
        kind: kind.to_owned(),
        vpc: "vpc-1".to_owned(),
    };
    Found {
        cluster: Some(FoundCluster {
            arn: "arn:aws:ecs:eu-west-1:111122223333:cluster/shop".to_owned(),
            status: "ACTIVE".to_owned(),
            registered_instances: 3,
            capacity_providers: providers.into(),
            has_default_strategy: false,
        }),
        load_balancers: [
            ("shop".to_owned(), balancer("application")),
            ("devices".to_owned(), balancer("network")),
        ]
        .into(),
        listeners: vec![
            listener(
                "shop",
                "application",
                443,
                format!("{ARN}listener/app/shop/50dc6c495c0c9188/1"),
            ),
            listener(
                "internal",
                "application",
                80,
                format!("{ARN}listener/app/internal/50dc6c495c0c9188/0467ef3c8400ae65"),
            ),
        ],
        roles: Some(["ecs-execution", "ecs-infrastructure", "orders"].map(str::to_owned).into()),
        subnets: Some(SUBNETS.map(|id| (id.to_owned(), "vpc-1".to_owned())).into()),
        security_groups: Some(
            ["sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d4e5f60002"]
                .map(|id| (id.to_owned(), "vpc-1".to_owned()))
                .into(),
        ),
        ..Found::default()
    }
}

fn tags_of(input: &Value) -> BTreeMap<String, String> {
    let tags = input["tags"].as_array().into_iter().flatten();
    tags.map(|tag| {
        (tag["key"].as_str().unwrap().to_owned(), tag["value"].as_str().unwrap().to_owned())
    })
    .collect()
}

fn existing(it: &Ref) -> String {
    match it {
        Ref::Existing(arn) => arn.clone(),
        Ref::New(thing) => panic!("{thing:?} was not filled in"),
    }
}

/// Applies the first N writes of a plan to the account that was found. Returns what was done.
pub fn carry_out(found: &mut Found, plan: &SpecPlan, most: usize) -> (Vec<Write>, CreatedArns) {
    let (mut made, mut done) = (CreatedArns::new(), Vec::new());
    for write in plan.steps.iter().flat_map(|step| &step.writes).take(most) {
        let write = fill(write, &made).unwrap();
        if let Some((thing, arn)) = apply(found, &write) {
            assert_eq!(write.makes().as_ref(), Some(&thing));
            made.insert(thing, arn);
        }
        done.push(write);
    }
    (done, made)
}

/// Rolls back what was done.
pub fn take_back(found: &mut Found, done: &[Write], made: &CreatedArns) {
    for write in undo(done) {
        apply(found, &fill(&write, made).unwrap());
    }
}

fn apply(found: &mut Found, write: &Write) -> Option<(NewResource, String)> {
    match write {
        Write::CreateLogGroup { name, .. } => drop(found.log_groups.insert(name.clone(), None)),
        Write::PutRetention { name, days, .. } => {
            found.log_groups.insert(name.clone(), *days);
        }
        Write::DeleteLogGroup { name } => {
            found.log_groups.remove(name);
        }
        Write::RegisterTaskDefinition { input } => {
            return Some((NewResource::TaskDefinition, register(found, input)));
        }
        Write::DeregisterTaskDefinition { .. } => found.task_definition = None,
        Write::CreateService { input, placeholders } => {
            assert!(placeholders.is_empty());
            found.service = Some(shown_service(input));
        }
        Write::UpdateService { input, placeholders } => {
            assert!(placeholders.is_empty());
            let shown = &mut found.service.as_mut().unwrap().shown;
            for (member, value) in input.as_object().unwrap() {
                shown[member] = value.clone();
            }
        }
        Write::TagService { tags, .. } => found.service.as_mut().unwrap().tags.extend(tags.clone()),
        Write::DeleteService { .. } => found.service = None,
        Write::RegisterScalableTarget { min, max, tags, before, .. } => {
            let tags =
                if before.is_some() { found.scaling.take().unwrap().tags } else { tags.clone() };
            found.scaling =
                Some(FoundScaling { min: *min, max: *max, tags, ..FoundScaling::default() });
        }
        Write::DeregisterScalableTarget { .. } => found.scaling = None,
        Write::PutScalingPolicy { policy, .. } => {
            let shown = json!({"TargetValue": policy.value, "ScaleInCooldown": policy.scale_in_cooldown_seconds,
                "ScaleOutCooldown": policy.scale_out_cooldown_seconds, "DisableScaleIn": false});
            found.scaling.as_mut().unwrap().policies.insert(policy.name.clone(), shown);
        }
        Write::DeleteScalingPolicy { name, .. } => {
            drop(found.scaling.as_mut().unwrap().policies.remove(name));
        }
        other => return apply_balancing(found, other),
    }
    None
}

fn apply_balancing(found: &mut Found, write: &Write) -> Option<(NewResource, String)> {
    match write {
        Write::CreateTargetGroup { group } => {
            let arn = format!("{ARN}targetgroup/{}/73e2d6bc24d8a067", group.name);
            found.groups.push(FoundTargetGroup {
                arn: arn.clone(),
                name: group.name.clone(),
                target_type: group.target_type.clone(),
                protocol: group.protocol.clone(),
                protocol_version: group.protocol.starts_with("HTTP").then(|| "HTTP1".to_owned()),
                port: Some(group.port),
                ip_address_type: Some("ipv4".to_owned()),
                vpc: group.vpc.clone(),
                health_check: group.health_check.clone(),
                load_balancers: Vec::new(),
                attributes: [("deregistration_delay.timeout_seconds".to_owned(), "300".to_owned())]
                    .into(),
                tags: group.tags.clone(),
            });
            return Some((NewResource::TargetGroup(group.name.clone()), arn));
        }
        Write::ModifyTargetGroup { group, health_check, .. } => {
            let arn = existing(group);
            let shown = found.groups.iter_mut().find(|group| group.arn == arn).unwrap();
            // Only what the tests change.
            shown.health_check.path.clone_from(&health_check.path);
        }
        Write::ModifyTargetGroupAttributes { group, attributes, .. } => {
            let arn = existing(group);
            let shown = found.groups.iter_mut().find(|group| group.arn == arn).unwrap();
            shown.attributes.extend(attributes.clone());
        }
        Write::DeleteTargetGroup { group } => {
            found.groups.retain(|shown| shown.arn != existing(group));
        }
        Write::CreateRule { listener, conditions, priority, forward, group_name, tags } => {
            let arn = format!("{listener}/{group_name}");
            let rule = FoundRule {
                arn: arn.clone(),
                priority: Some(priority.number()),
                hosts: conditions.hosts.clone(),
                paths: conditions.paths.clone(),
                forwards_to: forward
                    .iter()
                    .map(|(group, level)| (existing(group), *level))
                    .collect(),
                tags: tags.clone(),
                ..FoundRule::default()
            };
            found.listeners.iter_mut().find(|it| it.arn == *listener).unwrap().rules.push(rule);
            return Some((NewResource::ListenerRule(group_name.clone()), arn));
        }
        Write::ModifyRule { rule, conditions, .. } => {
            let shown = found
                .listeners
                .iter_mut()
                .flat_map(|it| &mut it.rules)
                .find(|it| it.arn == *rule)
                .unwrap();
            if let Some(conditions) = conditions {
                shown.hosts.clone_from(&conditions.hosts);
                shown.paths.clone_from(&conditions.paths);
            }
        }
        Write::DeleteRule { rule } => {
            found
                .listeners
                .iter_mut()
                .for_each(|it| it.rules.retain(|shown| shown.arn != existing(rule)));
        }
        Write::CreateListener { port, group, group_name, tags, .. } => {
            let arn = format!("{ARN}listener/net/devices/1/{port}");
            let mut made = listener("devices", "network", *port, arn.clone());
            made.rules[0].forwards_to = [(existing(group), 1)].into();
            made.tags = tags.clone();
            found.listeners.push(made);
            return Some((NewResource::Listener(group_name.clone()), arn));
        }
        Write::DeleteListener { listener } => {
            found.listeners.retain(|shown| shown.arn != existing(listener));
        }
        other => panic!("{other:?}"),
    }
    None
}

/// As `DescribeTaskDefinition` shows it: with defaults, and variables in another order.
fn register(found: &mut Found, input: &Value) -> String {
    let before =
        found.task_definition.as_ref().and_then(|it| it.shown["revision"].as_i64()).unwrap_or(0);
    let (family, revision) = (input["family"].as_str().unwrap(), before + 1);
    let arn = format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/{family}:{revision}");
    let mut shown = input.clone();
    shown.as_object_mut().unwrap().remove("tags");
    for (member, value) in [
        ("taskDefinitionArn", json!(arn)),
        ("revision", json!(revision)),
        ("status", json!("ACTIVE")),
        ("compatibilities", json!(["EC2"])),
    ] {
        shown[member] = value;
    }
    for (member, value) in [("volumes", json!([])), ("placementConstraints", json!([]))] {
        shown.as_object_mut().unwrap().entry(member).or_insert(value);
    }
    let awsvpc = shown["networkMode"] == "awsvpc";
    for container in shown["containerDefinitions"].as_array_mut().unwrap() {
        let defaults = [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
            ("systemControls", json!([])),
        ];
        for (member, value) in defaults {
            container.as_object_mut().unwrap().entry(member).or_insert(value);
        }
        container["environment"].as_array_mut().unwrap().reverse();
        for mapping in
            container.get_mut("portMappings").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let port = if awsvpc { mapping["containerPort"].clone() } else { json!(0) };
            let members = mapping.as_object_mut().unwrap();
            members.entry("hostPort").or_insert(port);
            members.entry("protocol").or_insert(json!("tcp"));
        }
    }
    found.task_definition = Some(FoundTaskDefinition { shown, tags: tags_of(input) });
    arn
}

/// As `DescribeServices` shows it.
fn shown_service(input: &Value) -> FoundService {
    let mut shown = input.clone();
    for member in ["tags", "clientToken", "cluster"] {
        shown.as_object_mut().unwrap().remove(member);
    }
    let name = input["serviceName"].as_str().unwrap();
    shown["status"] = json!("ACTIVE");
    shown["serviceArn"] = json!(format!("arn:aws:ecs:eu-west-1:111122223333:service/shop/{name}"));
    shown["clusterArn"] = json!("arn:aws:ecs:eu-west-1:111122223333:cluster/shop");
    shown["createdAt"] = json!(1_700_000_000);
    let filled = [
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({"type": "ECS"})),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("propagateTags", json!("NONE")),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("serviceRegistries", json!([])),
        ("availabilityZoneRebalancing", json!("ENABLED")),
        (
            "roleArn",
            json!(
                "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
            ),
        ),
    ];
    for (member, value) in filled {
        shown.as_object_mut().unwrap().entry(member).or_insert(value);
    }
    if shown.get("launchType").is_none() && shown.get("capacityProviderStrategy").is_none() {
        shown["launchType"] = json!("EC2");
    }
    let asked = shown.get("deploymentConfiguration").cloned().unwrap_or(json!({}));
    let mut all = json!({"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
        "deploymentCircuitBreaker": {"enable": false, "rollback": false}});
    for (member, value) in asked.as_object().unwrap() {
        all[member] = value.clone();
    }
    shown["deploymentConfiguration"] = all;
    FoundService { shown, tags: tags_of(input) }
}
