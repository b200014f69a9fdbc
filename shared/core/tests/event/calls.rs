//! CloudTrail events: the actor, the API call and its resource; which actors are distinguished, and
//! which events are ignored.

use super::{check, reported};
use expect_test::expect;
use serde_json::{Value, json};

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";

/// The event of an API call. These members of `detail` replace or extend the members that are
/// always present.
fn event(detail: &Value) -> Value {
    let mut event = json!({
        "version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.elasticloadbalancing", "account": "111122223333", "time": "2026-11-23T10:03:00Z",
        "region": "eu-west-1", "resources": [],
        "detail": {
            "eventVersion": "1.10",
            "userIdentity": {
                "type": "IAMUser", "principalId": "AIDAIOSFODNN7EXAMPLE", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:user/alice", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "alice",
            },
            "eventTime": "2026-11-23T10:00:02Z", "eventSource": "elasticloadbalancing.amazonaws.com",
            "eventName": "DeregisterTargets", "awsRegion": "eu-west-1", "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-cli/2.31.0",
            "requestParameters": {"targetGroupArn": GROUP, "targets": [{"id": "i-1", "port": 32768}]},
            "responseElements": null, "requestID": "r", "eventID": "e-1", "readOnly": false,
            "eventType": "AwsApiCall", "apiVersion": "2015-12-01", "managementEvent": true,
            "recipientAccountId": "111122223333", "eventCategory": "Management",
        },
    });
    for (name, value) in detail.as_object().unwrap() {
        event["detail"][name] = value.clone();
    }
    event
}

fn said(detail: &Value) -> String {
    reported(&event(detail).to_string())
}

/// The actor of the API call, as alerts show it.
fn who(identity: &Value) -> String {
    let said = said(&json!({ "userIdentity": identity }));
    said.split_once(" called ").map_or(said.clone(), |(who, _)| who.to_owned())
}

