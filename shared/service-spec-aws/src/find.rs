//! Reads the existing resources that a spec names, as AWS returns them. A failed read is a gap with
//! the IAM action, and is never treated as absent.

mod balancing;
mod named;
mod scaling;

use crate::SpecAws;
use crate::raw::Answer;
use aws_sdk_ecs::types::{ServiceField, TaskDefinitionField};
use portkeeper_aws::failure::{Failure, chain};
use portkeeper_service_spec::found::{
    About, Found, FoundCluster, FoundService, FoundTaskDefinition, Gap,
};
use portkeeper_service_spec::references::References;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use balancing::rules_of;
pub(super) use scaling::resource_id;

/// Reads everything that a spec names.
pub async fn find(aws: &SpecAws, references: &References) -> Found {
    let mut found = Found::default();
    let gaps = &mut Vec::new();
    found.cluster = or_gap(gaps, About::Cluster, cluster(aws, &references.cluster).await);
    // Without the cluster there is no service, and ECS refuses the call.
    if found.cluster.is_some() {
        found.service = or_gap(
            gaps,
            About::Service,
            service(aws, &references.cluster, &references.service).await,
        );
    }
    if !references.task_definition.is_empty() {
        let read = task_definition(aws, &references.task_definition).await;
        found.task_definition = or_gap(gaps, About::TaskDefinition, read);
    }
    let used = groups_of(found.service.as_ref());
    found.groups = or_gap(gaps, About::Groups, balancing::groups(aws, references, &used).await);
    let read = balancing::listeners(aws, references, &found.groups).await;
    (found.load_balancers, found.listeners) = or_gap(gaps, About::Listeners, read);
    found.roles = or_gap(gaps, About::Roles, named::roles(aws, &references.roles).await);
    found.subnets = or_gap(gaps, About::Subnets, named::subnets(aws, &references.subnets).await);
    let read = named::security_groups(aws, &references.security_groups).await;
    found.security_groups = or_gap(gaps, About::SecurityGroups, read);
    found.log_groups =
        or_gap(gaps, About::LogGroups, scaling::log_groups(aws, &references.log_groups).await);
    if found.service.is_some() {
        let (cluster, service) = (cluster_name(&references.cluster), &references.service);
        found.scaling =
            or_gap(gaps, About::Scaling, scaling::of_service(aws, cluster, service).await);
    }
    found.gaps = std::mem::take(gaps);
    found
}

/// Returns the name in a cluster's ARN; a name is returned unchanged.
pub(super) fn cluster_name(cluster: &str) -> &str {
    cluster.rsplit('/').next().unwrap_or(cluster)
}

/// What was read. A failed read leaves a gap and reading continues, so that all problems are
/// reported at once.
fn or_gap<T: Default>(gaps: &mut Vec<Gap>, about: About, read: Result<T, Failure>) -> T {
    read.unwrap_or_else(|failure| {
        let denied = failure.is_final();
        gaps.push(Gap { about, action: failure.action.to_owned(), why: chain(&failure), denied });
        T::default()
    })
}

async fn cluster(aws: &SpecAws, cluster: &str) -> Result<Option<FoundCluster>, Failure> {
    let action = "ecs:DescribeClusters";
    aws.shared.acquire(action).await;
    let answer = aws.ecs.describe_clusters().clusters(cluster).send().await;
    let answer = answer.map_err(|error| aws.shared.failure(action, cluster, error))?;
    // A cluster that does not exist is in `failures`; the call succeeds.
    Ok(answer.clusters().first().map(|cluster| FoundCluster {
        arn: cluster.cluster_arn().unwrap_or_default().to_owned(),
        status: cluster.status().unwrap_or_default().to_owned(),
        registered_instances: u32::try_from(cluster.registered_container_instances_count())
            .unwrap_or(0),
        capacity_providers: cluster.capacity_providers().iter().cloned().collect(),
        has_default_strategy: !cluster.default_capacity_provider_strategy().is_empty(),
    }))
}

/// As AWS returns it, including members that are newer than the SDK.
pub(super) async fn service(
    aws: &SpecAws,
    cluster: &str,
    service: &str,
) -> Result<Option<FoundService>, Failure> {
    let action = "ecs:DescribeServices";
    let what = || format!("{cluster}/{service}");
    let whole = Answer::default();
    aws.shared.acquire(action).await;
    let request =
        aws.ecs.describe_services().cluster(cluster).services(service).include(ServiceField::Tags);
    let answer = request.customize().interceptor(whole.clone()).send().await;
    answer.map_err(|error| aws.shared.failure(action, what(), error))?;
    let answer = whole.json(action, what())?;
    Ok(answer
        .pointer("/services/0")
        .map(|shown| FoundService { shown: shown.clone(), tags: tags(shown.get("tags")) }))
}

async fn task_definition(
    aws: &SpecAws,
    named: &str,
) -> Result<Option<FoundTaskDefinition>, Failure> {
    let action = "ecs:DescribeTaskDefinition";
    let whole = Answer::default();
    aws.shared.acquire(action).await;
    let request = aws
        .ecs
        .describe_task_definition()
        .task_definition(named)
        .include(TaskDefinitionField::Tags);
    if let Err(error) = request.customize().interceptor(whole.clone()).send().await {
        let failure = aws.shared.failure(action, named, error);
        // "Unable to describe task definition.": ECS has no code of its own for a family that does
        // not exist.
        return if failure.code() == Some("ClientException") { Ok(None) } else { Err(failure) };
    }
    let answer = whole.json(action, named)?;
    Ok(answer
        .get("taskDefinition")
        .map(|shown| FoundTaskDefinition { shown: shown.clone(), tags: tags(answer.get("tags")) }))
}

/// `[{"key": …, "value": …}]`, as ECS writes tags.
fn tags(shown: Option<&Value>) -> BTreeMap<String, String> {
    let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
    let tags = shown.and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default())))
        .collect()
}

/// Every target group that a service names.
fn groups_of(service: Option<&FoundService>) -> BTreeSet<String> {
    let entries =
        service.and_then(|service| service.shown.get("loadBalancers")).and_then(Value::as_array);
    let named = entries.into_iter().flatten().flat_map(|entry| {
        let other = entry.pointer("/advancedConfiguration/alternateTargetGroupArn");
        [entry.get("targetGroupArn"), other].into_iter().flatten()
    });
    named.filter_map(Value::as_str).map(str::to_owned).collect()
}
