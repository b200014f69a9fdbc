//! Placeholders and rollback while a plan is applied: the ARNs from earlier writes are filled into
//! later writes, and completed writes can be rolled back.

use super::steps::{CreatedArns, NewResource, Placeholder, Ref, Write};
use serde_json::Value;

/// A write needs something that no earlier write created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no earlier step created {0:?}")]
pub struct NotMade(pub NewResource);

/// Returns the write with all placeholders filled in.
pub fn fill(write: &Write, made: &CreatedArns) -> Result<Write, NotMade> {
    let mut write = write.clone();
    match &mut write {
        Write::DeregisterTaskDefinition { task_definition: it }
        | Write::ModifyTargetGroup { group: it, .. }
        | Write::ModifyTargetGroupAttributes { group: it, .. }
        | Write::DeleteTargetGroup { group: it }
        | Write::CreateListener { group: it, .. }
        | Write::DeleteListener { listener: it }
        | Write::DeleteRule { rule: it }
        | Write::AddTags { resource: it, .. } => fill_ref(it, made)?,
        Write::CreateRule { forward, .. } | Write::ModifyRule { forward: Some(forward), .. } => {
            forward.iter_mut().try_for_each(|(group, _)| fill_ref(group, made))?;
        }
        Write::CreateService { input, placeholders }
        | Write::UpdateService { input, placeholders } => {
            for placeholder in std::mem::take(placeholders) {
                fill_placeholder(input, &placeholder, made)?;
            }
        }
        Write::PutScalingPolicy { policy, .. } => {
            if let Some(label) = &mut policy.label {
                fill_ref(&mut label.group, made)?;
            }
        }
        _ => {}
    }
    Ok(write)
}

fn fill_ref(it: &mut Ref, made: &CreatedArns) -> Result<(), NotMade> {
    if let Ref::New(thing) = it {
        *it = Ref::Existing(made.get(thing).ok_or_else(|| NotMade(thing.clone()))?.clone());
    }
    Ok(())
}

fn fill_placeholder(
    input: &mut Value,
    placeholder: &Placeholder,
    made: &CreatedArns,
) -> Result<(), NotMade> {
    let arn = made.get(&placeholder.with).ok_or_else(|| NotMade(placeholder.with.clone()))?;
    let (parent, member) = placeholder.pointer.rsplit_once('/').unwrap_or_default();
    let parent = if parent.is_empty() { Some(input) } else { input.pointer_mut(parent) };
    if let Some(members) = parent.and_then(Value::as_object_mut) {
        members.insert(member.to_owned(), Value::from(arn.as_str()));
    }
    Ok(())
}

impl Write {
    /// Returns the name under which later writes find the ARN of what this write creates in
    /// [`CreatedArns`].
    #[must_use]
    pub fn makes(&self) -> Option<NewResource> {
        match self {
            Self::RegisterTaskDefinition { .. } => Some(NewResource::TaskDefinition),
            Self::CreateTargetGroup { group } => Some(NewResource::TargetGroup(group.name.clone())),
            Self::CreateListener { group_name, .. } => {
                Some(NewResource::Listener(group_name.clone()))
            }
            Self::CreateRule { group_name, .. } => {
                Some(NewResource::ListenerRule(group_name.clone()))
            }
            _ => None,
        }
    }

    /// Returns the write that rolls this one back; `None` if there is none, or if another write's
    /// rollback includes it.
    fn undo(&self) -> Option<Self> {
        Some(match self {
            Self::CreateLogGroup { name, .. } => Self::DeleteLogGroup { name: name.clone() },
            Self::PutRetention { name, days, before } => {
                Self::PutRetention { name: name.clone(), days: *before, before: *days }
            }
            Self::RegisterTaskDefinition { .. } => Self::DeregisterTaskDefinition {
                task_definition: Ref::New(NewResource::TaskDefinition),
            },
            Self::CreateTargetGroup { group } => Self::DeleteTargetGroup {
                group: Ref::New(NewResource::TargetGroup(group.name.clone())),
            },
            Self::ModifyTargetGroup { group, health_check, before } => Self::ModifyTargetGroup {
                group: group.clone(),
                health_check: before.clone(),
                before: health_check.clone(),
            },
            Self::ModifyTargetGroupAttributes { group, attributes, before }
                if !before.is_empty() =>
            {
                let (group, attributes, before) =
                    (group.clone(), before.clone(), attributes.clone());
                Self::ModifyTargetGroupAttributes { group, attributes, before }
            }
            Self::CreateListener { group_name, .. } => Self::DeleteListener {
                listener: Ref::New(NewResource::Listener(group_name.clone())),
            },
            Self::CreateRule { group_name, .. } => {
                Self::DeleteRule { rule: Ref::New(NewResource::ListenerRule(group_name.clone())) }
            }
            Self::ModifyRule { rule, conditions, forward, before } => Self::ModifyRule {
                rule: rule.clone(),
                conditions: conditions.as_ref().map(|_| before.0.clone()),
                forward: forward.as_ref().map(|_| before.1.clone()),
                before: (
                    conditions.clone().unwrap_or_default(),
                    forward.clone().unwrap_or_default(),
                ),
            },
            Self::SetRulePriority { rule, priority, before } => {
                Self::SetRulePriority { rule: rule.clone(), priority: *before, before: *priority }
            }
            Self::CreateService { input, .. } => {
                let member = |name: &str| {
                    input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                Self::DeleteService { cluster: member("cluster"), service: member("serviceName") }
            }
            Self::RegisterScalableTarget { cluster, service, before: None, .. } => {
                Self::DeregisterScalableTarget {
                    cluster: cluster.clone(),
                    service: service.clone(),
                }
            }
            Self::RegisterScalableTarget {
                cluster,
                service,
                min,
                max,
                before: Some((had_min, had_max)),
                tags,
            } => Self::RegisterScalableTarget {
                cluster: cluster.clone(),
                service: service.clone(),
                min: *had_min,
                max: *had_max,
                before: Some((*min, *max)),
                tags: tags.clone(),
            },
            Self::PutScalingPolicy { cluster, service, policy, exists: false } => {
                Self::DeleteScalingPolicy {
                    cluster: cluster.clone(),
                    service: service.clone(),
                    name: policy.name.clone(),
                }
            }
            _ => return None,
        })
    }
}

/// Returns the writes that roll back the completed ones, newest first. An update of the service is
/// not rolled back: that would be one more deployment. A new revision is deregistered only if no
/// service received it. The retention of a new log group disappears with the group.
#[must_use]
pub fn undo(done: &[Write]) -> Vec<Write> {
    let is_in_use = done.iter().any(|write| matches!(write, Write::UpdateService { .. }));
    let is_new = |group: &str| {
        done.iter().any(|it| matches!(it, Write::CreateLogGroup { name, .. } if name == group))
    };
    let stays = |write: &Write| match write {
        Write::RegisterTaskDefinition { .. } => is_in_use,
        Write::PutRetention { name, .. } => is_new(name),
        _ => false,
    };
    done.iter().rev().filter(|write| !stays(write)).filter_map(Write::undo).collect()
}
