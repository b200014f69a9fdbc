//! Executes the writes of a plan, one after the other. It decides nothing. Inputs in AWS's own JSON
//! reach AWS unchanged. A call that is not idempotent is repeated only after AWS refused it: if its
//! answer is lost, the next read of the account finds what the call created.
//!
//! AWS facts: F-6.

mod balancing;
mod scaling;

use crate::SpecAws;
use crate::raw::{self, Answer};
use aws_sdk_ecs::types::Tag;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use portkeeper_aws::failure::Failure;
use portkeeper_service_spec::steps::{NewResource, Ref, Write};
use serde_json::Value;
use std::collections::BTreeMap;

pub use balancing::rules_now;

/// The result of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// It created something with this ARN.
    pub made: Option<(NewResource, String)>,
    /// The service that it created or changed.
    pub service: Option<DeployedService>,
}

/// A service, as the answer to a write shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedService {
    /// Its ARN.
    pub arn: String,
    /// The deployment that applies the change: `ecs-svc/<digits>`. None if ECS starts none.
    pub deployment: Option<String>,
}

/// Executes one write, all of whose references are filled in.
pub async fn apply(aws: &SpecAws, write: &Write) -> Result<Done, Failure> {
    match write {
        Write::CreateLogGroup { .. }
        | Write::PutRetention { .. }
        | Write::DeleteLogGroup { .. } => log_group(aws, write).await,
        Write::RegisterTaskDefinition { input } => register_task_definition(aws, input).await,
        Write::DeregisterTaskDefinition { task_definition } => {
            let (action, arn) = ("ecs:DeregisterTaskDefinition", existing(task_definition));
            aws.shared.acquire(action).await;
            let sent = aws.ecs.deregister_task_definition().task_definition(arn).send().await;
            sent.map_err(|error| aws.shared.failure(action, arn, error))?;
            Ok(Done::default())
        }
        Write::CreateService { input, .. } => create_service(aws, input).await,
        Write::UpdateService { input, .. } => update_service(aws, input).await,
        Write::TagService { service, tags } => tag_service(aws, service, tags).await,
        Write::DeleteService { cluster, service } => {
            let action = "ecs:DeleteService";
            aws.shared.acquire(action).await;
            let request = aws.ecs.delete_service().cluster(cluster).service(service).force(true);
            let sent = request.send().await;
            let sent = sent
                .map(|_| ())
                .map_err(|error| aws.shared.failure(action, format!("{cluster}/{service}"), error));
            gone_is_done(sent)
        }
        Write::RegisterScalableTarget { .. }
        | Write::DeregisterScalableTarget { .. }
        | Write::PutScalingPolicy { .. }
        | Write::DeleteScalingPolicy { .. } => scaling::apply(aws, write).await,
        _ => balancing::apply(aws, write).await,
    }
}

/// Returns the ARN of an existing resource. For a resource that was not created it is empty, and
/// AWS refuses the call.
fn existing(reference: &Ref) -> &str {
    match reference {
        Ref::Existing(arn) => arn,
        Ref::New(_) => "",
    }
}

/// A resource that does not exist counts as deleted.
fn gone_is_done(sent: Result<(), Failure>) -> Result<Done, Failure> {
    match sent {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(Done::default()),
    }
}

/// Prevents a second attempt if AWS may have executed the first: no response, an incomplete one, or
/// a server error.
#[derive(Debug)]
struct OnlyAfterRefusal;

impl ClassifyRetry for OnlyAfterRefusal {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // I-ONCE: "if its answer is lost, the account is read before the write is repeated"
        let refused =
            context.response().is_some_and(|response| response.status().is_client_error());
        if refused { RetryAction::NoActionIndicated } else { RetryAction::RetryForbidden }
    }

    fn name(&self) -> &'static str {
        "only after a refusal"
    }
}