#[test]
fn a_call_of_a_person() {
    check(
        &event(&json!({})).to_string(),
        &expect![[r"
            IAM user alice [iam_user] called DeregisterTargets at 2026-11-23T10:00:02Z in arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef [i-1:32768] as e-1
        "]],
    );
}

/// Targets without a port, ports as strings, both address families, and targets that cannot belong
/// to a task.
#[test]
fn targets_in_every_form() {
    let targets = json!([
        {"id": "i-2"}, {"id": "10.0.0.7", "port": "8080"}, {"id": "2001:db8::7", "port": 8080, "availabilityZone": "all"},
        {"id": "arn:aws:lambda:eu-west-1:111122223333:function:x"}, {"port": 80}, {"id": "i-3", "port": 99999}, null,
    ]);
    let said = said(
        &json!({"eventName": "RegisterTargets", "requestParameters": {"targetGroupArn": GROUP, "targets": targets}}),
    );
    assert!(said.contains("[i-2 i-3 10.0.0.7:8080 2001:db8::7:8080]"), "{said}");
}

#[test]
fn listeners_and_rules_lead_to_their_load_balancer() {
    let arn = |kind: &str, rest: &str| {
        format!(
            "arn:aws-cn:elasticloadbalancing:cn-north-1:111122223333:{kind}/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2{rest}"
        )
    };
    let (listener, rule) = (arn("listener", ""), arn("listener-rule", "/9683b2d02a6cabee"));
    for (name, parameters) in [
        ("DeleteListener", json!({"listenerArn": listener})),
        (
            "ModifyListener",
            json!({"listenerArn": listener, "defaultActions": [{"type": "forward", "targetGroupArn": GROUP}]}),
        ),
        ("DeleteRule", json!({"ruleArn": rule})),
        ("ModifyRule", json!({"ruleArn": rule, "actions": []})),
    ] {
        let said = said(&json!({"eventName": name, "requestParameters": parameters}));
        let place = "arn:aws-cn:elasticloadbalancing:cn-north-1:111122223333:loadbalancer/app/front/50dc6c495c0c9188";
        assert!(
            said.contains(&format!("called {name} at 2026-11-23T10:00:02Z in {place} []")),
            "{said}"
        );
    }
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
#[test]
fn every_kind_of_identity() {
    let role = |arn: &str, name: &str, session: &str| {
        json!({
            "type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/{session}"),
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn, "userName": name}, "attributes": {"mfaAuthenticated": "false"}},
        })
    };
    let plain = "arn:aws:iam::111122223333:role/ops/Admin";
    let scaling = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let with = |mut identity: Value, name: &str, value: &str| {
        identity[name] = json!(value);
        identity
    };
    let cases = [
        (json!({"type": "IAMUser", "userName": "alice"}), "IAM user alice [iam_user]"),
        (
            json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/team/bob"}),
            "IAM user team/bob [iam_user]",
        ),
        (role(plain, "Admin", "bob@example.com"), "role Admin (bob@example.com) [role]"),
        (
            json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/CI/build-7"}),
            "role CI (build-7) [role]",
        ),
        (
            with(role(plain, "Admin", "bob"), "invokedBy", "cloudformation.amazonaws.com"),
            "role Admin (bob) through cloudformation.amazonaws.com [role]",
        ),
        (
            with(
                role(scaling, "AWSServiceRoleForAutoScaling", "AutoScaling"),
                "invokedBy",
                "autoscaling.amazonaws.com",
            ),
            "role AWSServiceRoleForAutoScaling (AutoScaling) through autoscaling.amazonaws.com [role]",
        ),
        (
            json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root"}),
            "the account's root user [root]",
        ),
        (
            json!({"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}),
            "AWS service autoscaling.amazonaws.com [aws_service]",
        ),
        (
            json!({"type": "IdentityCenterUser", "accountId": "111122223333", "onBehalfOf": {"userId": "544894e8-80c1", "identityStoreArn": "a"}}),
            "IAM Identity Center user 544894e8-80c1 [identity_center_user]",
        ),
        (
            json!({"type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/carol"}),
            "federated user carol [federated_user]",
        ),
        (
            json!({"type": "AWSAccount", "accountId": "444455556666"}),
            "AWS account 444455556666 [aws_account]",
        ),
        (json!({"type": "Some<New>Kind", "userName": "x"}), "SomeNewKind x [SomeNewKind]"),
        (json!({}), "somebody unnamed [somebody unnamed]"),
        (Value::Null, "somebody unnamed [somebody unnamed]"),
        (
            json!({"type": "IAMUser", "sessionContext": null, "onBehalfOf": null, "userName": null}),
            "IAM user [iam_user]",
        ),
    ];
    for (identity, wanted) in cases {
        assert_eq!(who(&identity), wanted, "{identity}");
    }
    let said = said(&json!({"userIdentity": role(plain, "Admin", "bob")}));
    assert!(
        said.ends_with(&format!("as e-1, as {plain}\n")),
        "the role itself is reported, for those who know their own: {said}"
    );
}

/// The service-linked role, the infrastructure role of blue/green services, and the role from
/// before 2017.
#[test]
fn api_calls_of_ecs_are_ignored() {
    let linked =
        "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    let session = |arn: &str| json!({"sessionIssuer": {"arn": arn, "userName": "x"}});
    let other = "arn:aws:iam::111122223333:role/ecsInfrastructureRole";
    for detail in [
        json!({"userIdentity": {"type": "AssumedRole", "sessionContext": session(linked)}}),
        json!({"userIdentity": {"type": "AssumedRole", "sessionContext": session(other), "invokedBy": "ecs.amazonaws.com"}}),
        json!({"userIdentity": {"type": "AWSService", "invokedBy": "ecs.amazonaws.com"}}),
        json!({"userIdentity": {"type": "AssumedRole", "sessionContext": session(other)}, "sourceIPAddress": "ecs.amazonaws.com"}),
    ] {
        assert_eq!(
            said(&detail),
            "ignored as call_by_ecs: ECS made the call, and it reports its tasks in its own events\n"
        );
    }
    // A person's role may have any name.
    let named_alike = session("arn:aws:iam::111122223333:role/AWSServiceRoleForECS");
    let said =
        said(&json!({"userIdentity": {"type": "AssumedRole", "sessionContext": named_alike}}));
    assert!(said.contains(" called DeregisterTargets "), "{said}");
}

#[test]
fn api_calls_that_change_nothing_are_ignored() {
    for (detail, name) in [
        (json!({"errorCode": "AccessDenied", "errorMessage": "no"}), "refused_call"),
        (
            json!({"errorCode": "TargetGroupNotFoundException", "requestParameters": null}),
            "refused_call",
        ),
        (json!({"eventName": "DescribeTargetHealth", "readOnly": true}), "other_call"),
        (json!({"eventName": "CreateTargetGroup"}), "other_call"),
        (json!({"readOnly": true}), "other_call"),
    ] {
        assert!(said(&detail).starts_with(&format!("ignored as {name}: ")), "{detail}");
    }
    let mut other = event(&json!({}));
    other["detail-type"] = json!("AWS Service Event via CloudTrail");
    assert!(reported(&other.to_string()).starts_with("ignored as other_kind: "));
    other["detail-type"] = json!("ECS Task State Change");
    assert!(reported(&other.to_string()).starts_with("ignored as other_kind: "));
}

#[test]
fn an_event_that_names_nothing_cannot_be_read() {
    for detail in [
        json!({"requestParameters": null}),
        json!({"requestParameters": {"targetGroupArn": 7}}),
        json!({"requestParameters": {"targetGroupArn": "web"}}),
        json!({"eventName": "DeleteRule", "requestParameters": {"ruleArn": "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app"}}),
        json!({"eventName": "DeleteListener", "requestParameters": {}}),
    ] {
        let wanted =
            "unreadable: the `AWS API Call via CloudTrail` event does not name what was changed\n";
        assert_eq!(said(&detail), wanted, "{detail}");
    }
    assert!(
        said(&json!({"eventTime": 7}))
            .starts_with("unreadable: cannot read the `AWS API Call via CloudTrail` event")
    );
}

/// Holds I-CAUSE. No access key ID appears anywhere, even if an actor uses one as a name; a name is
/// one line of limited length.
#[test]
fn no_access_key_is_shown() {
    for name in ["AKIAIOSFODNN7EXAMPLE", "key-ASIAIOSFODNN7EXAMPLE-2", "a\nSubject: b", "\u{7}"] {
        for identity in [
            json!({"type": "IAMUser", "userName": name, "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
            json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/{name}")}),
        ] {
            let who = who(&identity);
            assert!(!who.contains("IOSFODNN7") && !who.contains(char::is_control), "{who}");
        }
    }
    assert_eq!(who(&json!({"type": "IAMUser", "userName": "AKIAN"})), "IAM user AKIAN [iam_user]");
    let long = who(&json!({"type": "IAMUser", "userName": "x".repeat(5_000)}));
    assert!(long.len() < 150, "{long}");
}

/// The ledger keeps only the first targets of an API call with very many.
#[test]
fn a_long_target_list_is_cut() {
    let targets: Vec<Value> = (1..=1000).map(|port| json!({"id": "i-1", "port": port})).collect();
    let said = said(&json!({"requestParameters": {"targetGroupArn": GROUP, "targets": targets}}));
    assert!(said.contains("i-1:100]"), "{said}");
}
