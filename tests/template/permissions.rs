//! Permissions: the functions may do what they do and nothing else, and each permission has its
//! reason.
//!
//! AWS facts: F-8.

use crate::document::{find, one_or_more, root, sources, template, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// Actions for which AWS's Service Authorization Reference lists no resource. `ecs:ListTasks` has
/// one, which is asked for only when a container instance is named in the call.
const WITHOUT_RESOURCE: [&str; 19] = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "cloudformation:GetResource",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
];

/// Actions that Lambda performs under the functions' roles; the code calls none of them.
const BY_LAMBDA: [&str; 5] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

/// Actions that AWS requires in addition to the call's own: for tags and roles in it, for a named
/// object version, for distinguishing an absent object from a forbidden one, and for what
/// Application Auto Scaling and Cloud Control do with the caller's permissions.
const BESIDE_A_CALL: [&str; 17] = [
    "application-autoscaling:TagResource",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "iam:CreateServiceLinkedRole",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PassRole",
    "logs:TagResource",
    "s3:GetObjectVersion",
    "s3:ListBucket",
];

/// The clients of the crates that call AWS, by the name of their field, with the prefix of their actions.
const CLIENTS: [(&str, &str); 11] = [
    ("control", "cloudformation"),
    ("dynamodb", "dynamodb"),
    ("ecs", "ecs"),
    ("elb", "elasticloadbalancing"),
    ("eventbridge", "events"),
    ("logs", "logs"),
    ("s3", "s3"),
    ("scaling", "application-autoscaling"),
    ("secretsmanager", "secretsmanager"),
    ("sns", "sns"),
    ("sqs", "sqs"),
];

fn statements(of: &Value) -> Vec<&Value> {
    find(of, &|value| value.get("Effect").is_some())
}

/// Managed policies.
const POLICIES: [&str; 5] =
    ["FindPolicy", "MakeServicesPolicy", "PassRolesPolicy", "ReadPolicy", "RepairPolicy"];

/// Returns the statements of a function's role, without its trust policy.
fn granted_to<'a>(template: &'a Value, role: &str) -> Vec<&'a Value> {
    let resources = &template["Resources"];
    let own = &resources[role]["Properties"]["Policies"];
    // Some are attached only under a condition.
    let names_role = |value: &Value| !find(value, &|value| value["Ref"] == role).is_empty();
    let attached = POLICIES.iter().map(|name| &resources[*name]["Properties"]);
    let attached =
        attached.filter(|policy| names_role(&policy["RoleName"]) || names_role(&policy["Roles"]));
    [own].into_iter().chain(attached).flat_map(statements).collect()
}

/// The statements of all functions' roles.
fn granted(template: &Value) -> Vec<&Value> {
    ["ReconcileRole", "SweepRole", "NotifySlackRole", "NotifyEventsRole", "CreateServiceRole"]
        .iter()
        .flat_map(|role| granted_to(template, role))
        .collect()
}

fn actions(statements: &[&Value]) -> BTreeSet<String> {
    statements.iter().flat_map(|statement| one_or_more(&statement["Action"])).collect()
}

