//! The awsJson 1.0 and 1.1 protocols: the body is the input or the output; errors have `__type`.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>, and for the SQS error
//! header
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait>.

use super::response::response;
use crate::api::{ApiError, Service};
use crate::reply::Reply;
use ::http::Response;
use serde_json::{Value, json};

/// The services with this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonService {
    Ecs,
    Sqs,
    DynamoDb,
    SecretsManager,
    EventBridge,
    ApplicationAutoScaling,
    CloudWatchLogs,
    CloudControl,
}

impl JsonService {
    /// The service named by the first part of `X-Amz-Target`.
    pub(super) fn of_target(prefix: &str) -> Option<Self> {
        match prefix {
            "AmazonEC2ContainerServiceV20141113" => Some(Self::Ecs),
            "AmazonSQS" => Some(Self::Sqs),
            "DynamoDB_20120810" => Some(Self::DynamoDb),
            "secretsmanager" => Some(Self::SecretsManager),
            "AWSEvents" => Some(Self::EventBridge),
            "AnyScaleFrontendService" => Some(Self::ApplicationAutoScaling),
            "Logs_20140328" => Some(Self::CloudWatchLogs),
            "CloudApiService" => Some(Self::CloudControl),
            _ => None,
        }
    }

    pub(super) fn service(self) -> Service {
        match self {
            Self::Ecs => Service::Ecs,
            Self::Sqs => Service::Sqs,
            Self::DynamoDb => Service::DynamoDb,
            Self::SecretsManager => Service::SecretsManager,
            Self::EventBridge => Service::EventBridge,
            Self::ApplicationAutoScaling => Service::ApplicationAutoScaling,
            Self::CloudWatchLogs => Service::CloudWatchLogs,
            Self::CloudControl => Service::CloudControl,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Sqs | Self::DynamoDb | Self::CloudControl => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        }
    }

    /// The prefix of an error's name in `__type`.
    fn namespace(self) -> &'static str {
        match self {
            Self::Sqs => "com.amazonaws.sqs#",
            Self::DynamoDb => "com.amazonaws.dynamodb.v20120810#",
            Self::CloudControl => "com.amazonaws.cloudcontrol#",
            _ => "",
        }
    }
}

/// The input. An empty body is an empty input.
pub(super) fn decode(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) => Err(ApiError::refused("SerializationException", "The body must be a JSON object")),
        Err(error) => Err(ApiError::refused("SerializationException", error.to_string())),
    }
}

pub(super) fn encode(service: JsonService, answer: &Reply, request_id: &str) -> Response<Vec<u8>> {
    let headers = [("x-amzn-requestid", request_id)];
    response(200, service.content_type(), &headers, answer.to_json())
}

pub(super) fn encode_error(
    service: JsonService,
    error: &ApiError,
    request_id: &str,
) -> Response<Vec<u8>> {
    let mut body = json!({
        "__type": format!("{}{}", service.namespace(), error.code),
        "message": error.message,
    });
    if let (Some(body), Some(Value::Object(details))) = (body.as_object_mut(), &error.details) {
        body.extend(details.clone());
    }
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    let query_error = format!("{};{fault}", query_code(&error.code));
    let mut headers =
        vec![("x-amzn-requestid", request_id), ("x-amzn-errortype", error.code.as_str())];
    if service == JsonService::Sqs {
        headers.push(("x-amzn-query-error", &query_error));
    }
    response(error.status, service.content_type(), &headers, body.to_string().into_bytes())
}

/// The error codes of SQS's former Query protocol, which SDKs still read (`awsQueryError` in its
/// model).
fn query_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "TooManyEntriesInBatchRequest"
        | "EmptyBatchRequest"
        | "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "InvalidBatchEntryId"
        | "MessageNotInflight" => format!("AWS.SimpleQueueService.{code}"),
        _ => code.to_owned(),
    }
}
