//! Answers as the SDK gives them in, the core's types out.

use super::convert;
use aws_sdk_ecs::types as ecs;
use aws_sdk_elasticloadbalancingv2::types as elb;
use expect_test::{Expect, expect};

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";
const OTHER: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-2/0123456789abcdef";
const TASK: &str = "arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef";
const DEFINITION: &str = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7";
const INSTANCE: &str =
    "arn:aws:ecs:eu-west-1:111122223333:container-instance/shop/0123456789abcdef";
const REVISION: &str =
    "arn:aws:ecs:eu-west-1:111122223333:service-revision/shop/web/1234567890123456789";

fn check<T: serde::Serialize, E: std::error::Error + 'static>(
    converted: Result<T, E>,
    expected: &Expect,
) {
    let text = match converted {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap(),
        Err(error) => crate::failure::chain(&error),
    };
    expected.assert_eq(&text);
}

fn task() -> ecs::builders::TaskBuilder {
    ecs::Task::builder()
        .task_arn(TASK)
        .task_definition_arn(DEFINITION)
        .container_instance_arn(INSTANCE)
        .group("service:web")
        .started_by("ecs-svc/1234567890123456789")
        .last_status("RUNNING")
        .desired_status("RUNNING")
        .version(7)
        .connectivity(ecs::Connectivity::Connected)
        .started_at(aws_smithy_types::DateTime::from_millis(1_700_000_000_123))
}

fn bound(container_port: i32, host_port: i32) -> ecs::Container {
    let binding = ecs::NetworkBinding::builder()
        .bind_ip("0.0.0.0")
        .container_port(container_port)
        .host_port(host_port)
        .protocol(ecs::TransportProtocol::Tcp)
        .build();
    ecs::Container::builder().name("app").network_bindings(binding).build()
}

