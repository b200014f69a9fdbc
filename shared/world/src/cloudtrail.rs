//! `CloudTrail`: mutating calls to Elastic Load Balancing, delivered to the default event bus some
//! time later.
//!
//! Knows the identity of each caller and the format of a `CloudTrail` record. Only calls that
//! change registrations, groups, listeners or rules are recorded; log files, Insights and other
//! services are not simulated. Source:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use crate::World;
use crate::account::Account;
use crate::api::{ApiError, Caller};
use crate::{digest, eventbridge, time};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// A trail and its undelivered events.
#[derive(Debug)]
pub struct CloudTrail {
    /// Whether the account has a trail; without one there are no events.
    pub on: bool,
    /// Time from a call to its event. AWS guarantees no maximum; minutes are usual.
    pub delay_secs: u64,
    /// The IAM user of calls by people.
    pub person: String,
    pending: VecDeque<(u64, Value)>,
    recorded: u64,
}

impl Default for CloudTrail {
    fn default() -> Self {
        Self {
            on: true,
            delay_secs: 60,
            person: "alice".to_owned(),
            pending: VecDeque::new(),
            recorded: 0,
        }
    }
}

/// The ARN of the role that programs with an SDK client use.
#[must_use]
pub fn client_role(account: &Account) -> String {
    account.role_arn("program")
}

/// Records a call. Failed calls are recorded too.
pub(crate) fn record(
    world: &mut World,
    caller: Caller,
    operation: &str,
    input: &Value,
    error: Option<&ApiError>,
) {
    if !world.cloudtrail.on || operation.starts_with("Describe") {
        return;
    }
    world.cloudtrail.recorded += 1;
    let event = event(world, caller, operation, input, error);
    let due_ms = world.now_ms() + world.cloudtrail.delay_secs.saturating_mul(1000);
    world.cloudtrail.pending.push_back((due_ms, event));
}

/// Delivers the events that are due.
pub(crate) fn tick(world: &mut World) {
    let now_ms = world.now_ms();
    let is_due =
        |pending: &VecDeque<(u64, Value)>| pending.iter().position(|(due_ms, _)| *due_ms <= now_ms);
    while let Some((_, event)) =
        is_due(&world.cloudtrail.pending).and_then(|index| world.cloudtrail.pending.remove(index))
    {
        eventbridge::put(world, event);
    }
}

fn event(
    world: &World,
    caller: Caller,
    operation: &str,
    input: &Value,
    error: Option<&ApiError>,
) -> Value {
    let (account, number) = (&world.account, world.cloudtrail.recorded);
    let at = time::iso_seconds(world.now_ms());
    let source = match caller {
        Caller::Ecs => "ecs.amazonaws.com",
        Caller::Client | Caller::Person => "203.0.113.7",
    };
    let mut detail = json!({
        "eventVersion": "1.10",
        "userIdentity": identity(world, caller, operation),
        "eventTime": at,
        "eventSource": "elasticloadbalancing.amazonaws.com",
        "eventName": operation,
        "awsRegion": account.region,
        "sourceIPAddress": source,
        "userAgent": if caller == Caller::Ecs { source } else { "aws-cli/2.31.0" },
        "requestParameters": lower_camel(input),
        "responseElements": null,
        "requestID": digest::uuid("request", number),
        "eventID": digest::uuid("trail", number),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "apiVersion": "2015-12-01",
        "managementEvent": true,
        "recipientAccountId": account.number,
        "eventCategory": "Management",
    });
    if let (Some(error), Some(members)) = (error, detail.as_object_mut()) {
        members.insert("errorCode".to_owned(), json!(error.code));
        members.insert("errorMessage".to_owned(), json!(error.message));
    }
    json!({
        "version": "0",
        "id": digest::uuid("trail-event", number),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.elasticloadbalancing",
        "account": account.number,
        "time": at,
        "region": account.region,
        "resources": [],
        "detail": detail,
    })
}

