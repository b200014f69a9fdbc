//! Builds the account: two clusters, with a service in each network mode and in each state that the
//! scenes need.

use portkeeper_world::World;
use portkeeper_world::api::ApiError;
use portkeeper_world::ecs::DEFAULT_VPC;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::ServiceSpec;
use serde_json::json;

/// The cluster of nearly all services.
const SHOP: &str = "shop";

/// A cluster that a stack's settings may exclude.
const LAB: &str = "lab";

/// Addresses outside the target groups' VPC come from here.
const FAR: &str = "subnet-far";

/// Creates the resources that specs may name: a security group in the VPC, and a role for tasks.
const GROUP: &str = "sg-shop";
const ROLE: &str = "orders-task";

/// Builds the account. Its tasks start as time passes.
pub(crate) fn build(world: &mut World) -> Result<(), ApiError> {
    world.make_cluster(SHOP)?;
    world.make_instances(SHOP, 3)?;
    instances(world, &service(SHOP, "web").desired(2))?;
    instances(world, &service(SHOP, "billing").desired(1))?;
    instances(world, &service(SHOP, "proxy").host().desired(2))?;
    let told_only = json!([{"key": "portkeeper:mode", "value": "alert"}]);
    instances(world, &service(SHOP, "quiet").desired(1).with("tags", told_only))?;
    addresses(world, &service(SHOP, "api").fargate().desired(4))?;
    shifting(world, &service(SHOP, "green").desired(1))?;
    let zone = world.account.zone('a');
    world.add_subnet(FAR, "vpc-peered", &zone, 4000);
    let mut far = service(SHOP, "far").fargate().desired(0);
    far.subnets = vec![FAR.to_owned()];
    addresses(world, &far)?;
    world.add_security_group(GROUP, DEFAULT_VPC);
    world.add_role(ROLE);
    world.make_cluster(LAB)?;
    world.make_instances(LAB, 1)?;
    instances(world, &service(LAB, "trial").desired(1))
}

fn service(cluster: &str, name: &str) -> ServiceSpec {
    ServiceSpec::new(cluster, name).container("app", &[8080])
}

fn instances(world: &mut World, service: &ServiceSpec) -> Result<(), ApiError> {
    behind_its_group(world, service, TargetType::Instance)
}

fn addresses(world: &mut World, service: &ServiceSpec) -> Result<(), ApiError> {
    behind_its_group(world, service, TargetType::Ip)
}

/// Creates a service whose deployments shift traffic between two groups. Only its revisions name
/// both.
fn shifting(world: &mut World, service: &ServiceSpec) -> Result<(), ApiError> {
    let front = world.make_alb(&format!("{}-tg", service.name), TargetType::Instance)?;
    let other =
        world.make_bare_group(&format!("{}-other-tg", service.name), TargetType::Instance)?;
    let strategy = json!({"strategy": "BLUE_GREEN"});
    let service = service.clone().behind_blue_green(&front, &other, "app", 8080);
    world.make_service(&service.with("deploymentConfiguration", strategy)).map(drop)
}

/// The group `web-tg` of the service `web`, behind a load balancer of its own.
fn behind_its_group(
    world: &mut World,
    service: &ServiceSpec,
    kind: TargetType,
) -> Result<(), ApiError> {
    let group = world.make_alb_group(&format!("{}-tg", service.name), kind)?;
    world.make_service(&service.clone().behind(&group, "app", 8080)).map(drop)
}
