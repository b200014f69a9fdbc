//! Lines about tasks: the service's own and those of others.

use super::names;
use super::words::Words;
use super::world::{OwnTask, World, before};
use portkeeper_core::observation::{
    Binding, Container, NetworkInterface, OtherTask, Task, TaskStatus,
};
use portkeeper_core::task_parts::BindingParts;
use portkeeper_core::time::Timestamp;

/// The deployment that started a task for which the text names none.
pub const DEFAULT_DEPLOYMENT: &str = "1";

/// How long a task has been running if the text does not say.
const LONG_SECS: u32 = 600;

/// A line about a task that an earlier line stated changes only what it states.
pub fn state_task(world: &mut World, words: &mut Words) {
    let name = words.expect("a name");
    if words.take_if("gone") {
        world.tasks.remove(&name);
        return;
    }
    let service = world.key.service.clone();
    let now = world.now;
    let task = world.tasks.entry(name.clone()).or_insert_with(|| OwnTask {
        task: blank(&name, &service),
        unlisted: false,
        unread: false,
    });
    (task.unlisted, task.unread) = (false, false);
    read_task(&mut task.task, words, now, |words, word| match word {
        "unlisted" => task.unlisted = true,
        "unread" => task.unread = true,
        other => words.unknown(other),
    });
}

/// `owner service/task …`; `-` for a task that no service started; `in prod-2` for one of another
/// cluster.
pub fn state_owner(world: &mut World, words: &mut Words) {
    let name = words.expect("service/task");
    if words.take_if("gone") {
        world.other_tasks.remove(&name);
        return;
    }
    let (service, task) = name.split_once('/').unwrap();
    let mut task = blank(task, service);
    if service == "-" {
        (task.group, task.started_by) = (Some("family:job".to_owned()), None);
    }
    task.task_definition = names::definition(&format!("{service}:1"));
    let mut groups = Some(std::collections::BTreeSet::new());
    let mut cluster = world.key.cluster.name().to_owned();
    read_task(&mut task, words, world.now, |words, word| match word {
        "groups" => {
            let named = words.expect("target groups");
            groups = (named != "?").then(|| named.split(',').map(names::group).collect());
        }
        "in" => cluster = words.expect("a cluster"),
        other => words.unknown(other),
    });
    task.arn = names::task_in(&cluster, task.arn.tail());
    task.container_instance =
        task.container_instance.map(|arn| names::instance(&format!("{cluster}/{}", arn.tail())));
    world.other_tasks.insert(name, OtherTask { task, target_groups: groups });
}

fn blank(name: &str, service: &str) -> Task {
    Task {
        arn: names::task(name),
        group: Some(format!("service:{service}")),
        started_by: Some(format!("ecs-svc/{DEFAULT_DEPLOYMENT}")),
        task_definition: names::definition("web:1"),
        container_instance: None,
        anywhere: false,
        last_status: TaskStatus::Running,
        desired_status: TaskStatus::Running,
        version: 1,
        connected: true,
        started_at: None,
        stopped_at: None,
        stop_code: None,
        stopped_reason: None,
        deregistered: false,
        network_interface: None,
        containers: Vec::new(),
    }
}

fn read_task(
    task: &mut Task,
    words: &mut Words,
    now: Timestamp,
    mut other: impl FnMut(&mut Words, &str),
) {
    let (mut containers, mut ran) = (Vec::new(), true);
    while let Some(word) = words.next() {
        match word.as_str() {
            "never-ran" => ran = false,
            "on" => task.container_instance = Some(names::instance(&words.expect("an instance"))),
            "for" => task.started_at = Some(before(now, words.span())),
            "ended" => task.stopped_at = Some(before(now, words.span())),
            "by" => task.started_by = Some(format!("ecs-svc/{}", words.expect("a deployment"))),
            "started-by" => task.started_by = Some(words.expect("anything")),
            "of" => task.task_definition = names::definition(&words.expect("a task definition")),
            "group" => task.group = Some(words.expect("a group")),
            "ip" => {
                let address = words.expect("an address");
                interface(task).ipv4 = (address != "?").then(|| address.parse().unwrap());
            }
            "subnet" => interface(task).subnet = Some(words.expect("a subnet")),
            "ip6" => interface(task).ipv6 = Some(words.expect("an address").parse().unwrap()),
            "deregistered" => task.deregistered = true,
            "disconnected" => task.connected = false,
            "connected" => task.connected = true,
            "anywhere" => task.anywhere = true,
            "exited" => {
                let name = words.expect("a container");
                let its = |container: &&mut Container| container.name == name;
                let container = containers.iter_mut().chain(&mut task.containers).find(its);
                container.expect("a container of this name").stopped = true;
            }
            "stop-code" => task.stop_code = Some(words.expect("a stop code")),
            "reason" => task.stopped_reason = Some(words.expect("a reason")),
            "killed" => {
                let group = names::group(&words.expect("a target group"));
                task.stop_code = Some("ServiceSchedulerInitiated".to_owned());
                task.stopped_reason =
                    Some(format!("Task failed ELB health checks in (target-group {group})"));
            }
            word if word.contains("->") => bind(&mut containers, word),
            word if word.contains('/') => {
                let (last, desired) = word.split_once('/').unwrap();
                (task.last_status, task.desired_status) =
                    (TaskStatus::from(last), TaskStatus::from(desired));
            }
            word => match word.strip_prefix('v').and_then(|number| number.parse().ok()) {
                Some(version) => task.version = version,
                None => other(words, word),
            },
        }
    }
    if !containers.is_empty() {
        task.containers = containers;
    }
    let started = !matches!(
        task.last_status,
        TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating
    );
    if started && ran {
        task.started_at.get_or_insert(before(now, LONG_SECS));
    }
    assert_eq!(
        task.last_status.is_over(),
        task.stopped_at.is_some(),
        "{}: when did it end?",
        task.arn.tail()
    );
}

fn interface(task: &mut Task) -> &mut NetworkInterface {
    task.network_interface.get_or_insert(NetworkInterface { ipv4: None, ipv6: None, subnet: None })
}

/// `app:8080->32768`, `app:8000-8010->32800-32810/udp@0.0.0.0`
fn bind(containers: &mut Vec<Container>, word: &str) {
    let (word, bind_ip) =
        word.split_once('@').map_or((word, None), |(word, ip)| (word, Some(ip.to_owned())));
    let (word, protocol) =
        word.split_once('/').map_or((word, None), |(word, name)| (word, Some(name.to_owned())));
    let (inside, outside) = word.split_once("->").unwrap();
    let (name, inside) = inside.split_once(':').unwrap();
    let range = |text: &str| text.contains('-').then(|| text.to_owned());
    let parts = BindingParts {
        bind_ip,
        protocol,
        container_port: inside.parse().ok(),
        host_port: outside.parse().ok(),
        container_port_range: range(inside),
        host_port_range: range(outside),
    };
    let binding = Binding::from_parts(&parts).unwrap();
    match containers.iter_mut().find(|container| container.name == name) {
        Some(container) => container.bindings.push(binding),
        None => containers.push(Container {
            name: name.to_owned(),
            bindings: vec![binding],
            stopped: false,
        }),
    }
}
