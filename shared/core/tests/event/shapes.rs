//! Members that are absent, `null` or of another shape, and events inside envelopes.

use crate::{CLUSTER, check, reported, task_event};
use expect_test::expect;
use portkeeper_core::event::{Home, parse_all};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// For each member: what follows if it is absent, `null`, or a number. `=`: the same as with it.
fn table(event: &Value, members: &[&str]) -> String {
    let whole = reported(&event.to_string());
    let mut out = whole.clone();
    for member in members {
        for (name, shape) in [("absent", None), ("null", Some(Value::Null)), ("7", Some(json!(7)))]
        {
            let mut event = event.clone();
            let (place, last) = member.rsplit_once('/').unwrap();
            let parent = event.pointer_mut(place).unwrap().as_object_mut().unwrap();
            match shape {
                None => parent.remove(last),
                Some(value) => parent.insert(last.to_owned(), value),
            };
            let read = reported(&event.to_string());
            let read = if read == whole { "=\n" } else { &read };
            write!(out, "{member} {name}: {read}").unwrap();
        }
    }
    out
}

fn stopped_task() -> Value {
    let event = task_event(
        r#"{"lastStatus":"STOPPED","desiredStatus":"STOPPED","stoppedAt":"2026-11-23T10:00:00Z",
        "containers":[{"name":"app","networkBindings":[{"bindIP":"0.0.0.0","containerPort":8080,"hostPort":32768,"protocol":"tcp"}],
        "networkInterfaces":[]}],"attachments":[{"type":"eni","details":[{"name":"subnetId","value":"s"}]}]}"#,
    );
    serde_json::from_str(&event).unwrap()
}

/// Only what names the service and the task is needed; what is left out of the rest proves nothing.
#[test]
fn a_task_event_needs_only_what_requests_the_check() {
    let members = [
        "/version",
        "/account",
        "/resources",
        "/source",
        "/detail/version",
        "/detail/desiredStatus",
        "/detail/taskDefinitionArn",
        "/detail/stoppedAt",
        "/detail/containers",
        "/detail/containers/0/name",
        "/detail/containers/0/networkBindings",
        "/detail/containers/0/networkBindings/0/bindIP",
        "/detail/containers/0/networkInterfaces",
        "/detail/attachments",
        "/detail/attachments/0/type",
        "/detail/attachments/0/details",
        "/detail/attachments/0/details/0/name",
        "/detail/attachments/0/details/0/value",
        "/detail/group",
        "/detail/lastStatus",
    ];
    expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] None
        /version absent: =
        /version null: =
        /version 7: =
        /account absent: =
        /account null: =
        /account 7: =
        /resources absent: =
        /resources null: =
        /resources 7: =
        /source absent: ignored as other_source: events of `` are not used
        /source null: ignored as other_source: events of `` are not used
        /source 7: ignored as other_source: events of `` are not used
        /detail/version absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v0
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] None
        /detail/version null: check shop/web in aws eu-west-1 111122223333, task t1 at least v0
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] None
        /detail/version 7: =
        /detail/desiredStatus absent: =
        /detail/desiredStatus null: =
        /detail/desiredStatus 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/taskDefinitionArn absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/taskDefinitionArn null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/taskDefinitionArn 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/stoppedAt absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at ?: app[8080->32768] None
        /detail/stoppedAt null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at ?: app[8080->32768] None
        /detail/stoppedAt 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/containers absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z:  None
        /detail/containers null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z:  None
        /detail/containers 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/containers/0/name absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: [8080->32768] None
        /detail/containers/0/name null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: [8080->32768] None
        /detail/containers/0/name 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/containers/0/networkBindings absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[] None
        /detail/containers/0/networkBindings null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[] None
        /detail/containers/0/networkBindings 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/containers/0/networkBindings/0/bindIP absent: =
        /detail/containers/0/networkBindings/0/bindIP null: =
        /detail/containers/0/networkBindings/0/bindIP 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/containers/0/networkInterfaces absent: =
        /detail/containers/0/networkInterfaces null: =
        /detail/containers/0/networkInterfaces 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/attachments absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] no interface
        /detail/attachments null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] no interface
        /detail/attachments 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/attachments/0/type absent: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] no interface
        /detail/attachments/0/type null: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at 2026-11-23T10:00:00Z: app[8080->32768] no interface
        /detail/attachments/0/type 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/attachments/0/details absent: =
        /detail/attachments/0/details null: =
        /detail/attachments/0/details 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/attachments/0/details/0/name absent: =
        /detail/attachments/0/details/0/name null: =
        /detail/attachments/0/details/0/name 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/attachments/0/details/0/value absent: =
        /detail/attachments/0/details/0/value null: =
        /detail/attachments/0/details/0/value 7: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        /detail/group absent: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        /detail/group null: ignored as not_a_service_task: the task was not started by a service, so no target is expected
        /detail/group 7: unreadable: cannot read the `ECS Task State Change` event: invalid type: integer `7`, expected a string
        /detail/lastStatus absent: unreadable: cannot read the `ECS Task State Change` event: missing field `lastStatus`
        /detail/lastStatus null: unreadable: cannot read the `ECS Task State Change` event: invalid type: null, expected a string
        /detail/lastStatus 7: unreadable: cannot read the `ECS Task State Change` event: invalid type: integer `7`, expected a string
    "#]].assert_eq(&table(&stopped_task(), &members));
}