#[test]
fn a_bridge_task() {
    check(
        convert::task(&task().containers(bound(8080, 32768)).build()),
        &expect![[r#"
        {
          "arn": "arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef",
          "group": "service:web",
          "started_by": "ecs-svc/1234567890123456789",
          "task_definition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
          "container_instance": "arn:aws:ecs:eu-west-1:111122223333:container-instance/shop/0123456789abcdef",
          "anywhere": false,
          "last_status": "RUNNING",
          "desired_status": "RUNNING",
          "version": 7,
          "connected": true,
          "started_at": "2023-11-14T22:13:20.123Z",
          "containers": [
            {
              "name": "app",
              "bindings": [
                {
                  "bind_ip": "0.0.0.0",
                  "protocol": "tcp",
                  "container_port": 8080,
                  "host_port": 32768,
                  "length": 1
                }
              ]
            }
          ]
        }"#]],
    );
}

#[test]
fn a_task_says_why_it_was_stopped_and_not_at_length() {
    let reason = format!("Task failed ELB health checks in (target-group {GROUP})");
    let stopped =
        task().last_status("STOPPED").stop_code(ecs::TaskStopCode::ServiceSchedulerInitiated);
    let understood = convert::task(&stopped.stopped_reason(&reason).build()).unwrap();
    assert_eq!(understood.stop_code.as_deref(), Some("ServiceSchedulerInitiated"));
    assert_eq!(understood.stopped_reason, Some(reason));
    let long = convert::task(&task().stopped_reason("é".repeat(2000)).build()).unwrap();
    assert_eq!(long.stopped_reason, Some(format!("{}…", "é".repeat(400))));
}

#[test]
fn an_awsvpc_task() {
    let pair =
        |name: &str, value: &str| ecs::KeyValuePair::builder().name(name).value(value).build();
    let volume = ecs::Attachment::builder().r#type("AmazonElasticBlockStorage").build();
    let interface = ecs::Attachment::builder()
        .r#type("ElasticNetworkInterface")
        .details(pair("subnetId", "subnet-1"))
        .details(pair("privateIPv4Address", "10.0.1.7"))
        .build();
    let task =
        task().launch_type(ecs::LaunchType::Fargate).attachments(volume).attachments(interface);
    let task = task
        .set_container_instance_arn(None)
        .containers(ecs::Container::builder().name("app").build());
    check(
        convert::task(&task.build()),
        &expect![[r#"
        {
          "arn": "arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef",
          "group": "service:web",
          "started_by": "ecs-svc/1234567890123456789",
          "task_definition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
          "anywhere": false,
          "last_status": "RUNNING",
          "desired_status": "RUNNING",
          "version": 7,
          "connected": true,
          "started_at": "2023-11-14T22:13:20.123Z",
          "network_interface": {
            "ipv4": "10.0.1.7",
            "subnet": "subnet-1"
          },
          "containers": [
            {
              "name": "app"
            }
          ]
        }"#]],
    );
}

#[test]
fn a_task_that_cannot_be_understood() {
    check(
        convert::task(&task().containers(bound(8080, 0)).build()),
        &expect![
            "cannot parse `containers[].networkBindings[]`: `0` is not a port from 1 to 65535"
        ],
    );
    check(
        convert::task(&task().task_definition_arn("web:7").build()),
        &expect!["cannot parse `taskDefinition`: `web:7` is not the ARN of an ECS task definition"],
    );
}

/// What was recorded before these facts were read still parses.
#[test]
fn an_older_recording_has_no_events_rollout_or_reasons() {
    let service = convert::service(&ecs::Service::builder().status("ACTIVE").build()).unwrap();
    let text = serde_json::to_string(&service).unwrap();
    assert!(!text.contains("events"), "{text}");
    let read: portkeeper_core::observation::Service = serde_json::from_str(&text).unwrap();
    assert!(read.events.is_empty() && !read.is_deploying());
}

fn entry() -> ecs::LoadBalancer {
    let advanced = ecs::AdvancedConfiguration::builder().alternate_target_group_arn(OTHER).build();
    ecs::LoadBalancer::builder()
        .target_group_arn(GROUP)
        .container_name("app")
        .container_port(8080)
        .advanced_configuration(advanced)
        .build()
}

#[test]
fn a_service() {
    let strategy = ecs::DeploymentConfiguration::builder()
        .strategy(ecs::DeploymentStrategy::BlueGreen)
        .minimum_healthy_percent(50)
        .build();
    let deployment = ecs::Deployment::builder()
        .id("ecs-svc/1234567890123456789")
        .status("PRIMARY")
        .task_definition(DEFINITION)
        .rollout_state(ecs::DeploymentRolloutState::InProgress)
        .failed_tasks(2)
        .created_at(aws_smithy_types::DateTime::from_secs(1_700_000_000))
        .updated_at(aws_smithy_types::DateTime::from_secs(1_700_000_060))
        .build();
    let service = ecs::Service::builder()
        .service_name("web")
        .status("ACTIVE")
        .desired_count(2)
        .running_count(1)
        .pending_count(1)
        .deployment_configuration(strategy)
        .load_balancers(entry())
        .deployments(deployment)
        .current_service_revisions(
            ecs::ServiceCurrentRevisionSummary::builder().arn(REVISION).build(),
        )
        .events(service_event(1_700_000_000, "(service web) has started 1 tasks: (task 1)."))
        .events(service_event(1_700_000_120, "(service web) has reached a steady state."))
        .tags(ecs::Tag::builder().key("portkeeper:mode").value("alert").build())
        .build();
    check(
        convert::service(&service),
        &expect![[r#"
        {
          "status": "ACTIVE",
          "controller": "ECS",
          "strategy": "BLUE_GREEN",
          "managed_by_ecs": false,
          "behind_gateway": false,
          "behind_lattice": false,
          "desired_count": 2,
          "running_count": 1,
          "pending_count": 1,
          "minimum_healthy_percent": 50,
          "health_check_grace_seconds": 0,
          "load_balancers": [
            {
              "target_group": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef",
              "alternate_target_group": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-2/0123456789abcdef",
              "container": "app",
              "port": 8080
            }
          ],
          "deployments": [
            {
              "id": "ecs-svc/1234567890123456789",
              "status": "PRIMARY",
              "task_definition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
              "rollout": "IN_PROGRESS",
              "failed_tasks": 2,
              "created_at": "2023-11-14T22:13:20Z",
              "updated_at": "2023-11-14T22:14:20Z"
            }
          ],
          "current_revisions": [
            "arn:aws:ecs:eu-west-1:111122223333:service-revision/shop/web/1234567890123456789"
          ],
          "events": [
            {
              "at": "2023-11-14T22:15:20Z",
              "message": "(service web) has reached a steady state."
            },
            {
              "at": "2023-11-14T22:13:20Z",
              "message": "(service web) has started 1 tasks: (task 1)."
            }
          ],
          "mode_tag": "alert"
        }"#]],
    );
}

fn service_event(secs: i64, message: &str) -> ecs::ServiceEvent {
    let at = aws_smithy_types::DateTime::from_secs(secs);
    ecs::ServiceEvent::builder().created_at(at).message(message).build()
}

#[test]
fn of_a_hundred_service_events_the_last_twenty_are_kept() {
    let events =
        (0..100).map(|number| service_event(1_700_000_000 + number, &format!("event {number}")));
    let service =
        ecs::Service::builder().status("ACTIVE").set_events(Some(events.collect())).build();
    let kept = convert::service(&service).unwrap().events;
    let messages: Vec<&str> = kept.iter().map(|event| event.message.as_str()).collect();
    assert_eq!((messages.len(), messages[0], messages[19]), (20, "event 99", "event 80"));
}

#[test]
fn a_service_with_a_classic_load_balancer_and_one_without_a_port() {
    let classic = ecs::LoadBalancer::builder()
        .load_balancer_name("old")
        .container_name("app")
        .container_port(80);
    let service = |entry| ecs::Service::builder().status("ACTIVE").load_balancers(entry).build();
    let entries =
        |service: &ecs::Service| convert::service(service).map(|service| service.load_balancers);
    check(
        entries(&service(classic.build())),
        &expect![[r#"
        [
          {
            "classic": "old",
            "container": "app",
            "port": 80
          }
        ]"#]],
    );
    let portless =
        ecs::LoadBalancer::builder().target_group_arn(GROUP).container_name("app").build();
    check(
        entries(&service(portless)),
        &expect!["cannot parse `loadBalancers[].containerPort`: `0` is not a port from 1 to 65535"],
    );
}

#[test]
fn a_revision() {
    let used = ecs::ServiceRevisionLoadBalancer::builder().target_group_arn(OTHER).build();
    let resolved = ecs::ResolvedConfiguration::builder().load_balancers(used).build();
    let revision = ecs::ServiceRevision::builder()
        .service_revision_arn(REVISION)
        .task_definition(DEFINITION)
        .load_balancers(entry());
    let plain = revision.clone().build();
    assert!(!convert::is_behind_gateway(&plain));
    assert_eq!(convert::revision(&plain).unwrap().resolved_target_groups, None);
    check(
        convert::revision(&revision.resolved_configuration(resolved).build()),
        &expect![[r#"
        {
          "arn": "arn:aws:ecs:eu-west-1:111122223333:service-revision/shop/web/1234567890123456789",
          "task_definition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
          "load_balancers": [
            {
              "target_group": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef",
              "alternate_target_group": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-2/0123456789abcdef",
              "container": "app",
              "port": 8080
            }
          ],
          "resolved_target_groups": [
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web-2/0123456789abcdef"
          ]
        }"#]],
    );
}

#[test]
fn a_group_and_its_targets() {
    let group = elb::TargetGroup::builder()
        .target_group_arn(GROUP)
        .protocol(elb::ProtocolEnum::Http)
        .port(80)
        .target_type(elb::TargetTypeEnum::Instance)
        .health_check_interval_seconds(30)
        .unhealthy_threshold_count(2)
        .load_balancer_arns("arn:lb")
        .vpc_id("vpc-1")
        .health_check_port("traffic-port")
        .health_check_path("/health")
        .matcher(elb::Matcher::builder().http_code("200-299").build())
        .build();
    check(
        convert::group(&group).map(|(_, group)| group),
        &expect![[r#"
        {
          "target_type": "instance",
          "protocol": "HTTP",
          "default_port": 80,
          "ip_address_type": "ipv4",
          "vpc": "vpc-1",
          "load_balancers": [
            "arn:lb"
          ],
          "health_interval_seconds": 30,
          "unhealthy_threshold": 2,
          "health_path": "/health",
          "health_codes": "200-299",
          "targets": []
        }"#]],
    );
    let target = |id: &str, port: i32| {
        let health = elb::TargetHealth::builder()
            .state(elb::TargetHealthStateEnum::Unused)
            .reason(elb::TargetHealthReasonEnum::NotInUse)
            .build();
        let target = elb::TargetDescription::builder().id(id).port(port).build();
        elb::TargetHealthDescription::builder().target(target).target_health(health).build()
    };
    check(
        convert::target(&target("i-0123456789abcdef0", 32768)),
        &expect![[r#"
        {
          "target": "i-0123456789abcdef0:32768",
          "state": "unused",
          "reason": "Target.NotInUse"
        }"#]],
    );
    let outside =
        elb::TargetDescription::builder().id("10.9.0.1").port(80).availability_zone("all").build();
    let mut other_clusters = target("10.9.0.1", 80);
    other_clusters.target = Some(outside);
    assert_eq!(convert::target(&other_clusters).unwrap().availability_zone.as_deref(), Some("all"));
    check(
        convert::target(&target("web", 32768)),
        &expect!["cannot parse `Target.Id`: `web` is not an EC2 instance id or an IP address"],
    );
    check(
        convert::target(&target("10.0.0.1", 0)),
        &expect!["cannot parse `Target.Port`: `0` is not a port from 1 to 65535"],
    );
}

#[test]
fn a_task_definition() {
    let port = ecs::PortMapping::builder().container_port(8080).build();
    let app = ecs::ContainerDefinition::builder().name("app").port_mappings(port).build();
    let sidecar = ecs::ContainerDefinition::builder().name("agent").build();
    let definition =
        ecs::TaskDefinition::builder().container_definitions(app).container_definitions(sidecar);
    check(
        convert::task_definition(&definition.clone().build()),
        &expect![[r#"
        {
          "network_mode": "bridge",
          "ports": {
            "agent": [],
            "app": [
              8080
            ]
          }
        }"#]],
    );
    let host = definition.network_mode(ecs::NetworkMode::Host).build();
    assert_eq!(convert::task_definition(&host).unwrap().network_mode.as_str(), "host");
}
