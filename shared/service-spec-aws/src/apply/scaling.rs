//! Writes to Application Auto Scaling: how many tasks a service may have, and by what it scales.

use super::super::find::resource_id;
use super::{Done, existing, gone_is_done};
use crate::SpecAws;
use aws_sdk_applicationautoscaling::error::BuildError;
use aws_sdk_applicationautoscaling::types::{
    PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use portkeeper_aws::failure::Failure;
use portkeeper_service_spec::steps::{Policy, ResourceLabel, Write};

const DIMENSION: ScalableDimension = ScalableDimension::EcsServiceDesiredCount;

pub(super) async fn apply(aws: &SpecAws, write: &Write) -> Result<Done, Failure> {
    match write {
        Write::RegisterScalableTarget { cluster, service, min, max, tags, .. } => {
            let (action, id) =
                ("application-autoscaling:RegisterScalableTarget", resource_id(cluster, service));
            let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            aws.shared.acquire(action).await;
            let request =
                aws.scaling.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
            let request =
                request.resource_id(&id).scalable_dimension(DIMENSION).set_tags(Some(tags));
            let sent = request.min_capacity(count(*min)).max_capacity(count(*max)).send().await;
            sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, id, error))
        }
        Write::DeregisterScalableTarget { cluster, service } => {
            let (action, id) =
                ("application-autoscaling:DeregisterScalableTarget", resource_id(cluster, service));
            aws.shared.acquire(action).await;
            let request =
                aws.scaling.deregister_scalable_target().service_namespace(ServiceNamespace::Ecs);
            let sent = request.resource_id(&id).scalable_dimension(DIMENSION).send().await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, id, error)))
        }
        Write::PutScalingPolicy { cluster, service, policy, .. } => {
            put_policy(aws, resource_id(cluster, service), policy).await
        }
        Write::DeleteScalingPolicy { cluster, service, name } => {
            let (action, id) =
                ("application-autoscaling:DeleteScalingPolicy", resource_id(cluster, service));
            aws.shared.acquire(action).await;
            let request =
                aws.scaling.delete_scaling_policy().service_namespace(ServiceNamespace::Ecs);
            let sent = request
                .resource_id(&id)
                .scalable_dimension(DIMENSION)
                .policy_name(name)
                .send()
                .await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, id, error)))
        }
        _ => Ok(Done::default()),
    }
}

fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

async fn put_policy(aws: &SpecAws, id: String, policy: &Policy) -> Result<Done, Failure> {
    let action = "application-autoscaling:PutScalingPolicy";
    let tracking =
        tracking(policy).map_err(|error| Failure::unreadable(action, &id, error.to_string()))?;
    aws.shared.acquire(action).await;
    let request =
        aws.scaling.put_scaling_policy().service_namespace(ServiceNamespace::Ecs).resource_id(&id);
    let request =
        request.scalable_dimension(DIMENSION).policy_type(PolicyType::TargetTrackingScaling);
    let request =
        request.policy_name(&policy.name).target_tracking_scaling_policy_configuration(tracking);
    let sent = request.send().await;
    sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, id, error))
}

fn tracking(policy: &Policy) -> Result<TargetTrackingScalingPolicyConfiguration, BuildError> {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(policy.metric.predefined().into())
        .set_resource_label(policy.label.as_ref().map(label))
        .build()?;
    TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(policy.value)
        .predefined_metric_specification(metric)
        .set_scale_out_cooldown(policy.scale_out_cooldown_seconds.map(count))
        .set_scale_in_cooldown(policy.scale_in_cooldown_seconds.map(count))
        .build()
}

/// `app/front/50dc6c495c0c9188/targetgroup/web/6d0ecf831eec9f09`, from two ARNs.
fn label(label: &ResourceLabel) -> String {
    let balancer = label.load_balancer.split_once(":loadbalancer/").map_or("", |(_, path)| path);
    let group = existing(&label.group).rsplit(':').next().unwrap_or_default();
    format!("{balancer}/{group}")
}
