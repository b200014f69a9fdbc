//! Parses CloudTrail events into API calls.
//!
//! An event only triggers a check here, too. It arrives minutes late, in any order, or not at all.
//! Source:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html>.
//!
//! AWS facts: F-2.2.

use super::trigger::{Ignored, Trigger};
use crate::api_call::{Actor, ActorKind, ApiCall, IndexKey, NamedTarget, Operation};
use crate::ids::{HostPort, TargetGroupArn, TargetId};
use crate::others::Others;
use crate::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A call keeps up to this many targets.
const MOST_TARGETS: usize = 100;

/// ECS, as it calls other services: with its service-linked role, and with the infrastructure role
/// of a service.
const ECS: &str = "ecs.amazonaws.com";

/// The path of roles that only ECS itself can assume.
const ECS_ROLES: &str = ":role/aws-service-role/ecs.amazonaws.com/";

/// Reads a member that only describes the call: of any other shape, it is unknown.
fn or_unknown<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// CloudTrail's record of one call, as far as it is read. `userIdentity` contains an access key id,
/// which is never read. The id, the time and the name of the call must be readable.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloudTrailDetail {
    // I-CAUSE: "An access key id is never read."
    #[serde(rename = "eventID")]
    event_id: String,
    event_time: Timestamp,
    event_name: String,
    #[serde(default, deserialize_with = "or_unknown")]
    user_identity: Identity,
    #[serde(rename = "sourceIPAddress", default, deserialize_with = "or_unknown")]
    source_ip_address: Option<String>,
    /// Whatever stands here, the call was refused.
    error_code: Option<Value>,
    #[serde(default, deserialize_with = "or_unknown")]
    read_only: Option<bool>,
    #[serde(default)]
    request_parameters: Value,
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    #[serde(rename = "type", deserialize_with = "or_unknown")]
    kind: String,
    #[serde(deserialize_with = "or_unknown")]
    user_name: Option<String>,
    #[serde(deserialize_with = "or_unknown")]
    arn: Option<String>,
    #[serde(deserialize_with = "or_unknown")]
    account_id: Option<String>,
    #[serde(deserialize_with = "or_unknown")]
    invoked_by: Option<String>,
    #[serde(deserialize_with = "or_unknown")]
    session_context: Option<Session>,
    #[serde(deserialize_with = "or_unknown")]
    on_behalf_of: Option<Behalf>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Session {
    #[serde(deserialize_with = "or_unknown")]
    session_issuer: Option<Issuer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Issuer {
    #[serde(deserialize_with = "or_unknown")]
    arn: Option<String>,
    #[serde(deserialize_with = "or_unknown")]
    user_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Behalf {
    #[serde(deserialize_with = "or_unknown")]
    user_id: Option<String>,
}

impl CloudTrailDetail {
    /// What the event asks for; none if it does not name the changed resource.
    pub(super) fn read(self) -> Option<Trigger> {
        let operation = Operation::from(self.event_name.as_str());
        if matches!(operation, Operation::Unknown(_)) || self.read_only == Some(true) {
            return Some(Trigger::Ignored(Ignored::OtherCall(self.event_name)));
        }
        if let Some(error) = self.error_code {
            let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            return Some(Trigger::Ignored(Ignored::RefusedCall(error)));
        }
        let identity = self.user_identity;
        if identity.is_ecs() || self.source_ip_address.as_deref() == Some(ECS) {
            return Some(Trigger::Ignored(Ignored::CallByEcs));
        }
        let place = place(&operation, &self.request_parameters)?;
        let targets = self.request_parameters.get("targets").and_then(Value::as_array);
        let targets = targets.into_iter().flatten().filter_map(target).take(MOST_TARGETS).collect();
        let (by, role) = (identity.actor(), identity.issuer().and_then(|role| role.arn.clone()));
        let call = ApiCall {
            id: self.event_id,
            at: self.event_time,
            by,
            operation,
            place,
            targets,
            others: Others::default(),
        };
        Some(Trigger::ApiCall { call, role })
    }
}

fn place(operation: &Operation, parameters: &Value) -> Option<IndexKey> {
    let text = |name: &str| parameters.get(name).and_then(Value::as_str);
    match operation {
        Operation::DeleteListener | Operation::ModifyListener => {
            IndexKey::of_listener(text("listenerArn")?)
        }
        Operation::DeleteRule | Operation::ModifyRule => IndexKey::of_listener(text("ruleArn")?),
        _ => TargetGroupArn::try_from(text("targetGroupArn")?).ok().map(IndexKey::Group),
    }
}

/// Lambda functions and load balancers may be targets, too; they never belong to a task.
fn target(value: &Value) -> Option<NamedTarget> {
    let id = TargetId::try_from(value.get("id")?.as_str()?.to_owned()).ok()?;
    // Query protocols send numbers as text, and CloudTrail shows some of them unchanged.
    let number = |port: &Value| port.as_i64().or_else(|| port.as_str()?.parse().ok());
    let port = value.get("port").and_then(number).and_then(|port| HostPort::try_from(port).ok());
    Some(NamedTarget { id, port, others: Others::default() })
}

impl Identity {
    /// The role, if this is a role session.
    fn issuer(&self) -> Option<&Issuer> {
        self.session_context.as_ref()?.session_issuer.as_ref()
    }

    /// Two signs show that ECS made the call: `invokedBy`, and a role that only ECS can assume.
    fn is_ecs(&self) -> bool {
        let issuer = self.issuer().and_then(|role| role.arn.as_deref());
        self.invoked_by.as_deref() == Some(ECS) || issuer.is_some_and(|arn| arn.contains(ECS_ROLES))
    }

    fn actor(&self) -> Actor {
        let name = self.user_name.as_deref();
        // `arn:aws:sts::111122223333:assumed-role/Admin/bob@example.com`
        let path =
            self.arn.as_deref().and_then(|arn| arn.splitn(6, ':').nth(5)).unwrap_or_default();
        let tail = path.split_once('/').map(|(_, tail)| tail).unwrap_or_default();
        let through = self.invoked_by.as_deref();
        let actor = match self.kind.as_str() {
            "IAMUser" => Actor::new(ActorKind::User, name.unwrap_or(tail)),
            "AssumedRole" | "Role" => {
                let (role, session) =
                    tail.split_once('/').map_or((tail, None), |(role, rest)| (role, Some(rest)));
                let issuer = self.issuer().and_then(|role| role.user_name.as_deref());
                Actor::new(ActorKind::Role, issuer.unwrap_or(role)).in_session(session)
            }
            "Root" => Actor::new(ActorKind::Root, ""),
            "FederatedUser" | "SAMLUser" | "WebIdentityUser" => {
                Actor::new(ActorKind::Federated, name.unwrap_or(tail))
            }
            "IdentityCenterUser" => {
                let id = self.on_behalf_of.as_ref().and_then(|behalf| behalf.user_id.as_deref());
                Actor::new(ActorKind::IdentityCenter, id.or(name).unwrap_or_default())
            }
            "AWSAccount" => {
                Actor::new(ActorKind::Account, self.account_id.as_deref().unwrap_or_default())
            }
            "AWSService" => Actor::new(ActorKind::Service, through.unwrap_or_default()),
            "" => Actor::new(ActorKind::Unknown("somebody unnamed".to_owned()), ""),
            other => Actor::new(ActorKind::Unknown(shown(other)), name.unwrap_or(tail)),
        };
        actor.through(through)
    }
}

/// A kind that this version does not know, unchanged but for special characters.
fn shown(kind: &str) -> String {
    kind.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}
