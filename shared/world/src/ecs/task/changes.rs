//! Changes of a task, with the resulting event, journal entry and scheduler run.

use super::view;
use crate::World;
use crate::ecs::events;
use crate::ecs::state::task::{Status, Task};
use crate::journal::Kind;

/// Changes a task, increments its version and announces the change.
///
/// "version: incremented each time the state of the task changes" [BC Task.version]; each change
/// emits one event.
pub(in crate::ecs) fn change(world: &mut World, id: &str, edit: impl FnOnce(&mut Task)) {
    let now = world.now_ms();
    let Some(before) = world.ecs.tasks.get(id).map(|task| view::shown(world, task)) else {
        return;
    };
    let Some(task) = world.ecs.tasks.get_mut(id) else { return };
    let was_present = task.is_present();
    edit(task);
    let leaves = was_present && !task.is_present();
    if let Some(instance) =
        task.instance.as_ref().filter(|_| leaves).and_then(|id| world.ecs.instances.get_mut(id))
    {
        instance.load -= 1;
    }
    task.version += 1;
    task.updated_ms = now;
    task.previous = Some(before);
    announce(world, id);
}

/// Emits the event of a task's change, adds a journal entry and schedules its service.
pub(in crate::ecs) fn announce(world: &mut World, id: &str) {
    let now = world.now_ms();
    let Some(task) = world.ecs.tasks.get(id) else { return };
    let stopping =
        if task.stop_wanted() && task.status == Status::Running { ", desired STOPPED" } else { "" };
    let why = task.stop.as_ref().filter(|_| task.status == Status::Stopped || !stopping.is_empty());
    let why = why.map(|stop| format!(": {}", stop.reason)).unwrap_or_default();
    let text = format!("{} is {}{stopping}{}{why}", task.title(), task.status.name(), task.place());
    let service = task.service.clone();
    world.journal.push(now, Kind::Task, service.as_deref(), text);
    if let Some(service) = service.and_then(|service| world.ecs.services.get_mut(&service)) {
        service.next_run_ms = now;
    }
    emit(world, id);
}

/// Emits `ECS Task State Change` with the current task.
fn emit(world: &mut World, id: &str) {
    let Some(task) = world.ecs.tasks.get(id) else { return };
    let (arn, detail) = (task.arn.clone(), view::event(world, task));
    events::put(world, "ECS Task State Change", &arn, detail);
}
