//! The service's target groups: `loadBalancers`, with the groups that the spec names and those that
//! it creates.

use super::super::{Planner, differs};
use super::set;
use crate::difference::difference;
use crate::found::FoundService;
use crate::members::{list, number, text};
use crate::spec::LoadBalancing;
use crate::steps::{Difference, NewResource, Placeholder, Ref};
use serde_json::{Map, Value, json};

/// The service's target groups: those that the spec names, and those that it creates.
pub(super) fn of_spec(planner: &Planner<'_>) -> (Vec<Value>, Vec<Placeholder>) {
    let mut placeholders = Vec::new();
    let mut entries: Vec<Value> = Vec::new();
    for entry in list(&planner.spec.service, "loadBalancers") {
        let mut entry = entry.clone();
        by_name(planner, &mut entry, "targetGroupName", "targetGroupArn");
        if let Some(advanced) = entry.get_mut("advancedConfiguration") {
            by_name(planner, advanced, "alternateTargetGroupName", "alternateTargetGroupArn");
        }
        entries.push(entry);
    }
    for entry in &planner.spec.load_balancing {
        let at = format!("/loadBalancers/{}", entries.len());
        entries.push(made(planner, entry, &at, &mut placeholders));
    }
    (entries, placeholders)
}

/// Replaces the name of a target group that exists by its ARN.
fn by_name(planner: &Planner<'_>, entry: &mut Value, name: &str, arn: &str) {
    let Some(members) = entry.as_object_mut() else { return };
    let Some(Value::String(named)) = members.remove(name) else { return };
    if let Some(group) = planner.found.group_named(&named) {
        members.insert(arn.to_owned(), json!(group.arn));
    }
}

fn made(
    planner: &Planner<'_>,
    entry: &LoadBalancing,
    at: &str,
    placeholders: &mut Vec<Placeholder>,
) -> Value {
    let mut value = json!({ "containerName": entry.container, "containerPort": entry.port });
    let mut fill = |target: &mut Value, member: &str, at: String, group: &Ref| match group {
        Ref::Existing(arn) => set(target, member, json!(arn)),
        Ref::New(thing) => placeholders.push(Placeholder { pointer: at, with: thing.clone() }),
    };
    fill(
        &mut value,
        "targetGroupArn",
        format!("{at}/targetGroupArn"),
        &planner.group(&entry.group.name),
    );
    if let Some(blue_green) = &entry.blue_green {
        let mut advanced = json!({ "roleArn": blue_green.role });
        if let Some(rule) = &blue_green.test_listener_rule {
            set(&mut advanced, "testListenerRule", json!(rule));
        }
        let at = format!("{at}/advancedConfiguration");
        let alternate = planner.group(&blue_green.alternate_group);
        fill(
            &mut advanced,
            "alternateTargetGroupArn",
            format!("{at}/alternateTargetGroupArn"),
            &alternate,
        );
        fill(
            &mut advanced,
            "productionListenerRule",
            format!("{at}/productionListenerRule"),
            &leads_to(planner, entry),
        );
        set(&mut value, "advancedConfiguration", advanced);
    }
    value
}

/// What leads to the entry's group: the rule, or the listener of a Network Load Balancer.
fn leads_to(planner: &Planner<'_>, entry: &LoadBalancing) -> Ref {
    let listener = planner.found.listener(&entry.listener);
    let group = planner.found.group_named(&entry.group.name);
    let is_network =
        listener.map_or(entry.group.protocol.starts_with("HTTP"), |it| it.kind == "application");
    let name = entry.group.name.clone();
    match (listener, group) {
        (Some(listener), _) if listener.kind != "application" => {
            Ref::Existing(listener.arn.clone())
        }
        (Some(listener), Some(group)) => {
            let ours = listener.rules.iter().find(|rule| {
                planner.context.owner.owns(&rule.tags) && rule.forwards_to.contains_key(&group.arn)
            });
            ours.map_or(Ref::New(NewResource::ListenerRule(name)), |rule| {
                Ref::Existing(rule.arn.clone())
            })
        }
        _ if is_network => Ref::New(NewResource::ListenerRule(name)),
        _ => Ref::New(NewResource::Listener(name)),
    }
}

/// The differences between the entries, and in the members that depend on them.
pub(super) fn differ(
    planner: &Planner<'_>,
    found: &FoundService,
    asked: Vec<Value>,
    placeholders: &[Placeholder],
    change: &mut Map<String, Value>,
    differences: &mut Vec<Difference>,
) {
    let grace = "healthCheckGracePeriodSeconds";
    if !asked.is_empty()
        && planner.spec.service.get(grace).is_none()
        && number(&found.shown, grace).unwrap_or(0) > 0
    {
        differences.push(difference(grace, found.shown.get(grace), Some(&json!(0)), false));
        change.insert(grace.to_owned(), json!(0));
    }
    let shown = list(&found.shown, "loadBalancers");
    let is_same = placeholders.is_empty()
        && asked.len() == shown.len()
        && asked.iter().all(|asked| shown.iter().any(|shown| same_entry(asked, shown)));
    if is_same {
        return;
    }
    let names = |entries: &[Value]| {
        entries.iter().map(|entry| entry_name(planner, entry)).collect::<Vec<_>>()
    };
    let mut after = names(&asked);
    for placeholder in placeholders {
        if let NewResource::TargetGroup(name) = &placeholder.with {
            after.retain(|text| !text.starts_with("? "));
            after.push(format!("{name} (made)"));
        }
    }
    differences.extend(differs("loadBalancers", Some(&names(shown)), Some(&after)));
    change.insert("loadBalancers".to_owned(), Value::Array(asked));
}

/// The same entry; ECS exchanges the two groups of a blue/green service with each deployment.
fn same_entry(asked: &Value, shown: &Value) -> bool {
    let part = |entry: &Value, pointer: &str| {
        entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let groups = |entry: &Value| {
        let mut groups = [
            part(entry, "/targetGroupArn"),
            part(entry, "/advancedConfiguration/alternateTargetGroupArn"),
        ];
        groups.sort();
        groups
    };
    let rest = |entry: &Value| {
        let pointers = [
            "/containerName",
            "/loadBalancerName",
            "/advancedConfiguration/roleArn",
            "/advancedConfiguration/productionListenerRule",
            "/advancedConfiguration/testListenerRule",
        ];
        pointers.map(|pointer| part(entry, pointer))
    };
    let listens = |entry: &Value| number(entry, "containerPort");
    groups(asked) == groups(shown) && rest(asked) == rest(shown) && listens(asked) == listens(shown)
}

/// `web:8080 in shop-web`
fn entry_name(planner: &Planner<'_>, entry: &Value) -> String {
    let arn = text(entry, "targetGroupArn").or_else(|| text(entry, "loadBalancerName"));
    let Some(arn) = arn else { return "? ".to_owned() };
    let group = planner.found.group_at(arn).map_or(arn, |group| &group.name);
    let port = number(entry, "containerPort").unwrap_or_default();
    format!("{}:{port} in {group}", text(entry, "containerName").unwrap_or_default())
}
