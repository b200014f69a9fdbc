//! The scenes. Each breaks the account in one way in which AWS or an operator may break it, then
//! lets time pass.

use super::account::{CLUSTER, Parts};
use super::timeline::Timeline;
use portkeeper_stage::{Stage, StageError};
use portkeeper_world::World;
use portkeeper_world::truth::{LiveTarget, live_targets};
use serde_json::json;

/// Long enough for the settle time, both checks, the repair and the first healthy check after it.
const TO_HEAL_SECS: u64 = 420;

/// The longest wait for the next sweep.
const TO_SWEEP_SECS: u64 = 300;

#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) story: &'static str,
    kind: SceneKind,
}

#[derive(Clone, Copy)]
enum SceneKind {
    LostRegistration,
    LeftBehind,
    PortReused,
    ManualDeregistration,
    Foreign,
    LostEvent,
}

pub(super) const ALL: &[Scene] = &[
    Scene {
        title: "A missing registration",
        story: "web gets a third task. ECS never registers it, so it runs without traffic.",
        kind: SceneKind::LostRegistration,
    },
    Scene {
        title: "A leftover target",
        story: "A task of api stops. ECS never deregisters it, so requests go to an unused address.",
        kind: SceneKind::LeftBehind,
    },
    Scene {
        title: "A port reused by another service",
        story: "A task of web stops, and its target stays registered. The agent restarts, billing\n   is scaled up and gets the same host port. All events are lost. The target is\n   healthy, but requests for web reach billing until the next sweep.",
        kind: SceneKind::PortReused,
    },
    Scene {
        title: "A manual deregistration",
        story: "An operator deregisters a target of proxy whose task is running.\n   Then proxy gets a third task, which sends an event.",
        kind: SceneKind::ManualDeregistration,
    },
    Scene {
        title: "A foreign target",
        story: "An operator registers an address in api-tg that belongs to no task.\n   Then api gets a third task, which sends an event.",
        kind: SceneKind::Foreign,
    },
    Scene {
        title: "A lost event",
        story: "api gets a third task. ECS never registers it, and no event arrives.\n   The sweep finds it.",
        kind: SceneKind::LostEvent,
    },
];

pub(super) async fn play(
    scene: Scene,
    stage: &mut Stage,
    parts: &Parts,
    timeline: &mut Timeline,
) -> Result<(), StageError> {
    match scene.kind {
        SceneKind::LostRegistration => {
            stage.world.lock().lose_registrations("shop/web", 1);
            scale(stage, "web", 3)?;
        }
        SceneKind::LeftBehind => {
            stage.world.lock().keep_targets("shop/api", 1);
            stop_first_task(stage, "api")?;
        }
        SceneKind::PortReused => {
            let instance = {
                let mut world = stage.world.lock();
                world.eventbridge.drop_next(u32::MAX);
                world.keep_targets("shop/web", 1);
                lowest_port(&world, &parts.web)?.id
            };
            stop_task_on(stage, &parts.web, &instance)?;
            timeline.run(stage, 30).await?;
            stage.world.lock().restart_agent(&instance)?;
            scale(stage, "billing", 4)?;
            timeline.run(stage, TO_SWEEP_SECS).await?;
            stage.world.lock().eventbridge.drop_next(0);
            timeline.sweep(stage).await?;
        }
        SceneKind::ManualDeregistration => {
            let target = lowest_port(&stage.world.lock(), &parts.proxy)?;
            let target = json!({ "Id": target.id, "Port": target.port });
            let input = json!({ "TargetGroupArn": parts.proxy, "Targets": [target] });
            stage.world.lock().person_elb("DeregisterTargets", &input)?;
            scale(stage, "proxy", 3)?;
        }
        SceneKind::Foreign => {
            let target = json!({ "Id": "10.0.33.9", "Port": 8080 });
            let input = json!({ "TargetGroupArn": parts.api, "Targets": [target] });
            stage.world.lock().person_elb("RegisterTargets", &input)?;
            scale(stage, "api", 3)?;
            timeline.run(stage, TO_HEAL_SECS).await?;
            timeline.say(
                "   The operator reads the alert and deregisters the target. Then api is scaled to\n   two tasks, which sends an event.",
            )?;
            stage.world.lock().person_elb("DeregisterTargets", &input)?;
            scale(stage, "api", 2)?;
        }
        SceneKind::LostEvent => {
            {
                let mut world = stage.world.lock();
                world.lose_registrations("shop/api", 1);
                world.eventbridge.drop_next(2);
            }
            scale(stage, "api", 3)?;
            timeline.run(stage, TO_SWEEP_SECS).await?;
            timeline.sweep(stage).await?;
        }
    }
    timeline.run(stage, TO_HEAL_SECS).await
}

fn scale(stage: &Stage, service: &str, count: u32) -> Result<(), StageError> {
    let input = json!({ "cluster": CLUSTER, "service": service, "desiredCount": count });
    stage.world.lock().person_ecs("UpdateService", &input)?;
    Ok(())
}

fn stop_first_task(stage: &Stage, service: &str) -> Result<(), StageError> {
    let mut world = stage.world.lock();
    let task = world.running_tasks(&format!("{CLUSTER}/{service}"))?.into_iter().next();
    let task = task.ok_or("the service has no task")?;
    world.person_ecs(
        "StopTask",
        &json!({ "cluster": CLUSTER, "task": task, "reason": "stopped by hand" }),
    )?;
    Ok(())
}

fn stop_task_on(stage: &Stage, group: &str, instance: &str) -> Result<(), StageError> {
    let mut world = stage.world.lock();
    let here = live_targets(&world)
        .into_iter()
        .find(|it| it.target_group_arn == group && it.id == instance);
    let task = here.ok_or("no task on the instance")?.task_arn;
    world.person_ecs(
        "StopTask",
        &json!({ "cluster": CLUSTER, "task": task, "reason": "stopped by hand" }),
    )?;
    Ok(())
}

/// The target with the lowest port: the one whose port is reused first.
fn lowest_port(world: &World, group: &str) -> Result<LiveTarget, StageError> {
    let live = live_targets(world).into_iter().filter(|live| live.target_group_arn == group);
    live.min_by_key(|live| live.port).ok_or_else(|| "the group has no live target".into())
}
