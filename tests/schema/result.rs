//! `docs/spec-result.schema.json`: it names every member of a result, and every result is valid.

use portkeeper_core::time::Timestamp;
use portkeeper_service_spec::notice::{Notice, read};
use portkeeper_service_spec::result::{
    DeploymentResult, SCHEMA, SCHEMA_VERSION, SpecResult, Status, StepOutcome, StepResult,
};
use portkeeper_service_spec::steps::{Difference, Resource, Step, StepAction};
use portkeeper_service_spec::validate;
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/spec-result.schema.json")).unwrap()
}

/// Asserts that the document is valid and that the schema names every member.
fn follows_the_schema(document: &Value) {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{document:#}");
    let named = |value: &Value, schema: &Value| {
        for name in value.as_object().into_iter().flat_map(|members| members.keys()) {
            assert!(schema["properties"][name].is_object(), "`{name}` is not in the schema");
        }
    };
    named(document, &schema);
    named(&document["spec"], &schema["properties"]["spec"]);
    named(&document["deployment"], &schema["properties"]["deployment"]);
    for (list, definition) in [("problems", "problem"), ("steps", "step")] {
        for item in document[list].as_array().unwrap() {
            named(item, &schema["$defs"][definition]);
            for difference in item["differences"].as_array().into_iter().flatten() {
                named(difference, &schema["$defs"]["difference"]);
            }
        }
    }
}

fn result(status: Status) -> SpecResult {
    let event = json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {"name": "specs"},
        "object": {"key": "specs/hello.yaml", "size": 5, "etag": "b19", "version-id": "v1", "sequencer": "0055"}}});
    let notices = read(&event.to_string()).unwrap();
    let [Notice::Object(object)] = notices.as_slice() else { panic!("{notices:?}") };
    let broken = include_bytes!("../../specs/broken/bridge-alb.yaml");
    let difference =
        Difference { path: "a.b".to_owned(), before: None, after: Some("1".to_owned()) };
    let step = |resource, action, outcome| StepResult {
        step: Step {
            resource,
            name: "hello".to_owned(),
            action,
            arn: Some("arn".to_owned()),
            differences: vec![difference.clone()],
            writes: Vec::new(),
        },
        outcome,
        note: Some("AWS said no".to_owned()),
    };
    SpecResult {
        schema: SCHEMA.to_owned(),
        version: SCHEMA_VERSION,
        spec: object.clone(),
        status,
        summary: "all is well".to_owned(),
        at: Timestamp::from_secs(1_700_000_000),
        cluster: Some("shop".to_owned()),
        service: Some("hello".to_owned()),
        service_arn: Some("arn".to_owned()),
        problems: validate("hello.yaml", broken).1,
        steps: vec![
            step(Resource::LogGroup, StepAction::Create, StepOutcome::Done),
            step(Resource::TaskDefinition, StepAction::Change, StepOutcome::Undone),
            step(Resource::TargetGroup, StepAction::Keep, StepOutcome::Unchanged),
            step(Resource::Listener, StepAction::Delete, StepOutcome::LeftBehind),
            step(
                Resource::ListenerRule,
                StepAction::Refuse("it never changes".to_owned()),
                StepOutcome::NotTried,
            ),
            step(Resource::Service, StepAction::Change, StepOutcome::Failed),
            step(Resource::ScalableTarget, StepAction::Keep, StepOutcome::Unchanged),
            step(Resource::ScalingPolicy, StepAction::Keep, StepOutcome::Unchanged),
        ],
        deployment: Some(DeploymentResult {
            id: "ecs-svc/1".to_owned(),
            state: Some("IN_PROGRESS".to_owned()),
            messages: vec!["(service hello) has started 1 tasks".to_owned()],
            running: 1,
            desired: 2,
        }),
    }
}

#[test]
fn results_follow_the_schema() {
    for status in [
        Status::Refused,
        Status::Waiting,
        Status::Failed,
        Status::Deploying,
        Status::Ready,
        Status::Kept,
        Status::Deleting,
        Status::Deleted,
    ] {
        let whole = serde_json::to_value(result(status)).unwrap();
        follows_the_schema(&whole);
        let least = SpecResult {
            cluster: None,
            service: None,
            service_arn: None,
            deployment: None,
            ..result(status)
        };
        follows_the_schema(&serde_json::to_value(least).unwrap());
        assert_eq!(serde_json::from_value::<SpecResult>(whole).unwrap().status, status);
    }
}