fn identity(world: &World, caller: Caller, operation: &str) -> Value {
    let (account, number) = (&world.account, &world.account.number);
    if caller == Caller::Person {
        let name = &world.cloudtrail.person;
        return json!({
            "type": "IAMUser",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE",
            "arn": format!("arn:{}:iam::{number}:user/{name}", account.partition),
            "accountId": number,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": name,
        });
    }
    // ECS registers targets with its service-linked role and changes listeners with the service's
    // infrastructure role.
    let (path, session) = match (caller, operation) {
        (Caller::Ecs, "RegisterTargets" | "DeregisterTargets") => (
            "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS".to_owned(),
            "ecs-service-scheduler",
        ),
        (Caller::Ecs, _) => ("ecsInfrastructureRole".to_owned(), "ECSNetworkingWithELB"),
        _ => (
            client_role(account)
                .split_once(":role/")
                .map_or_else(String::new, |(_, path)| path.to_owned()),
            "program",
        ),
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut identity = json!({
        "type": "AssumedRole",
        "principalId": format!("AROAIDPPEZS35WEXAMPLE:{session}"),
        "arn": format!("arn:{}:sts::{number}:assumed-role/{name}/{session}", account.partition),
        "accountId": number,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAIDPPEZS35WEXAMPLE",
                "arn": account.role_arn(&path),
                "accountId": number,
                "userName": name,
            },
            "attributes": {"mfaAuthenticated": "false", "creationDate": time::iso_seconds(world.now_ms())},
        },
    });
    if let (Caller::Ecs, Some(members)) = (caller, identity.as_object_mut()) {
        members.insert("invokedBy".to_owned(), json!("ecs.amazonaws.com"));
    }
    identity
}

/// Member names begin with a lowercase letter in `CloudTrail`, and numbers of the API model are
/// JSON numbers.
fn lower_camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let renamed = members.iter().map(|(name, value)| {
                let mut letters = name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                let name: String = first.into_iter().chain(letters).collect();
                let number = value
                    .as_str()
                    .filter(|_| name == "port")
                    .and_then(|text| text.parse::<u16>().ok());
                (name, number.map_or_else(|| lower_camel(value), |number| json!(number)))
            });
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(lower_camel).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elbv2::TargetType;

    fn delivered(world: &World) -> Vec<&Value> {
        let events = world
            .eventbridge
            .events()
            .iter()
            .filter(|event| event["source"] == "aws.elasticloadbalancing");
        events.map(|event| &event["detail"]).collect()
    }

    #[test]
    fn a_call_is_delivered_later_with_its_caller() {
        let mut world = World::new(1, 5_000);
        let group = world.make_alb_group("web", TargetType::Ip).unwrap();
        let input = json!({"TargetGroupArn": group, "Targets": [{"Id": "10.0.0.9", "Port": "80"}]});
        for caller in [Caller::Person, Caller::Ecs, Caller::Client] {
            world.call(caller, crate::api::Service::Elbv2, "RegisterTargets", &input).unwrap();
        }
        world
            .call(
                Caller::Person,
                crate::api::Service::Elbv2,
                "DeleteRule",
                &json!({"RuleArn": "x"}),
            )
            .unwrap_err();
        assert_eq!(delivered(&world), [&Value::Null; 0]);
        world.advance_secs(60);
        let events: Vec<&Value> =
            delivered(&world).into_iter().filter(|it| it["eventName"] != "CreateRule").collect();
        let by = |event: &Value| event["userIdentity"]["arn"].as_str().unwrap().to_owned();
        let last: Vec<&&Value> = events.iter().rev().take(4).rev().collect();
        assert_eq!(by(last[0]), "arn:aws:iam::111122223333:user/alice");
        assert_eq!(
            by(last[1]),
            "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForECS/ecs-service-scheduler"
        );
        assert_eq!(last[1]["userIdentity"]["invokedBy"], "ecs.amazonaws.com");
        assert_eq!(
            last[2]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"],
            client_role(&world.account)
        );
        assert_eq!(
            last[0]["requestParameters"],
            json!({"targetGroupArn": group, "targets": [{"id": "10.0.0.9", "port": 80}]})
        );
        assert_eq!(
            (&last[0]["eventTime"], &last[0]["errorCode"]),
            (&json!("1970-01-01T00:00:05Z"), &Value::Null)
        );
        assert_eq!(last[3]["errorCode"], "RuleNotFound");
    }

    #[test]
    fn without_a_trail_no_event_is_delivered() {
        let mut world = World::new(1, 5_000);
        world.cloudtrail.on = false;
        world.make_alb_group("web", TargetType::Ip).unwrap();
        world.advance_secs(600);
        assert_eq!(delivered(&world), [&Value::Null; 0]);
    }
}
