//! Random actions of people, ECS, its agents and EC2 in the account, one at a time.
//!
//! AWS may reject an action, for example because the task no longer exists. The simulation then
//! notes it and continues.

use super::account::{Kind, ServiceModel};
use super::dice::{one_in, weighted};
use super::mutation::Mutation;
use super::scene::{Scene, service};
use super::{machines, opponents, people, plumbing, rollouts};
use portkeeper_stage::StageError;
use portkeeper_world::World;
use portkeeper_world::ecs::Answer;
use serde_json::json;

/// The possible actions.
#[derive(Debug, Clone, Copy)]
enum Action {
    Scale,
    Deploy,
    DeployAll,
    RollBack,
    KillTask,
    StopTask,
    InterruptTask,
    Sicken,
    RestartAgent,
    Disconnect,
    Reconnect,
    TerminateInstance,
    ForceDeregister,
    DrainInstance,
    LoseRegistrations,
    KeepTargets,
    DelayRegistrations,
    LoseBindings,
    Reuse,
    Register,
    Deregister,
    Tag,
    RunTask,
    Keep,
    Undo,
    Unplug,
    MoveGroup,
    DeleteService,
    JoinAgain,
    Intrude,
    ResetWeights,
    DeregisterAll,
}

const ACTIONS: [(u32, Action); 32] = [
    (6, Action::Scale),
    (6, Action::Deploy),
    (1, Action::DeployAll),
    (2, Action::RollBack),
    (4, Action::KillTask),
    (4, Action::StopTask),
    (2, Action::InterruptTask),
    (2, Action::Sicken),
    (3, Action::RestartAgent),
    (2, Action::Disconnect),
    (2, Action::Reconnect),
    (1, Action::TerminateInstance),
    (1, Action::ForceDeregister),
    (1, Action::DrainInstance),
    (4, Action::LoseRegistrations),
    (5, Action::KeepTargets),
    (1, Action::DelayRegistrations),
    (1, Action::LoseBindings),
    (10, Action::Reuse),
    (4, Action::Register),
    (3, Action::Deregister),
    (2, Action::Tag),
    (1, Action::RunTask),
    (2, Action::Keep),
    (2, Action::Undo),
    (1, Action::Unplug),
    (1, Action::MoveGroup),
    (1, Action::DeleteService),
    (3, Action::JoinAgain),
    (3, Action::Intrude),
    (1, Action::ResetWeights),
    (1, Action::DeregisterAll),
];

/// What provokes the fault that a missing rule lets through. A run with a mutation executes these
/// as often as all actions together.
fn provoking(mutation: Mutation) -> &'static [(u32, Action)] {
    use Action::{
        DelayRegistrations, Deploy, Deregister, DeregisterAll, DrainInstance, Intrude, JoinAgain,
        KeepTargets, KillTask, LoseRegistrations, Register, RestartAgent, Reuse, Scale, Sicken,
        StopTask, Tag, Undo,
    };
    match mutation {
        Mutation::NoSettleTime | Mutation::NoSecondLook => {
            &[(2, KillTask), (2, Deregister), (1, DelayRegistrations), (1, Deploy)]
        }
        Mutation::PartialIsWhole | Mutation::OwnersIgnored => {
            &[(4, Reuse), (1, Scale), (1, KeepTargets)]
        }
        Mutation::HostsCovered => &[(3, JoinAgain), (4, Reuse), (2, StopTask), (1, RestartAgent)],
        Mutation::DrainingIgnored => &[(2, StopTask), (2, Deploy), (1, Scale)],
        Mutation::ForgedBelieved => &[(4, Sicken), (1, Scale)],
        Mutation::NoFloor => &[(3, KeepTargets), (3, DelayRegistrations), (3, Deploy)],
        Mutation::NoLimit | Mutation::DeregisterFirst => {
            &[(2, KeepTargets), (1, LoseRegistrations), (2, Deploy)]
        }
        Mutation::NoProof | Mutation::ReleaseIgnored => &[(4, Register), (1, StopTask)],
        Mutation::DisproofIgnored => &[(4, Intrude), (2, KillTask), (3, KeepTargets)],
        Mutation::DrainingInstances => &[(2, DrainInstance), (5, DeregisterAll), (1, Scale)],
        Mutation::FightIgnored => &[(3, Undo), (2, DeregisterAll), (2, KeepTargets)],
        Mutation::ModeIgnored => &[(2, Tag), (2, Deregister), (1, KeepTargets)],
        _ => &[],
    }
}

