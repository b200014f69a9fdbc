//! What all simulated services share: the log of calls, AWS's error format, and the error codes for
//! an invalid call.

use serde_json::Value;
use std::collections::BTreeMap;

/// The simulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Amazon ECS (awsJson1.1).
    Ecs,
    /// Elastic Load Balancing v2 (AWS Query, XML).
    Elbv2,
    /// Amazon SQS (awsJson1.0).
    Sqs,
    /// Amazon SNS (AWS Query, XML).
    Sns,
    /// DynamoDB (awsJson1.0).
    DynamoDb,
    /// AWS Secrets Manager (awsJson1.1).
    SecretsManager,
    /// Amazon EventBridge (awsJson1.1).
    EventBridge,
    /// Amazon S3 (REST, XML).
    S3,
    /// Application Auto Scaling (awsJson1.1).
    ApplicationAutoScaling,
    /// Amazon CloudWatch Logs (awsJson1.1).
    CloudWatchLogs,
    /// AWS Cloud Control API (awsJson1.0).
    CloudControl,
}

impl Service {
    /// The endpoint prefix.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Elbv2 => "elasticloadbalancing",
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::DynamoDb => "dynamodb",
            Self::SecretsManager => "secretsmanager",
            Self::EventBridge => "events",
            Self::S3 => "s3",
            Self::ApplicationAutoScaling => "application-autoscaling",
            Self::CloudWatchLogs => "logs",
            Self::CloudControl => "cloudcontrolapi",
        }
    }

    /// Whether the protocol (AWS Query, or REST with headers) carries numbers and booleans as
    /// strings.
    pub(crate) fn has_only_text(self) -> bool {
        matches!(self, Self::Elbv2 | Self::Sns | Self::S3)
    }
}

/// Who made a call. AWS counts and audits these callers separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A program that uses an SDK client: Portkeeper under test.
    Client,
    /// ECS, with its service-linked role.
    Ecs,
    /// A person or another tool.
    Person,
}

#[derive(Debug, Clone)]
pub struct Call {
    /// Milliseconds since the Unix epoch, by the world's clock.
    pub at_ms: u64,
    pub caller: Caller,
    pub service: Service,
    /// Such as `DescribeTasks`.
    pub operation: String,
    pub input: Value,
    /// The error that the service returned, if any.
    pub error: Option<ApiError>,
}

/// Every call so far.
#[derive(Debug, Default)]
pub struct CallLog {
    calls: Vec<Call>,
}

impl CallLog {
    pub fn push(&mut self, call: Call) {
        self.calls.push(call);
    }

    #[must_use]
    pub fn all(&self) -> &[Call] {
        &self.calls
    }

    /// Forgets the calls so far, so that a test counts from here.
    pub fn clear(&mut self) {
        self.calls.clear();
    }

    /// The calls of one operation by clients, without those of ECS and people.
    pub fn of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls
            .iter()
            .filter(move |call| call.caller == Caller::Client && call.operation == operation)
    }

    /// Calls by clients, counted by service and operation.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(Service, String), usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls.iter().filter(|call| call.caller == Caller::Client) {
            *counts.entry((call.service, call.operation.clone())).or_insert(0) += 1;
        }
        counts
    }
}

/// An error as AWS returns it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The error code, such as `TargetGroupNotFound`.
    pub code: String,
    pub message: String,
    pub status: u16,
    /// Additional members of the error's body, such as the `Item` of a failed condition.
    pub details: Option<Value>,
}

impl ApiError {
    /// A client error: HTTP 400.
    #[must_use]
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::failed(code, message, 400)
    }

    /// An error with its own HTTP status.
    #[must_use]
    pub fn failed(code: &str, message: impl Into<String>, status: u16) -> Self {
        Self { code: code.to_owned(), message: message.into(), status, details: None }
    }

    /// Adds members to the error's body.
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The service's error for an invalid value.
    pub(crate) fn invalid(service: Service, message: impl Into<String>) -> Self {
        let code = match service {
            Service::Ecs | Service::SecretsManager | Service::CloudWatchLogs => {
                "InvalidParameterException"
            }
            Service::Elbv2 => "ValidationError",
            Service::Sqs => "InvalidParameterValue",
            Service::Sns => "InvalidParameter",
            Service::DynamoDb
            | Service::EventBridge
            | Service::ApplicationAutoScaling
            | Service::CloudControl => "ValidationException",
            Service::S3 => "InvalidArgument",
        };
        Self::refused(code, message)
    }

    /// The error for an operation that is not simulated.
    pub(crate) fn unknown_operation(service: Service, operation: &str) -> Self {
        let code =
            if service.has_only_text() { "InvalidAction" } else { "UnknownOperationException" };
        Self::refused(code, format!("{}:{operation} is not simulated", service.name()))
    }
}
