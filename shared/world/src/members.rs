//! Reading the members of an input: known by name, present when required, of the right kind.
//!
//! Stricter than AWS on purpose: AWS's JSON services ignore a member that they do not know, but here
//! a misspelt member must not pass. Knows each service's error codes for a bad input, nothing else of it.

use crate::api::{ApiError, Service};
use serde_json::{Map, Value};

/// The members of one structure of an input, checked by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members<'a> {
    service: Service,
    place: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    /// Checks that every required member is there and that there is none beyond these two lists.
    /// `place` names the structure in messages: the operation, or the member that holds it.
    pub(crate) fn check(
        service: Service,
        place: &'a str,
        value: &'a Value,
        required: &[&str],
        optional: &[&str],
    ) -> Result<Self, ApiError> {
        let map = value.as_object().ok_or_else(|| wrong_kind(service, format!("{place} must be a structure")))?;
        let members = Self { service, place, map };
        let known = |name: &String| required.contains(&name.as_str()) || optional.contains(&name.as_str());
        if let Some(name) = map.keys().find(|name| !known(name)) {
            return Err(invalid(service, format!("{place} has no member `{name}` (or it is not simulated)")));
        }
        match required.iter().find(|name| members.get(name).is_none()) {
            Some(name) => Err(members.missing(name)),
            None => Ok(members),
        }
    }

    /// The member's value; JSON null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A required string.
    pub(crate) fn text(&self, name: &str) -> Result<&'a str, ApiError> {
        self.optional_text(name)?.ok_or_else(|| self.missing(name))
    }

    /// An optional string.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.read(name, "a string", Value::as_str)
    }

    /// An optional whole number; Query services send numbers as strings.
    pub(crate) fn optional_integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.read(name, "an integer", |value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        })
    }

    /// An optional boolean.
    pub(crate) fn optional_bool(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.read(name, "a boolean", Value::as_bool)
    }

    /// A list; absent is empty.
    pub(crate) fn list(&self, name: &str) -> Result<&'a [Value], ApiError> {
        Ok(self.read(name, "a list", |value| value.as_array().map(Vec::as_slice))?.unwrap_or_default())
    }

    /// An optional map or structure.
    pub(crate) fn optional_map(&self, name: &str) -> Result<Option<&'a Map<String, Value>>, ApiError> {
        self.read(name, "a map", Value::as_object)
    }

    /// A required map or structure.
    pub(crate) fn map(&self, name: &str) -> Result<&'a Map<String, Value>, ApiError> {
        self.optional_map(name)?.ok_or_else(|| self.missing(name))
    }

    fn read<T>(&self, name: &str, kind: &str, as_kind: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        as_kind(value)
            .map(Some)
            .ok_or_else(|| wrong_kind(self.service, format!("{} of {} must be {kind}", name, self.place)))
    }

    fn missing(&self, name: &str) -> ApiError {
        let message = match self.service {
            Service::Sqs => format!("The request must contain the parameter {name}."),
            Service::Sns => format!("Invalid parameter: {name} of {} is required", self.place),
            _ => format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
                 Member must not be null ({})",
                self.place
            ),
        };
        match self.service {
            Service::Sqs => ApiError::refused("MissingParameter", message),
            service => invalid(service, message),
        }
    }
}

/// The answer to an operation that this world does not have.
pub(crate) fn unknown_operation(service: Service, operation: &str) -> ApiError {
    let code = match service {
        Service::Sns | Service::Elb => "InvalidAction",
        _ => "UnknownOperationException",
    };
    ApiError::refused(code, format!("{operation} is not simulated for {}", service.name()))
}

/// A value that the service refuses.
pub(crate) fn invalid(service: Service, message: impl Into<String>) -> ApiError {
    let code = match service {
        Service::Ecs => "InvalidParameterException",
        Service::Elb => "ValidationError",
        Service::Sqs => "InvalidParameterValue",
        Service::Sns => "InvalidParameter",
        Service::DynamoDb => "ValidationException",
    };
    ApiError::refused(code, message)
}

fn wrong_kind(service: Service, message: String) -> ApiError {
    match service {
        Service::Elb | Service::Sns => invalid(service, message),
        _ => ApiError::refused("SerializationException", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(input: &Value) -> Result<(), String> {
        Members::check(Service::Sqs, "SendMessage", input, &["QueueUrl"], &["DelaySeconds"])
            .and_then(|members| members.optional_integer("DelaySeconds").map(|_| ()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(check(&json!({"QueueUrl": "q", "DelaySeconds": 3})), Ok(()));
        assert_eq!(
            check(&json!({"DelaySeconds": 3})),
            Err("MissingParameter: The request must contain the parameter QueueUrl.".to_owned())
        );
        assert_eq!(
            check(&json!({"QueueUrl": "q", "Delay": 3})),
            Err("InvalidParameterValue: SendMessage has no member `Delay` (or it is not simulated)".to_owned())
        );
        assert_eq!(
            check(&json!({"QueueUrl": "q", "DelaySeconds": []})),
            Err("SerializationException: DelaySeconds of SendMessage must be an integer".to_owned())
        );
    }
}
