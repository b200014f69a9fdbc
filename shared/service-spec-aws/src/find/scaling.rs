//! Reads how a service scales, and the log groups of its containers.

use super::super::raw::Answer;
use crate::SpecAws;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use portkeeper_aws::failure::Failure;
use portkeeper_service_spec::found::FoundScaling;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// `service/cluster/service`, as Application Auto Scaling names a service.
pub(crate) fn resource_id(cluster: &str, service: &str) -> String {
    format!("service/{cluster}/{service}")
}

/// The scaling target of a service, if there is one.
pub(super) async fn of_service(
    aws: &SpecAws,
    cluster: &str,
    service: &str,
) -> Result<Option<FoundScaling>, Failure> {
    let action = "application-autoscaling:DescribeScalableTargets";
    let id = resource_id(cluster, service);
    aws.shared.acquire(action).await;
    let request = aws.scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
    let request =
        request.resource_ids(&id).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let answer = request.send().await.map_err(|error| aws.shared.failure(action, &id, error))?;
    let Some(target) = answer.scalable_targets().first() else { return Ok(None) };
    let count = |count: i32| u32::try_from(count).unwrap_or(0);
    let arn = target.scalable_target_arn().unwrap_or_default().to_owned();
    Ok(Some(FoundScaling {
        min: count(target.min_capacity()),
        max: count(target.max_capacity()),
        policies: policies(aws, &id).await?,
        tags: tags(aws, &arn).await?,
        arn,
    }))
}

/// As AWS shows them. A service has 50 at most, which is one page.
async fn policies(aws: &SpecAws, id: &str) -> Result<BTreeMap<String, Value>, Failure> {
    let action = "application-autoscaling:DescribeScalingPolicies";
    let whole = Answer::default();
    aws.shared.acquire(action).await;
    let request = aws
        .scaling
        .describe_scaling_policies()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(id);
    let request = request.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let answer = request.customize().interceptor(whole.clone()).send().await;
    answer.map_err(|error| aws.shared.failure(action, id, error))?;
    let answer = whole.json(action, id)?;
    let policies = answer.get("ScalingPolicies").and_then(Value::as_array).into_iter().flatten();
    let named = policies.filter_map(|policy| {
        let configuration = policy.get("TargetTrackingScalingPolicyConfiguration").cloned();
        Some((policy.get("PolicyName")?.as_str()?.to_owned(), configuration.unwrap_or(Value::Null)))
    });
    Ok(named.collect())
}

/// Scalable targets from before the introduction of tags have no ARN.
async fn tags(aws: &SpecAws, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
    if arn.is_empty() {
        return Ok(BTreeMap::new());
    }
    let action = "application-autoscaling:ListTagsForResource";
    aws.shared.acquire(action).await;
    let answer = aws.scaling.list_tags_for_resource().resource_arn(arn).send().await;
    let answer = answer.map_err(|error| aws.shared.failure(action, arn, error))?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

/// Returns the existing ones of these log groups, each with the days for which it keeps events.
pub(super) async fn log_groups(
    aws: &SpecAws,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, Option<u32>>, Failure> {
    let action = "logs:DescribeLogGroups";
    let mut found = BTreeMap::new();
    for name in names {
        aws.shared.acquire(action).await;
        // In alphabetical order, so that the group itself comes before all that only begin with its
        // name.
        let answer = aws.logs.describe_log_groups().log_group_name_prefix(name).send().await;
        let answer = answer.map_err(|error| aws.shared.failure(action, name, error))?;
        if let Some(group) =
            answer.log_groups().iter().find(|group| group.log_group_name() == Some(name))
        {
            found.insert(
                name.clone(),
                group.retention_in_days().and_then(|days| u32::try_from(days).ok()),
            );
        }
    }
    Ok(found)
}
