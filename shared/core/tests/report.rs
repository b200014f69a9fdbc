//! What people read: alerts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::{Expect, expect};
use portkeeper_core::code::{Code, Severity};
use portkeeper_core::ids::{ClusterArn, ServiceKey, Target, TargetGroupArn, TaskArn};
use portkeeper_core::ledger::Subject;
use portkeeper_core::plan::{ActionKind, Alert, AlertItem, AlertState, Outcome, OutcomeResult};
use portkeeper_core::report::{Message, advice, meaning, message};
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
    let why = "task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look";
    alert(Code::Missing, vec![item(subject, why, Some(ActionKind::Register))])
}

fn answered(result: OutcomeResult) -> Vec<Outcome> {
    vec![Outcome {
        kind: ActionKind::Register,
        group: group("web"),
        target: target("i-0abc:32768"),
        result,
    }]
}

fn check(alert: &Alert, outcomes: &[Outcome], expect: &Expect) {
    let Message { subject, body, attributes, .. } = message(alert, outcomes);
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
            repaired: missing in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            missing: a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: the running task's target is registered. Found: it is not.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look
              Registered.

            Who did it: not known. CloudTrail has told of no such call by a person or another tool
            What to do: nothing; if it comes back, look at the service's events for ECS's own errors

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
            missing in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            missing: a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: the running task's target is registered. Found: it is not.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look
              AWS refused to register it: InvalidTarget: not in the VPC

            Who did it: not known. CloudTrail has told of no such call by a person or another tool
            What to do: read above what AWS answered and mend that, or register the target by hand

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
            missing in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            missing: a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: the running task's target is registered. Found: it is not.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look
              The call to register it failed: ThrottlingException: Rate exceeded. It will be looked at again.

            Who did it: not known. CloudTrail has told of no such call by a person or another tool
            What to do: nothing yet: it is looked at again by itself

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
            missing in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            missing: a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: the running task's target is registered. Found: it is not.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look
              Not tried: the proof is older than 5 s. It will be looked at again.

            Who did it: not known. CloudTrail has told of no such call by a person or another tool
            What to do: nothing yet: it is looked at again by itself

            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
    check(
        &missing(),
        &[],
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=opened]

            missing: a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: the running task's target is registered. Found: it is not.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look
              It was decided to register it; no answer is known yet.

            Who did it: not known. CloudTrail has told of no such call by a person or another tool
            What to do: nothing yet: it is looked at again by itself

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
            resolved: missing in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=missing service=web severity=error state=resolved]

            missing (resolved): a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              registered and healthy, 3 min after it was first seen

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
            limit_exceeded in shop/web since 2026-11-23 10:00Z: service
            [cluster=shop code=limit_exceeded service=web severity=error state=opened]

            limit_exceeded: a guard withheld repairs
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: repairs stay within the limits. Found: they would not, and were withheld.

            - service, since 2026-11-23T10:00:00Z
              7 deregistrations at once are more than the limit of 5; none was made. First: web i-0abc:32768

            What to do: look at what is listed; raise the limits or repair by hand if it is right

            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
        "#]],
    );
}

