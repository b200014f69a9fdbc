//! A task in `DescribeTasks` and in an `ECS Task State Change` event.
//!
//! The two differ in timestamps, attachment types, empty lists, `healthStatus` and tags (F-2.2,
//! samples in `events/`).

use crate::World;
use crate::ecs::state::task::{Binding, Container, Eni, Registration, Status, Task};
use crate::reply::Shown;
use crate::time;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// As in `DescribeTasks`. The task keeps it until it changes.
pub(in crate::ecs) fn shown(world: &World, task: &Task) -> Arc<Shown> {
    Arc::clone(task.shown.get_or_init(|| Arc::new(Shown::new(api(world, task)))))
}

/// As in `DescribeTasks`.
pub(in crate::ecs) fn api(world: &World, task: &Task) -> Value {
    let mut shown = body(world, task, time::epoch, api_container);
    // The `elb` attachment is known only from events. Whether the API returns it is [UNV]; here it
    // does not.
    let eni = task.eni.as_ref().map(|eni| show_eni(world, eni, "ElasticNetworkInterface"));
    shown.insert("attachments".to_owned(), eni.into_iter().collect());
    shown.insert("healthStatus".to_owned(), json!("UNKNOWN"));
    shown.insert("tags".to_owned(), json!([]));
    Value::Object(shown)
}

/// As in the detail of an event.
pub(in crate::ecs) fn event(world: &World, task: &Task) -> Value {
    let mut shown = body(world, task, |ms| json!(time::iso(ms)), event_container);
    let eni = task.eni.as_ref().map(|eni| show_eni(world, eni, "eni"));
    let elb = task.elb_attachment.as_ref().map(|id| {
        let status = match task.registration {
            Registration::Removed => "DELETED",
            Registration::Kept => "DELETING",
            Registration::Done => "ATTACHED",
            Registration::None | Registration::Due(_) => "PRECREATED",
        };
        json!({"id": id, "type": "elb", "status": status, "details": []})
    });
    shown.insert("attachments".to_owned(), elb.into_iter().chain(eni).collect());
    shown.insert("updatedAt".to_owned(), json!(time::iso(task.updated_ms)));
    Value::Object(shown)
}

/// The common part.
fn body(
    world: &World,
    task: &Task,
    when: impl Fn(u64) -> Value,
    container: impl Fn(&World, &Task, &Container) -> Value,
) -> Map<String, Value> {
    let definition = &task.definition;
    let overrides: Vec<Value> =
        definition.containers.iter().map(|container| json!({"name": container.name})).collect();
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("attributes", json!([{"name": "ecs.cpu-architecture", "value": "x86_64"}]));
    put("clusterArn", json!(world.account.ecs_arn("cluster", &task.cluster)));
    put("connectivity", json!(if task.connected { "CONNECTED" } else { "DISCONNECTED" }));
    put("connectivityAt", when(task.created_ms));
    put("containers", task.containers.iter().map(|one| container(world, task, one)).collect());
    put("cpu", json!(definition.cpu.as_deref().unwrap_or("0")));
    put("createdAt", when(task.created_ms));
    put("desiredStatus", json!(task.desired()));
    put("enableExecuteCommand", json!(false));
    put("group", json!(task.group));
    put("launchType", json!(task.launch_type));
    put("lastStatus", json!(task.status.name()));
    put("memory", json!(definition.memory.as_deref().unwrap_or("512")));
    put("overrides", json!({"containerOverrides": overrides}));
    put("taskArn", json!(task.arn));
    put("taskDefinitionArn", json!(definition.arn));
    put("version", json!(task.version));
    if !task.zone.is_empty() {
        put("availabilityZone", json!(task.zone));
    }
    if task.launch_type == "FARGATE" {
        put("platformVersion", json!("1.4.0"));
        put("platformFamily", json!("Linux"));
        put("ephemeralStorage", json!({"sizeInGiB": 20}));
    }
    if let Some(instance) = &task.instance {
        let path = format!("{}/{instance}", task.cluster);
        put("containerInstanceArn", json!(world.account.ecs_arn("container-instance", &path)));
    }
    let times = [
        ("pullStartedAt", task.started_ms.map(|_| task.created_ms)),
        ("pullStoppedAt", task.started_ms.map(|_| task.created_ms)),
        ("startedAt", task.started_ms),
        ("stoppingAt", task.stopping_ms),
        ("executionStoppedAt", task.execution_stopped_ms),
        ("stoppedAt", task.stopped_ms),
    ];
    for (name, ms) in times {
        ms.map(|ms| put(name, when(ms)));
    }
    if let Some(started_by) = &task.started_by {
        put("startedBy", json!(started_by));
    }
    if let Some(stop) = &task.stop {
        put("stopCode", json!(stop.code));
        put("stoppedReason", json!(stop.reason));
    }
    shown
}

