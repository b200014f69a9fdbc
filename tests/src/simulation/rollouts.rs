//! Deployments of every kind: rolling, blue/green, by `CodeDeploy`, by an external tool.

use super::account::{Kind, ServiceModel, add_task_set, make_primary};
use super::dice::one_in;
use super::scene::{Scene, service};
use portkeeper_stage::StageError;
use portkeeper_world::World;
use portkeeper_world::ecs::CodeDeployStep;
use serde_json::{Value, json};

/// Starts or continues a deployment.
pub(crate) fn deploy(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let key = service.key();
    match service.kind {
        Kind::CodeDeploy => code_deploy(scene, &service),
        Kind::External => {
            for old in task_sets(scene.world, &service)? {
                delete_task_set(scene.world, &service, &old)?;
            }
            let set = add_task_set(scene.world, &service.spec)?;
            make_primary(scene.world, &service.spec, &set)?;
            Ok(format!("{key} gets a new task set for its old ones"))
        }
        _ => {
            new_revision(scene.world, &service)?;
            Ok(format!("{key} is deployed again"))
        }
    }
}

/// Starts a new deployment of every service at once.
pub(crate) fn deploy_all(scene: &mut Scene<'_>) -> String {
    let own = |service: &&ServiceModel| {
        !service.deleted && !matches!(service.kind, Kind::CodeDeploy | Kind::External)
    };
    let services: Vec<ServiceModel> = scene.account.services.iter().filter(own).cloned().collect();
    for service in &services {
        // ECS rejects the deployment if a group is deleted; the others are deployed.
        let _ = new_revision(scene.world, service);
    }
    format!("{} services are deployed again at once", services.len())
}

/// Starts a rolling or blue/green deployment of a new task definition.
pub(crate) fn new_revision(world: &mut World, service: &ServiceModel) -> Result<(), StageError> {
    let definition = world.make_definition(&service.spec)?;
    let input = json!({ "cluster": service.cluster, "service": service.name, "taskDefinition": definition });
    world.person_ecs("UpdateService", &input)?;
    Ok(())
}

/// Executes all three steps, with or without time in between.
fn code_deploy(scene: &mut Scene<'_>, service: &ServiceModel) -> Result<String, StageError> {
    let key = service.key();
    let sets = task_sets(scene.world, service)?;
    if sets.len() > 1 {
        scene.world.code_deploy(&key, CodeDeployStep::ShiftTraffic, &service.rule)?;
        if one_in(scene.random, 2) {
            scene.world.code_deploy(&key, CodeDeployStep::TerminateOriginal, &service.rule)?;
        }
        return Ok(format!("CodeDeploy goes on with {key}"));
    }
    let definition = scene.world.make_definition(&service.spec)?;
    let group = scene.random.choice(service.groups.iter()).ok_or("no group")?.clone();
    scene.world.start_code_deploy(&key, &definition, &group)?;
    Ok(format!("CodeDeploy starts a deployment of {key}"))
}

/// Returns their ids.
fn task_sets(world: &mut World, service: &ServiceModel) -> Result<Vec<String>, StageError> {
    let input = json!({ "cluster": service.cluster, "service": service.name });
    let described = world.person_ecs("DescribeTaskSets", &input)?;
    let sets = described.get("taskSets").and_then(Value::as_array).into_iter().flatten();
    Ok(sets.filter_map(|set| set.get("id").and_then(Value::as_str).map(str::to_owned)).collect())
}

fn delete_task_set(world: &mut World, service: &ServiceModel, set: &str) -> Result<(), StageError> {
    let input = json!({ "cluster": service.cluster, "service": service.name, "taskSet": set, "force": true });
    world.person_ecs("DeleteTaskSet", &input)?;
    Ok(())
}
