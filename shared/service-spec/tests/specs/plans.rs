//! Changed specs: exactly what differs, what cannot be changed in place, and what is left alone.

use super::account::{carry_out, found};
use super::{context, good, shown};
use expect_test::{Expect, expect};
use portkeeper_service_spec::found::{Found, FoundScaling};
use portkeeper_service_spec::identity::SpecId;
use portkeeper_service_spec::steps::Write;
use portkeeper_service_spec::{Context, plan};
use serde_json::{Value, json};

const SPEC: &str = "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions:
    - name: web
      image: nginx:1
      memory: 128
      portMappings: [{containerPort: 80}]
      environment: [{name: LEVEL, value: info}, {name: PASSWORD, value: hunter2}]
service:
  serviceName: hello
  desiredCount: 2
  healthCheckGracePeriodSeconds: 30
  deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}
loadBalancing:
  - container: web
    port: 80
    listener: {loadBalancer: shop, port: 443}
    host: hello.example.com
    targetGroup: {healthCheck: {path: /}, deregistrationDelaySeconds: 30}
";

/// The account after the spec was applied.
fn made() -> Found {
    let mut found = found();
    carry_out(&mut found, &plan(&good(SPEC), &self::found(), &context()), usize::MAX);
    found
}

fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SPEC.to_owned(), |text, (before, after)| {
        assert!(text.contains(before), "{before}");
        text.replace(before, after)
    })
}

/// The plan for a changed spec. Once it is applied, the next plan is empty.
fn check(changes: &[(&str, &str)], expect: &Expect) {
    check_on(made(), changes, expect);
}

fn check_on(mut found: Found, changes: &[(&str, &str)], expect: &Expect) {
    let spec = good(&changed(changes));
    let planned = plan(&spec, &found, &context());
    expect.assert_eq(&shown(&planned));
    if planned.may_run() {
        carry_out(&mut found, &planned, usize::MAX);
        let again = plan(&spec, &found, &context());
        assert!(again.is_unchanged(), "{}", shown(&again));
    }
}

