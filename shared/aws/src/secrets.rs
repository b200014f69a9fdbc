//! Reads a secret. Its text appears in no log and no error.

use crate::failure::Failure;
use crate::lazy::{Lazily, lazily};
use aws_config::SdkConfig;
use aws_smithy_async::time::SharedTimeSource;
use portkeeper_core::time::Timestamp;
use std::fmt;

/// AWS Secrets Manager.
pub struct Secrets {
    secretsmanager: Lazily<aws_sdk_secretsmanager::Client>,
    time: SharedTimeSource,
}

impl Secrets {
    /// A client.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig) -> Self {
        Self {
            secretsmanager: lazily(config, aws_sdk_secretsmanager::Client::new),
            time: config.time_source().unwrap_or_default(),
        }
    }

    /// Returns the current text of a secret, by its name or ARN.
    pub async fn read(&self, id: &str) -> Result<String, Failure> {
        let action = "secretsmanager:GetSecretValue";
        let answer = self.secretsmanager.get_secret_value().secret_id(id).send().await;
        let answer = answer.map_err(|error| Failure::of_sdk_error(action, id, error))?;
        answer
            .secret_string
            .ok_or_else(|| Failure::unreadable(action, id, "the secret is binary, not text"))
    }

    /// Returns the current time, by the clock that also signs the requests.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        crate::account::moment(&self.time)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}
