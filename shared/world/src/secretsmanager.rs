//! AWS Secrets Manager: reading the current version of text secrets.
//!
//! Never shows a secret's text in debug output. Rotation, staging labels other than the current
//! one, and binary secrets are not simulated. Source:
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

mod secret_api;

use crate::api::{ApiError, Service};
use crate::{World, digest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// All secrets of the account, by name.
#[derive(Debug, Default)]
pub struct SecretsManager {
    secrets: BTreeMap<String, Secret>,
}

struct Secret {
    arn: String,
    text: String,
    versions: u64,
    created_ms: u64,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("arn", &self.arn)
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}

impl World {
    /// A person creates a secret or adds a version to it. Returns its ARN.
    pub fn put_secret(&mut self, name: &str, text: &str) -> String {
        // AWS adds six characters so that a later secret with the same name has another ARN.
        let suffix: String = digest::uuid("secret", name.len() as u64).chars().take(6).collect();
        let arn = self.account.arn("secretsmanager", &format!("secret:{name}-{suffix}"));
        let created_ms = self.now_ms;
        let new = Secret { arn, text: String::new(), versions: 0, created_ms };
        let secret = self.secretsmanager.secrets.entry(name.to_owned()).or_insert(new);
        text.clone_into(&mut secret.text);
        secret.versions += 1;
        secret.arn.clone()
    }

    /// A person deletes a secret without a recovery window.
    pub fn delete_secret(&mut self, name: &str) {
        self.secretsmanager.secrets.remove(name);
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "GetSecretValue" => secret_api::get_secret_value(world, input),
        _ => Err(ApiError::unknown_operation(Service::SecretsManager, operation)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Caller;
    use serde_json::json;

    #[test]
    fn a_secret_is_read_by_name_and_arn_and_not_shown_in_debug_output() {
        let mut world = World::new(1, 5_000);
        let read = |world: &mut World, id: &str| {
            let answer = world.call(
                Caller::Person,
                Service::SecretsManager,
                "GetSecretValue",
                &json!({"SecretId": id}),
            );
            answer
                .map(|answer| answer["SecretString"].as_str().unwrap().to_owned())
                .map_err(|error| error.to_string())
        };
        let unknown = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
        assert_eq!(read(&mut world, "slack"), Err(unknown.to_owned()));
        let arn = world.put_secret("slack", "first");
        assert_eq!(read(&mut world, &arn).as_deref(), Ok("first"));
        assert_eq!(world.put_secret("slack", "second"), arn);
        assert_eq!(read(&mut world, "slack").as_deref(), Ok("second"));
        assert!(!format!("{:?}", world.secretsmanager).contains("second"));
        world.delete_secret("slack");
        assert_eq!(read(&mut world, &arn), Err(unknown.to_owned()));
    }
}
