//! The text of alerts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::{Expect, expect};
use portkeeper_core::code::{Code, Severity};
use portkeeper_core::ids::{ClusterArn, ServiceKey, Target, TargetGroupArn, TaskArn};
use portkeeper_core::ledger::Subject;
use portkeeper_core::plan::{
    ActionKind, Alert, AlertItem, AlertState, OutcomeResult, WriteOutcome,
};
use portkeeper_core::report::{SnsMessage, advice, meaning, message};
use portkeeper_core::time::Timestamp;

fn moment(text: &str) -> Timestamp {
    Timestamp::try_from(text.to_owned()).unwrap()
}

fn group(name: &str) -> TargetGroupArn {
    let arn = format!(
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/0123456789abcdef"
    );
    TargetGroupArn::try_from(arn).unwrap()
}

fn target(text: &str) -> Target {
    Target::try_from(text.to_owned()).unwrap()
}

fn alert(code: Code, items: Vec<AlertItem>) -> Alert {
    let cluster = ClusterArn::try_from("arn:aws:ecs:eu-west-1:111122223333:cluster/shop").unwrap();
    let key = ServiceKey { cluster, service: "web".to_owned() };
    let severity = code.severity();
    Alert {
        key,
        owner: None,
        code,
        state: AlertState::Opened,
        severity,
        impact: None,
        items,
        at: moment("2026-11-23T10:01:00Z"),
    }
}

fn item(subject: Subject, why: &str, repair: Option<ActionKind>) -> AlertItem {
    let since = moment("2026-11-23T10:00:00Z");
    let why = why.to_owned();
    AlertItem {
        subject,
        task: None,
        since,
        ended_at: None,
        seen: 2,
        why,
        repair,
        withheld: false,
        cause: None,
    }
}

fn missing() -> Alert {
    let subject = Subject::Target(group("web"), target("i-0abc:32768"));
    let why = "task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check";
    alert(Code::Missing, vec![item(subject, why, Some(ActionKind::Register))])
}

fn answered(result: OutcomeResult) -> Vec<WriteOutcome> {
    vec![WriteOutcome {
        kind: ActionKind::Register,
        group: group("web"),
        target: target("i-0abc:32768"),
        result,
    }]
}

fn check(alert: &Alert, outcomes: &[WriteOutcome], expect: &Expect) {
    let SnsMessage { subject, body, attributes, .. } = message(alert, outcomes);
    let attributes: Vec<String> =
        attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(
        subject.len() < 100 && subject.is_ascii() && !subject.contains('\n'),
        "SNS refuses `{subject}`"
    );
    expect.assert_eq(&format!("{subject}\n[{}]\n\n{body}\n", attributes.join(" ")));
}

