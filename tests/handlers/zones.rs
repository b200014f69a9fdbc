//! Tasks whose addresses are outside their target group's VPC.

use portkeeper_tests::shop::{Shop, behind};
use portkeeper_world::elbv2::TargetType;

/// Creates a service of one task in a subnet of another VPC. ECS fails to register it.
fn far_away(settings: &[(&str, &str)]) -> Shop {
    let shop = Shop::new(1, settings);
    let group = shop.world().make_alb_group("web-tg", TargetType::Ip).unwrap();
    let zone = shop.world().account.zone('a');
    shop.world().add_subnet("subnet-far", "vpc-peered", &zone, 4000);
    let mut spec = behind("web", &group).fargate();
    spec.subnets = vec!["subnet-far".to_owned()];
    shop.make(&spec);
    shop
}

/// Holds C-25: ELBv2's refusal shows the fault. It is reported, and the registration is not
/// retried.
#[tokio::test]
async fn an_address_outside_the_vpc_is_reported_after_one_refusal() {
    let mut shop = far_away(&[]);
    shop.run(300).await;
    shop.watch(&["web"], 600).await;
    assert_eq!(shop.alerts(), ["critical missing opened", "critical az_all_needed escalated"]);
    assert_eq!(shop.count("RegisterTargets"), 1);
    let text = shop.alert_texts().remove(1);
    assert!(
        text.contains("it is outside the group's VPC vpc-") && text.contains("parameter AzAll"),
        "{text}"
    );
    assert_eq!(shop.targets("web-tg"), []);
}

/// Holds C-25: ECS cannot register it; by policy Portkeeper does, and deregisters it with the same
/// zone when its task has stopped, because ECS has no registration to remove.
#[tokio::test]
async fn by_policy_it_is_registered_and_deregistered_with_the_zone_all() {
    let mut shop = far_away(&[("PORTKEEPER_AZ_ALL", "true")]);
    shop.run(300).await;
    shop.watch(&["web"], 300).await;
    assert_eq!(shop.states("web-tg"), ["healthy"]);
    let opened = [
        "critical missing opened",
        "critical az_all_needed escalated",
        "critical az_all_needed resolved",
    ];
    assert_eq!(shop.alerts(), opened);
    let registrations = shop.inputs("RegisterTargets");
    let zones: Vec<Option<&str>> =
        registrations.iter().map(|it| it["Targets"][0]["AvailabilityZone"].as_str()).collect();
    assert_eq!(zones, [None, Some("all")]);
    shop.watch(&["web"], 300).await;
    assert_eq!(shop.count("RegisterTargets"), 2, "and then there is nothing more to do");
    let task = shop.tasks("web").remove(0);
    shop.world().kill_task(&task).unwrap();
    shop.watch(&["web"], 900).await;
    let deregistrations = shop.inputs("DeregisterTargets");
    assert_eq!(deregistrations.len(), 1, "{deregistrations:?}");
    assert_eq!(deregistrations[0]["Targets"][0]["AvailabilityZone"], "all");
    assert!(shop.states("web-tg").contains(&"healthy"), "its successor is registered as well");
}
