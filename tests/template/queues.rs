//! Queues, rules and alarms: nothing is lost without an alarm.

use crate::document::{find, resources, template, text_of};
use portkeeper_core::ledger::PUBLISHING_SECS;
use serde_json::{Value, json};

/// Returns the largest number of seconds that a parameter or a literal allows.
fn at_most(template: &Value, value: &Value) -> i64 {
    let parameter = value.get("Ref").map(|name| &template["Parameters"][text_of(name)]["MaxValue"]);
    parameter.unwrap_or(value).as_i64().expect("a number")
}

/// The logical name in `!GetAtt Name.Arn`.
fn resource_of(arn: &Value) -> String {
    text_of(&arn["Fn::GetAtt"]).trim_end_matches(".Arn").to_owned()
}

#[test]
fn a_message_stays_hidden_while_lambda_tries() {
    let template = template();
    let queue = &template["Resources"]["ChecksQueue"]["Properties"];
    let function = &template["Resources"]["ReconcileFunction"]["Properties"];
    let source = &function["Events"]["Checks"]["Properties"];
    let timeout = function["Timeout"].as_i64().expect("seconds");
    let window = source["MaximumBatchingWindowInSeconds"].as_i64().expect("seconds");
    assert_eq!(
        timeout,
        i64::from(PUBLISHING_SECS),
        "the record reserves publishing for as long as the function may run"
    );
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    assert!(queue["VisibilityTimeout"].as_i64().expect("seconds") >= 6 * timeout + window);
    assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_i64().expect("a number") >= 5);
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert!(
        source["ScalingConfig"]["MaximumConcurrency"].as_i64().expect("a number") >= 2,
        "what Lambda accepts"
    );
}

/// Holds I-PROOF: only the rules and the functions' own roles send messages that lead to checks.
#[test]
fn nobody_else_sends_to_the_queues() {
    let template = template();
    for (policy, queue, roles) in [
        ("QueuePolicy", "ChecksQueue.Arn", vec!["ReconcileRole.Arn", "SweepRole.Arn"]),
        ("SpecsQueuePolicy", "SpecsQueue.Arn", vec!["CreateServiceRole.Arn"]),
    ] {
        let document = &template["Resources"][policy]["Properties"]["PolicyDocument"];
        let statements = document["Statement"].as_array().expect("statements");
        let named = |sid: &str| {
            statements
                .iter()
                .find(|it| it["Sid"] == sid)
                .unwrap_or_else(|| panic!("{policy}: {sid}"))
        };
        let allowed = named("RulesSend");
        assert_eq!(allowed["Principal"], json!({ "Service": "events.amazonaws.com" }));
        let rules = &allowed["Condition"]["ArnEquals"]["aws:SourceArn"];
        for rule in rules.as_array().expect("rules") {
            let rule = resource_of(rule);
            assert_eq!(
                template["Resources"][&rule]["Type"], "AWS::Events::Rule",
                "{policy}: {rule}"
            );
        }
        let denied = named("OthersDoNotSend");
        assert_eq!(denied["Effect"], "Deny", "{policy}");
        assert_eq!(denied["Principal"], "*", "{policy}");
        assert_eq!(denied["Resource"][0]["Fn::GetAtt"], queue, "{policy}");
        let senders: Vec<Value> = roles.iter().map(|role| json!({ "Fn::GetAtt": role })).collect();
        let expected = json!({
            "ArnNotEquals": { "aws:PrincipalArn": senders },
            "Bool": { "aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false" },
        });
        assert_eq!(denied["Condition"], expected, "{policy}");
    }
}

#[test]
fn the_settle_time_is_the_delay_of_the_queue() {
    let template = template();
    let delay = &template["Resources"]["ChecksQueue"]["Properties"]["DelaySeconds"];
    assert_eq!(*delay, json!({ "Ref": "SettleSeconds" }));
    // The longest delays that SQS allows, for a queue and for a message.
    assert!(at_most(&template, delay) <= 900);
    assert!(at_most(&template, &json!({ "Ref": "ConfirmSeconds" })) <= 900);
}

#[test]
fn every_queue_has_an_end_with_an_alarm() {
    let template = template();
    let queues = resources(&template, "AWS::SQS::Queue");
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    for (name, queue) in &queues {
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{name}");
        let watched = format!("{name}.QueueName");
        let is_watched =
            |alarm: &&Value| alarm["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"] == watched;
        assert!(alarms.values().any(is_watched), "no alarm looks at {name}");
        if queue["Properties"].get("RedrivePolicy").is_none() {
            let days =
                queue["Properties"]["MessageRetentionPeriod"].as_i64().expect("seconds") / 86_400;
            assert_eq!(days, 14, "{name} keeps messages as long as SQS can");
        }
    }
}