#[test]
fn a_detail_without_a_value_does_not_hide_a_later_one() {
    let event = task_event(
        r#"{"lastStatus":"STOPPED","attachments":[{"type":"eni","details":[{"name":"privateIPv4Address","value":null},
        {"name":"privateIPv4Address"},{"name":"privateIPv4Address","value":"10.0.0.1"}]}]}"#,
    );
    check(
        &event,
        &expect![[r#"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
          stopped t1 at ?:  Some(10.0.0.1)
    "#]],
    );
}

#[test]
fn an_event_of_another_source_needs_nothing_else() {
    check(
        r#"{"detail-type":"Order placed","source":"shop.orders","resources":null,"detail":{}}"#,
        &expect![[r#"
            ignored as other_source: events of `shop.orders` are not used
        "#]],
    );
}

#[test]
fn a_service_event_needs_the_arn_of_its_service() {
    let event = json!({
        "detail-type": "ECS Service Action", "source": "aws.ecs",
        "resources": ["arn:aws:ecs:eu-west-1:111122223333:service/shop/web", null, 7],
        "detail": {"eventName": "SERVICE_STEADY_STATE", "clusterArn": CLUSTER},
    });
    expect![[r#"
        check shop/web in aws eu-west-1 111122223333
        /resources absent: ignored as no_cluster: `` names no cluster
        /resources null: ignored as no_cluster: `` names no cluster
        /resources 7: ignored as no_cluster: `` names no cluster
        /detail/eventName absent: unreadable: cannot read the `ECS Service Action` event: missing field `eventName`
        /detail/eventName null: unreadable: cannot read the `ECS Service Action` event: invalid type: null, expected a string
        /detail/eventName 7: unreadable: cannot read the `ECS Service Action` event: invalid type: integer `7`, expected a string
        /detail/clusterArn absent: =
        /detail/clusterArn null: =
        /detail/clusterArn 7: =
    "#]]
        .assert_eq(&table(&event, &["/resources", "/detail/eventName", "/detail/clusterArn"]));
}

#[test]
fn a_call_needs_its_id_its_time_its_name_and_its_place() {
    let event = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.elasticloadbalancing",
        "detail": {
            "eventID": "e-1", "eventTime": "2026-11-23T10:00:00Z", "eventName": "DeregisterTargets",
            "readOnly": false, "errorCode": null, "sourceIPAddress": "192.0.2.1",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Admin/bob",
                "sessionContext": {"sessionIssuer": {"userName": "Admin"}}},
            "requestParameters": {"targets": [],
                "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"},
        },
    });
    let members = [
        "/detail/eventID",
        "/detail/eventTime",
        "/detail/eventName",
        "/detail/readOnly",
        "/detail/errorCode",
        "/detail/sourceIPAddress",
        "/detail/userIdentity",
        "/detail/userIdentity/type",
        "/detail/userIdentity/arn",
        "/detail/userIdentity/sessionContext",
        "/detail/userIdentity/sessionContext/sessionIssuer",
        "/detail/requestParameters",
        "/detail/requestParameters/targets",
    ];
    expect![[r#"
        role Admin (bob) [role] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/eventID absent: unreadable: cannot read the `AWS API Call via CloudTrail` event: missing field `eventID`
        /detail/eventID null: unreadable: cannot read the `AWS API Call via CloudTrail` event: invalid type: null, expected a string
        /detail/eventID 7: unreadable: cannot read the `AWS API Call via CloudTrail` event: invalid type: integer `7`, expected a string
        /detail/eventTime absent: unreadable: cannot read the `AWS API Call via CloudTrail` event: missing field `eventTime`
        /detail/eventTime null: unreadable: cannot read the `AWS API Call via CloudTrail` event: invalid type: null, expected a string
        /detail/eventTime 7: unreadable: cannot read the `AWS API Call via CloudTrail` event: invalid type: integer `7`, expected a string
        /detail/eventName absent: unreadable: cannot read the `AWS API Call via CloudTrail` event: missing field `eventName`
        /detail/eventName null: unreadable: cannot read the `AWS API Call via CloudTrail` event: invalid type: null, expected a string
        /detail/eventName 7: unreadable: cannot read the `AWS API Call via CloudTrail` event: invalid type: integer `7`, expected a string
        /detail/readOnly absent: =
        /detail/readOnly null: =
        /detail/readOnly 7: =
        /detail/errorCode absent: =
        /detail/errorCode null: =
        /detail/errorCode 7: ignored as refused_call: AWS refused the call: 7
        /detail/sourceIPAddress absent: =
        /detail/sourceIPAddress null: =
        /detail/sourceIPAddress 7: =
        /detail/userIdentity absent: somebody unnamed [somebody unnamed] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity null: somebody unnamed [somebody unnamed] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity 7: somebody unnamed [somebody unnamed] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/type absent: somebody unnamed [somebody unnamed] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/type null: somebody unnamed [somebody unnamed] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/type 7: somebody unnamed [somebody unnamed] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/arn absent: role Admin [role] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/arn null: role Admin [role] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/arn 7: role Admin [role] called DeregisterTargets at 2026-11-23T10:00:00Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [] as e-1
        /detail/userIdentity/sessionContext absent: =
        /detail/userIdentity/sessionContext null: =
        /detail/userIdentity/sessionContext 7: =
        /detail/userIdentity/sessionContext/sessionIssuer absent: =
        /detail/userIdentity/sessionContext/sessionIssuer null: =
        /detail/userIdentity/sessionContext/sessionIssuer 7: =
        /detail/requestParameters absent: unreadable: the `AWS API Call via CloudTrail` event does not name what was changed
        /detail/requestParameters null: unreadable: the `AWS API Call via CloudTrail` event does not name what was changed
        /detail/requestParameters 7: unreadable: the `AWS API Call via CloudTrail` event does not name what was changed
        /detail/requestParameters/targets absent: =
        /detail/requestParameters/targets null: =
        /detail/requestParameters/targets 7: =
    "#]].assert_eq(&table(&event, &members));
}

fn in_sns(message: &str) -> Value {
    json!({"Type": "Notification", "MessageId": "m", "Subject": null, "Message": message,
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:ecs"})
}

fn in_sqs(body: &str) -> Value {
    json!({"messageId": "m", "receiptHandle": "r", "body": body, "eventSource": "aws:sqs"})
}

#[test]
fn an_event_is_taken_out_of_the_known_envelopes() {
    let event = task_event("{}");
    let parsed: Value = serde_json::from_str(&event).unwrap();
    let foreign = r#"{"detail-type":"Order placed","source":"shop.orders","detail":{}}"#;
    let own = json!({"portkeeper": {"version": 1, "cluster": CLUSTER, "services": ["web"]}});
    let forms = [
        ("SNS", in_sns(&event)),
        ("a pipe", json!([parsed])),
        ("a pipe from a queue", json!([in_sqs(&event)])),
        ("a queue after SNS", in_sqs(&in_sns(&event).to_string())),
        ("SNS after a queue", in_sns(&json!({"Records": [in_sqs(&event)]}).to_string())),
        ("SNS for Lambda", json!({"Records": [{"EventSource": "aws:sns", "Sns": in_sns(&event)}]})),
        ("SNS twice", in_sns(&in_sns(&event).to_string())),
        ("a JSON string", json!(event)),
        ("another event in SNS", in_sns(foreign)),
        ("another event in a pipe", json!([in_sns(foreign)])),
        ("a message of our own in SNS", in_sns(&own.to_string())),
    ];
    let table = forms.iter().map(|(name, body)| format!("{name}: {}", reported(&body.to_string())));
    expect![[r#"
        SNS: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        a pipe: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        a pipe from a queue: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        a queue after SNS: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        SNS after a queue: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        SNS for Lambda: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        SNS twice: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        a JSON string: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        another event in SNS: ignored as other_source: events of `shop.orders` are not used
        another event in a pipe: ignored as other_source: events of `shop.orders` are not used
        a message of our own in SNS: check shop/web in aws eu-west-1 111122223333
    "#]]
    .assert_eq(&table.collect::<String>());
}

#[test]
fn other_envelopes_are_refused_by_name() {
    let event: Value = serde_json::from_str(&task_event("{}")).unwrap();
    let mut deep = event.clone();
    for _ in 0..20 {
        deep = json!([deep]);
    }
    let subscription = json!({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:ecs"});
    let forms = [
        ("text in SNS", in_sns("Hello")),
        ("nothing in SNS", in_sns("")),
        ("a subscription", subscription),
        ("several", json!([event, event])),
        ("none", json!([])),
        ("several records", json!({"Records": [in_sqs("{}"), in_sqs("{}")]})),
        (
            "a stream",
            json!({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]}),
        ),
        ("logs", json!({"awslogs": {"data": "H4sI"}})),
        ("a destination", json!({"version": "1.0", "requestContext": {}, "requestPayload": event})),
        ("CloudEvents", json!({"specversion": "1.0", "type": "x", "data": event})),
        ("the detail alone", event["detail"].clone()),
        ("too deep", deep),
        ("text", json!("hello")),
        ("a number", json!(7)),
        ("S3 itself", json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]})),
    ];
    let table = forms.iter().map(|(name, body)| format!("{name}: {}", reported(&body.to_string())));
    expect![[r#"
        text in SNS: unreadable: the message is an SNS notification without an event, not an EventBridge event; send the event itself, as EventBridge sends it
        nothing in SNS: unreadable: the message is an SNS notification without an event, not an EventBridge event; send the event itself, as EventBridge sends it
        a subscription: unreadable: the message is an SNS message about a subscription, not an EventBridge event; send the event itself, as EventBridge sends it
        several: unreadable: the message holds 2 events in one list; send each event as its own message
        none: unreadable: the message holds 0 events in one list; send each event as its own message
        several records: unreadable: the message holds 2 events in one list; send each event as its own message
        a stream: unreadable: the message is a record of a Kinesis stream, not an EventBridge event; send the event itself, as EventBridge sends it
        logs: unreadable: the message is a batch of CloudWatch Logs, not an EventBridge event; send the event itself, as EventBridge sends it
        a destination: unreadable: the message is a record of a Lambda destination, not an EventBridge event; send the event itself, as EventBridge sends it
        CloudEvents: unreadable: the message is an event in the form of CloudEvents, not an EventBridge event; send the event itself, as EventBridge sends it
        the detail alone: unreadable: the message is the `detail` of an event without the rest (`InputPath`), not an EventBridge event; send the event itself, as EventBridge sends it
        too deep: unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
        text: unreadable: the message is a JSON string without an event, not an EventBridge event; send the event itself, as EventBridge sends it
        a number: unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
        S3 itself: unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
    "#]].assert_eq(&table.collect::<String>());
}

fn all_of(home: Option<&Home>, body: &Value) -> String {
    parse_all(home, &body.to_string()).into_iter().map(crate::shown).collect()
}

/// The handler takes all of them; the readable ones are checked even if another one is not.
#[test]
fn each_event_of_a_list_is_read() {
    let event: Value = serde_json::from_str(&task_event("{}")).unwrap();
    let forms = [
        ("a list", json!([event, {"detail-type": "x", "source": "shop"}, {"Type": "x"}])),
        ("a list in SNS", in_sns(&json!([event, in_sqs(&event.to_string())]).to_string())),
        ("records", json!({"Records": [in_sqs(&event.to_string()), in_sqs("")]})),
        ("an empty list", json!([[]])),
    ];
    let table = forms.iter().map(|(name, body)| format!("{name}:\n{}", all_of(None, body)));
    expect![[r#"
        a list:
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        ignored as other_source: events of `shop` are not used
        unreadable: the message is neither an EventBridge event (no `detail-type`) nor one of Portkeeper's own (no `portkeeper`)
        a list in SNS:
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        records:
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        unreadable: the message is a message of another SQS queue without an event, not an EventBridge event; send the event itself, as EventBridge sends it
        an empty list:
        unreadable: the message holds 0 events in one list; send each event as its own message
    "#]].assert_eq(&table.collect::<String>());
}

#[test]
fn events_of_other_accounts_regions_and_partitions_are_ignored() {
    let home = Home::of("arn:aws:sns:eu-west-1:111122223333:alerts");
    let event: Value = serde_json::from_str(&task_event("{}")).unwrap();
    let changed = |pointer: &str, value: &str| {
        let mut event = event.clone();
        *event.pointer_mut(pointer).unwrap() = json!(value);
        event
    };
    let cluster = |arn: &str| changed("/detail/clusterArn", arn);
    let mut unreadable = changed("/account", "999988887777");
    unreadable["detail"] = json!({});
    let mut call = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.elasticloadbalancing",
        "detail": {"eventID": "e-1", "eventTime": "2026-11-23T10:00:00Z", "eventName": "DeleteTargetGroup",
            "requestParameters": {}},
    });
    call["detail"]["requestParameters"]["targetGroupArn"] = json!(
        "arn:aws:elasticloadbalancing:eu-west-1:999988887777:targetgroup/web/0123456789abcdef"
    );
    let own = json!({"portkeeper": {"version": 1, "cluster": CLUSTER, "services": ["web"]}});
    let forms = [
        ("here", event.clone()),
        ("of another account", changed("/account", "999988887777")),
        ("unreadable, of another account", unreadable),
        ("in SNS", in_sns(&changed("/account", "999988887777").to_string())),
        ("of another Region", changed("/region", "us-east-1")),
        (
            "a cluster of another account",
            cluster("arn:aws:ecs:eu-west-1:999988887777:cluster/shop"),
        ),
        ("a cluster of another Region", cluster("arn:aws:ecs:us-east-1:111122223333:cluster/shop")),
        (
            "a cluster of another partition",
            cluster("arn:aws-cn:ecs:eu-west-1:111122223333:cluster/shop"),
        ),
        ("a call", call),
        ("our own", own),
    ];
    let table = forms.iter().map(|(name, body)| format!("{name}: {}", all_of(home.as_ref(), body)));
    expect![[r#"
        here: check shop/web in aws eu-west-1 111122223333, task t1 at least v7
        of another account: ignored as other_account: it comes from account 999988887777, which Portkeeper does not check here
        unreadable, of another account: ignored as other_account: it comes from account 999988887777, which Portkeeper does not check here
        in SNS: ignored as other_account: it comes from account 999988887777, which Portkeeper does not check here
        of another Region: ignored as other_region: it comes from Region us-east-1, which Portkeeper does not check here
        a cluster of another account: ignored as other_account: it comes from account 999988887777, which Portkeeper does not check here
        a cluster of another Region: ignored as other_region: it comes from Region us-east-1, which Portkeeper does not check here
        a cluster of another partition: ignored as other_partition: it comes from partition aws-cn, which Portkeeper does not check here
        a call: ignored as other_account: it comes from account 999988887777, which Portkeeper does not check here
        our own: check shop/web in aws eu-west-1 111122223333
    "#]].assert_eq(&table.collect::<String>());
}
