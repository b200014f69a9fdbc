//! Reading secrets.

use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{World, digest};
use serde_json::{Value, json};

/// The label of the version that is read.
const CURRENT: &str = "AWSCURRENT";

pub(super) fn get_secret_value(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input =
        Input::read(Service::SecretsManager, "GetSecretValue", input, "SecretId", "VersionStage")?;
    let id = input.text("SecretId")?;
    let stage = input.optional_text("VersionStage")?.unwrap_or(CURRENT);
    let mut secrets = world.secretsmanager.secrets.iter();
    let missing = |what: &str| ApiError::refused("ResourceNotFoundException", what);
    let (name, secret) = secrets
        .find(|(name, secret)| *name == id || secret.arn == id)
        .ok_or_else(|| missing("Secrets Manager can't find the specified secret."))?;
    if stage != CURRENT {
        let text = format!(
            "Secrets Manager can't find the specified secret value for staging label: {stage}"
        );
        return Err(missing(&text));
    }
    Ok(json!({
        "ARN": secret.arn,
        "Name": name,
        "SecretString": secret.text,
        "VersionId": digest::uuid(name, secret.versions),
        "VersionStages": [CURRENT],
        "CreatedDate": secret.created_ms / 1000,
    }))
}
