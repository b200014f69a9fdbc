//! Holds C-42: the classic mistakes, each refused offline, in one answer, with its position. The
//! broken twins in specs/broken have most of them; here are those that need a spec of their own,
//! and what must not be refused.

use super::described;
use expect_test::{Expect, expect};

fn check(text: &str, expect: &Expect) {
    expect.assert_eq(&described("spec.yaml", text));
}

/// A good spec, with some lines in place of others.
fn with(changes: &[(&str, &str)]) -> String {
    let mut text = "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions:
    - name: web
      image: nginx
      memory: 128
      portMappings: [{containerPort: 80}]
service:
  serviceName: hello
  desiredCount: 2
loadBalancing:
  - container: web
    port: 80
    listener: {loadBalancer: shop, port: 443}
    host: hello.example.com
"
    .to_owned();
    for (before, after) in changes {
        assert!(text.contains(before), "{before}");
        text = text.replace(before, after);
    }
    text
}

#[test]
fn the_spec_without_changes_is_good() {
    check(
        &with(&[]),
        &expect![[r#"
        nothing
    "#]],
    );
}

#[test]
fn static_host_port_in_bridge_mode() {
    check(
        &with(&[("containerPort: 80", "containerPort: 80, hostPort: 80")]),
        &expect![[r#"
            9:52 warning static_host_port taskDefinition.containerDefinitions[0].portMappings[0].hostPort: with the host port fixed to 80, an instance can run only one of these tasks, and a deployment needs a free instance: set `hostPort: 0` (or omit it) for a dynamic port
        "#]],
    );
    let daemon = "schedulingStrategy: DAEMON";
    check(
        &with(&[
            ("containerPort: 80", "containerPort: 80, hostPort: 80"),
            ("desiredCount: 2", daemon),
        ]),
        &expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn container_or_port_that_does_not_exist() {
    check(
        &with(&[("container: web", "container: wob")]),
        &expect![[r#"
            14:16 error no_such_container loadBalancing[0].container: container `wob` not found in the task definition; found: web
        "#]],
    );
    check(
        &with(&[("    port: 80\n", "    port: 8080\n")]),
        &expect![[r#"
        15:11 error no_such_port loadBalancing[0].port: `web` has no port mapping with the container port 8080; it has 80
    "#]],
    );
    check(
        &with(&[
            (
                "portMappings: [{containerPort: 80}]",
                "portMappings: [{containerPortRange: 8000-8100}]",
            ),
            ("    port: 80\n", "    port: 8042\n"),
        ]),
        &expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn target_type_and_network_mode() {
    let ip = "host: hello.example.com\n    targetGroup: {targetType: ip}";
    check(
        &with(&[("host: hello.example.com", ip)]),
        &expect![[r#"
        18:31 error target_type loadBalancing[0].targetGroup.targetType: in bridge mode tasks are reached by a port of their instance: the target type must be `instance`; leave it out
    "#]],
    );
    let awsvpc = "family: hello\n  networkMode: awsvpc";
    check(
        &with(&[("family: hello", awsvpc)]),
        &expect![[r#"
            12:3 error no_subnets service: in awsvpc mode each task gets its own address: set `networkConfiguration.awsvpcConfiguration` with subnets and security groups
        "#]],
    );
}

#[test]
fn grace_period_without_load_balancer() {
    let text = with(&[("desiredCount: 2", "desiredCount: 2\n  healthCheckGracePeriodSeconds: 30")]);
    let (text, _) = text.split_once("loadBalancing").unwrap();
    check(
        text,
        &expect![[r#"
            13:34 error grace_without_load_balancer service.healthCheckGracePeriodSeconds: a grace period applies to load balancer health checks, but this service has no load balancer: omit it, or add `loadBalancing`
        "#]],
    );
}

#[test]
fn classic_load_balancer_with_a_dynamic_port() {
    let text = with(&[(
        "desiredCount: 2",
        "desiredCount: 2\n  loadBalancers: [{loadBalancerName: old, containerName: web, containerPort: 80}]",
    )]);
    check(
        &text,
        &expect![[r#"
            13:38 error classic_with_dynamic_port service.loadBalancers[0].loadBalancerName: a Classic Load Balancer has one fixed port for all instances, but port 80 of `web` has a different host port on each: use a target group, or set `hostPort`
        "#]],
    );
}

#[test]
fn more_than_five_groups() {
    let entry = "{targetGroupName: g, containerName: web, containerPort: 80}";
    let groups = [entry; 5].join(", ");
    check(
        &with(&[("desiredCount: 2", &format!("desiredCount: 2\n  loadBalancers: [{groups}]"))]),
        &expect![[r#"
            15:3 error too_many_groups loadBalancing: the service would have 6 target groups; ECS accepts at most 5
        "#]],
    );
}

#[test]
fn names_that_are_too_long() {
    let long = "a".repeat(256);
    let text = with(&[
        ("serviceName: hello", &format!("serviceName: {long}")),
        ("family: hello", &format!("family: {long}")),
    ]);
    let described = described("spec.yaml", &text).replace(&long, "aaa...");
    expect![[r#"
        4:11 error bad_name taskDefinition.family: a family has 1 to 255 letters, digits, hyphens and underscores
        11:16 error bad_name service.serviceName: a service's name has 1 to 255 letters, digits, hyphens and underscores
        14:5 error bad_name loadBalancing[0].targetGroup.name: `aaa...` has 256 characters; a target group's name has at most 32: set a shorter `targetGroup.name`
    "#]].assert_eq(&described);
}

#[test]
fn what_belongs_together_or_apart() {
    check(
        &with(&[(
            "desiredCount: 2",
            "desiredCount: 1\n  deploymentConfiguration: {minimumHealthyPercent: 50, maximumPercent: 100}",
        )]),
        &expect![[r#"
            13:28 error deployment_stuck service.deploymentConfiguration: with 1 tasks, at least 1 must stay and at most 1 may run, so nothing could be deployed: lower `minimumHealthyPercent` or raise `maximumPercent`
        "#]],
    );
    check(
        &with(&[("  desiredCount: 2\n", "")]),
        &expect![[r#"
            11:3 error no_desired_count service: set `desiredCount`: how many tasks should run
        "#]],
    );
    check(
        &with(&[("cluster: shop", "cluster: shop\nservices: {}")]),
        &expect![[r#"
        3:1 error unknown_member services: there is no member `services` here; did you mean `service`?
    "#]],
    );
    check(
        &with(&[(
            "serviceName: hello",
            "serviceName: hello\n  cluster: other\n  clientToken: abc",
        )]),
        &expect![[r#"
            12:12 error two_clusters service.cluster: `cluster` is shop, but here it is other; keep one of them
            13:16 warning client_token service.clientToken: Portkeeper chooses the token, so that one spec creates one service; this one is ignored
        "#]],
    );
    check(
        &with(&[("serviceName: hello", "serviceName: hello\n  taskDefinition: other:3")]),
        &expect![[r#"
            12:19 error two_task_definitions service.taskDefinition: the spec has its own `taskDefinition`, and the service names `other:3`: omit this to run the spec's own, or remove `taskDefinition`
        "#]],
    );
    check(
        "cluster: shop\nservice: {serviceName: hello, desiredCount: 1}\n",
        &expect![[r#"
            2:10 error no_task_definition service: task definition missing: write one under `taskDefinition`, or name an existing one in `service.taskDefinition`
        "#]],
    );
}

/// A value that cannot be read is reported once; nothing is concluded from it.
#[test]
fn one_mistake_gives_one_problem() {
    check(
        &with(&[("desiredCount: 2", "desiredCount: many")]),
        &expect![[r#"
            12:17 error wrong_type service.desiredCount: expected an integer, found `many`
        "#]],
    );
    check(
        &with(&[("    port: 80\n", "    port: http\n")]),
        &expect![[r#"
            15:11 error wrong_type loadBalancing[0].port: expected an integer, found `http`
        "#]],
    );
    check(
        &with(&[("container: web", "Container: web")]),
        &expect![[r#"
        14:5 error unknown_member loadBalancing[0].Container: there is no member `Container` here; did you mean `container`?
    "#]],
    );
    check(
        &with(&[(
            "listener: {loadBalancer: shop, port: 443}",
            "listener: {load_balancer: shop, port: 443}",
        )]),
        &expect![[r#"
            16:16 error unknown_member loadBalancing[0].listener.load_balancer: there is no member `load_balancer` here; did you mean `loadBalancer`?
        "#]],
    );
    check(
        &with(&[("portMappings: [{containerPort: 80}]", "portMappings: {containerPort: 80}")]),
        &expect![[r#"
            9:21 error wrong_type taskDefinition.containerDefinitions[0].portMappings: expected a list, found a mapping; begin each element with `- `
        "#]],
    );
}

#[test]
fn conditions_of_a_rule() {
    let hosts = "host: [a.com, b.com, c.com]\n    path: [/a, /b, /c]";
    check(
        &with(&[("host: hello.example.com", hosts)]),
        &expect![[r#"
            14:5 error too_many_conditions loadBalancing[0]: the rule would have 6 host and path values; ELBv2 accepts 5
        "#]],
    );
    check(
        &with(&[("host: hello.example.com", "path: \"/a?x=1&y=2\"")]),
        &expect![[r#"
            17:11 error query_in_path loadBalancing[0].path: a path condition never matches the query string after the `?` of an address: remove it (`?` here means any one character)
        "#]],
    );
    check(
        &with(&[("    host: hello.example.com\n", "")]),
        &expect![[r#"
            14:5 error no_condition loadBalancing[0]: set which requests this entry receives: `host`, `path`, or both (`path: /*` matches all of them)
        "#]],
    );
}

#[test]
fn scaling_by_requests_needs_a_group() {
    let text = with(&[]);
    let (text, _) = text.split_once("loadBalancing").unwrap();
    check(
        &format!("{text}scaling: {{min: 1, max: 3, requestsPerTarget: 100}}\n"),
        &expect![[r#"
            13:46 error no_requests scaling.requestsPerTarget: an Application Load Balancer counts the requests: add `loadBalancing` with protocol HTTP
        "#]],
    );
}
