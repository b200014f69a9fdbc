//! Something is absent or unreadable: the audit names it and the solution, and never reports "No
//! findings" instead.

use crate::account::{Served, run};
use crate::large::{findings, planted};
use portkeeper_world::api::Service;
use portkeeper_world::faults::{Fault, Rule};

fn deny(account: &Served, service: Service, operation: &str, containing: &str) {
    let rule = Rule::new(service, operation, Fault::AccessDenied).containing(containing).forever();
    account.world.lock().faults.add(rule);
}

#[test]
fn the_exit_code_is_0_without_findings_and_1_with_findings() {
    let sound = Served::large(1, 2);
    let output = sound.audit(&[]);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
    assert!(output.out.contains("No findings."), "{}", output.out);
    assert!(
        output.out.contains(
            "Read 1 cluster, 1 service, 2 tasks, 2 registered targets in 1 target group."
        )
    );

    let broken = Served::large(40, 3);
    let output = broken.audit(&[]);
    assert_eq!(output.code, 1, "{}", output.err);
    assert!(output.out.contains("16 findings: "), "{}", output.out);
    assert!(output.out.contains("An audit has no ledger"), "{}", output.out);
    assert!(!output.out.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn an_unreadable_cluster_does_not_hide_the_others() {
    let account = Served::of(|world| {
        for cluster in ["one", "two"] {
            world.make_cluster(cluster).unwrap();
        }
        let group =
            world.make_bare_group("web-tg", portkeeper_world::elbv2::TargetType::Ip).unwrap();
        world.ecs.behaviour.accept_broken_services = true;
        let spec = portkeeper_world::scenario::ServiceSpec::new("two", "web")
            .container("app", &[8080])
            .fargate();
        world.make_service(&spec.behind(&group, "app", 8080)).unwrap();
        world.advance_secs(300);
    });
    deny(&account, Service::Ecs, "ListServices", "cluster/one");
    let output = account.audit(&["--json"]);
    assert_eq!(output.code, 2, "{}", output.err);
    let report = output.json();
    assert_eq!(findings(&report), ["target_group_unattached two/web web-tg"]);
    assert_eq!(report["unread"][0]["cluster"], "one");
    assert!(
        report["unread"][0]["why"].as_str().unwrap().contains("ecs:ListServices"),
        "{report:#}"
    );
    let output = account.audit(&[]);
    assert!(
        output.out.contains("unreadable one: ecs:ListServices of the services of one was denied"),
        "{}",
        output.out
    );
}

#[test]
fn an_unknown_cluster_is_reported_with_those_that_exist() {
    let account = Served::large(40, 3);
    let output = account.audit(&["--cluster", "prod-1", "--cluster", "pord-2", "--json"]);
    assert_eq!(output.code, 2);
    let report = output.json();
    assert_eq!(
        report["unread"][0]["why"],
        "cluster `pord-2` not found in eu-west-1; found: prod-1"
    );
    assert_eq!(findings(&report), planted(&account), "the other cluster is read");
    let api = &report["api"];
    assert_eq!(api["total"], account.calls());
}

/// What cannot be read is unknown, never absent: it leads to no finding.
#[test]
fn a_missing_permission_is_named_and_makes_no_finding() {
    let every = [
        (Service::Ecs, "DescribeServices", "ecs:DescribeServices"),
        (Service::Ecs, "ListTasks", "ecs:ListTasks"),
        (Service::Ecs, "DescribeTasks", "ecs:DescribeTasks"),
        (Service::Ecs, "DescribeClusters", "ecs:DescribeClusters"),
        (Service::Ecs, "DescribeContainerInstances", "ecs:DescribeContainerInstances"),
        (Service::Ecs, "DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        (Service::Elbv2, "DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroups"),
        (Service::Elbv2, "DescribeTargetHealth", "elasticloadbalancing:DescribeTargetHealth"),
    ];
    let account = Served::large(40, 3);
    let all = planted(&account);
    for (service, operation, action) in every {
        deny(&account, service, operation, "");
        let output = account.audit(&["--json"]);
        account.world.lock().faults.clear();
        assert_eq!(output.code, 2, "{action}: {}", output.err);
        let report = output.json();
        let named = |it: &serde_json::Value| {
            let why = it["why"].as_str().unwrap();
            why.contains(&format!("{action} of ")) && why.contains("the role needs this IAM action")
        };
        assert!(
            report["unread"].as_array().unwrap().iter().any(named),
            "{action}: {:#}",
            report["unread"]
        );
        // The reason of an outage may be unknown, but not that there is one.
        let is_outage = |found: &str| {
            let about = found.strip_prefix("no_traffic ");
            about.is_some_and(|about| all.iter().any(|it| it.ends_with(about)))
        };
        for found in findings(&report) {
            assert!(all.contains(&found) || is_outage(&found), "{action}: {found} is not so");
        }
    }
}

#[test]
fn without_any_permission_the_audit_fails() {
    let account = Served::large(1, 1);
    deny(&account, Service::Ecs, "ListClusters", "");
    let output = account.audit(&[]);
    assert_eq!(output.code, 2);
    assert_eq!(output.out, "");
    assert!(output.err.contains("cannot list the clusters"), "{}", output.err);
    assert!(
        output.err.contains("ecs:ListClusters of the clusters of the account was denied"),
        "{}",
        output.err
    );
}

#[test]
fn errors_name_the_missing_configuration_and_the_solution() {
    let cases: [(&[&str], &[&str]); 5] = [
        (&["audit"], &["no Region is configured", "--region", "AWS_REGION"]),
        (
            &["audit", "--region", "eu-west-1"],
            &["cannot find AWS credentials", "aws sso login", "AWS_PROFILE"],
        ),
        (
            &["audit", "--endpoint-url", "127.0.0.1:1"],
            &["`127.0.0.1:1` is not an endpoint", "http://"],
        ),
        (
            &["audit", "--endpoint-url", "http://127.0.0.1:1"],
            &["cannot list the clusters", "no valid response from AWS"],
        ),
        (&["audit", "--api-share", "0"], &["invalid value '0'", "--api-share"]),
    ];
    for (arguments, wanted) in cases {
        let output = run(arguments);
        assert_eq!(output.code, 2, "{arguments:?}");
        assert_eq!(output.out, "", "{arguments:?}");
        for words in wanted {
            assert!(output.err.contains(words), "{arguments:?}: {}", output.err);
        }
    }
}

#[test]
fn a_service_is_explained_task_by_task() {
    let account = Served::large(40, 3);
    let missing = account.planted.iter().find(|it| it.code == "missing").unwrap().clone();
    let output = account.audit(&["--explain", &missing.service]);
    assert_eq!(output.code, 1, "{}", output.err);
    assert!(output.out.contains(&format!("{} at ", missing.service)), "{}", output.out);
    assert!(output.out.contains("3 tasks desired, 3 running"), "{}", output.out);
    let words = output.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("found once; waiting for a second check"), "{}", output.out);
    assert!(output.out.contains("wait 1 min, then register"), "{}", output.out);
    let output =
        account.audit(&["--explain", missing.service.split('/').nth(1).unwrap(), "--json"]);
    let explained = output.json();
    let tasks = explained["services"][0]["tasks"].as_array().unwrap();
    let absent = tasks.iter().filter(|task| task["should_have"][0]["registered"].is_null());
    assert!(absent.count() >= 1, "{explained:#}");

    let sound = account.audit(&["--explain", "prod-1/api-001"]);
    assert_eq!(sound.code, 0, "{}{}", sound.out, sound.err);
    let unknown = account.audit(&["--explain", "auth"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("service `auth` not found; did you mean one of prod-1/auth-002"),
        "{}",
        unknown.err
    );
}