/// Holds C-20.
#[test]
fn a_hijacked_target() {
    let subject = Subject::Target(group("web"), target("i-0abc:32768"));
    let why = "task 5f3 has stopped, and its target now leads to task 77a of service billing: requests reach the wrong program: confirmed by a second look";
    let hijacked = alert(Code::Hijacked, vec![item(subject, why, Some(ActionKind::Deregister))]);
    let done = Outcome {
        kind: ActionKind::Deregister,
        group: group("web"),
        target: target("i-0abc:32768"),
        result: OutcomeResult::Done,
    };
    check(
        &hijacked,
        &[done],
        &expect![[r#"
            repaired: hijacked in shop/web since 2026-11-23 10:00Z: web i-0abc:32768
            [cluster=shop code=hijacked service=web severity=critical state=opened]

            hijacked: a stopped task's target is still registered and leads to another service's program
            Service shop/web in eu-west-1, account 111122223333, severity critical
            Expected: the target left its group with its task. Found: it leads to another service's program.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has stopped, and its target now leads to task 77a of service billing: requests reach the wrong program: confirmed by a second look
              Deregistered.

            What to do: nothing more here; requests reached the wrong program until now, so look whether they did harm there

            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn what_to_do_about_a_hijacked_target_depends_on_what_became_of_it() {
    let subject = Subject::Target(group("web"), target("i-0abc:32768"));
    let advice = |repair: Option<ActionKind>, withheld: bool, result: Option<OutcomeResult>| {
        let item = AlertItem { withheld, ..item(subject.clone(), "why", repair) };
        let outcomes = result.map(|result| Outcome {
            kind: ActionKind::Deregister,
            group: group("web"),
            target: target("i-0abc:32768"),
            result,
        });
        let body = message(&alert(Code::Hijacked, vec![item]), outcomes.as_slice()).body;
        body.lines().find_map(|line| line.strip_prefix("What to do: ")).unwrap().to_owned()
    };
    let deregister = Some(ActionKind::Deregister);
    let refused = Some(OutcomeResult::Refused("AccessDenied".to_owned()));
    let skipped = Some(OutcomeResult::Skipped("too old".to_owned()));
    expect!["nothing more here; requests reached the wrong program until now, so look whether they did harm there"]
        .assert_eq(&advice(deregister, false, Some(OutcomeResult::Done)));
    expect!["read above what AWS answered and mend that, or deregister the target by hand now"]
        .assert_eq(&advice(deregister, false, refused));
    expect!["nothing, if a minute or two can be waited for; else deregister the target by hand"]
        .assert_eq(&advice(deregister, false, skipped));
    expect!["requests reach the wrong program and a guard holds the repair back: deregister the target by hand now"]
        .assert_eq(&advice(None, true, None));
    expect!["requests reach the wrong program: deregister the target by hand now"]
        .assert_eq(&advice(None, false, None));
}

#[test]
fn of_several_targets_each_says_what_became_of_it() {
    let mut alert = missing();
    let why = "task 5f4 has been running for 3 min and its target is not registered: confirmed by a second look";
    alert.items.push(item(
        Subject::Target(group("web"), target("[fd00::5]:8080")),
        why,
        Some(ActionKind::Register),
    ));
    let mut outcomes = answered(OutcomeResult::Done);
    outcomes.push(Outcome {
        kind: ActionKind::Register,
        group: group("web"),
        target: target("[fd00::5]:8080"),
        result: OutcomeResult::Refused("TooManyTargets".to_owned()),
    });
    check(
        &alert,
        &outcomes,
        &expect![[r#"
            missing in shop/web since 2026-11-23 10:00Z: 2 of them
            [cluster=shop code=missing service=web severity=error state=opened]

            missing: a running task's target is not registered, so it gets no traffic
            Service shop/web in eu-west-1, account 111122223333, severity error
            Expected: the running task's target is registered. Found: it is not.

            - web i-0abc:32768, since 2026-11-23T10:00:00Z
              task 5f3 has been running for 3 min and its target is not registered: confirmed by a second look
              Registered.
            - web [fd00::5]:8080, since 2026-11-23T10:00:00Z
              task 5f4 has been running for 3 min and its target is not registered: confirmed by a second look
              AWS refused to register it: TooManyTargets

            Who did it: not known. CloudTrail has told of no such call by a person or another tool
            What to do: where AWS refused: read above what AWS answered and mend that, or register the target by hand
            What to do: where it was repaired: nothing; if it comes back, look at the service's events for ECS's own errors

            Service: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web?region=eu-west-1
            Target group: https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef
        "#]],
    );
}

#[test]
fn fifty_things_are_listed_in_part_and_counted() {
    let task = |number: usize| {
        let arn = format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/t{number:02}");
        item(Subject::Task(TaskArn::try_from(arn).unwrap()), "why", None)
    };
    let alert = alert(Code::BindingsMissing, (0..50).map(task).collect());
    let Message { subject, body, .. } = message(&alert, &[]);
    expect!["bindings_missing in shop/web since 2026-11-23 10:00Z: 50 of them"].assert_eq(&subject);
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
    expect!["missing in shop/ssssssssssssssssssssssssssssssssssssss... since 2026-11-23 10:00Z: web i-0abc:32768"]
        .assert_eq(&long.subject);
    alert.key.service = "wéb\nshop".to_owned();
    expect!["missing in shop/w?b?shop since 2026-11-23 10:00Z: web i-0abc:32768"]
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
        missing (error): a running task's target is not registered, so it gets no traffic. What to do: register the target by hand, and look at the service's events for ECS's own errors; in mode repair Portkeeper does it.
        stale (error): a stopped task's target is still registered. What to do: make sure that nobody needs the target, and deregister it by hand.
        hijacked (critical): a stopped task's target is still registered and leads to another service's program. What to do: requests reach the wrong program: deregister the target by hand now.
        misplaced (error): a task's target is registered in a group that is not its revision's. What to do: find out who registered it; deregister it by hand if nobody wants it. Portkeeper will not touch it without proof.
        wrong_port (error): the right instance or address is registered with a port that is not load-balanced. What to do: find out who registered it; deregister it by hand if nobody wants it. Portkeeper will not touch it without proof.
        foreign (warning): nothing in ECS explains a registered target. What to do: find out who registered it; deregister it by hand if nobody wants it. Portkeeper will not touch it without proof.
        unhealthy (error): a registered target keeps failing its health checks. What to do: check what is said beside each target: the program, the health check's path and codes, or the security group.
        target_group_missing (critical): the service's target group does not exist. What to do: create the service anew with an existing target group, or update its load balancers.
        target_group_unattached (error): the service's target group gets no requests from any load balancer. What to do: let a listener or a rule of a load balancer forward to the group.
        target_type_mismatch (error): the target group takes another kind of target than the service's tasks are. What to do: use a group of type ip for awsvpc tasks, of type instance for bridge and host mode.
        ip_family_mismatch (error): the service's tasks have no address of the target group's IP family. What to do: use a group of the tasks' IP family, or give the tasks an address of the group's.
        az_all_needed (error): a task's address is outside the target group's VPC, where ECS cannot register it. What to do: let Portkeeper register such addresses (parameter AzAll), register them by hand with the Availability Zone `all`, or use a group of the tasks' VPC.
        az_disabled (error): targets get no requests although their group has a load balancer. What to do: enable the target's zone for the load balancer, or add a listener that forwards to the group.
        bindings_missing (error): a running task has no usable port binding or address. What to do: check that the task definition maps the load-balanced container port.
        agent_disconnected (warning): a container instance's agent has been out of contact for long. What to do: check the ECS agent on the instance; until it is back nothing is deregistered there.
        ambiguous_revision (warning): it cannot be told which revision or task set a task belongs to. What to do: compare the task's startedBy with the service's revisions; nothing is changed for it.
        kill_loop (error): tasks are stopped again and again for failed load balancer health checks. What to do: see why the health checks fail; give a program that starts slowly a longer health check grace period, and check path, port and security group.
        below_desired (error): fewer tasks run than are wanted, and no deployment is in progress. What to do: read the service's events and the stopped tasks' reasons: places, image, permissions, or a program that ends.
        fight (error): somebody undoes Portkeeper's repairs of a target. What to do: find the other writer (Terraform attachment, script, second Portkeeper) and stop one of the two.
        limit_exceeded (error): a guard withheld repairs. What to do: look at what is listed; raise the limits or repair by hand if it is right.
    "#]].assert_eq(&table.collect::<String>());
}
