//! Changes of rules, target groups and services by people: delete, move, create again.

use super::account::{Account, Kind, ServiceModel};
use super::dice::one_in;
use super::people::name;
use super::scene::{Scene, service};
use portkeeper_core::policy::Mode;
use portkeeper_stage::StageError;
use serde_json::json;

/// Kinds whose deployments do not need the deleted rule.
fn may_lose_its_rule(service: &ServiceModel) -> bool {
    let kind = matches!(
        service.kind,
        Kind::Bridge | Kind::TwoGroups | Kind::Host | Kind::Awsvpc | Kind::Fargate
    );
    kind && !service.rule.is_empty() && !service.deleted
}

/// Deletes the rule that forwards to a group, and sometimes the group, too.
pub(crate) fn unplug(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let fitting: Vec<ServiceModel> = scene
        .account
        .services
        .iter()
        .filter(|service| may_lose_its_rule(service))
        .cloned()
        .collect();
    let service = scene.random.choice(fitting.iter()).ok_or("no such service")?;
    let group = service.groups.first().ok_or("no group")?.clone();
    if service.rule.contains(":listener-rule/") {
        scene.world.person_elb("DeleteRule", &json!({ "RuleArn": service.rule }))?;
    } else {
        scene.world.person_elb("DeleteListener", &json!({ "ListenerArn": service.rule }))?;
    }
    let title = name(&group).to_owned();
    scene.account.damaged.insert(group.clone());
    if let Some(model) = model(scene.account, &service.key()) {
        model.rule.clear();
    }
    if one_in(scene.random, 2) {
        scene.world.person_elb("DeleteTargetGroup", &json!({ "TargetGroupArn": group }))?;
        return Ok(format!("a person deletes the rule of {title}, and the group"));
    }
    Ok(format!("a person deletes the rule that leads to {title}"))
}

/// A second tool distributes the requests of a pair of groups as it did before.
pub(crate) fn reset_weights(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let fits = |service: &&ServiceModel| {
        matches!(service.kind, Kind::BlueGreen | Kind::CodeDeploy)
            && service.rule.contains(":listener-rule/")
    };
    let fitting: Vec<ServiceModel> = scene.account.services.iter().filter(fits).cloned().collect();
    let service = scene.random.choice(fitting.iter()).ok_or("no such service")?;
    let [one, other] = service.groups.as_slice() else { return Err("it has no pair".into()) };
    let percent = scene.random.choice([0, 50, 100]).unwrap_or(0);
    let groups = json!([
        { "TargetGroupArn": one, "Weight": percent },
        { "TargetGroupArn": other, "Weight": 100 - percent },
    ]);
    let actions = json!([{ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } }]);
    scene
        .world
        .person_elb("ModifyRule", &json!({ "RuleArn": service.rule, "Actions": actions }))?;
    scene.account.damaged.extend([one.clone(), other.clone()]);
    Ok(format!("a tool sends {percent} % of the requests of {} to {}", service.key(), name(one)))
}

fn model<'a>(account: &'a mut Account, key: &str) -> Option<&'a mut ServiceModel> {
    account.services.iter_mut().find(|model| model.key() == key)
}

/// Makes a service register its new tasks in another group. Old tasks keep theirs.
pub(crate) fn move_group(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let fits = |service: &&ServiceModel| {
        matches!(service.kind, Kind::Bridge | Kind::Fargate) && !service.deleted
    };
    let fitting: Vec<ServiceModel> = scene.account.services.iter().filter(fits).cloned().collect();
    let service = scene.random.choice(fitting.iter()).ok_or("no such service")?;
    let key = service.key();
    let title = format!("{}-{}-m{}", service.cluster, service.name, service.groups.len());
    let front = scene.world.make_alb(&title, service.kind.target_type())?;
    let mut spec = service.spec.clone();
    for entry in &mut spec.load_balancers {
        if let Some(member) = entry.get_mut("targetGroupArn") {
            *member = json!(front.group);
        }
    }
    let input = json!({ "cluster": service.cluster, "service": service.name, "loadBalancers": spec.load_balancers });
    scene.world.person_ecs("UpdateService", &input)?;
    if let Some(model) = model(scene.account, &key) {
        model.spec = spec;
        model.groups.insert(0, front.group);
        model.rule = front.rule;
    }
    Ok(format!("{key} is moved to the group {title}"))
}

/// Deletes a service, or creates a deleted one again.
pub(crate) fn delete_or_make(scene: &mut Scene<'_>) -> Result<String, StageError> {
    let service = service(scene)?;
    let (key, now) = (service.key(), scene.world.now_ms());
    if service.kind == Kind::External {
        return Err("somebody else's tool looks after it".into());
    }
    if service.deleted {
        let arn = scene.world.make_service(&service.spec)?;
        if let Some(model) = model(scene.account, &key) {
            (model.arn, model.deleted, model.mode, model.mode_since_ms) =
                (arn, false, Mode::Repair, now);
        }
        return Ok(format!("a person creates {key} again"));
    }
    let under_load = one_in(scene.random, 2);
    if under_load {
        let count = scene.random.u32(1..5);
        scene.world.keep_targets(&key, count);
    }
    let input = json!({ "cluster": service.cluster, "service": service.name, "force": true });
    scene.world.person_ecs("DeleteService", &input)?;
    if let Some(model) = model(scene.account, &key) {
        model.deleted = true;
    }
    let targets = if under_load { " and its targets stay" } else { "" };
    Ok(format!("a person deletes {key}{targets}"))
}
