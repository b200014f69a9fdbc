//! The stage is wired as `template.yaml` wires the real account. Otherwise the demo, the simulation
//! and the tests would show what a deployed stack does not do.

use crate::document::{resources, template};
use portkeeper_stage::specs::{self, BUCKET, SPECS_DEAD_LETTERS, SPECS_QUEUE, SpecStage};
use portkeeper_stage::{
    BATCH_SIZE, DEAD_LETTERS, QUEUE, SWEEP_EVERY_SECS, SWEEP_TIMEOUT_SECS, Stage, TABLE,
    rules as check_rules,
};
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn stage(settings: &[(&str, &str)]) -> SpecStage {
    let stage = Stage::new(1, settings).expect("the stage can be built");
    SpecStage::new(stage, &[]).expect("the stage can be built")
}

fn call(world: &mut World, service: Service, operation: &str, input: &Value) -> Value {
    world.call(Caller::Person, service, operation, input).expect("the account answers")
}

/// The attributes of a queue that the stage created.
fn attributes(world: &mut World, queue: &str) -> Value {
    let url = call(world, Service::Sqs, "GetQueueUrl", &json!({ "QueueName": queue }));
    let input = json!({ "QueueUrl": url["QueueUrl"], "AttributeNames": ["All"] });
    call(world, Service::Sqs, "GetQueueAttributes", &input)["Attributes"].take()
}

/// A number that SQS keeps as text.
fn number(text: &Value) -> i64 {
    text.as_str().and_then(|text| text.parse().ok()).expect("a number as text")
}

/// The name and the event pattern of every rule that leads to this target.
fn patterns<'a>(template: &'a Value, target: &str) -> BTreeMap<&'a str, &'a Value> {
    let rules = resources(template, "AWS::Events::Rule").into_iter();
    rules
        .filter(|(_, rule)| rule["Properties"]["Targets"][0]["Id"] == target)
        .map(|(name, rule)| (name, &rule["Properties"]["EventPattern"]))
        .collect()
}

#[test]
fn the_stage_has_the_rules_of_the_template() {
    let mut template = template();
    // CloudFormation replaces the reference by the bucket's name.
    let rule = &mut template["Resources"]["SpecObjectRule"]["Properties"]["EventPattern"];
    let bucket = &mut rule["detail"]["bucket"]["name"][0];
    assert_eq!(*bucket, json!({ "Ref": "SpecBucket" }));
    *bucket = json!(BUCKET);
    // The stage has one account, so that its rules need not name it.
    for name in ["TaskRule", "ServiceRule", "DeploymentRule", "CallRule", "SpecDeploymentRule"] {
        let rule = &mut template["Resources"][name]["Properties"]["EventPattern"];
        let account = rule.as_object_mut().and_then(|members| members.remove("account"));
        assert_eq!(account, Some(json!([{ "Ref": "AWS::AccountId" }])), "{name}");
    }
    let (checks, specs) = (check_rules(), specs::rules(BUCKET));
    for (target, staged) in [("checks", checks.as_slice()), ("specs", specs.as_slice())] {
        let staged: BTreeMap<&str, &Value> =
            staged.iter().map(|(name, pattern)| (*name, pattern)).collect();
        let deployed = patterns(&template, target);
        assert!(staged.keys().eq(deployed.keys()), "{:?}, {:?}", staged.keys(), deployed.keys());
        for (name, pattern) in staged {
            // As text: a difference of a line is easier to see.
            assert_eq!(format!("{pattern:#}"), format!("{:#}", deployed[name]), "{name}");
        }
    }
}

#[test]
fn the_queues_of_the_stage_are_those_of_the_template() {
    let template = template();
    let stage = stage(&[]);
    for (queue, dead_letters, logical) in
        [(QUEUE, DEAD_LETTERS, "ChecksQueue"), (SPECS_QUEUE, SPECS_DEAD_LETTERS, "SpecsQueue")]
    {
        let staged = attributes(&mut stage.world().lock(), queue);
        let queue = &template["Resources"][logical]["Properties"];
        let redrive = staged["RedrivePolicy"].as_str().expect("a redrive policy");
        let redrive: Value = serde_json::from_str(redrive).expect("the policy is JSON");
        assert_eq!(
            Some(number(&staged["VisibilityTimeout"])),
            queue["VisibilityTimeout"].as_i64(),
            "{logical}: visibility timeout"
        );
        assert_eq!(
            redrive["maxReceiveCount"], queue["RedrivePolicy"]["maxReceiveCount"],
            "{logical}: receives"
        );
        let arn = redrive["deadLetterTargetArn"].as_str().expect("an ARN");
        assert!(arn.ends_with(&format!(":{dead_letters}")), "{logical}: {arn}");
    }
}

#[test]
fn the_settle_time_delays_the_checks_of_the_stage() {
    let template = template();
    let delay = |stage: &SpecStage, queue| {
        number(&attributes(&mut stage.world().lock(), queue)["DelaySeconds"])
    };
    let checks = &template["Resources"]["ChecksQueue"]["Properties"]["DelaySeconds"];
    assert_eq!(*checks, json!({ "Ref": "SettleSeconds" }));
    let default = template["Parameters"]["SettleSeconds"]["Default"].as_i64();
    assert_eq!(Some(delay(&stage(&[]), QUEUE)), default);
    assert_eq!(delay(&stage(&[("PORTKEEPER_SETTLE_SECONDS", "30")]), QUEUE), 30);
    let specs = template["Resources"]["SpecsQueue"]["Properties"].get("DelaySeconds");
    assert_eq!((delay(&stage(&[]), SPECS_QUEUE), specs), (0, None));
}

#[test]
fn batches_and_timeouts_of_the_stage_are_those_of_the_template() {
    let template = template();
    let function = |name: &str| &template["Resources"][name]["Properties"];
    let batch = |name: &str, event: &str| {
        function(name)["Events"][event]["Properties"]["BatchSize"].as_u64().expect("a number")
    };
    assert_eq!(batch("ReconcileFunction", "Checks"), BATCH_SIZE as u64);
    assert_eq!(batch("CreateServiceFunction", "Specs"), specs::BATCH_SIZE as u64);
    assert_eq!(function("SweepFunction")["Timeout"], SWEEP_TIMEOUT_SECS);
    let minutes = template["Parameters"]["SweepMinutes"]["Default"].as_u64().expect("minutes");
    assert_eq!(minutes * 60, SWEEP_EVERY_SECS);
    assert_eq!(function("CreateServiceFunction")["Timeout"], specs::TIMEOUT_SECS);
}

#[test]
fn the_table_of_the_stage_is_that_of_the_template() {
    let template = template();
    let stage = stage(&[]);
    let input = json!({ "TableName": TABLE });
    let staged = call(&mut stage.world().lock(), Service::DynamoDb, "DescribeTable", &input);
    let table = &template["Resources"]["LedgerTable"]["Properties"];
    assert_eq!(staged["Table"]["KeySchema"], table["KeySchema"]);
    assert_eq!(staged["Table"]["AttributeDefinitions"], table["AttributeDefinitions"]);
}
