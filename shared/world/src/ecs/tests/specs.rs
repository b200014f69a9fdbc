//! Members of task definitions and services: stored and returned unchanged, or rejected with AWS's
//! error.

use super::{START, bridge_world, describe, error, update};
use crate::World;
use crate::elbv2::TargetType;
use crate::scenario::ServiceSpec;
use serde_json::{Map, Value, json};

/// A task definition with these members.
fn definition(more: &Value) -> Value {
    let mut input = json!({
        "family": "web",
        "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 128, "portMappings": [{"containerPort": 80}]}],
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn world() -> World {
    let mut world = World::new(1, START);
    world.make_cluster("shop").unwrap();
    world
}

#[test]
fn every_member_of_a_task_definition_is_returned_unchanged() {
    let mut world = world();
    let more = json!({
        "volumes": [
            {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}},
            {"name": "data", "configuredAtLaunch": true},
        ],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGiB": 30},
        "enableFaultInjection": false,
        "trustedExecutionConfiguration": {"isolationMode": "SHARED"},
        "tags": [{"key": "team", "value": "shop"}],
    });
    let mut given = definition(&more);
    given["containerDefinitions"][0]["ulimits"] =
        json!([{"name": "nofile", "softLimit": 1024, "hardLimit": 2048}]);
    given["containerDefinitions"][0]["firelensConfiguration"] =
        json!({"type": "fluentbit", "options": {"a": "b"}});
    let answer = world.person_ecs("RegisterTaskDefinition", &given).unwrap();
    let shown = &answer["taskDefinition"];
    for (name, value) in given.as_object().unwrap() {
        if name == "tags" {
            assert_eq!(answer["tags"], *value);
        } else if name == "containerDefinitions" {
            for (member, value) in
                value[0].as_object().unwrap().iter().filter(|(member, _)| *member != "portMappings")
            {
                assert_eq!(shown["containerDefinitions"][0][member], *value, "{member}");
            }
        } else {
            assert_eq!(shown[name], *value, "{name}");
        }
    }
    assert_eq!(shown["compatibilities"], json!(["EC2"]));
}

#[test]
fn invalid_task_definitions_are_rejected() {
    let mut world = world();
    world.ecs.behaviour.roles_not_passable.insert("admin".to_owned());
    let mut refused = |more: Value| error(&mut world, "RegisterTaskDefinition", &definition(&more));
    assert!(refused(json!({"netwrokMode": "awsvpc"})).contains("no member `netwrokMode`"));
    assert!(refused(json!({"cpu": 256})).contains("RegisterTaskDefinition.cpu must be a string"));
    assert!(
        refused(json!({"networkMode": "vpc"}))
            .contains("enum value set: [bridge, host, awsvpc, none]")
    );
    assert!(refused(json!({"family": "a b"})).contains("Family must be"));
    assert!(
        refused(json!({"containerDefinitions": []})).contains("Container list cannot be empty")
    );
    let fargate = json!({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "4 GB"});
    assert!(refused(fargate.clone()).contains("No Fargate configuration exists for given values."));
    let with = |name: &str, value: Value| {
        let mut input = fargate.clone();
        input["memory"] = json!("0.5 GB");
        input[name] = value;
        input
    };
    assert!(
        refused(with("networkMode", json!("bridge")))
            .contains("Fargate only supports network mode ‘awsvpc’.")
    );
    let logging =
        json!([{"name": "app", "image": "app", "logConfiguration": {"logDriver": "awslogs"}}]);
    assert!(
        refused(with("containerDefinitions", logging))
            .contains("execution role ARN to support log driver awslogs")
    );
    let containers = |containers: Value| json!({"containerDefinitions": containers});
    let app = json!({"name": "app", "image": "app"});
    assert!(
        refused(containers(json!([app])))
            .contains("At least one of 'memory' or 'memoryReservation'")
    );
    let app = json!({"name": "app", "image": "app", "memory": 1});
    assert!(refused(containers(json!([app, app]))).contains("'app' is used more than once"));
    let mounts = json!([{"name": "app", "image": "app", "memory": 1, "mountPoints": [{"sourceVolume": "data"}]}]);
    assert!(refused(containers(mounts)).contains("Unknown volume 'data'."));
    let side = json!([{"name": "app", "image": "app", "memory": 1, "essential": false}]);
    assert!(refused(containers(side)).contains("at least one essential container"));
    let denied = refused(json!({"taskRoleArn": "arn:aws:iam::111122223333:role/ops/admin"}));
    assert!(
        denied.starts_with("AccessDeniedException") && denied.contains("iam:PassRole on resource"),
        "{denied}"
    );
}

#[test]
fn a_deregistered_revision_cannot_be_used_and_its_number_is_not_reused() {
    let mut world = world();
    let register = |world: &mut World| {
        let answer = world.person_ecs("RegisterTaskDefinition", &definition(&json!({}))).unwrap();
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned()
    };
    let (first, second) = (register(&mut world), register(&mut world));
    world.person_ecs("DeregisterTaskDefinition", &json!({"taskDefinition": second})).unwrap();
    let latest =
        world.person_ecs("DescribeTaskDefinition", &json!({"taskDefinition": "web"})).unwrap();
    assert_eq!(latest["taskDefinition"]["taskDefinitionArn"], json!(first));
    let gone =
        world.person_ecs("DescribeTaskDefinition", &json!({"taskDefinition": "web:2"})).unwrap();
    assert_eq!(gone["taskDefinition"]["status"], "INACTIVE");
    let service = json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "web:2", "desiredCount": 1});
    assert!(error(&mut world, "CreateService", &service).contains("TaskDefinition is inactive"));
    for twice in [json!({"taskDefinition": second}), json!({"taskDefinition": "web"})] {
        assert!(
            error(&mut world, "DeregisterTaskDefinition", &twice).starts_with("ClientException")
        );
    }
    assert!(register(&mut world).ends_with("web:3"));
    let list = |world: &mut World, input: Value| {
        let listed =
            world.person_ecs("ListTaskDefinitions", &input).unwrap()["taskDefinitionArns"].clone();
        listed
            .as_array()
            .unwrap()
            .iter()
            .map(|arn| arn.as_str().unwrap()[35..].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list(&mut world, json!({"familyPrefix": "web"})),
        ["task-definition/web:1", "task-definition/web:3"]
    );
    assert_eq!(list(&mut world, json!({"status": "INACTIVE"})), ["task-definition/web:2"]);
    assert_eq!(list(&mut world, json!({"familyPrefix": "we"})), [""; 0], "the whole name");
}

#[test]
fn services_return_defaults_and_store_what_only_revisions_return() {
    let mut world = world();
    let connect = json!({"enabled": true, "namespace": "shop", "services": [{"portName": "http"}]});
    let spec = ServiceSpec::new("shop", "web").fargate().container("app", &[80]);
    world.make_service(&spec.with("serviceConnectConfiguration", connect.clone())).unwrap();
    let shown = describe(&mut world, "web");
    let configuration = &shown["deploymentConfiguration"];
    assert_eq!(
        (&configuration["maximumPercent"], &configuration["strategy"]),
        (&json!(200), &json!("ROLLING"))
    );
    assert_eq!(
        configuration["alarms"],
        json!({"alarmNames": [], "enable": false, "rollback": false})
    );
    assert_eq!(shown["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"], json!([]));
    assert_eq!(
        (&shown["platformVersion"], &shown["platformFamily"]),
        (&json!("LATEST"), &json!("Linux"))
    );
    assert_eq!(shown.get("serviceConnectConfiguration"), None);
    let deployment = &shown["deployments"][0];
    assert_eq!(deployment["serviceConnectConfiguration"], connect);
    assert_eq!(
        (&deployment["platformVersion"], &deployment["launchType"]),
        (&json!("1.4.0"), &json!("FARGATE"))
    );
    let arns = json!({"serviceRevisionArns": [shown["currentServiceRevisions"][0]["arn"]]});
    let revision =
        world.person_ecs("DescribeServiceRevisions", &arns).unwrap()["serviceRevisions"][0].clone();
    assert_eq!(revision["serviceConnectConfiguration"], connect);
    // Members that an update does not contain stay for the next revision.
    update(&mut world, json!({"forceNewDeployment": true}));
    assert_eq!(
        describe(&mut world, "web")["deployments"][0]["serviceConnectConfiguration"],
        connect
    );
}

#[test]
fn create_service_reports_why_it_rejects_the_input() {
    let (mut world, group) = bridge_world(1, 1);
    let far = json!({"awsvpcConfiguration": {"subnets": ["subnet-0far"]}});
    let bridge = || ServiceSpec::new("shop", "api").container("app", &[8080]);
    let fargate = || ServiceSpec::new("shop", "api").fargate().container("app", &[8080]);
    world.ecs.behaviour.roles_not_passable.insert("ebs".to_owned());
    let mut refused = |spec: ServiceSpec| world.make_service(&spec).unwrap_err().to_string();
    let provider = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    for (spec, text) in [
        (
            fargate().with("capacityProviderStrategy", provider.clone()),
            "Specifying both a launch type and capacity",
        ),
        (
            fargate().with("launchType", Value::Null).with("capacityProviderStrategy", provider),
            "not associated with the cluster",
        ),
        (
            bridge().with("networkConfiguration", far.clone()),
            "Network Configuration is not valid for the given networkMode",
        ),
        (
            fargate().with("networkConfiguration", Value::Null),
            "Network Configuration must be provided when networkMode",
        ),
        (fargate().with("networkConfiguration", far), "The subnet ID 'subnet-0far' does not exist"),
        (
            bridge().with("launchType", json!("FARGATE")),
            "Task definition does not support launch_type FARGATE.",
        ),
        (
            bridge().with("healthCheckGracePeriodSeconds", json!(5)),
            "only valid for services configured to use load",
        ),
        (
            fargate().with("role", json!("ecs")),
            "cannot specify an IAM role for services that require a service linked",
        ),
        (
            bridge().with("schedulingStrategy", json!("DAEMON")),
            "Remove the desired count value and try again",
        ),
        (bridge().with("clientToken", json!("t".repeat(37))), "Client token"),
        (
            bridge().with(
                "deploymentConfiguration",
                json!({"maximumPercent": 100, "minimumHealthyPercent": 100}),
            ),
            "cannot be 100 as this will block deployments",
        ),
        (
            bridge()
                .behind(&group, "app", 8080)
                .with("deploymentController", json!({"type": "CODE_DEPLOY"}))
                .with(
                    "deploymentConfiguration",
                    json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}),
                ),
            "only supported with ECS deployment controller",
        ),
        (
            bridge().with("volumeConfigurations", json!([{"name": "data"}])),
            "data is not a volume of the task definition that is configured at launch",
        ),
        (
            bridge().with(
                "volumeConfigurations",
                json!([{"name": "data", "managedEBSVolume": {"roleArn": "ebs"}}]),
            ),
            "not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/ebs",
        ),
    ] {
        let error = refused(spec);
        assert!(error.contains(text), "{text}: {error}");
    }
    world.ecs.behaviour.no_service_linked_role = true;
    let error = world.make_service(&bridge().behind(&group, "app", 8080)).unwrap_err();
    assert!(error.message.contains("Unable to assume the service linked role"));
}

