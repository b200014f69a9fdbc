//! Short names and the ARNs behind them. Every ARN ends with, or holds, its short name.

use portkeeper_core::ids::{
    ClusterArn, ContainerInstanceArn, RevisionArn, Target, TargetGroupArn, TaskArn,
    TaskDefinitionArn,
};

fn ecs(resource: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:111122223333:{resource}")
}

pub fn cluster(name: &str) -> ClusterArn {
    ClusterArn::try_from(ecs(&format!("cluster/{name}"))).unwrap()
}

pub fn task(name: &str) -> TaskArn {
    task_in("shop", name)
}

pub fn task_in(cluster: &str, name: &str) -> TaskArn {
    TaskArn::try_from(ecs(&format!("task/{cluster}/{name}"))).unwrap()
}

/// A container instance by its EC2 instance: `i-1`, a further one of the same host `i-1#2`, one of
/// another cluster `prod-2/i-1`.
pub fn instance(name: &str) -> ContainerInstanceArn {
    let (cluster, name) = name.split_once('/').unwrap_or(("shop", name));
    ContainerInstanceArn::try_from(ecs(&format!("container-instance/{cluster}/{name}"))).unwrap()
}

/// The EC2 instance of a container instance.
pub fn host(arn: &ContainerInstanceArn) -> String {
    arn.tail().split('#').next().unwrap().to_owned()
}

pub fn definition(name: &str) -> TaskDefinitionArn {
    TaskDefinitionArn::try_from(ecs(&format!("task-definition/{name}"))).unwrap()
}

pub fn revision(service: &str, digits: &str) -> RevisionArn {
    RevisionArn::try_from(ecs(&format!("service-revision/shop/{service}/{digits}"))).unwrap()
}

pub fn group(name: &str) -> TargetGroupArn {
    let text = format!(
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/0123456789abcdef"
    );
    TargetGroupArn::try_from(text).unwrap()
}

/// The load balancer of this kind: `app` or `net`.
pub fn balancer(kind: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/{kind}/lb/1")
}

pub fn target(text: &str) -> Target {
    Target::try_from(text.to_owned()).unwrap()
}
