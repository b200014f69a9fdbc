//! The life cycle of a task, from launch to STOPPED and to its removal an hour later.

use super::changes::{announce, change};
use super::ports;
use crate::World;
use crate::account::Ids;
use crate::ecs::registration;
use crate::ecs::state::definition::{NetworkMode, TaskDefinition};
use crate::ecs::state::image::{self, Broken};
use crate::ecs::state::task::{Answer, Container, Eni, Registration, Status, Stop, Task};
use crate::journal::Kind;
use std::sync::{Arc, OnceLock};

/// "stopped tasks appear for at least one hour" [BC `DescribeTasks`].
const STOPPED_VISIBLE_MS: u64 = 3_600_000;

/// The task to launch.
#[derive(Debug, Clone)]
pub(in crate::ecs) struct NewTask {
    pub cluster: String,
    pub definition: Arc<TaskDefinition>,
    /// `cluster/service`, and the digits of the deployment or task set.
    pub service: Option<(String, String)>,
    pub group: String,
    pub started_by: Option<String>,
    pub launch_type: String,
    /// Container instance id.
    pub instance: Option<String>,
    pub subnet: Option<String>,
    pub behind_balancer: bool,
}

/// Creates a task in PROVISIONING and returns its id.
pub(in crate::ecs) fn launch(world: &mut World, new: NewTask) -> String {
    let id = world.ids.task();
    let now = world.now_ms();
    let instance = new.instance.as_ref().and_then(|instance| world.ecs.instances.get(instance));
    let (ec2_id, mut zone) =
        instance.map(|i| (Some(i.ec2_id.clone()), i.zone.clone())).unwrap_or_default();
    let subnet = new.subnet.filter(|_| new.definition.network_mode == NetworkMode::Awsvpc);
    let eni = subnet.map(|subnet| new_eni(&mut world.ids, subnet));
    if let Some(subnet) = eni.as_ref().and_then(|eni| world.ecs.network.subnet(&eni.subnet)) {
        zone.clone_from(&subnet.zone);
    }
    let containers = new_containers(&mut world.ids, &new.definition);
    let answers = match image::of(world, &new.definition) {
        Some((Broken::Answers(answer), _)) => answer,
        _ => Answer::Ok,
    };
    let elb_attachment = new.behind_balancer.then(|| world.ids.uuid());
    let due_ms = Some(now + step_ms(world, world.ecs.timing.provisioning_secs));
    let (service, deployment) = new.service.unzip();
    if let Some(service) = service.as_ref().and_then(|key| world.ecs.services.get_mut(key)) {
        service.tasks.insert(id.clone());
    }
    let task = Task {
        arn: world.account.ecs_arn("task", &format!("{}/{id}", new.cluster)),
        id: id.clone(),
        cluster: new.cluster,
        definition: new.definition,
        instance: new.instance,
        ec2_id,
        zone,
        group: new.group,
        started_by: new.started_by,
        service,
        deployment,
        launch_type: new.launch_type,
        status: Status::Provisioning,
        version: 1,
        connected: true,
        containers,
        eni,
        elb_attachment,
        registration: Registration::None,
        answers,
        bindings_lost: false,
        crashed: false,
        created_ms: now,
        started_ms: None,
        stopping_ms: None,
        execution_stopped_ms: None,
        stopped_ms: None,
        updated_ms: now,
        stop: None,
        due_ms,
        previous: None,
        shown: OnceLock::new(),
    };
    if let Some(instance) =
        task.instance.as_ref().and_then(|instance| world.ecs.instances.get_mut(instance))
    {
        instance.load += 1;
    }
    world.ecs.tasks.insert(task);
    announce(world, &id);
    id
}

fn new_containers(ids: &mut Ids, definition: &TaskDefinition) -> Vec<Container> {
    let new = |name: &str| Container {
        id: ids.uuid(),
        name: name.to_owned(),
        status: "PENDING",
        bindings: Vec::new(),
        exit_code: None,
    };
    definition.containers.iter().map(|container| container.name.as_str()).map(new).collect()
}

/// A network interface, which has no address until the task is ACTIVATING.
fn new_eni(ids: &mut Ids, subnet: String) -> Eni {
    Eni {
        attachment: ids.uuid(),
        id: ids.eni(),
        mac: ids.mac(),
        subnet,
        status: "PRECREATED",
        v4: None,
        v6: None,
    }
}

