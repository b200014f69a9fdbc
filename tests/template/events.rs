//! Of the events in `events/`, the rules match those that the code checks and no others.

use crate::document::{resources, root, template, text_of};
use portkeeper_core::event::{CheckRequest, Trigger, parse};
use portkeeper_world::eventbridge::matches;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Every `eventName` that AWS documents for "ECS Service Action" and "ECS Deployment State Change"
/// events: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>.
const EVENT_NAMES: [&str; 17] = [
    "CAPACITY_PROVIDER_STEADY_STATE",
    "ECS_OPERATION_THROTTLED",
    "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED",
    "SERVICE_DEPLOYMENT_COMPLETED",
    "SERVICE_DEPLOYMENT_FAILED",
    "SERVICE_DEPLOYMENT_IN_PROGRESS",
    "SERVICE_DESIRED_COUNT_UPDATED",
    "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY",
    "SERVICE_DISCOVERY_OPERATION_THROTTLED",
    "SERVICE_HEALTH_UNKNOWN",
    "SERVICE_STEADY_STATE",
    "SERVICE_TASK_CONFIGURATION_FAILURE",
    "SERVICE_TASK_PLACEMENT_FAILURE",
    "SERVICE_TASK_START_IMPAIRED",
    "TASKSET_STEADY_STATE",
    "TASKS_STOPPED",
    "VPC_LATTICE_TARGET_UNHEALTHY",
];

/// The states of a task, in order.
const TASK_STATES: [&str; 9] = [
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
    "DELETED",
];

/// Returns the patterns of the rules that lead to checks, without the account: the samples come from
/// several.
fn patterns() -> Vec<Value> {
    let template = template();
    let rules = resources(&template, "AWS::Events::Rule");
    let checks =
        rules.values().filter(|rule| text_of(&rule["Properties"]["Targets"][0]["Id"]) == "checks");
    let without_account = |rule: &&Value| {
        let mut pattern = rule["Properties"]["EventPattern"].clone();
        let account = pattern.as_object_mut().and_then(|members| members.remove("account"));
        assert_eq!(account, Some(json!([{ "Ref": "AWS::AccountId" }])));
        pattern
    };
    checks.map(without_account).collect()
}

fn passes(patterns: &[Value], event: &Value) -> bool {
    patterns.iter().any(|pattern| matches(pattern, event).expect("the rule's pattern is one"))
}

fn is_checked(event: &Value) -> bool {
    matches!(
        parse(&event.to_string()).expect("the event can be read"),
        Trigger::Check(_) | Trigger::ApiCall { .. }
    )
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("the event can be read");
    serde_json::from_str(&text).expect("the event is JSON")
}

/// The events by file name.
fn events() -> BTreeMap<String, Value> {
    let folder = fs::read_dir(root().join("events")).expect("there are events");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let events = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    events
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), read(&path)))
        .collect()
}

#[test]
fn rules_and_code_agree_on_every_sample() {
    let patterns = patterns();
    for (file, event) in events() {
        assert_eq!(
            passes(&patterns, &event),
            is_checked(&event),
            "{file}: left is the rules, right is the code"
        );
    }
}

#[test]
fn rules_and_code_agree_on_every_event_name() {
    let patterns = patterns();
    for kind in ["ECS Service Action", "ECS Deployment State Change"] {
        for name in EVENT_NAMES {
            let mut event = read(&root().join("events/service-steady-state.json"));
            event["detail-type"] = json!(kind);
            event["detail"]["eventName"] = json!(name);
            assert_eq!(passes(&patterns, &event), is_checked(&event), "{kind}: {name}");
        }
    }
}

#[test]
fn rules_and_code_agree_on_every_task_state() {
    let patterns = patterns();
    for state in TASK_STATES {
        let mut event = read(&root().join("events/synthetic-task-running-bridge.json"));
        event["detail"]["lastStatus"] = json!(state);
        assert_eq!(passes(&patterns, &event), is_checked(&event), "{state}");
    }
}

