//! The account of the demo: one cluster, three instances, four services in three network modes.

use portkeeper_stage::StageError;
use portkeeper_world::World;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::scenario::ServiceSpec;

pub(crate) const CLUSTER: &str = "shop";

/// ARNs that the scenes need.
pub(crate) struct Parts {
    /// The group of `web` (bridge).
    pub(crate) web: String,
    /// The group of `proxy` (host).
    pub(crate) proxy: String,
    /// The group of `api` (awsvpc on Fargate).
    pub(crate) api: String,
}

/// The table of services that the demo prints.
pub(crate) const SERVICES: [(&str, &str, &str, &str); 4] = [
    ("web", "bridge, dynamic host ports", "web-tg (instance)", "2"),
    ("billing", "bridge, dynamic host ports", "billing-tg (instance)", "1"),
    ("proxy", "host, port 8080", "proxy-tg (instance)", "2"),
    ("api", "awsvpc on Fargate, port 8080", "api-tg (ip)", "2"),
];

/// Builds the account. Its tasks start as time passes.
pub(crate) fn build(world: &mut World) -> Result<Parts, StageError> {
    world.make_cluster(CLUSTER)?;
    world.make_instances(CLUSTER, 3)?;
    let web = world.make_alb_group("web-tg", TargetType::Instance)?;
    let billing = world.make_alb_group("billing-tg", TargetType::Instance)?;
    let proxy = world.make_alb_group("proxy-tg", TargetType::Instance)?;
    let api = world.make_alb_group("api-tg", TargetType::Ip)?;
    let service = |name| ServiceSpec::new(CLUSTER, name).container("app", &[8080]);
    world.make_service(&service("web").behind(&web, "app", 8080).desired(2))?;
    world.make_service(&service("billing").behind(&billing, "app", 8080).desired(1))?;
    world.make_service(&service("proxy").host().behind(&proxy, "app", 8080).desired(2))?;
    world.make_service(&service("api").fargate().behind(&api, "app", 8080).desired(2))?;
    Ok(Parts { web, proxy, api })
}