#[test]
fn a_repeated_create_returns_the_service_and_a_different_one_is_rejected() {
    let (mut world, group) = bridge_world(1, 1);
    let balancers =
        json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}]);
    let input = |token: &str, desired: u32| {
        json!({
            "cluster": "shop", "serviceName": "api", "taskDefinition": "web", "desiredCount": desired,
            "clientToken": token, "loadBalancers": balancers,
        })
    };
    let created = world.person_ecs("CreateService", &input("one", 2)).unwrap();
    for token in ["one", "two"] {
        let again = world.person_ecs("CreateService", &input(token, 2)).unwrap();
        assert_eq!(
            again["service"]["deployments"][0]["id"],
            created["service"]["deployments"][0]["id"]
        );
    }
    assert!(
        error(&mut world, "CreateService", &input("one", 3))
            .contains("Creation of service was not idempotent.")
    );
    world
        .person_ecs("DeleteService", &json!({"cluster": "shop", "service": "api", "force": true}))
        .unwrap();
    assert!(error(&mut world, "CreateService", &input("one", 2)).contains("still Draining"));
    world.advance_secs(60);
    let new = world.person_ecs("CreateService", &input("one", 2)).unwrap();
    assert_ne!(new["service"]["deployments"][0]["id"], created["service"]["deployments"][0]["id"]);
}

