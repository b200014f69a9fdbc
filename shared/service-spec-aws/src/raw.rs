//! Requests and answers as JSON, whole: behind an operation of the SDK, so that endpoint,
//! signature, retries, time-outs and errors stay the SDK's, while members that are newer than the
//! SDK's model pass through unchanged.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use portkeeper_aws::failure::Failure;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Replaces the input that the SDK has written with this one, before the signature, in every
/// attempt.
pub(crate) fn body(input: &Value) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    // I-WHOLE: "put in place of what the SDK would have written, before it is signed"
    let bytes = input.to_string().into_bytes();
    move |request: &mut HttpRequest| {
        request.headers_mut().insert("content-length", bytes.len().to_string());
        *request.body_mut() = SdkBody::from(bytes.clone());
    }
}

/// Keeps the response unchanged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer(Arc<Mutex<Vec<u8>>>);

impl Answer {
    /// Returns AWS's response as JSON, after the call has succeeded.
    pub(crate) fn json(
        &self,
        action: &'static str,
        resource: impl Into<String>,
    ) -> Result<Value, Failure> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::unreadable(action, resource, error.to_string()))
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "whole answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().unwrap_or_default().to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(())
    }
}
