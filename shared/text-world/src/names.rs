//! Short names and the ARNs behind them. Every ARN ends with, or holds, its short name.

use portkeeper_core::ids::{
    ClusterArn, ContainerInstanceArn, NotAnId, RevisionArn, Target, TargetGroupArn, TaskArn,
    TaskDefinitionArn,
};

fn ecs(resource: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:111122223333:{resource}")
}

pub fn cluster(name: &str) -> Result<ClusterArn, NotAnId> {
    ClusterArn::try_from(ecs(&format!("cluster/{name}")))
}

pub fn task(name: &str) -> Result<TaskArn, NotAnId> {
    task_in("shop", name)
}

pub fn task_in(cluster: &str, name: &str) -> Result<TaskArn, NotAnId> {
    TaskArn::try_from(ecs(&format!("task/{cluster}/{name}")))
}

/// A container instance by its EC2 instance: `i-1`, a further one of the same host `i-1#2`, one of
/// another cluster `prod-2/i-1`.
pub fn instance(name: &str) -> Result<ContainerInstanceArn, NotAnId> {
    let (cluster, name) = name.split_once('/').unwrap_or(("shop", name));
    ContainerInstanceArn::try_from(ecs(&format!("container-instance/{cluster}/{name}")))
}

/// The EC2 instance of a container instance.
pub fn host(arn: &ContainerInstanceArn) -> String {
    let tail = arn.tail();
    tail.split_once('#').map_or(tail, |(host, _)| host).to_owned()
}

pub fn definition(name: &str) -> Result<TaskDefinitionArn, NotAnId> {
    TaskDefinitionArn::try_from(ecs(&format!("task-definition/{name}")))
}

pub fn revision(service: &str, digits: &str) -> Result<RevisionArn, NotAnId> {
    RevisionArn::try_from(ecs(&format!("service-revision/shop/{service}/{digits}")))
}

pub fn group(name: &str) -> Result<TargetGroupArn, NotAnId> {
    TargetGroupArn::try_from(format!(
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/0123456789abcdef"
    ))
}

/// The load balancer of this kind: `app` or `net`.
pub fn balancer(kind: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/{kind}/lb/1")
}

pub fn target(text: &str) -> Result<Target, NotAnId> {
    Target::try_from(text.to_owned())
}