#[test]
fn capacity_comes_from_the_service_or_the_cluster() {
    let mut world = world();
    world.make_instances("shop", 1).unwrap();
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let capacity = json!({
        "cluster": "shop", "capacityProviders": ["FARGATE", "FARGATE_SPOT", "own"],
        "defaultCapacityProviderStrategy": strategy,
    });
    let shown = world.person_ecs("PutClusterCapacityProviders", &capacity).unwrap();
    assert_eq!(shown["cluster"]["defaultCapacityProviderStrategy"], strategy);
    let spec = |name: &str| {
        ServiceSpec::new("shop", name)
            .fargate()
            .container("app", &[80])
            .with("launchType", Value::Null)
    };
    world.make_service(&spec("web")).unwrap();
    let mixed = json!([{"capacityProvider": "FARGATE"}, {"capacityProvider": "own"}]);
    let refused =
        world.make_service(&spec("api").with("capacityProviderStrategy", mixed)).unwrap_err();
    assert!(refused.message.contains("cannot contain a mix of capacity providers"));
    let web = describe(&mut world, "web");
    let full = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]);
    assert_eq!((&web["capacityProviderStrategy"], web.get("launchType")), (&full, None));
    assert_eq!(web["deployments"][0]["capacityProviderStrategy"], full);
    world.advance_secs(30);
    assert_eq!(world.running_tasks("shop/web").unwrap().len(), 1);
}

