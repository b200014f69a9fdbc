//! Lines about tasks: the service's own and those of others.

use super::error::WordError;
use super::names;
use super::words::{Words, known, one_of};
use super::world::{OwnTask, World};
use portkeeper_core::ids::{NotAnId, TaskDefinitionArn};
use portkeeper_core::observation::{
    Binding, Container, NetworkInterface, OtherTask, Task, TaskStatus,
};
use portkeeper_core::task_parts::BindingParts;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The deployment that started a task for which the text names none.
pub const DEFAULT_DEPLOYMENT: &str = "1";

/// How long a task has been running if the text does not say.
const LONG_SECS: u32 = 600;

/// `Task.stopCode` of the ECS API.
const STOP_CODES: [&str; 6] = [
    "TaskFailedToStart",
    "EssentialContainerExited",
    "UserInitiated",
    "ServiceSchedulerInitiated",
    "SpotInterruption",
    "TerminationNotice",
];

macro_rules! part {
    ($more:literal) => {
        concat!(
            "a status such as `RUNNING/STOPPED`, a binding such as `app:8080->32768`, a version ",
            "such as `v3`, `on`, `ip`, `ip6`, `subnet`, `for`, `ended`, `by`, `started-by`, `of`, ",
            "`group`, `exited`, `killed`, `stop-code`, `reason`, `never-ran`, `deregistered`, ",
            "`disconnected`, `connected`, `anywhere`, ",
            $more
        )
    };
}

const OF_OWN: &str = part!("`unlisted` or `unread`");
const OF_OTHER: &str = part!("`groups` or `in`");
const BINDING: &str = "a binding such as `app:8080->32768`, `app:8080->32768/udp@0.0.0.0` or \
    `app:8000-8010->32800-32810`";
const ADDRESS: &str = "an IP address";

/// A line about a task that an earlier line stated changes only what it states.
pub fn state_task(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let name = words.require("a task")?;
    if words.take_if("gone") {
        world.tasks.remove(&name);
        return words.end("the end of the line");
    }
    let mut task = match world.tasks.remove(&name) {
        Some(known) => known.task,
        None => blank(&name, &world.key.service, &world.default_definition)?,
    };
    let (mut unlisted, mut unread) = (false, false);
    read_task(&mut task, words, world.now, |_, word| {
        match word {
            "unlisted" => unlisted = true,
            "unread" => unread = true,
            other => return Err(WordError::unexpected(other, OF_OWN)),
        }
        Ok(())
    })?;
    world.tasks.insert(name, OwnTask { task, unlisted, unread });
    Ok(())
}

/// `owner service/task …`; `-` for a task that no service started; `in prod-2` for one of another
/// cluster.
pub fn state_owner(world: &mut World, words: &mut Words) -> Result<(), WordError> {
    let name = words.require("SERVICE/TASK")?;
    if words.take_if("gone") {
        world.other_tasks.remove(&name);
        return words.end("the end of the line");
    }
    let (service, task) =
        name.split_once('/').ok_or_else(|| WordError::unexpected(&name, "SERVICE/TASK"))?;
    let definition = names::definition(&format!("{service}:1"))?;
    let mut task = blank(task, service, &definition)?;
    if service == "-" {
        (task.group, task.started_by) = (Some("family:job".to_owned()), None);
    }
    let mut groups = Some(BTreeSet::new());
    let mut cluster = world.key.cluster.name().to_owned();
    read_task(&mut task, words, world.now, |words, word| {
        match word {
            "groups" => {
                let named = words.require("target groups, or `?`")?;
                let arns = named.split(',').map(names::group);
                groups =
                    if named == "?" { None } else { Some(arns.collect::<Result<_, NotAnId>>()?) };
            }
            "in" => cluster = words.require("a cluster")?,
            other => return Err(WordError::unexpected(other, OF_OTHER)),
        }
        Ok(())
    })?;
    task.arn = names::task_in(&cluster, task.arn.tail())?;
    if let Some(arn) = &task.container_instance {
        task.container_instance = Some(names::instance(&format!("{cluster}/{}", arn.tail()))?);
    }
    world.other_tasks.insert(name, OtherTask { task, target_groups: groups });
    Ok(())
}

fn blank(name: &str, service: &str, definition: &TaskDefinitionArn) -> Result<Task, NotAnId> {
    Ok(Task {
        arn: names::task(name)?,
        group: Some(format!("service:{service}")),
        started_by: Some(format!("ecs-svc/{DEFAULT_DEPLOYMENT}")),
        task_definition: definition.clone(),
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
    })
}

