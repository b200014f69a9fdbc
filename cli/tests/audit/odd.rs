//! Extreme sizes: no task, a full target group, a cluster with thousands of services.

use crate::account::Served;
use crate::large::findings;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::ServiceSpec;
use serde_json::json;

#[test]
fn a_service_without_tasks_and_a_group_with_a_thousand_targets_are_read() {
    let account = Served::of(|world| {
        world.make_cluster("shop").unwrap();
        let idle = world.make_alb_group("idle-tg", TargetType::Ip).unwrap();
        let full = world.make_alb_group("full-tg", TargetType::Ip).unwrap();
        let spec = |name: &str, group: &str| {
            ServiceSpec::new("shop", name)
                .container("app", &[8080])
                .fargate()
                .behind(group, "app", 8080)
        };
        world.make_service(&spec("idle", &idle).desired(0)).unwrap();
        world.make_service(&spec("full", &full).desired(1)).unwrap();
        world.advance_secs(60);
        for block in 0..9 {
            let hosts = if block == 8 { 0..199 } else { 0..100 };
            let target = |host| json!({"Id": format!("10.0.{}.{host}", 40 + block % 8), "Port": 9000 + block / 8});
            let targets: Vec<_> = hosts.map(target).collect();
            world
                .person_elb("RegisterTargets", &json!({"TargetGroupArn": full, "Targets": targets}))
                .unwrap();
        }
        world.advance_secs(200);
    });
    let output = account.audit(&["--json"]);
    assert_eq!(output.code, 1, "{}", output.err);
    let report = output.json();
    assert_eq!(report["by_code"], json!({"foreign": 999}));
    assert_eq!(report["clusters"]["shop"]["targets"], 1000);
    assert_eq!(report["clusters"]["shop"]["services"], 2);
    assert_eq!(
        report["not_looked_at"],
        json!({"the desired count is 0 and no target is registered": 1})
    );
    assert_eq!(findings(&report).len(), 999);
    assert_eq!(
        report["api"]["total"], report["api"]["lower_bound"]["total"],
        "{:#}",
        report["api"]
    );
}

#[test]
fn a_cluster_with_five_thousand_services_is_read_completely() {
    let account = Served::of(|world| {
        world.make_cluster("shop").unwrap();
        let spec = ServiceSpec::new("shop", "worker").container("app", &[8080]).desired(0);
        let definition = world.make_definition(&spec).unwrap();
        for number in 0..5000 {
            let input = json!({
                "cluster": "shop", "serviceName": format!("worker-{number:04}"), "taskDefinition": definition,
                "desiredCount": 0, "launchType": "EC2",
            });
            world.person_ecs("CreateService", &input).unwrap();
        }
    });
    let output = account.audit(&["--json"]);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
    let report = output.json();
    assert_eq!(report["clusters"]["shop"]["services"], 5000);
    assert_eq!(report["api"]["calls"]["ecs:ListServices"], 50);
    assert_eq!(report["api"]["calls"]["ecs:DescribeServices"], 500);
    assert_eq!(
        report["api"]["total"], report["api"]["lower_bound"]["total"],
        "{:#}",
        report["api"]
    );
}