/// Executes one action and returns its description.
pub(crate) fn act(scene: &mut Scene<'_>) -> String {
    let provoking = scene.mutation.map(provoking).filter(|actions| !actions.is_empty());
    let provoking = provoking.filter(|_| one_in(scene.random, 2));
    let actions = provoking.unwrap_or(&ACTIONS);
    let Some(action) = weighted(scene.random, actions) else { return String::new() };
    match perform(scene, action) {
        Ok(text) => {
            scene.stats.count(&format!("action: {action:?}"), 1);
            text
        }
        Err(refused) => format!("{action:?}: {refused}"),
    }
}

fn perform(scene: &mut Scene<'_>, action: Action) -> Result<String, StageError> {
    match action {
        Action::Scale => scale(scene),
        Action::Deploy => rollouts::deploy(scene),
        Action::DeployAll => Ok(rollouts::deploy_all(scene)),
        Action::RollBack => {
            let key = service(scene)?.key();
            Ok(format!("{key} rolls back: {}", scene.world.roll_back(&key)))
        }
        Action::KillTask | Action::StopTask | Action::InterruptTask => end_task(scene, action),
        Action::LoseBindings | Action::Sicken => spoil_task(scene, action),
        Action::RestartAgent => machines::restart_agent(scene),
        Action::Disconnect => machines::disconnect(scene),
        Action::Reconnect => machines::reconnect(scene),
        Action::TerminateInstance => machines::lose(scene, machines::End::Terminated),
        Action::ForceDeregister => machines::lose(scene, machines::End::Deregistered),
        Action::DrainInstance => machines::lose(scene, machines::End::Draining),
        Action::LoseRegistrations | Action::KeepTargets | Action::DelayRegistrations => {
            misbehave(scene, action)
        }
        Action::Reuse => reuse(scene),
        Action::Register => people::register(scene),
        Action::Deregister => people::deregister(scene),
        Action::Tag => people::tag(scene),
        Action::RunTask => run_task(scene),
        Action::Keep => opponents::keep(scene),
        Action::Undo => opponents::undo(scene),
        Action::Unplug => plumbing::unplug(scene),
        Action::MoveGroup => plumbing::move_group(scene),
        Action::DeleteService => plumbing::delete_or_make(scene),
        Action::JoinAgain => machines::join_again(scene),
        Action::Intrude => opponents::intrude(scene),
        Action::ResetWeights => plumbing::reset_weights(scene),
        Action::DeregisterAll => people::deregister_all(scene),
    }
}

/// Returns a random task whose desired status is RUNNING.
fn task(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let key = service(scene)?.key();
    let tasks = scene.world.running_tasks(&key)?;
    Ok(scene.random.choice(tasks.iter()).ok_or("it has no task")?.clone())
}

fn short(arn: &str) -> &str {
    let id = arn.rsplit('/').next().unwrap_or(arn);
    id.get(..8).unwrap_or(id)
}

pub(crate) fn set_desired(
    world: &mut World,
    service: &ServiceModel,
    desired: u32,
) -> Result<(), StageError> {
    let input =
        json!({ "cluster": service.cluster, "service": service.name, "desiredCount": desired });
    world.person_ecs("UpdateService", &input)?;
    Ok(())
}

fn scale(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let desired = if one_in(scene.random, 10) { 0 } else { scene.random.u32(1..6) };
    set_desired(scene.world, &service, desired)?;
    Ok(format!("{} is scaled to {desired}", service.key()))
}