/// Reads the words that every task may have; `other` gets the rest.
fn read_task(
    task: &mut Task,
    words: &mut Words,
    now: Timestamp,
    mut other: impl FnMut(&mut Words, &str) -> Result<(), WordError>,
) -> Result<(), WordError> {
    let (mut containers, mut ran) = (Vec::new(), true);
    while let Some(word) = words.next() {
        if read_address(task, words, &word)? || read_life(task, words, &word, now)? {
            continue;
        }
        match word.as_str() {
            "never-ran" => ran = false,
            "exited" => {
                let name = words.require("a container")?;
                let its = |container: &&mut Container| container.name == name;
                let container = containers.iter_mut().chain(&mut task.containers).find(its);
                container.ok_or_else(|| WordError::NoContainer { word: name.clone() })?.stopped =
                    true;
            }
            word if word.contains("->") => bind(&mut containers, word)?,
            word => match (word.split_once('/'), word.strip_prefix('v').map(str::parse)) {
                (Some((last, desired)), _) => {
                    task.last_status = known(last, &TaskStatus::ALL)?;
                    task.desired_status = known(desired, &TaskStatus::ALL)?;
                }
                (None, Some(Ok(version))) => task.version = version,
                _ => other(words, word)?,
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
        task.started_at.get_or_insert(now.minus_secs(LONG_SECS));
    }
    let status = task.last_status.to_string();
    match (task.last_status.is_over(), task.stopped_at.is_some()) {
        (true, false) => Err(WordError::NotEnded { status }),
        (false, true) => Err(WordError::Ended { status }),
        _ => Ok(()),
    }
}

/// Returns whether the word says where the task is or what it belongs to.
fn read_address(task: &mut Task, words: &mut Words, word: &str) -> Result<bool, WordError> {
    let mut address = || {
        let text = words.require(ADDRESS)?;
        let parsed = || text.parse::<IpAddr>().map_err(|_| WordError::unexpected(&text, ADDRESS));
        if text == "?" { Ok(None) } else { parsed().map(Some) }
    };
    match word {
        "ip" => interface(task).ipv4 = address()?,
        "ip6" => interface(task).ipv6 = address()?,
        "subnet" => interface(task).subnet = Some(words.require("a subnet")?),
        "on" => task.container_instance = Some(names::instance(&words.require("an instance")?)?),
        "of" => task.task_definition = names::definition(&words.require("a task definition")?)?,
        "group" => task.group = Some(words.require("a group such as `service:web`")?),
        "by" => task.started_by = Some(format!("ecs-svc/{}", words.require("a deployment")?)),
        "started-by" => task.started_by = Some(words.require("what started the task")?),
        "anywhere" => task.anywhere = true,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Returns whether the word says how long the task has lived, or how it ended.
fn read_life(
    task: &mut Task,
    words: &mut Words,
    word: &str,
    now: Timestamp,
) -> Result<bool, WordError> {
    match word {
        "for" => task.started_at = Some(now.minus_secs(words.span()?)),
        "ended" => task.stopped_at = Some(now.minus_secs(words.span()?)),
        "deregistered" => task.deregistered = true,
        "disconnected" => task.connected = false,
        "connected" => task.connected = true,
        "stop-code" => {
            let code = words.require("a stop code")?;
            task.stop_code = Some(one_of(&code, &STOP_CODES)?.to_owned());
        }
        "reason" => task.stopped_reason = Some(words.require("a reason")?),
        "killed" => {
            let group = names::group(&words.require("a target group")?)?;
            task.stop_code = Some("ServiceSchedulerInitiated".to_owned());
            task.stopped_reason =
                Some(format!("Task failed ELB health checks in (target-group {group})"));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn interface(task: &mut Task) -> &mut NetworkInterface {
    task.network_interface.get_or_insert(NetworkInterface { ipv4: None, ipv6: None, subnet: None })
}

fn bind(containers: &mut Vec<Container>, word: &str) -> Result<(), WordError> {
    let (name, binding) = binding(word).ok_or_else(|| WordError::unexpected(word, BINDING))?;
    match containers.iter_mut().find(|container| container.name == name) {
        Some(container) => container.bindings.push(binding),
        None => containers.push(Container {
            name: name.to_owned(),
            bindings: vec![binding],
            stopped: false,
        }),
    }
    Ok(())
}

/// `app:8080->32768`, `app:8000-8010->32800-32810/udp@0.0.0.0`: the container and its binding.
fn binding(word: &str) -> Option<(&str, Binding)> {
    let (word, bind_ip) =
        word.split_once('@').map_or((word, None), |(word, ip)| (word, Some(ip.to_owned())));
    let (word, protocol) =
        word.split_once('/').map_or((word, None), |(word, name)| (word, Some(name.to_owned())));
    let (inside, outside) = word.split_once("->")?;
    let (name, inside) = inside.split_once(':')?;
    let range = |text: &str| text.contains('-').then(|| text.to_owned());
    let parts = BindingParts {
        bind_ip,
        protocol,
        container_port: inside.parse().ok(),
        host_port: outside.parse().ok(),
        container_port_range: range(inside),
        host_port_range: range(outside),
    };
    Some((name, Binding::from_parts(&parts).ok()?))
}
