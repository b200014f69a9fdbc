//! Links into the AWS console of the cluster's partition and Region.

use crate::alert::AlertItem;
use crate::ids::{ClusterArn, ServiceKey, TargetGroupArn, TaskArn};
use serde::{Deserialize, Serialize};

/// A link with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What the link shows.
    pub name: String,
    pub url: String,
}

/// The console of a cluster's partition and region.
fn host(cluster: &ClusterArn) -> String {
    match cluster.partition() {
        "aws-cn" => "console.amazonaws.cn".to_owned(),
        "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
        _ => format!("{}.console.aws.amazon.com", cluster.region()),
    }
}

/// Returns links to the service, to the target group and the task of the first item, and to the
/// call that caused it.
pub(super) fn links(key: &ServiceKey, items: &[AlertItem]) -> Vec<Link> {
    let link = |name: &str, url: String| Link { name: name.to_owned(), url };
    let group = items.iter().find_map(|item| item.subject.group());
    let task = items.iter().find_map(|item| item.task.as_ref());
    let mut links = vec![link("Service", service(key))];
    links.extend(group.map(|group| link("Target group", target_group(key, group))));
    links.extend(task.map(|it| link("Task", self::task(key, it))));
    let cause = items.iter().find_map(|item| item.cause.as_ref());
    links.extend(cause.map(|cause| link("CloudTrail", trail(&key.cluster, &cause.event))));
    links
}

fn service(key: &ServiceKey) -> String {
    let (cluster, region) = (&key.cluster, key.cluster.region());
    let host = host(cluster);
    format!(
        "https://{host}/ecs/v2/clusters/{}/services/{}?region={region}",
        cluster.name(),
        key.service
    )
}

fn task(key: &ServiceKey, task: &TaskArn) -> String {
    let (cluster, region) = (&key.cluster, key.cluster.region());
    let host = host(cluster);
    format!(
        "https://{host}/ecs/v2/clusters/{}/tasks/{}?region={region}",
        cluster.name(),
        task.tail()
    )
}

fn trail(cluster: &ClusterArn, event: &str) -> String {
    format!(
        "https://{}/cloudtrailv2/home?region={}#/events/{event}",
        host(cluster),
        cluster.region()
    )
}

fn target_group(key: &ServiceKey, group: &TargetGroupArn) -> String {
    let region = key.cluster.region();
    format!(
        "https://{}/ec2/home?region={region}#TargetGroup:targetGroupArn={group}",
        host(&key.cluster)
    )
}