fn step_ms(world: &mut World, seconds: u64) -> u64 {
    let jitter = world.ecs.timing.jitter_secs;
    let more = if jitter == 0 { 0 } else { world.ecs.rng.u64(0..=jitter) };
    (seconds + more) * 1000
}

/// Advances every task that is due.
pub(in crate::ecs) fn tick(world: &mut World) {
    let now = world.now_ms();
    let is_due = |task: &&Task| match (task.due_ms, task.registration, task.stopped_ms) {
        (_, _, Some(stopped_ms)) => stopped_ms + STOPPED_VISIBLE_MS <= now,
        (Some(due_ms), _, _) if due_ms <= now => true,
        (_, Registration::Due(at), _) => at <= now,
        _ => task.crashed && !task.stop_wanted(),
    };
    let due: Vec<String> =
        world.ecs.tasks.values().filter(is_due).map(|task| task.id.clone()).collect();
    for id in due {
        let Some(task) = world.ecs.tasks.get(&id) else { continue };
        if task.status == Status::Stopped {
            forget(world, &id);
            continue;
        }
        if matches!(task.registration, Registration::Due(at) if at <= now) && task.is_live() {
            registration::register(world, &id);
        }
        step(world, &id);
    }
}

/// Removes a stopped task. The programs of an orphan keep listening, as programs outside ECS.
fn forget(world: &mut World, id: &str) {
    let Some(task) = world.ecs.tasks.remove(id) else { return };
    for socket in ports::sockets(&task) {
        if world.ecs.sockets.get(&socket).is_some_and(|holder| holder == id) {
            world.ecs.sockets.remove(&socket);
            world.ecs.programs.insert(socket);
        }
    }
    if let Some(service) = task.service.and_then(|key| world.ecs.services.get_mut(&key)) {
        service.tasks.remove(id);
    }
}

/// Performs the next step of a task, if it is due and does not need a disconnected agent.
fn step(world: &mut World, id: &str) {
    let now = world.now_ms();
    let Some(task) = world.ecs.tasks.get(id) else { return };
    let agent = task.instance.as_ref().and_then(|instance| world.ecs.instances.get(instance));
    let agent_away = agent.is_some_and(|agent| !agent.connected);
    let needs_agent =
        matches!(task.status, Status::Pending | Status::Activating | Status::Stopping);
    if agent_away && (needs_agent || task.crashed) {
        return;
    }
    if task.crashed && !task.stop_wanted() {
        return stop(world, id, "EssentialContainerExited", "Essential container in task exited");
    }
    if task.due_ms.is_none_or(|due| due > now) {
        return;
    }
    match (task.status, task.stop_wanted()) {
        (Status::Provisioning, false) => move_on(world, id, Status::Pending),
        (Status::Pending, false) => activate(world, id),
        (Status::Activating, false) => run(world, id),
        (Status::Provisioning | Status::Pending, true) => {
            move_on(world, id, Status::Deprovisioning);
        }
        (Status::Activating | Status::Running, true) => {
            registration::deregister(world, id);
            move_on(world, id, Status::Deactivating);
        }
        (Status::Deactivating, _) => move_on(world, id, Status::Stopping),
        (Status::Stopping, _) => {
            close(world, id, 0);
            move_on(world, id, Status::Deprovisioning);
        }
        (Status::Deprovisioning, _) => end(world, id),
        (Status::Running, false) | (Status::Stopped, _) => {}
    }
}

fn move_on(world: &mut World, id: &str, status: Status) {
    let now = world.now_ms();
    let timing = world.ecs.timing;
    let seconds = match status {
        Status::Provisioning => Some(timing.provisioning_secs),
        Status::Pending => Some(timing.pending_secs),
        Status::Activating => Some(timing.activating_secs),
        Status::Deactivating => Some(timing.deactivating_secs),
        Status::Stopping => Some(timing.stopping_secs),
        Status::Deprovisioning => Some(timing.deprovisioning_secs),
        Status::Running | Status::Stopped => None,
    };
    let due_ms = seconds.map(|seconds| now + step_ms(world, seconds));
    change(world, id, |task| {
        task.status = status;
        task.due_ms = due_ms;
        if status == Status::Running {
            task.started_ms = Some(now);
        }
    });
    registration::schedule(world, id);
}