fn end_task(scene: &mut Scene<'_>, action: Action) -> Result<String, StageError> {
    let task = task(scene)?;
    let title = short(&task).to_owned();
    match action {
        Action::KillTask => {
            scene.world.kill_task(&task)?;
            Ok(format!("the program of task {title} crashes"))
        }
        Action::InterruptTask => {
            scene.world.interrupt_task(&task)?;
            Ok(format!("task {title} is interrupted"))
        }
        _ => {
            stop_task(scene.world, &task)?;
            Ok(format!("a person stops task {title}"))
        }
    }
}

/// Makes a running task unhealthy, or its agent report no bindings.
fn spoil_task(scene: &mut Scene<'_>, action: Action) -> Result<String, StageError> {
    let task = task(scene)?;
    let title = short(&task).to_owned();
    if matches!(action, Action::LoseBindings) {
        scene.world.lose_bindings(&task, true)?;
        scene.account.unbound.push(task);
        return Ok(format!("the agent reports no bindings of task {title}"));
    }
    let answer = if one_in(scene.random, 2) { Answer::Silence } else { Answer::Status(500) };
    scene.world.set_answer(&task, answer)?;
    scene.account.sick.push(task);
    Ok(format!("task {title} answers with {answer:?} from now on"))
}

fn stop_task(world: &mut World, task: &str) -> Result<(), StageError> {
    let cluster = task.split('/').nth(1).ok_or("a short ARN")?;
    world.person_ecs("StopTask", &json!({ "cluster": cluster, "task": task }))?;
    Ok(())
}

fn misbehave(scene: &mut Scene<'_>, action: Action) -> Result<String, StageError> {
    let key = service(scene)?.key();
    // A service with very many tasks loses very many targets at once.
    let many = u32::try_from(scene.world.running_tasks(&key)?.len() / 3).unwrap_or(0);
    let count = scene.random.u32(1..many.max(4));
    match action {
        Action::LoseRegistrations => scene.world.lose_registrations(&key, count),
        Action::KeepTargets => scene.world.keep_targets(&key, count),
        _ => scene.world.delay_registrations(&key, u64::from(count) * 40),
    }
    Ok(format!("ECS and {key}: {action:?} {count}"))
}

/// Causes the incident that Portkeeper exists for (amazon-ecs-agent#500): targets stay registered
/// after their tasks have stopped, and other tasks soon get their addresses.
fn reuse(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let (key, count) = (service.key(), scene.random.u32(1..4));
    scene.world.keep_targets(&key, count);
    let mut tasks = scene.world.running_tasks(&key)?;
    scene.random.shuffle(&mut tasks);
    let ended = tasks.iter().take(usize::try_from(count)?);
    for task in ended {
        if service.kind == Kind::Fargate || one_in(scene.random, 2) {
            stop_task(scene.world, task)?;
        } else {
            scene.world.kill_task(task)?;
        }
    }
    for instance in scene.account.instances.iter().filter(|instance| instance.connected) {
        scene.world.restart_agent(&instance.id)?;
    }
    let same_cluster: Vec<&ServiceModel> =
        scene.account.services.iter().filter(|other| other.cluster == service.cluster).collect();
    let next = scene.random.choice(same_cluster).ok_or("no service")?.clone();
    if one_in(scene.random, 3) && next.kind != Kind::CodeDeploy && next.kind != Kind::External {
        rollouts::new_revision(scene.world, &next)?;
    } else {
        set_desired(scene.world, &next, scene.random.u32(2..6))?;
    }
    Ok(format!(
        "{count} tasks of {key} end and their targets stay; agents restart; {} starts tasks",
        next.key()
    ))
}

fn run_task(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    if service.kind != Kind::Bridge {
        return Err("only bridge mode is run by hand".into());
    }
    let input = json!({
        "cluster": service.cluster,
        "taskDefinition": service.name,
        "startedBy": "a-person",
        "group": format!("service:{}", service.name),
    });
    scene.world.person_ecs("RunTask", &input)?;
    Ok(format!("a person runs a task with the definition and the group of {}", service.key()))
}