#[test]
fn rules_deliver_to_their_queue_and_may() {
    let template = template();
    let rules = resources(&template, "AWS::Events::Rule");
    let mut delivering = 0;
    for (queue, policy) in [("ChecksQueue", "QueuePolicy"), ("SpecsQueue", "SpecsQueuePolicy")] {
        let policy = &template["Resources"][policy]["Properties"];
        let statement = &policy["PolicyDocument"]["Statement"][0];
        let sources =
            statement["Condition"]["ArnEquals"]["aws:SourceArn"].as_array().expect("rules");
        for name in sources.iter().map(resource_of) {
            let targets =
                rules[name.as_str()]["Properties"]["Targets"].as_array().expect("targets");
            assert_eq!(targets.len(), 1, "{name}");
            let dead_letters = &targets[0]["DeadLetterConfig"]["Arn"];
            for (arn, ends) in
                [(&targets[0]["Arn"], queue), (dead_letters, "UndeliveredEventsQueue")]
            {
                assert_eq!(resource_of(arn), ends, "{name}");
                assert!(
                    statement["Resource"].as_array().expect("queues").contains(arn),
                    "{name} may not send to {ends}"
                );
                assert!(
                    policy["Queues"].as_array().expect("queues").contains(&json!({ "Ref": ends })),
                    "{ends}"
                );
            }
            assert!(
                targets[0]["RetryPolicy"]["MaximumEventAgeInSeconds"].as_i64() <= Some(86_400),
                "{name}"
            );
            delivering += 1;
        }
    }
    assert_eq!(delivering, rules.len(), "every rule may deliver");
}

/// The bucket's rule and the code agree on the prefix of specs, and no result matches it.
#[test]
fn only_specs_match_the_rule() {
    let template = template();
    let pattern = &template["Resources"]["SpecObjectRule"]["Properties"]["EventPattern"];
    let prefix = portkeeper_service_spec::notice::PREFIX;
    assert_eq!(pattern["detail"]["object"]["key"], json!([{ "prefix": prefix }]));
    assert!(!"results/".starts_with(prefix));
    let bucket = &template["Resources"]["SpecBucket"];
    assert_eq!(bucket["DeletionPolicy"], "Retain");
    assert_eq!(bucket["Properties"]["VersioningConfiguration"]["Status"], "Enabled");
    let blocked =
        bucket["Properties"]["PublicAccessBlockConfiguration"].as_object().expect("settings");
    assert!(blocked.len() == 4 && blocked.values().all(|value| *value == true), "{blocked:?}");
}

#[test]
fn news_of_a_spec_stays_hidden_while_lambda_tries() {
    let template = template();
    let function = &template["Resources"]["CreateServiceFunction"]["Properties"];
    let hidden = &template["Resources"]["SpecsQueue"]["Properties"]["VisibilityTimeout"];
    let timeout = function["Timeout"].as_i64().expect("seconds");
    assert!(hidden.as_i64().expect("seconds") >= 6 * timeout);
    assert_eq!(
        function["Events"]["Specs"]["Properties"]["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
}

#[test]
fn alarms_say_when_they_fire_and_what_to_do() {
    let template = template();
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let topic = json!([{ "Ref": "AlertsTopic" }]);
        assert_eq!(
            (&properties["AlarmActions"], &properties["OKActions"]),
            (&topic, &topic),
            "{name}"
        );
        // One sentence for the meaning, and one for the action.
        let description = text_of(&properties["AlarmDescription"]);
        assert!(
            description.matches(". ").count() + description.matches("; ").count() >= 1,
            "{name}: {description}"
        );
        // The topic's policy allows alarms by name.
        assert!(
            text_of(&properties["AlarmName"]["Fn::Sub"]).starts_with("${AWS::StackName}-"),
            "{name}"
        );
        // Missing data is a failure for the sweep only; for the other functions it is normal.
        let silence = if name == "SweepSilentAlarm" { "breaching" } else { "notBreaching" };
        assert_eq!(properties["TreatMissingData"], silence, "{name}");
    }
    let slow = &template["Resources"]["ReconcileDurationAlarm"]["Properties"]["Threshold"];
    let timeout = template["Resources"]["ReconcileFunction"]["Properties"]["Timeout"]
        .as_i64()
        .expect("seconds");
    assert_eq!(slow.as_i64().expect("milliseconds"), timeout * 1000 * 8 / 10);
}

#[test]
fn the_ledger_is_the_table_that_the_code_writes() {
    let template = template();
    let table = &template["Resources"]["LedgerTable"];
    let source = include_str!("../../shared/aws/src/ledger/table/item.rs");
    for (attribute, constant) in [
        (&table["Properties"]["KeySchema"][0]["AttributeName"], "const KEY: &str ="),
        (&table["Properties"]["TimeToLiveSpecification"]["AttributeName"], "const EXPIRES: &str ="),
    ] {
        assert!(source.contains(&format!("{constant} {attribute};")), "{attribute}");
    }
    assert_eq!(
        find(&table["Properties"]["KeySchema"], &|key| key["KeyType"] == "RANGE"),
        Vec::<&Value>::new()
    );
    assert_eq!(table["DeletionPolicy"], "Retain");
}