#[test]
fn the_same_spec_again_changes_nothing() {
    check(
        &[],
        &expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        keep Service hello
    "#]],
    );
    // The same spec in another form.
    check(
        &[
            ("[{containerPort: 80}]", "[{containerPort: '80', protocol: tcp, hostPort: 0}]"),
            ("desiredCount: 2", "desiredCount: '2'"),
        ],
        &expect![[r#"
            keep TaskDefinition hello
            keep TargetGroup hello
            keep ListenerRule hello.example.com
            keep Service hello
        "#]],
    );
}

#[test]
fn a_new_image_is_a_new_revision_and_an_update() {
    check(
        &[("nginx:1", "nginx:2")],
        &expect![[r#"
        change TaskDefinition hello
          containerDefinitions[web].image: "nginx:1" -> "nginx:2"
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        change Service hello
          taskDefinition: "hello:1" -> "hello (new revision)"
    "#]],
    );
}

/// Holds C-41: the plan shows that a value that may be secret changes, and does not show the value.
#[test]
fn values_of_variables_are_not_shown() {
    check(
        &[("hunter2", "hunter3"), ("LEVEL, value: info", "LEVEL2, value: info")],
        &expect![[r#"
        change TaskDefinition hello
          containerDefinitions[web].environment[LEVEL]: LEVEL (not shown) -> -
          containerDefinitions[web].environment[LEVEL2]: - -> LEVEL2 (not shown)
          containerDefinitions[web].environment[PASSWORD].value: (not shown) -> (not shown)
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        change Service hello
          taskDefinition: "hello:1" -> "hello (new revision)"
    "#]],
    );
}

#[test]
fn members_of_the_service_change_in_place() {
    check(
        &[
            (
                "desiredCount: 2",
                "desiredCount: 3\n  enableECSManagedTags: true\n  propagateTags: SERVICE",
            ),
            ("healthCheckGracePeriodSeconds: 30", "healthCheckGracePeriodSeconds: 60"),
            ("rollback: true}}", "rollback: true}, minimumHealthyPercent: 50}"),
        ],
        &expect![[r#"
            keep TaskDefinition hello
            keep TargetGroup hello
            keep ListenerRule hello.example.com
            change Service hello
              deploymentConfiguration.minimumHealthyPercent: 100 -> 50
              enableECSManagedTags: false -> true
              healthCheckGracePeriodSeconds: 30 -> 60
              propagateTags: "NONE" -> "SERVICE"
              desiredCount: 2 -> 3
        "#]],
    );
    check(
        &[("  healthCheckGracePeriodSeconds: 30\n", "")],
        &expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        change Service hello
          healthCheckGracePeriodSeconds: 30 -> 0
    "#]],
    );
}

/// An update sends only what changes, and a merged member keeps what the spec does not state.
#[test]
fn an_update_has_only_what_changes() {
    let spec =
        good(&changed(&[("rollback: true}}", "rollback: true}, minimumHealthyPercent: 50}")]));
    let planned = plan(&spec, &made(), &context());
    let update = planned.steps.iter().flat_map(|step| &step.writes).find_map(|write| match write {
        Write::UpdateService { input, .. } => Some(input.clone()),
        _ => None,
    });
    assert_eq!(
        update.unwrap(),
        json!({"cluster": "shop", "service": "hello", "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 50,
            "strategy": "ROLLING", "bakeTimeInMinutes": 0, "deploymentCircuitBreaker": {"enable": true, "rollback": true}}})
    );
}

#[test]
fn groups_and_rules_change_in_place() {
    check(
        &[
            ("path: /}", "path: /health}"),
            ("deregistrationDelaySeconds: 30", "deregistrationDelaySeconds: 60"),
        ],
        &expect![[r#"
            keep TaskDefinition hello
            change TargetGroup hello
              healthCheck.path: "/" -> "/health"
              deregistration_delay.timeout_seconds: "30" -> "60"
            keep ListenerRule hello.example.com
            keep Service hello
        "#]],
    );
    check(
        &[(
            "host: hello.example.com",
            "host: [hello.example.com, hi.example.com]\n    path: /hello/*",
        )],
        &expect![[r#"
            keep TaskDefinition hello
            keep TargetGroup hello
            change ListenerRule hello.example.com hi.example.com /hello/*
              host: ["hello.example.com"] -> ["hello.example.com","hi.example.com"]
              path: - -> ["/hello/*"]
            keep Service hello
        "#]],
    );
}

#[test]
fn what_cannot_be_changed_is_refused_with_the_reason() {
    check(
        &[("desiredCount: 2", "schedulingStrategy: DAEMON")],
        &expect![[r#"
            keep TaskDefinition hello
            keep TargetGroup hello
            keep ListenerRule hello.example.com
            refuse (`schedulingStrategy` of a service cannot be changed (it is "REPLICA", and the spec requests "DAEMON"): choose another serviceName, or delete the service first) Service hello
        "#]],
    );
    check(
        &[("desiredCount: 2", "desiredCount: 2\n  launchType: EXTERNAL")],
        &expect![[r#"
            keep TaskDefinition hello
            keep TargetGroup hello
            keep ListenerRule hello.example.com
            refuse (`launchType` of a service cannot be changed (it is "EC2", and the spec requests "EXTERNAL"): choose another serviceName, or delete the service first) Service hello
        "#]],
    );
    check(
        &[("targetGroup: {", "targetGroup: {protocol: HTTPS, ")],
        &expect![[r#"
            keep TaskDefinition hello
            refuse (the protocol of a target group cannot be changed: it is HTTP, and the spec requests HTTPS; set another name, so that Portkeeper creates a new group) TargetGroup hello
            keep ListenerRule hello.example.com
            keep Service hello
        "#]],
    );
    let mut draining = made();
    draining.service.as_mut().unwrap().shown["status"] = json!("DRAINING");
    check_on(
        draining,
        &[],
        &expect![[r#"
            keep TaskDefinition hello
            keep TargetGroup hello
            keep ListenerRule hello.example.com
            refuse (the service is being deleted and still drains: wait until it is deleted, and upload the spec again) Service hello
        "#]],
    );
}

/// The plan finds every member of a task definition that is changed or removed, except AWS's own
/// defaults.
#[test]
fn every_change_of_a_task_definition_is_seen() {
    let defaults =
        ["/hostPort", "/networkMode", "/cpuArchitecture", "/operatingSystemFamily", "/protocol"];
    for text in [
        include_str!("../../../../specs/bridge-alb.yaml"),
        include_str!("../../../../specs/fargate.yaml"),
    ] {
        let spec = good(text);
        let mut account = found();
        carry_out(&mut account, &plan(&spec, &found(), &context()), usize::MAX);
        for pointer in pointers(spec.task_definition.as_ref().unwrap(), "") {
            let mut other = spec.clone();
            let value = other.task_definition.as_mut().unwrap().pointer_mut(&pointer).unwrap();
            *value = match &*value {
                Value::Bool(flag) => json!(!flag),
                Value::Number(number) => json!(number.as_i64().unwrap() + 1),
                text => json!(format!("{}x", text.as_str().unwrap())),
            };
            let changed = shown(&plan(&other, &account, &context()));
            assert!(changed.contains("change TaskDefinition"), "{pointer} changed: {changed}");
            let mut other = spec.clone();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            let parent = other.task_definition.as_mut().unwrap().pointer_mut(parent).unwrap();
            if let Some(members) = parent.as_object_mut() {
                members.remove(member);
            } else if let Some(elements) = parent.as_array_mut() {
                elements.remove(member.parse().unwrap());
            }
            let taken_out = shown(&plan(&other, &account, &context()));
            let is_default = defaults.iter().any(|default| pointer.ends_with(default));
            let is_seen = !taken_out.contains("keep TaskDefinition");
            assert!(is_seen || is_default, "{pointer} taken out: {taken_out}");
        }
    }
}

/// Where the scalars are.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| pointers(value, &format!("{at}/{name}")))
            .collect(),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .flat_map(|(index, value)| pointers(value, &format!("{at}/{index}")))
            .collect(),
        _ => vec![at.to_owned()],
    }
}

/// Scaling decides the desired count, no matter what set the scaling up.
#[test]
fn the_desired_count_stays_where_there_is_scaling() {
    let mut found = made();
    found.service.as_mut().unwrap().shown["desiredCount"] = json!(7);
    check_on(
        found.clone(),
        &[],
        &expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        change Service hello
          desiredCount: 7 -> 2
    "#]],
    );
    found.scaling = Some(FoundScaling { min: 1, max: 9, ..FoundScaling::default() });
    check_on(
        found,
        &[],
        &expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        keep Service hello
    "#]],
    );
    let scaling = "\nscaling: {min: 2, max: 6, cpu: 60}\nloadBalancing:";
    check(
        &[("\nloadBalancing:", scaling)],
        &expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        keep Service hello
        create ScalableTarget hello
        create ScalingPolicy portkeeper-cpu
    "#]],
    );
}

#[test]
fn scaling_of_the_spec_is_changed_and_deleted() {
    let with = |scaling: &str| format!("{SPEC}scaling: {scaling}\n");
    let mut found = found();
    carry_out(
        &mut found,
        &plan(&good(&with("{min: 2, max: 6, cpu: 60, memory: 70}")), &self::found(), &context()),
        usize::MAX,
    );
    let spec = good(&with("{min: 2, max: 8, cpu: 50}"));
    expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        keep Service hello
        change ScalableTarget hello
          max: 6 -> 8
        change ScalingPolicy portkeeper-cpu
          value: 60.0 -> 50.0
        delete ScalingPolicy portkeeper-memory
    "#]]
    .assert_eq(&shown(&plan(&spec, &found, &context())));
    expect![[r#"
        keep TaskDefinition hello
        keep TargetGroup hello
        keep ListenerRule hello.example.com
        keep Service hello
        delete ScalableTarget hello
    "#]]
    .assert_eq(&shown(&plan(&good(SPEC), &found, &context())));
}

#[test]
fn the_load_balancing_is_removed_and_its_group_stays() {
    let spec = SPEC
        .split_once("loadBalancing")
        .unwrap()
        .0
        .replace("  healthCheckGracePeriodSeconds: 30\n", "");
    expect![[r#"
        2:1 warning left_over loadBalancing: this spec created a rule that it no longer contains: priority 1000 (host hello.example.com, to hello) on shop:443. The rule stays; delete it when nothing needs it
        keep TaskDefinition hello
        change Service hello
          loadBalancers: ["web:80 in hello"] -> -
    "#]].assert_eq(&shown(&plan(&good(&spec), &made(), &context())));
}

#[test]
fn another_specs_group_is_not_taken() {
    let other = Context {
        owner: SpecId { bucket: "specs".to_owned(), key: "specs/other.yaml".to_owned() },
        ..context()
    };
    expect![[r#"
        12:16 error service_of_another_spec service.serviceName: another spec, specs/specs/hello.yaml, manages the service `hello`: change that spec, or choose another name
        17:5 warning rule_hidden loadBalancing[0]: another rule of the listener, priority 1000 (host hello.example.com, to hello), comes first and matches every request of this rule, which would receive none; this one has priority 1001. If that is not intended, change `priority`, host or path
        21:18 error group_taken loadBalancing[0].targetGroup.name: the target group `hello` exists, and it was created from the spec specs/specs/hello.yaml: choose another `targetGroup.name`, or use it as it is with `service.loadBalancers[].targetGroupName`
        keep TaskDefinition hello
        create ListenerRule hello.example.com
        change Service hello
          tags.portkeeper:spec: "specs/specs/hello.yaml" -> "specs/specs/other.yaml"
    "#]].assert_eq(&shown(&plan(&good(SPEC), &made(), &other)));
}

/// ECS exchanges the groups of a blue/green service, and moves the weights of its rule.
#[test]
fn blue_green_is_not_turned_back() {
    let text = include_str!("../../../../specs/blue-green.yaml");
    let spec = good(text);
    let mut found = found();
    carry_out(&mut found, &plan(&spec, &self::found(), &context()), usize::MAX);
    let entry = &mut found.service.as_mut().unwrap().shown["loadBalancers"][0];
    let (blue, green) = (
        entry["targetGroupArn"].clone(),
        entry["advancedConfiguration"]["alternateTargetGroupArn"].clone(),
    );
    entry["targetGroupArn"] = green;
    entry["advancedConfiguration"]["alternateTargetGroupArn"] = blue;
    let rule = found.listeners[0].rules.last_mut().unwrap();
    rule.forwards_to.values_mut().for_each(|level| *level = 1 - *level);
    let again = plan(&spec, &found, &context());
    assert!(again.is_unchanged(), "{}", shown(&again));
}