/// Every operation of Elastic Load Balancing that changes something, and some that only read:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html>.
const OPERATIONS: [&str; 17] = [
    "AddTags",
    "CreateListener",
    "CreateRule",
    "CreateTargetGroup",
    "DeleteListener",
    "DeleteLoadBalancer",
    "DeleteRule",
    "DeleteTargetGroup",
    "DeregisterTargets",
    "DescribeTargetHealth",
    "ModifyListener",
    "ModifyRule",
    "ModifyTargetGroup",
    "RegisterTargets",
    "SetRulePriorities",
    "SetSecurityGroups",
    "SetSubnets",
];

#[test]
fn rules_and_code_agree_on_every_call() {
    let patterns = patterns();
    let event = read(&root().join("events/synthetic-call-deregister-targets-user.json"));
    let listener = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/a/1/2";
    for name in OPERATIONS {
        let mut event = event.clone();
        event["detail"]["eventName"] = json!(name);
        event["detail"]["requestParameters"]["listenerArn"] = json!(listener);
        event["detail"]["requestParameters"]["ruleArn"] =
            json!(listener.replace("listener/", "listener-rule/"));
        assert_eq!(passes(&patterns, &event), is_checked(&event), "{name}");
        for (pointer, value) in [
            ("errorCode", json!("AccessDenied")),
            ("userIdentity", json!({"invokedBy": "ecs.amazonaws.com"})),
        ] {
            let mut event = event.clone();
            event["detail"][pointer] = value;
            assert!(!passes(&patterns, &event) && !is_checked(&event), "{name}: {pointer}");
        }
    }
}

/// Returns the tables of `events/README.md`: `cluster/service`, or the reason under which the event
/// is counted.
fn documented() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("events/README.md")).expect("the tables can be read");
    let tables = text.split("\n## Batches").next().expect("the tables come first");
    let rows = tables.lines().filter(|line| line.starts_with("| `"));
    let cells = rows
        .map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].to_owned(), cells[2].to_owned())).collect()
}

#[test]
fn every_sample_is_documented_as_what_it_is() {
    let outcomes = events().into_iter().map(|(file, event)| {
        let outcome = match parse(&event.to_string()).expect("the event can be read") {
            Trigger::Check(CheckRequest { cluster, services, .. }) => {
                let services: Vec<&str> = services.iter().map(String::as_str).collect();
                format!("{}/{}", cluster.name(), services.join(","))
            }
            Trigger::ApiCall { call, .. } => format!("{}: {}", call.by, call.operation),
            Trigger::Ignored(reason) => reason.name().to_owned(),
        };
        (file, outcome)
    });
    assert_eq!(outcomes.collect::<BTreeMap<_, _>>(), documented());
}

#[test]
fn names_of_files_say_what_is_ignored_and_what_is_made_up() {
    for (file, event) in events() {
        assert_eq!(file.starts_with("ignored-"), !is_checked(&event), "{file}");
        let made_up = event["time"].as_str().is_some_and(|time| time.starts_with("2026-03-02"));
        assert_eq!(
            file.trim_start_matches("ignored-").starts_with("synthetic-"),
            made_up,
            "{file}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_kept_apart() {
    let event = read(&root().join("events/unreadable/s3-test-event.json"));
    parse(&event.to_string()).expect_err("it is not an event");
}

#[test]
fn batches_are_made_of_the_samples() {
    let mut known: BTreeSet<String> = events().values().map(Value::to_string).collect();
    known.insert(read(&root().join("events/unreadable/s3-test-event.json")).to_string());
    for batch in ["events/sqs/batch.json", "events/sqs/batch-with-one-unreadable.json"] {
        for record in read(&root().join(batch))["Records"].as_array().expect("records") {
            let body: Value =
                serde_json::from_str(&text_of(&record["body"])).expect("the body is JSON");
            let ours = body.get("portkeeper").is_some() && is_checked(&body);
            assert!(ours || known.contains(&body.to_string()), "{batch}: {}", record["messageId"]);
        }
    }
}
