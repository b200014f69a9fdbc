//! Actions on container instances and their agents.

use super::account::{InstanceModel, Kind};
use super::scene::Scene;
use portkeeper_stage::StageError;
use portkeeper_world::World;
use portkeeper_world::ecs::InstanceOptions;
use serde_json::{Value, json};

/// How an instance ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By EC2.
    Terminated,
    /// A person forces its deregistration: its tasks keep running as orphans.
    Deregistered,
    /// ECS moves its tasks to other instances, one by one.
    Draining,
}

/// Returns a random instance whose agent is connected, or is not.
fn instance<'a>(
    scene: &'a mut Scene<'_>,
    connected: bool,
) -> Result<&'a mut InstanceModel, StageError> {
    let fitting: Vec<_> =
        scene.account.instances.iter_mut().filter(|it| it.connected == connected).collect();
    Ok(scene.random.choice(fitting).ok_or("no such instance")?)
}

/// Restarts an agent, which forgets the port that it assigned last.
pub(crate) fn restart_agent(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let id = instance(scene, true)?.id.clone();
    scene.world.restart_agent(&id)?;
    Ok(format!("the agent on {id} restarts"))
}

pub(crate) fn disconnect(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let held = instance(scene, true)?;
    held.connected = false;
    let id = held.id.clone();
    scene.world.disconnect_agent(&id)?;
    Ok(format!("the agent on {id} is out of contact"))
}

pub(crate) fn reconnect(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let held = instance(scene, false)?;
    held.connected = true;
    let id = held.id.clone();
    scene.world.reconnect_agent(&id)?;
    Ok(format!("the agent on {id} is back"))
}

/// Ends an instance and starts another.
pub(crate) fn lose(scene: &mut Scene<'_>, end: End) -> Result<String, StageError> {
    let count = scene.account.instances.len();
    let index = scene.random.usize(0..count.max(1));
    let lost = scene.account.instances.get(index).ok_or("no instance")?.clone();
    match end {
        End::Terminated => scene.world.terminate_instance(&lost.id)?,
        End::Deregistered => scene.world.force_deregister_instance(&lost.id)?,
        End::Draining => {
            drain(scene.world, &lost)?;
            if !scene.account.joined_again.contains(&lost.id) {
                let now = scene.world.now_ms();
                scene.account.draining_since_ms.insert(lost.id.clone(), now);
            }
        }
    }
    let fresh = scene.world.add_container_instance(&lost.cluster, &InstanceOptions::default())?;
    if !lost.connected && end == End::Draining {
        // Its tasks wait for its agent, whichever scheduler started them.
        scene.world.reconnect_agent(&lost.id)?;
    }
    if let Some(instance) = scene.account.instances.get_mut(index) {
        instance.id.clone_from(&fresh);
        instance.connected = true;
    }
    Ok(format!("instance {} is {end:?}; {fresh} joins", lost.id))
}

/// A second agent on an EC2 instance joins a cluster, or its only agent registers again: ECS gives
/// the instance another ARN, and what the earlier one started runs on.
pub(crate) fn join_again(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let count = scene.account.instances.len();
    let index = scene.random.usize(0..count.max(1));
    let held = scene.account.instances.get(index).ok_or("no instance")?.clone();
    // A task whose port the host already uses never starts.
    if scene.account.services.iter().any(|service| service.kind == Kind::Host) {
        return Err("a service needs fixed ports".into());
    }
    let forget = scene.random.bool();
    if forget {
        scene.world.force_deregister_instance(&held.id)?;
    }
    let clusters = scene.account.clusters.iter().map(|(name, _)| name.clone());
    let other = scene.random.choice(clusters).ok_or("no cluster")?;
    let cluster = if forget { held.cluster } else { other };
    let options = InstanceOptions { host: Some(held.id.clone()), ..InstanceOptions::default() };
    scene.world.add_container_instance(&cluster, &options)?;
    scene.account.joined_again.insert(held.id.clone());
    scene.account.draining_since_ms.remove(&held.id);
    if let Some(instance) = scene.account.instances.get_mut(index) {
        instance.connected |= forget;
    }
    let what = if forget { "registers again" } else { "has a second agent" };
    Ok(format!("{} {what} in {cluster}", held.id))
}

fn drain(world: &mut World, lost: &InstanceModel) -> Result<(), StageError> {
    let cluster = json!({ "cluster": lost.cluster });
    let listed = world.person_ecs("ListContainerInstances", &cluster)?;
    let arns = listed.get("containerInstanceArns").cloned().unwrap_or_default();
    let input = json!({ "cluster": lost.cluster, "containerInstances": arns });
    let described = world.person_ecs("DescribeContainerInstances", &input)?;
    let mut instances =
        described.get("containerInstances").and_then(Value::as_array).into_iter().flatten();
    let found =
        instances.find(|it| it.get("ec2InstanceId").and_then(Value::as_str) == Some(&lost.id));
    let arn =
        found.and_then(|it| it.get("containerInstanceArn")).ok_or("no such container instance")?;
    let input =
        json!({ "cluster": lost.cluster, "containerInstances": [arn], "status": "DRAINING" });
    world.person_ecs("UpdateContainerInstancesState", &input)?;
    Ok(())
}