async fn log_group(aws: &SpecAws, write: &Write) -> Result<Done, Failure> {
    match write {
        Write::CreateLogGroup { name, tags } => {
            let action = "logs:CreateLogGroup";
            aws.shared.acquire(action).await;
            let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            let sent =
                aws.logs.create_log_group().log_group_name(name).set_tags(Some(tags)).send().await;
            match sent.map_err(|error| aws.shared.failure(action, name, error)) {
                Err(failure) if failure.code() != Some("ResourceAlreadyExistsException") => {
                    Err(failure)
                }
                _ => Ok(Done::default()),
            }
        }
        Write::PutRetention { name, days: Some(days), .. } => {
            let action = "logs:PutRetentionPolicy";
            aws.shared.acquire(action).await;
            let days = i32::try_from(*days).unwrap_or(i32::MAX);
            let sent = aws
                .logs
                .put_retention_policy()
                .log_group_name(name)
                .retention_in_days(days)
                .send()
                .await;
            sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, name, error))
        }
        Write::PutRetention { name, days: None, .. } => {
            let action = "logs:DeleteRetentionPolicy";
            aws.shared.acquire(action).await;
            let sent = aws.logs.delete_retention_policy().log_group_name(name).send().await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, name, error)))
        }
        Write::DeleteLogGroup { name } => {
            let action = "logs:DeleteLogGroup";
            aws.shared.acquire(action).await;
            let sent = aws.logs.delete_log_group().log_group_name(name).send().await;
            gone_is_done(sent.map(|_| ()).map_err(|error| aws.shared.failure(action, name, error)))
        }
        _ => Ok(Done::default()),
    }
}

async fn register_task_definition(aws: &SpecAws, input: &Value) -> Result<Done, Failure> {
    let action = "ecs:RegisterTaskDefinition";
    let family = text(input, "/family");
    let whole = Answer::default();
    aws.shared.acquire(action).await;
    // Not idempotent: each call creates a revision.
    let once = aws_sdk_ecs::config::Builder::new().retry_classifier(OnlyAfterRefusal);
    let request = aws.ecs.register_task_definition().customize().mutate_request(raw::body(input));
    let sent = request.interceptor(whole.clone()).config_override(once).send().await;
    sent.map_err(|error| aws.shared.failure(action, family.as_str(), error))?;
    let arn = text(&whole.json(action, family)?, "/taskDefinition/taskDefinitionArn");
    Ok(Done { made: Some((NewResource::TaskDefinition, arn)), service: None })
}

/// The input contains a client token, so two calls create one service.
async fn create_service(aws: &SpecAws, input: &Value) -> Result<Done, Failure> {
    let action = "ecs:CreateService";
    let name = text(input, "/serviceName");
    let whole = Answer::default();
    aws.shared.acquire(action).await;
    let request = aws.ecs.create_service().customize().mutate_request(raw::body(input));
    let sent = request.interceptor(whole.clone()).send().await;
    sent.map_err(|error| aws.shared.failure(action, name.as_str(), error))?;
    Ok(deployed(&whole.json(action, name)?))
}

async fn update_service(aws: &SpecAws, input: &Value) -> Result<Done, Failure> {
    let action = "ecs:UpdateService";
    let name = text(input, "/service");
    let whole = Answer::default();
    aws.shared.acquire(action).await;
    let request = aws.ecs.update_service().customize().mutate_request(raw::body(input));
    let sent = request.interceptor(whole.clone()).send().await;
    sent.map_err(|error| aws.shared.failure(action, name.as_str(), error))?;
    Ok(deployed(&whole.json(action, name)?))
}

async fn tag_service(
    aws: &SpecAws,
    service: &str,
    tags: &BTreeMap<String, String>,
) -> Result<Done, Failure> {
    let action = "ecs:TagResource";
    aws.shared.acquire(action).await;
    let tags =
        tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let sent = aws.ecs.tag_resource().resource_arn(service).set_tags(Some(tags)).send().await;
    sent.map(|_| Done::default()).map_err(|error| aws.shared.failure(action, service, error))
}

/// The service in a response, with the deployment in progress.
fn deployed(answer: &Value) -> Done {
    let arn = text(answer, "/service/serviceArn");
    let deployment = answer.get("service").and_then(primary_deployment);
    Done { made: None, service: Some(DeployedService { arn, deployment }) }
}

/// The id of the newest deployment of a service as AWS shows it.
#[must_use]
pub fn primary_deployment(service: &Value) -> Option<String> {
    let deployments = service.get("deployments")?.as_array()?;
    let primary = deployments.iter().find(|deployment| text(deployment, "/status") == "PRIMARY")?;
    Some(text(primary, "/id")).filter(|id| !id.is_empty())
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