/// The API returns empty lists.
fn api_container(world: &World, task: &Task, container: &Container) -> Value {
    let mut shown = container_body(world, task, container);
    shown.insert("networkBindings".to_owned(), bindings(task, container).into());
    shown.insert("networkInterfaces".to_owned(), interfaces(task).into());
    shown.insert("healthStatus".to_owned(), json!("UNKNOWN"));
    Value::Object(shown)
}

fn event_container(world: &World, task: &Task, container: &Container) -> Value {
    let mut shown = container_body(world, task, container);
    for (name, list) in
        [("networkBindings", bindings(task, container)), ("networkInterfaces", interfaces(task))]
    {
        if !list.is_empty() {
            shown.insert(name.to_owned(), list.into());
        }
    }
    Value::Object(shown)
}

fn container_body(world: &World, task: &Task, container: &Container) -> Map<String, Value> {
    let path = format!("{}/{}/{}", task.cluster, task.id, container.id);
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("containerArn", json!(world.account.ecs_arn("container", &path)));
    put("taskArn", json!(task.arn));
    put("name", json!(container.name));
    put("lastStatus", json!(container.status));
    if let Some(definition) = task.definition.container(&container.name) {
        put("image", json!(definition.image));
        put("cpu", json!(definition.cpu.to_string()));
        definition.memory.map(|memory| put("memory", json!(memory.to_string())));
    }
    if task.status >= Status::Activating {
        put(
            "runtimeId",
            json!(format!("{}-{}", task.id, container.id.get(..8).unwrap_or_default())),
        );
    }
    if let Some(code) = container.exit_code {
        put("exitCode", json!(code));
    }
    shown
}

fn bindings(task: &Task, container: &Container) -> Vec<Value> {
    if task.bindings_lost {
        return Vec::new();
    }
    container.bindings.iter().map(show_binding).collect()
}

fn show_binding(binding: &Binding) -> Value {
    if binding.container.range {
        return json!({
            "bindIP": binding.bind_ip,
            "containerPortRange": format!("{}-{}", binding.container.first, binding.container.last()),
            "hostPortRange": format!("{}-{}", binding.host.first, binding.host.last()),
            "protocol": binding.protocol,
        });
    }
    json!({
        "bindIP": binding.bind_ip,
        "containerPort": binding.container.first,
        "hostPort": binding.host.first,
        "protocol": binding.protocol,
    })
}

/// Every container of an awsvpc task shows the task's one interface, once it is attached.
fn interfaces(task: &Task) -> Vec<Value> {
    let Some(eni) = task.eni.as_ref().filter(|eni| eni.v4.is_some() || eni.v6.is_some()) else {
        return Vec::new();
    };
    let mut shown = json!({"attachmentId": eni.attachment});
    if let Some(members) = shown.as_object_mut() {
        let addresses = [("privateIpv4Address", &eni.v4), ("ipv6Address", &eni.v6)];
        members.extend(
            addresses
                .into_iter()
                .filter_map(|(name, ip)| Some((name.to_owned(), json!(ip.as_ref()?)))),
        );
    }
    vec![shown]
}

fn show_eni(world: &World, eni: &Eni, kind: &str) -> Value {
    let mut details = vec![json!({"name": "subnetId", "value": eni.subnet})];
    if eni.v4.is_some() || eni.v6.is_some() {
        details.push(json!({"name": "networkInterfaceId", "value": eni.id}));
        details.push(json!({"name": "macAddress", "value": eni.mac}));
    }
    if let Some(v4) = &eni.v4 {
        let name = format!("ip-{}.{}.compute.internal", v4.replace('.', "-"), world.account.region);
        details.push(json!({"name": "privateDnsName", "value": name}));
        details.push(json!({"name": "privateIPv4Address", "value": v4}));
    }
    if let Some(v6) = &eni.v6 {
        details.push(json!({"name": "ipv6Address", "value": v6}));
    }
    json!({"id": eni.attachment, "type": kind, "status": eni.status, "details": details})
}
