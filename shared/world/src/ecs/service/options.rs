//! Members of a service that are stored and returned unchanged, with AWS's defaults.
//!
//! Knows whether a member belongs to the service or only to its deployments and revisions.
//! Validates nothing.

use crate::input::Input;
use serde_json::{Map, Value, json};

/// Members of the service that create and update store unchanged.
const SHOWN_AS_GIVEN: [&str; 14] = [
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "deploymentController",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "schedulingStrategy",
    "serviceRegistries",
];

/// Members that only deployments or service revisions have, and which of them [BC `Deployment`,
/// `ServiceRevision`].
const OF_REVISIONS: [(&str, bool); 5] = [
    ("serviceConnectConfiguration", true),
    ("volumeConfigurations", true),
    ("vpcLatticeConfigurations", true),
    ("gatewayConnectors", false),
    ("monitoring", false),
];

/// The members of a new service.
pub(in crate::ecs) fn of_new(input: &Input<'_>, launch_type: &str) -> Map<String, Value> {
    let mut options = Map::new();
    for (name, value) in [
        ("availabilityZoneRebalancing", json!("ENABLED")),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("propagateTags", json!("NONE")),
        ("schedulingStrategy", json!("REPLICA")),
        ("serviceRegistries", json!([])),
        ("deploymentController", json!({"type": "ECS"})),
    ] {
        options.insert(name.to_owned(), value);
    }
    if launch_type == "FARGATE" {
        options.insert("platformVersion".to_owned(), json!("LATEST"));
        options.insert("platformFamily".to_owned(), json!("Linux"));
    }
    take(&mut options, input);
    let daemon = options.get("schedulingStrategy") == Some(&json!("DAEMON"));
    let configuration = options.entry("deploymentConfiguration").or_insert_with(|| json!({}));
    if let Some(configuration) = configuration.as_object_mut() {
        for (name, value) in [
            ("deploymentCircuitBreaker", json!({"enable": false, "rollback": false})),
            ("maximumPercent", json!(if daemon { 100 } else { 200 })),
            ("minimumHealthyPercent", json!(if daemon { 0 } else { 100 })),
            ("alarms", json!({"alarmNames": [], "rollback": false, "enable": false})),
            ("strategy", json!("ROLLING")),
        ] {
            configuration.entry(name).or_insert(value);
        }
    }
    options
}

/// Applies the input. Members of `deploymentConfiguration` are replaced one by one.
pub(in crate::ecs) fn take(options: &mut Map<String, Value>, input: &Input<'_>) {
    for name in SHOWN_AS_GIVEN {
        let Some(value) = input.get(name) else { continue };
        match (options.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            (Some(held), Some(given)) if name == "deploymentConfiguration" => {
                held.extend(given.clone());
            }
            _ => drop(options.insert(name.to_owned(), value.clone())),
        }
    }
    let network = options
        .get_mut("networkConfiguration")
        .and_then(|network| network.get_mut("awsvpcConfiguration"));
    if let Some(network) = network.and_then(Value::as_object_mut) {
        network.entry("securityGroups").or_insert_with(|| json!([]));
        network.entry("assignPublicIp").or_insert_with(|| json!("DISABLED"));
    }
}

/// Applies the members of the input that only revisions have.
pub(in crate::ecs) fn take_for_revisions(options: &mut Map<String, Value>, input: &Input<'_>) {
    for (name, _) in OF_REVISIONS {
        if let Some(value) = input.get(name) {
            options.insert(name.to_owned(), value.clone());
        }
    }
}

/// The members of a revision that its deployment has, too.
pub(in crate::ecs) fn of_deployment(
    options: &Map<String, Value>,
) -> impl Iterator<Item = (String, Value)> {
    let shown = OF_REVISIONS.into_iter().filter(|(_, on_deployments)| *on_deployments);
    shown.filter_map(|(name, _)| Some((name.to_owned(), options.get(name)?.clone())))
}
