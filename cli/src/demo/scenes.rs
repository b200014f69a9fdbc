//! The scenes: each breaks the account in one way in which AWS or people break it, then lets time
//! pass.

use super::account::{CLUSTER, Parts};
use super::timeline::Timeline;
use portkeeper_stage::{Stage, StageError};
use portkeeper_world::World;
use portkeeper_world::truth::{LiveTarget, live_targets};
use serde_json::json;

/// Long enough for the settle time, both looks, the repair and the first healthy check after it.
const TO_HEAL_SECS: u64 = 420;

/// At most so long is the wait for the next sweep.
const TO_SWEEP_SECS: u64 = 300;

/// A scene.
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

/// Every scene, in order.
pub(super) const ALL: &[Scene] = &[
    Scene {
        title: "A registration that never comes",
        story: "web gets a third task, and ECS never registers it: it runs, and gets no traffic.",
        kind: SceneKind::LostRegistration,
    },
    Scene {
        title: "A target left behind",
        story: "A task of api is stopped, and ECS never deregisters it: requests go to an address where nobody is.",
        kind: SceneKind::LeftBehind,
    },
    Scene {
        title: "A port reused by another service",
        story: "A task of web stops, its target stays, the agent restarts, and billing, scaled up, gets the same host port.\n   Every event is lost. Health is green, and requests for web reach billing, until the sweep looks.",
        kind: SceneKind::PortReused,
    },
    Scene {
        title: "A manual deregistration",
        story: "Somebody deregisters a target of proxy by hand, and its task runs on. proxy gets a third task: an event.",
        kind: SceneKind::ManualDeregistration,
    },
    Scene {
        title: "A foreign target",
        story: "Somebody registers an address in api-tg that is no task's. api gets a third task: an event.",
        kind: SceneKind::Foreign,
    },
    Scene {
        title: "A lost event",
        story: "api gets a third task, ECS never registers it, and no event arrives. The sweep finds it.",
        kind: SceneKind::LostEvent,
    },
];

/// Plays one scene.
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
                "   The person who reads the alert takes the target out again; api goes back to two tasks: an event.",
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
