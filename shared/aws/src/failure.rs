//! Failures of AWS calls, classified in one place.
//!
//! A [`Failure`] has the call that failed, its object and the kind of failure. AWS's message is in
//! its source, so neither text repeats the other; [`chain`] joins them into one line.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

/// The error codes for throttling. The SDK has already slowed down and retried. They are those of
/// the SDK's own classifier (aws-runtime); the last ones are from the models of SNS and SQS, whose
/// topics and queues may use a KMS key. `tests/emulators` compares them with botocore's models.
const THROTTLING_CODES: [&str; 18] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "KMSThrottlingException",
    "KMSThrottling",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "Throttled",
];

/// The error codes for a missing permission.
const DENIED_CODES: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
];

/// The error codes for credentials that are invalid or have expired: the next invocation has new
/// ones.
const CREDENTIAL_CODES: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// A call to AWS that failed, after the SDK's own retries.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} of {resource} {kind}")]
pub struct Failure {
    /// The IAM action of the call, such as `ecs:DescribeTasks`.
    pub action: &'static str,
    /// The object of the call, for people.
    pub resource: String,
    /// The kind of failure.
    pub kind: FailureKind,
    /// The error of AWS or of the network.
    source: Arc<dyn Error + Send + Sync>,
}

/// The kinds of failure that callers distinguish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailureKind {
    /// AWS throttled the call.
    #[error("was throttled")]
    Throttled,
    /// The object of the call does not exist.
    #[error("failed: it does not exist")]
    NotFound {
        /// AWS's error code.
        code: String,
    },
    /// A permission is missing.
    #[error("was denied: the role needs this IAM action on it")]
    Denied {
        /// AWS's error code.
        code: String,
    },
    /// AWS does not accept the request; the same request will not be accepted later.
    #[error("was refused")]
    Refused {
        /// AWS's error code.
        code: String,
    },
    /// No answer, a server error, or credentials that have expired. It is unknown whether a write
    /// was executed.
    #[error("failed: no valid response from AWS")]
    Unavailable,
    /// An answer arrived that the SDK, or this crate, cannot read. It is unknown whether a write
    /// was executed.
    #[error("failed: the answer cannot be read")]
    Unreadable,
}

impl Failure {
    /// A response that lacks a required part or exceeds one of Portkeeper's limits.
    pub fn unreadable(
        action: &'static str,
        resource: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        let source = Arc::new(Answer(what.into()));
        Self { action, resource: resource.into(), kind: FailureKind::Unreadable, source }
    }

    /// A response that ended too early.
    pub fn broken_off(
        action: &'static str,
        resource: impl Into<String>,
        error: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            action,
            resource: resource.into(),
            kind: FailureKind::Unavailable,
            source: Arc::new(error),
        }
    }

    /// Returns the failure for an error of the SDK.
    pub fn of_sdk_error<E>(
        action: &'static str,
        resource: impl Into<String>,
        error: SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let resource = resource.into();
        let request_id = error.request_id().map(str::to_owned);
        let kind = match &error {
            SdkError::ServiceError(answer) => kind_of_code(
                answer.err().code().unwrap_or_default(),
                answer.raw().status().as_u16(),
            ),
            SdkError::ResponseError(_) => FailureKind::Unreadable,
            _ => FailureKind::Unavailable,
        };
        let source: Arc<dyn Error + Send + Sync> = match error.as_service_error() {
            Some(answer) => {
                Arc::new(Answer::from_parts(answer.code(), answer.message(), request_id.as_deref()))
            }
            None => Arc::new(error),
        };
        Self { action, resource, kind, source }
    }

    /// AWS's error code, if AWS returned one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.kind {
            FailureKind::NotFound { code }
            | FailureKind::Denied { code }
            | FailureKind::Refused { code } => Some(code),
            FailureKind::Throttled | FailureKind::Unavailable | FailureKind::Unreadable => None,
        }
    }

    /// The object of the call does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, FailureKind::NotFound { .. })
    }

    /// The same call will fail again until a person changes something.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::NotFound { .. } | FailureKind::Denied { .. } | FailureKind::Refused { .. }
        )
    }
}

fn kind_of_code(code: &str, status: u16) -> FailureKind {
    let owned = || code.to_owned();
    if THROTTLING_CODES.contains(&code) || status == 429 {
        FailureKind::Throttled
    } else if DENIED_CODES.contains(&code) {
        FailureKind::Denied { code: owned() }
    } else if CREDENTIAL_CODES.contains(&code) || status >= 500 || code == "ServerException" {
        FailureKind::Unavailable
    } else if code.contains("NotFound")
        || code.contains("NonExistent")
        || code.contains("DoesNotExist")
    {
        FailureKind::NotFound { code: owned() }
    } else {
        FailureKind::Refused { code: owned() }
    }
}

/// AWS's response, as the source of a [`Failure`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Answer(String);

impl Answer {
    fn from_parts(code: Option<&str>, message: Option<&str>, request_id: Option<&str>) -> Self {
        let mut text = code.unwrap_or("an error without a code").to_owned();
        if let Some(message) = message {
            text.push_str(": ");
            text.push_str(message);
        }
        if let Some(id) = request_id {
            let _ = write!(text, " (request {id})");
        }
        Self(text)
    }
}

/// Returns an error and all its sources on one line, each once.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let kind = |code: &str, status| kind_of_code(code, status);
        assert_eq!(kind("ThrottlingException", 400), FailureKind::Throttled);
        assert_eq!(
            kind("KMSThrottling", 400),
            FailureKind::Throttled,
            "of SNS, for the topic's key"
        );
        assert_eq!(
            kind("TargetGroupNotFound", 400),
            FailureKind::NotFound { code: "TargetGroupNotFound".into() }
        );
        assert_eq!(kind("AccessDenied", 403), FailureKind::Denied { code: "AccessDenied".into() });
        assert_eq!(
            kind("InvalidTarget", 400),
            FailureKind::Refused { code: "InvalidTarget".into() }
        );
        assert_eq!(kind("ExpiredToken", 403), FailureKind::Unavailable);
        assert_eq!(kind("", 503), FailureKind::Unavailable);
        assert_eq!(kind("HealthUnavailable", 500), FailureKind::Unavailable);
    }

    #[test]
    fn a_chain_says_everything_once() {
        let failure = Failure {
            action: "ecs:DescribeTasks",
            resource: "3 tasks of shop".to_owned(),
            kind: FailureKind::Denied { code: "AccessDeniedException".to_owned() },
            source: Arc::new(Answer::from_parts(
                Some("AccessDeniedException"),
                Some("no"),
                Some("r-1"),
            )),
        };
        assert_eq!(
            chain(&failure),
            "ecs:DescribeTasks of 3 tasks of shop was denied: the role needs this IAM action on it: \
             AccessDeniedException: no (request r-1)"
        );
    }
}