/// `ecs:ListTasks` from `aws.ecs.list_tasks()`, for each call in the sources.
fn called() -> BTreeSet<String> {
    let files = ["shared/aws/src", "shared/service-spec-aws/src"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .collect::<Vec<_>>();
    let code: String =
        files.iter().map(|file| fs::read_to_string(file).expect("a source")).collect();
    // Calls are broken over lines.
    let code: String = code.split_whitespace().collect();
    let calls = CLIENTS.iter().flat_map(|(client, prefix)| {
        let after = code.split(&format!(".{client}.")).skip(1).collect::<Vec<_>>();
        let names =
            after.into_iter().filter_map(|rest| rest.split_once("()").map(|(name, _)| name));
        let names = names
            .filter(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'));
        names.map(|name| format!("{prefix}:{}", camel_case(name))).collect::<Vec<_>>()
    });
    calls.collect()
}

fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

#[test]
fn the_functions_may_do_what_they_do_and_nothing_else() {
    let template = template();
    let mut granted = actions(&granted(&template));
    for action in BY_LAMBDA.into_iter().chain(BESIDE_A_CALL) {
        assert!(granted.remove(action), "AWS asks for {action}");
    }
    assert_eq!(granted, called(), "left is the template, right are the calls in the sources");
}

/// Holds I-SWEEP. The sweep only reads and sends messages, and may read only what `reconcile` may.
#[test]
fn the_sweep_changes_nothing() {
    let template = template();
    let (sweep, reconcile) = (
        actions(&granted_to(&template, "SweepRole")),
        actions(&granted_to(&template, "ReconcileRole")),
    );
    let only_sweep: Vec<&String> = sweep.difference(&reconcile).collect();
    assert_eq!(only_sweep, [""; 0]);
    let reads = ["Describe", "List", "BatchGet"];
    let writes: Vec<&String> = sweep
        .iter()
        .filter(|action| !reads.iter().any(|read| action.contains(&format!(":{read}"))))
        .collect();
    assert_eq!(
        writes,
        ["dynamodb:PutItem", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]
    );
}

/// `notify-slack`, which calls the internet, may read one secret and nothing of ECS.
#[test]
fn notify_slack_reads_its_secret_and_sends_to_its_dead_letter_queue() {
    let actions = actions(&granted_to(&template(), "NotifySlackRole"));
    let own: Vec<&str> =
        actions.iter().map(String::as_str).filter(|action| !BY_LAMBDA.contains(action)).collect();
    assert_eq!(own, ["secretsmanager:GetSecretValue", "sqs:SendMessage"]);
}

#[test]
fn the_function_for_events_puts_them_under_its_own_name() {
    let template = template();
    let statements = granted_to(&template, "NotifyEventsRole");
    let actions = actions(&statements);
    let own: Vec<&str> =
        actions.iter().map(String::as_str).filter(|action| !BY_LAMBDA.contains(action)).collect();
    assert_eq!(own, ["events:PutEvents"]);
    let put = statements
        .iter()
        .find(|statement| statement["Action"] == "events:PutEvents")
        .expect("a statement");
    let source = portkeeper_notify_events::SOURCE;
    assert_eq!(put["Condition"], json!({ "StringEquals": { "events:source": source } }));
}

/// Permissions to create and delete exist in the mode `repair` alone; only the named roles are
/// passed, and only to ECS.
#[test]
fn only_the_mode_repair_may_make_services() {
    let template = template();
    let all = ["MakeServicesPolicy", "PassRolesPolicy"].map(|name| &template["Resources"][name]);
    assert_eq!(
        all.map(|policy| policy["Condition"].clone()),
        [json!("MakesServices"), json!("PassesRoles")]
    );
    let (makes, passes) =
        (&template["Conditions"]["MakesServices"], &template["Conditions"]["PassesRoles"]);
    assert_eq!(
        *makes,
        json!({ "Fn::And": [{ "Condition": "HasSpecs" }, { "Condition": "Repairs" }] })
    );
    assert_eq!(
        *passes,
        json!({ "Fn::And": [{ "Condition": "MakesServices" }, { "Condition": "HasSpecRoles" }] })
    );
    let own =
        actions(&statements(&template["Resources"]["CreateServiceRole"]["Properties"]["Policies"]));
    let reads = ["Describe", "List", "BatchGet", "GetObject", "GetResource"];
    let writes: Vec<&str> =
        own.iter().map(String::as_str).filter(|action| !BY_LAMBDA.contains(action)).collect();
    let writes: Vec<&str> = writes
        .into_iter()
        .filter(|action| !reads.iter().any(|read| action.contains(&format!(":{read}"))))
        .collect();
    assert_eq!(
        writes,
        ["dynamodb:PutItem", "s3:PutObject", "sns:Publish", "sqs:SendMessage"],
        "within the stack"
    );
    let passing = statements(&template["Resources"]["PassRolesPolicy"]);
    let [statement, seeing] = passing.as_slice() else { panic!("two statements") };
    assert_eq!([statement, seeing].map(|it| &it["Resource"]), [&json!({ "Ref": "SpecRoles" }); 2]);
    let to = json!({ "StringEquals": { "iam:PassedToService": ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"] } });
    assert_eq!(statement["Condition"], to);
}

/// Wherever AWS supports it, a policy requires the tag of a spec: on creation, and before a change
/// or deletion.
#[test]
fn only_what_comes_from_a_spec_is_made_changed_or_removed() {
    let template = template();
    let all = statements(&template["Resources"]["MakeServicesPolicy"]);
    let mut asked = BTreeSet::new();
    for statement in &all {
        let condition = statement["Condition"]["StringLike"].as_object().into_iter().flatten();
        for (key, value) in condition.filter(|(key, _)| key.ends_with("/portkeeper:spec")) {
            assert_eq!(*value, json!("*"));
            let when =
                key.split_once(':').and_then(|(_, rest)| rest.split_once('/')).expect("a tag").0;
            asked.extend(
                one_or_more(&statement["Action"])
                    .into_iter()
                    .map(|action| format!("{when} {action}")),
            );
        }
    }
    let made = ["Create", "Register"].map(|verb| format!(":{verb}"));
    let changed = ["Update", "Modify", "Delete", "SetRule"].map(|verb| format!(":{verb}"));
    for action in actions(&all) {
        let is = |verbs: &[String]| verbs.iter().any(|verb| action.contains(verb.as_str()));
        let by_tag = action.starts_with("ecs:") || action.starts_with("elasticloadbalancing:");
        if by_tag && is(&made) {
            assert!(asked.contains(&format!("RequestTag {action}")), "{action}");
        } else if by_tag && is(&changed) {
            assert!(asked.contains(&format!("ResourceTag {action}")), "{action}");
        }
    }
}

#[test]
fn every_statement_says_why_in_a_comment() {
    let text = text();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let sids = lines.iter().enumerate().filter(|(_, line)| line.starts_with("- Sid: "));
    let mut commented = 0;
    for (number, sid) in sids {
        assert!(
            lines[number - 1].starts_with("# "),
            "line {}: {sid} has no comment above it",
            number + 1
        );
        commented += 1;
    }
    let template = template();
    assert_eq!(commented, statements(&template).len(), "every statement begins with its Sid");
}

#[test]
fn any_resource_only_where_aws_has_no_other() {
    let template = template();
    for statement in granted(&template) {
        let actions = one_or_more(&statement["Action"]);
        assert!(actions.iter().all(|action| !action.contains('*')), "{actions:?}");
        if one_or_more(&statement["Resource"]).contains(&"*".to_owned()) {
            assert!(
                actions.iter().all(|action| WITHOUT_RESOURCE.contains(&action.as_str())),
                "{actions:?}"
            );
        }
    }
}

#[test]
fn only_the_mode_repair_may_change_target_groups() {
    let template = template();
    let writes = |value: &Value| {
        let statements = statements(value);
        let actions = statements.iter().flat_map(|statement| one_or_more(&statement["Action"]));
        actions
            .filter(|action| {
                action.ends_with("registerTargets") || action.ends_with("RegisterTargets")
            })
            .count()
    };
    assert_eq!(writes(&template), 2);
    assert_eq!(writes(&template["Resources"]["RepairPolicy"]), 2);
    assert_eq!(template["Resources"]["RepairPolicy"]["Condition"], "Repairs");
    assert_eq!(
        template["Conditions"]["Repairs"],
        json!({ "Fn::Equals": [{ "Ref": "Mode" }, "repair"] })
    );
}

/// With `IfExists` a group without the tag is allowed; any value that is not listed is denied.
#[test]
fn a_tag_on_a_target_group_closes_it() {
    let template = template();
    let statements = statements(&template["Resources"]["RepairPolicy"]);
    let conditions: Vec<&Value> =
        statements.iter().map(|statement| &statement["Condition"]).collect();
    let tag = format!("aws:ResourceTag/{}", portkeeper_core::policy::MODE_TAG);
    assert_eq!(
        conditions,
        [&json!({ "StringLikeIfExists": { tag: ["repair", "repair until *"] } })]
    );
}

#[test]
fn every_partition_and_only_names_of_this_stack() {
    let text = text();
    assert!(!text.contains("arn:aws"), "write arn:${{AWS::Partition}}");
    assert!(!text.contains("amazonaws.com.cn") && !text.contains("111122223333"));
}

/// SAM and the linters accept them; `CloudFormation` does not.
#[test]
fn no_anchors_and_no_aliases() {
    for line in text().lines().filter(|line| !line.trim_start().starts_with('#')) {
        let value = line
            .split_once(": ")
            .map_or_else(|| line.trim_start().trim_start_matches("- "), |(_, value)| value);
        let is_name =
            value[1.min(value.len())..].starts_with(|letter: char| letter.is_ascii_alphabetic());
        assert!(!(value.starts_with(['&', '*']) && is_name), "{line}");
    }
}