#[test]
fn a_missing_target_that_was_registered() {
    check(
        &missing(),
        &answered(OutcomeResult::Done),
        &expect![[r#"
            repaired: missing in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing: a running task's target is not registered, so it receives no traffic
            Severity: error
            Expected: the running task's target is registered
            Found: it is not registered

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check. Registered.

            Cause: unknown: CloudTrail reported no matching call by a person or another tool
            Action: none. If it recurs, check the service's events for ECS errors

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

/// Holds C-30.
#[test]
fn a_missing_target_that_aws_refused_to_register() {
    check(
        &missing(),
        &answered(OutcomeResult::Refused("InvalidTarget: not in the VPC".to_owned())),
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing: a running task's target is not registered, so it receives no traffic
            Severity: error
            Expected: the running task's target is registered
            Found: it is not registered

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check. AWS refused to register it: InvalidTarget: not in the VPC

            Cause: unknown: CloudTrail reported no matching call by a person or another tool
            Action: fix what AWS reports above, or register the target by hand

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn a_missing_target_whose_registration_failed() {
    check(
        &missing(),
        &answered(OutcomeResult::Failed("ThrottlingException: Rate exceeded".to_owned())),
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing: a running task's target is not registered, so it receives no traffic
            Severity: error
            Expected: the running task's target is registered
            Found: it is not registered

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check. The call to register it failed: ThrottlingException: Rate exceeded. Portkeeper checks it again.

            Cause: unknown: CloudTrail reported no matching call by a person or another tool
            Action: none yet: Portkeeper checks the service again

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

/// One incident reports a large group, and says how many of its targets were registered.
#[test]
fn a_group_of_missing_targets_that_are_registered_in_parts() {
    let why = "700 of 700 expected targets; the first is i-0abc:32768: task 5f3 has been running for 3 min and its target is not registered";
    let item = item(Subject::Group(group("web")), why, Some(ActionKind::Register));
    check(
        &alert(Code::Missing, vec![item]),
        &answered(OutcomeResult::Done),
        &expect![[r#"
        missing in shop/web since 2026-11-23 10:00:00Z: web
        [cluster=shop code=missing service=web severity=error state=opened]

        Service: shop/web in eu-west-1, account 111122223333
        Finding: missing: a running task's target is not registered, so it receives no traffic
        Severity: error
        Expected: the running task's target is registered
        Found: it is not registered

        - web, since 2026-11-23 10:00:00Z: 700 of 700 expected targets; the first is i-0abc:32768: task 5f3 has been running for 3 min and its target is not registered. Registered so far: 1. Portkeeper continues to register its targets.

        Cause: unknown: CloudTrail reported no matching call by a person or another tool
        Action: none yet: Portkeeper checks the service again

        Links:
        Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
        Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
    "#]],
    );
}

#[test]
fn a_repair_that_was_not_tried_and_one_without_an_answer() {
    check(
        &missing(),
        &answered(OutcomeResult::Skipped("the proof is older than 5 s".to_owned())),
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing: a running task's target is not registered, so it receives no traffic
            Severity: error
            Expected: the running task's target is registered
            Found: it is not registered

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check. Skipped: the proof is older than 5 s. Portkeeper checks it again.

            Cause: unknown: CloudTrail reported no matching call by a person or another tool
            Action: none yet: Portkeeper checks the service again

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
    check(
        &missing(),
        &[],
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing: a running task's target is not registered, so it receives no traffic
            Severity: error
            Expected: the running task's target is registered
            Found: it is not registered

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check. Portkeeper decided to register it; the result is unknown so far.

            Cause: unknown: CloudTrail reported no matching call by a person or another tool
            Action: none yet: Portkeeper checks the service again

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn a_missing_target_that_is_healthy_again() {
    let mut over = missing();
    (over.state, over.severity) = (AlertState::Resolved, Severity::Error);
    over.items[0].why = "registered and healthy, 3 min after it was first seen".to_owned();
    over.items[0].repair = None;
    check(
        &over,
        &[],
        &expect![[r#"
            resolved: missing in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=resolved]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing (resolved): a running task's target is not registered, so it receives no traffic
            Severity: error

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: registered and healthy, 3 min after it was first seen

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn a_guard_that_withheld_repairs() {
    let why = "7 deregistrations at once are more than the limit of 5; none was made. First: web i-0abc:32768";
    check(
        &alert(Code::LimitExceeded, vec![item(Subject::Service, why, None)]),
        &[],
        &expect![[r#"
            limit_exceeded in shop/web since 2026-11-23 10:00:00Z: service
            [cluster=shop code=limit_exceeded service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: limit_exceeded: a guard withheld repairs
            Severity: error
            Expected: repairs stay within the limits
            Found: they would exceed them, and a guard withheld them

            - service, since 2026-11-23 10:00:00Z: 7 deregistrations at once are more than the limit of 5; none was made. First: web i-0abc:32768

            Action: check the listed targets; if the repairs are correct, raise the limits or make the repairs by hand

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
        "#]],
    );
}

/// Holds C-20.
#[test]
fn a_hijacked_target() {
    let subject = Subject::Target(group("web"), target("i-0abc:32768"));
    let why = "task 5f3 has stopped, and its target now leads to task 77a of service billing: requests reach the wrong task: confirmed by a second check";
    let hijacked = alert(Code::Hijacked, vec![item(subject, why, Some(ActionKind::Deregister))]);
    let done = WriteOutcome {
        kind: ActionKind::Deregister,
        group: group("web"),
        target: target("i-0abc:32768"),
        result: OutcomeResult::Done,
    };
    check(
        &hijacked,
        &[done],
        &expect![[r#"
            repaired: hijacked in shop/web since 2026-11-23 10:00:00Z: web i-0abc:32768
            [cluster=shop code=hijacked service=web severity=critical state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: hijacked: a stopped task's target is still registered and leads to another service's task
            Severity: critical
            Expected: the target is deregistered when its task stops
            Found: it leads to another service's task

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has stopped, and its target now leads to task 77a of service billing: requests reach the wrong task: confirmed by a second check. Deregistered.

            Action: none here. Requests reached another service until now: check that service for damage

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn the_advice_for_a_hijacked_target_depends_on_the_outcome() {
    let subject = Subject::Target(group("web"), target("i-0abc:32768"));
    let advice = |repair: Option<ActionKind>, withheld: bool, result: Option<OutcomeResult>| {
        let item = AlertItem { withheld, ..item(subject.clone(), "why", repair) };
        let outcomes = result.map(|result| WriteOutcome {
            kind: ActionKind::Deregister,
            group: group("web"),
            target: target("i-0abc:32768"),
            result,
        });
        let body = message(&alert(Code::Hijacked, vec![item]), outcomes.as_slice()).body;
        body.lines().find_map(|line| line.strip_prefix("Action: ")).unwrap().to_owned()
    };
    let deregister = Some(ActionKind::Deregister);
    let refused = Some(OutcomeResult::Refused("AccessDenied".to_owned()));
    let skipped = Some(OutcomeResult::Skipped("too old".to_owned()));
    expect!["none here. Requests reached another service until now: check that service for damage"]
        .assert_eq(&advice(deregister, false, Some(OutcomeResult::Done)));
    expect!["fix what AWS reports above, or deregister the target by hand now"]
        .assert_eq(&advice(deregister, false, refused));
    expect!["wait one or two minutes for the repair, or deregister the target by hand"]
        .assert_eq(&advice(deregister, false, skipped));
    expect!["deregister the target by hand now: requests reach another service, and a guard withholds the repair"]
        .assert_eq(&advice(None, true, None));
    expect!["deregister the target by hand now: requests reach another service"]
        .assert_eq(&advice(None, false, None));
}

#[test]
fn each_of_several_targets_shows_its_outcome() {
    let mut alert = missing();
    let why = "task 5f4 has been running for 3 min and its target is not registered: confirmed by a second check";
    alert.items.push(item(
        Subject::Target(group("web"), target("[fd00::5]:8080")),
        why,
        Some(ActionKind::Register),
    ));
    let mut outcomes = answered(OutcomeResult::Done);
    outcomes.push(WriteOutcome {
        kind: ActionKind::Register,
        group: group("web"),
        target: target("[fd00::5]:8080"),
        result: OutcomeResult::Refused("TooManyTargets".to_owned()),
    });
    check(
        &alert,
        &outcomes,
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00:00Z: 2 targets
            [cluster=shop code=missing service=web severity=error state=opened]

            Service: shop/web in eu-west-1, account 111122223333
            Finding: missing: a running task's target is not registered, so it receives no traffic
            Severity: error
            Expected: the running task's target is registered
            Found: it is not registered

            - web i-0abc:32768, since 2026-11-23 10:00:00Z: task 5f3 has been running for 3 min and its target is not registered: confirmed by a second check. Registered.
            - web [fd00::5]:8080, since 2026-11-23 10:00:00Z: task 5f4 has been running for 3 min and its target is not registered: confirmed by a second check. AWS refused to register it: TooManyTargets

            Cause: unknown: CloudTrail reported no matching call by a person or another tool
            Action: where AWS refused: fix what AWS reports above, or register the target by hand
            Action: where the repair is done: none. If it recurs, check the service's events for ECS errors

            Links:
            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn fifty_items_are_listed_in_part_and_counted() {
    let task = |number: usize| {
        let arn = format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/t{number:02}");
        item(Subject::Task(TaskArn::try_from(arn).unwrap()), "why", None)
    };
    let alert = alert(Code::BindingsMissing, (0..50).map(task).collect());
    let SnsMessage { subject, body, .. } = message(&alert, &[]);
    expect!["bindings_missing in shop/web since 2026-11-23 10:00:00Z: 50 tasks"]
        .assert_eq(&subject);
    let lines: Vec<&str> = body.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(lines.len(), 21);
    expect!["- and 30 more"].assert_eq(lines[20]);
}

#[test]
fn names_that_are_long_or_not_ascii_fit_into_a_subject() {
    let mut alert = missing();
    alert.key.service = "s".repeat(255);
    let long = message(&alert, &[]);
    assert_eq!(long.subject.len(), 99);
    expect!["missing in shop/sssssssssssssssssssssssssssssssssss... since 2026-11-23 10:00:00Z: web i-0abc:32768"]
        .assert_eq(&long.subject);
    alert.key.service = "wéb\nshop".to_owned();
    expect!["missing in shop/w?b?shop since 2026-11-23 10:00:00Z: web i-0abc:32768"]
        .assert_eq(&message(&alert, &[]).subject);
}

#[test]
fn links_lead_to_the_console_of_the_partition() {
    let link = |cluster: &str| {
        let mut alert = missing();
        alert.key.cluster = ClusterArn::try_from(cluster).unwrap();
        message(&alert, &[]).body.lines().next_back().unwrap().to_owned()
    };
    expect!["Target group: https://console.amazonaws.cn/ec2/home?region=cn-north-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"]
        .assert_eq(&link("arn:aws-cn:ecs:cn-north-1:111122223333:cluster/shop"));
    expect!["Target group: https://console.amazonaws-us-gov.com/ec2/home?region=us-gov-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"]
        .assert_eq(&link("arn:aws-us-gov:ecs:us-gov-west-1:111122223333:cluster/shop"));
}

#[test]
fn every_code_has_a_meaning_and_an_advice() {
    let table = Code::ALL.iter().map(|code| {
        format!(
            "{code} ({}): {}. What to do: {}.\n",
            code.severity().as_str(),
            meaning(code),
            advice(code)
        )
    });
    expect![[r#"
        missing (error): a running task's target is not registered, so it receives no traffic. What to do: register the target by hand, and check the service's events for ECS errors; in mode repair Portkeeper registers it.
        stale (error): a stopped task's target is still registered. What to do: make sure that no other task needs the target, then deregister it by hand.
        hijacked (critical): a stopped task's target is still registered and leads to another service's task. What to do: deregister the target by hand now: requests reach another service.
        misplaced (error): a task's target is registered in a target group that its revision does not use. What to do: find out who registered the target, and deregister it by hand if nothing needs it. Portkeeper does not deregister it without proof.
        wrong_port (error): a task's instance or address is registered with a port that is not load-balanced. What to do: find out who registered the target, and deregister it by hand if nothing needs it. Portkeeper does not deregister it without proof.
        foreign (warning): no ECS task explains a registered target. What to do: find out who registered the target, and deregister it by hand if nothing needs it. Portkeeper does not deregister it without proof.
        unhealthy (error): a registered target keeps failing its health checks. What to do: check what each target's line names: the program, the health check's path and codes, or the security group.
        target_group_missing (critical): the service's target group does not exist. What to do: create the service again with an existing target group, or update its load balancers.
        target_group_unattached (error): the service's target group receives no requests from any load balancer. What to do: add a listener or a rule that forwards to the target group.
        target_type_mismatch (error): the target group's target type does not match the network mode of the service's tasks. What to do: use a target group of type ip for awsvpc mode, or of type instance for bridge and host mode.
        ip_family_mismatch (error): the service's tasks have no address of the target group's IP family. What to do: use a target group of the tasks' IP family, or give the tasks an address of the group's family.
        az_all_needed (error): a task's address is outside the target group's VPC, where ECS cannot register it. What to do: let Portkeeper register such addresses (parameter AzAll), register them by hand with the Availability Zone `all`, or use a target group in the tasks' VPC.
        az_disabled (error): targets receive no requests although a load balancer uses their group. What to do: enable the target's Availability Zone for the load balancer, or add a listener that forwards to the target group.
        bindings_missing (error): a running task has no usable port binding or address. What to do: check that the task definition maps the load-balanced container port, and only once.
        agent_disconnected (warning): a container instance's agent has been disconnected for too long. What to do: check the ECS agent on the instance; Portkeeper deregisters nothing there until the agent is connected.
        ambiguous_revision (warning): the revision or task set of a task is undetermined. What to do: compare the task's startedBy with the service's revisions; Portkeeper changes nothing for this task.
        kill_loop (error): tasks fail again and again, and ECS starts others. What to do: find out why the tasks fail. Health checks: check path, port and security group, and give a program that starts slowly a longer health check grace period. Otherwise: read the stopped tasks' reasons and the program's log.
        below_desired (error): fewer tasks are running than desired, for longer than a deployment explains. What to do: read the service's events and the stopped tasks' reasons: capacity, image, permissions, or a program that exits.
        deployment_stuck (warning): a deployment in progress lacks tasks, and none of its tasks has started for an hour. What to do: read the service's events and the stopped tasks' reasons; without a deployment circuit breaker, ECS never ends such a deployment.
        no_traffic (critical): running tasks belong in a target group, and none of them has a healthy target there. What to do: read the other findings of the service and the state of its targets; Portkeeper repairs what it can prove.
        fight (error): another writer undoes Portkeeper's repairs of a target. What to do: find the other writer (a Terraform attachment, a script, a second Portkeeper) and stop one of the two.
        limit_exceeded (error): a guard withheld repairs. What to do: check the listed targets; if the repairs are correct, raise the limits or make the repairs by hand.
    "#]].assert_eq(&table.collect::<String>());
}
