//! Task events: the checks that they request, and stopped tasks as witnesses.

use crate::{check, reported, task_event};
use expect_test::expect;

#[test]
fn a_running_task_names_its_service_and_how_fresh_the_answer_must_be() {
    check(
        &task_event("{}"),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "]],
    );
}

/// Holds C-13.
#[test]
fn every_partition_is_understood() {
    let of = |partition: &str| {
        task_event("{}")
            .replace("arn:aws:", &format!("arn:{partition}:"))
            .replace("eu-west-1", "r-1")
    };
    check(
        &of("aws-cn"),
        &expect![[r"
        check shop/web in aws-cn r-1 111122223333, task t1 at least v7
    "]],
    );
    check(
        &of("aws-us-gov"),
        &expect![[r"
        check shop/web in aws-us-gov r-1 111122223333, task t1 at least v7
    "]],
    );
    check(
        &of("aws-of-tomorrow"),
        &expect![[r"
        check shop/web in aws-of-tomorrow r-1 111122223333, task t1 at least v7
    "]],
    );
}

/// Holds C-13.
#[test]
fn old_short_task_arns_are_understood() {
    check(
        &task_event(r#"{"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/abc"}"#),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task abc at least v7
    "]],
    );
}

/// Holds C-12.
#[test]
fn tasks_that_no_service_started_request_no_check() {
    check(
        &task_event(r#"{"group":"family:web"}"#),
        &expect![[r"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "]],
    );
    check(
        &task_event(r#"{"startedBy":"me"}"#),
        &expect![[r"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "]],
    );
    check(
        &task_event(r#"{"startedBy":null,"group":null}"#),
        &expect![[r"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "]],
    );
    check(
        &task_event(r#"{"group":"service:"}"#),
        &expect![[r"
        ignored as not_a_service_task: the task was not started by a service, so no target is expected
    "]],
    );
}

#[test]
fn intermediate_states_request_no_check() {
    for status in [
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "DELETED",
        "NEW",
    ] {
        let reported = reported(&task_event(&format!(r#"{{"lastStatus":"{status}"}}"#)));
        assert_eq!(
            reported,
            format!(
                "ignored as other_task_status: a task in {status} is not checked; only RUNNING and STOPPED tasks are\n"
            )
        );
    }
}

/// Holds C-19.
#[test]
fn a_stopped_task_is_witness_of_its_bindings() {
    check(
        &task_event(
            r#"{"lastStatus":"STOPPED","desiredStatus":"STOPPED","version":9,"stoppedAt":"2026-11-23T09:59:00.5Z",
            "containerInstanceArn":"arn:aws:ecs:eu-west-1:111122223333:container-instance/shop/ci",
            "containers":[
              {"name":"app","cpu":"null","networkBindings":[
                {"bindIP":"0.0.0.0","containerPort":8080,"hostPort":32768,"protocol":"tcp"},
                {"containerPortRange":"9000-9010","hostPortRange":"33000-33010"}]},
              {"name":"aws-guardduty-agent-x"}]}"#,
        ),
        &expect![[r"
            check shop/web in aws eu-west-1 111122223333, task t1 at least v9
              stopped t1 at 2026-11-23T09:59:00.5Z: app[8080->32768 9000->33000] aws-guardduty-agent-x[] no interface
        "]],
    );
}

/// Holds C-6, C-19.
#[test]
fn a_stopped_task_is_witness_of_its_address_whichever_attachment_comes_first() {
    check(
        &task_event(
            r#"{"lastStatus":"STOPPED","desiredStatus":"STOPPED","stoppedAt":"2026-11-23T09:59:00Z",
            "attachments":[
              {"type":"elb","status":"DELETED","details":[]},
              {"type":"sdi","status":"DELETED","details":[]},
              {"type":"eni","status":"DELETED","details":[
                {"name":"subnetId","value":"subnet-1"},{"name":"privateIPv4Address","value":"10.0.0.5"}]}],
            "containers":[{"name":"app","networkInterfaces":[{"attachmentId":"x","privateIpv4Address":"10.0.0.5"}]}]}"#,
        ),
        &expect![[r"
            check shop/web in aws eu-west-1 111122223333, task t1 at least v7
              stopped t1 at 2026-11-23T09:59:00Z: app[] Some(10.0.0.5)
        "]],
    );
}

#[test]
fn an_unreadable_stopped_task_is_no_witness_but_its_service_is_checked() {
    let stopped =
        r#""lastStatus":"STOPPED","desiredStatus":"STOPPED","stoppedAt":"2026-11-23T09:59:00Z""#;
    check(
        &task_event(&format!(r#"{{{stopped},"taskDefinitionArn":null}}"#)),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "]],
    );
    check(
        &task_event(&format!(r#"{{{stopped},"containerInstanceArn":"what"}}"#)),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "]],
    );
    check(
        &task_event(&format!(
            r#"{{{stopped},"containers":[{{"networkBindings":[{{"hostPort":0}}]}}]}}"#
        )),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "]],
    );
}

#[test]
fn unknown_members_are_ignored() {
    check(
        &task_event(r#"{"surprise":{"deep":[1,2]},"containers":[{"name":"a","more":1}]}"#),
        &expect![[r"
        check shop/web in aws eu-west-1 111122223333, task t1 at least v7
    "]],
    );
}