/// The task becomes RUNNING. With a broken image its program may exit at once.
fn run(world: &mut World, id: &str) {
    move_on(world, id, Status::Running);
    let broken = world.ecs.tasks.get(id).and_then(|task| image::of(world, &task.definition));
    if matches!(broken, Some((Broken::Exits, _))) {
        crash(world, id);
    }
}

/// A program of the task exits: its ports are free at once, and the agent reports it to ECS.
pub(in crate::ecs) fn crash(world: &mut World, id: &str) {
    let Some(task) = world.ecs.tasks.get_mut(id) else { return };
    task.crashed = true;
    let (title, service) = (task.title(), task.service.clone());
    world.journal.push(
        world.now_ms(),
        Kind::Fault,
        service.as_deref(),
        format!("the program of {title} crashed"),
    );
    ports::release(world, id);
}

/// The containers start: ports are assigned, the network interface gets its address, programs
/// listen.
fn activate(world: &mut World, id: &str) {
    let Some(mut task) = world.ecs.tasks.get(id).cloned() else { return };
    if let Some((Broken::CannotBePulled, image)) = image::of(world, &task.definition) {
        let reason = format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: \
             {image}: not found"
        );
        return stop(world, id, "TaskFailedToStart", &reason);
    }
    if let Some(eni) = &mut task.eni {
        let Some((v4, v6)) = world.ecs.network.take(&eni.subnet) else {
            return stop(
                world,
                id,
                "TaskFailedToStart",
                "Unexpected EC2 error while attempting to attach a network interface",
            );
        };
        (eni.v4, eni.v6, eni.status) = (v4, v6, "ATTACHED");
    }
    if !ports::bind(world, &mut task) {
        return stop(
            world,
            id,
            "TaskFailedToStart",
            "CannotStartContainerError: no free host port",
        );
    }
    for container in &mut task.containers {
        container.status = "RUNNING";
    }
    for socket in ports::sockets(&task) {
        world.ecs.sockets.insert(socket, id.to_owned());
    }
    let (containers, eni) = (task.containers, task.eni);
    if let Some(task) = world.ecs.tasks.get_mut(id) {
        (task.containers, task.eni) = (containers, eni);
    }
    move_on(world, id, Status::Activating);
}

/// Marks the containers stopped and frees their ports.
pub(in crate::ecs) fn close(world: &mut World, id: &str, exit_code: i32) {
    ports::release(world, id);
    let now = world.now_ms();
    if let Some(task) = world.ecs.tasks.get_mut(id) {
        task.execution_stopped_ms.get_or_insert(now);
        let exit_code = if task.crashed { 137 } else { exit_code };
        for container in &mut task.containers {
            container.status = "STOPPED";
            container.exit_code.get_or_insert(exit_code);
        }
    }
}

pub(in crate::ecs) fn end(world: &mut World, id: &str) {
    let now = world.now_ms();
    let eni = world.ecs.tasks.get(id).and_then(|task| task.eni.clone());
    if let Some(eni) = eni {
        eni.v4.iter().for_each(|address| world.ecs.network.release(&eni.subnet, address));
        eni.v6.iter().for_each(|address| world.ecs.network.release(&eni.subnet, address));
    }
    change(world, id, |task| {
        task.status = Status::Stopped;
        task.stopped_ms = Some(now);
        task.due_ms = None;
        for container in &mut task.containers {
            container.status = "STOPPED";
        }
        if let Some(eni) = &mut task.eni {
            eni.status = "DELETED";
        }
    });
}

/// Sets a task's `desiredStatus` to STOPPED. The task then stops step by step.
pub(in crate::ecs) fn stop(world: &mut World, id: &str, code: &'static str, reason: &str) {
    let now = world.now_ms();
    if world.ecs.tasks.get(id).is_none_or(Task::stop_wanted) {
        return;
    }
    change(world, id, |task| {
        task.stopping_ms = Some(now);
        task.stop = Some(Stop { code, reason: reason.to_owned() });
        task.due_ms = Some(now);
    });
}