#[test]
fn a_daemon_runs_on_every_instance() {
    let mut world = world();
    world.make_instances("shop", 2).unwrap();
    let definition = ServiceSpec::new("shop", "agent").container("app", &[80]);
    let arn = world.make_definition(&definition).unwrap();
    let input = json!({"cluster": "shop", "serviceName": "agent", "taskDefinition": arn, "schedulingStrategy": "DAEMON"});
    world.person_ecs("CreateService", &input).unwrap();
    world.advance_secs(30);
    assert_eq!(world.running_tasks("shop/agent").unwrap().len(), 2);
    world.make_instances("shop", 3).unwrap();
    world.advance_secs(60);
    let shown = describe(&mut world, "agent");
    assert_eq!((&shown["runningCount"], &shown["desiredCount"]), (&json!(5), &json!(5)));
    assert!(
        error(
            &mut world,
            "UpdateService",
            &json!({"cluster": "shop", "service": "agent", "desiredCount": 1})
        )
        .contains("daemon scheduling strategy")
    );
}

#[test]
fn updates_are_checked_like_new_services() {
    let (mut world, _) = bridge_world(1, 1);
    let bare = world.make_bare_group("bare-tg", TargetType::Instance).unwrap();
    let mut refused = |more: Value| {
        let mut input = Map::from_iter([
            ("cluster".to_owned(), json!("shop")),
            ("service".to_owned(), json!("web")),
        ]);
        input.extend(more.as_object().unwrap().clone());
        error(&mut world, "UpdateService", &Value::Object(input))
    };
    let balancers = |group: &str| json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}]);
    assert!(
        refused(json!({"loadBalancers": balancers(&bare)}))
            .contains("does not have an associated load balancer")
    );
    assert!(
        refused(json!({"loadBalancers": [], "healthCheckGracePeriodSeconds": 5}))
            .contains("only valid for services")
    );
    assert!(refused(json!({"launchType": "FARGATE"})).contains("no member `launchType`"));
    update(&mut world, json!({"loadBalancers": []}));
    assert_eq!(describe(&mut world, "web")["loadBalancers"], json!([]));
    assert!(
        error(&mut world, "CreateService", &json!({"cluster": "shop"}))
            .contains("serviceName can not be blank")
    );
}
