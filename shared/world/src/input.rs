//! Reads the members of an operation's input: only known members, all required members, correct
//! types.
//!
//! Stricter than AWS on purpose: AWS's JSON services ignore unknown members, but here a misspelled
//! member is an error. Knows each service's error for an invalid input; knows no operation.

use crate::api::{ApiError, Service};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The members of an input, or of a structure in it, with their names checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    service: Service,
    /// The operation, or the member that holds the structure, for error messages.
    place: &'a str,
    members: &'a Map<String, Value>,
}

impl<'a> Input<'a> {
    /// Checks that every `required` member is present and that every other member is `optional`.
    /// Both lists have names separated by spaces.
    pub(crate) fn read(
        service: Service,
        place: &'a str,
        value: &'a Value,
        required: &str,
        optional: &str,
    ) -> Result<Self, ApiError> {
        let input = Self::checked(service, place, value)?;
        let members = input.members;
        let known = |name: &String| {
            required
                .split_whitespace()
                .chain(optional.split_whitespace())
                .any(|known| known == name)
        };
        if let Some(name) = members.keys().find(|name| !known(name)) {
            return Err(
                input.refuse(format!("{place} has no member `{name}` (or it is not simulated)"))
            );
        }
        match required.split_whitespace().find(|name| input.get(name).is_none()) {
            Some(name) => Err(input.missing(name)),
            None => Ok(input),
        }
    }

    /// A structure whose members were already checked against the API model.
    pub(crate) fn checked(
        service: Service,
        place: &'a str,
        value: &'a Value,
    ) -> Result<Self, ApiError> {
        let members = value
            .as_object()
            .ok_or_else(|| wrong_kind(service, format!("{place} must be a structure")))?;
        Ok(Self { service, place, members })
    }

    /// A structure inside this one, checked like [`Input::read`].
    pub(crate) fn nested(
        &self,
        place: &'a str,
        value: &'a Value,
        required: &str,
        optional: &str,
    ) -> Result<Self, ApiError> {
        Self::read(self.service, place, value, required, optional)
    }

    /// The service's error for an invalid value.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> ApiError {
        ApiError::invalid(self.service, message)
    }

    /// A member's value; JSON null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// A required string.
    pub(crate) fn text(&self, name: &str) -> Result<&'a str, ApiError> {
        self.optional_text(name)?.ok_or_else(|| self.missing(name))
    }

    /// An optional string.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.member(name, "a string", Value::as_str)
    }

    /// An optional integer that is not negative.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.number_in(name, 0..=u64::MAX)
    }

    /// An optional integer within a range.
    pub(crate) fn number_in(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let number = self.member(name, "an integer", |value| match value {
            Value::String(text) if self.service.has_only_text() => text.parse::<i128>().ok(),
            number => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        })?;
        let Some(number) = number else { return Ok(None) };
        match u64::try_from(number).ok().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.outside(name, number, &range)),
        }
    }

    /// An optional port number from 1 to 65535.
    pub(crate) fn port(&self, name: &str) -> Result<Option<u16>, ApiError> {
        Ok(self.number_in(name, 1..=u64::from(u16::MAX))?.and_then(|port| u16::try_from(port).ok()))
    }

    /// An optional boolean. Absent means false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let flag = self.member(name, "a boolean", |value| match value {
            Value::String(text) if self.service.has_only_text() => text.parse().ok(),
            flag => flag.as_bool(),
        })?;
        Ok(flag.unwrap_or(false))
    }

    /// An optional list. Absent means empty.
    pub(crate) fn list(&self, name: &str) -> Result<&'a [Value], ApiError> {
        Ok(self
            .member(name, "a list", |value| value.as_array().map(Vec::as_slice))?
            .unwrap_or_default())
    }

    /// A required list with at least one item.
    pub(crate) fn required_list(&self, name: &str) -> Result<&'a [Value], ApiError> {
        match self.list(name)? {
            [] => Err(self.missing(name)),
            items => Ok(items),
        }
    }

    /// An optional list of strings. Absent means empty.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ApiError> {
        let as_texts = |value: &'a Value| value.as_array()?.iter().map(Value::as_str).collect();
        Ok(self.member(name, "a list of strings", as_texts)?.unwrap_or_default())
    }

    /// An optional map or structure.
    pub(crate) fn optional_map(
        &self,
        name: &str,
    ) -> Result<Option<&'a Map<String, Value>>, ApiError> {
        self.member(name, "a map", Value::as_object)
    }

    /// A required map or structure.
    pub(crate) fn map(&self, name: &str) -> Result<&'a Map<String, Value>, ApiError> {
        self.optional_map(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of pairs, such as tags, whose members have these names. A pair without a value gets
    /// an empty value.
    pub(crate) fn pairs(
        &self,
        name: &'a str,
        key: &str,
        value: &str,
    ) -> Result<BTreeMap<String, String>, ApiError> {
        let read_one = |pair| {
            let pair = self.nested(name, pair, key, value)?;
            Ok((
                pair.text(key)?.to_owned(),
                pair.optional_text(value)?.unwrap_or_default().to_owned(),
            ))
        };
        self.list(name)?.iter().map(read_one).collect()
    }

    fn member<T>(
        &self,
        name: &str,
        kind: &str,
        as_kind: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let error = || wrong_kind(self.service, format!("{name} of {} must be {kind}", self.place));
        as_kind(value).map(Some).ok_or_else(error)
    }

    fn missing(&self, name: &str) -> ApiError {
        match self.service {
            Service::Ecs => self.refuse(format!("{name} can not be blank ({}).", self.place)),
            Service::Sqs => {
                ApiError::refused("MissingParameter", format!("The request must contain the parameter {name}."))
            }
            Service::Sns => self.refuse(format!("Invalid parameter: {name} of {} is required", self.place)),
            Service::S3 => ApiError::refused("InvalidRequest", format!("Missing required {name} for {}", self.place)),
            _ => self.refuse(format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be \
                 null ({})",
                self.place
            )),
        }
    }

    fn outside(&self, name: &str, number: i128, range: &RangeInclusive<u64>) -> ApiError {
        let (least, most) = (range.start(), range.end());
        self.refuse(match self.service {
            Service::Sqs => format!(
                "Value {number} for parameter {name} is invalid. Reason: Must be >= {least} and <= {most}, if provided."
            ),
            _ => format!("{name} '{number}' must be between {least} and {most}"),
        })
    }
}

fn wrong_kind(service: Service, message: String) -> ApiError {
    if service.has_only_text() {
        ApiError::invalid(service, message)
    } else {
        ApiError::refused("SerializationException", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(input: &Value) -> Result<(), String> {
        Input::read(Service::Sqs, "SendMessage", input, "QueueUrl", "DelaySeconds")
            .and_then(|input| input.number_in("DelaySeconds", 0..=900))
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(read(&json!({"QueueUrl": "q", "DelaySeconds": 3})), Ok(()));
        assert_eq!(
            read(&json!({"DelaySeconds": 3})),
            Err("MissingParameter: The request must contain the parameter QueueUrl.".to_owned())
        );
        assert_eq!(
            read(&json!({"QueueUrl": "q", "Delay": 3})),
            Err(
                "InvalidParameterValue: SendMessage has no member `Delay` (or it is not simulated)"
                    .to_owned()
            )
        );
        for not_a_number in [json!([]), json!("3")] {
            assert_eq!(
                read(&json!({"QueueUrl": "q", "DelaySeconds": not_a_number})),
                Err("SerializationException: DelaySeconds of SendMessage must be an integer"
                    .to_owned())
            );
        }
        assert_eq!(
            read(&json!({"QueueUrl": "q", "DelaySeconds": -1})),
            Err("InvalidParameterValue: Value -1 for parameter DelaySeconds is invalid. \
                 Reason: Must be >= 0 and <= 900, if provided."
                .to_owned())
        );
    }

    #[test]
    fn each_service_has_its_own_words() {
        let missing =
            |service| Input::read(service, "X", &json!({}), "Name", "").unwrap_err().to_string();
        let null = "1 validation error detected: Value null at 'Name' failed to satisfy constraint: Member must not be \
                    null (X)";
        assert_eq!(missing(Service::Ecs), "InvalidParameterException: Name can not be blank (X).");
        assert_eq!(missing(Service::Elbv2), format!("ValidationError: {null}"));
        assert_eq!(
            missing(Service::Sns),
            "InvalidParameter: Invalid parameter: Name of X is required"
        );
        assert_eq!(missing(Service::DynamoDb), format!("ValidationException: {null}"));
    }

    #[test]
    fn query_scalars_are_strings() {
        let value = json!({"Port": "80", "Force": "true"});
        let input = |service| Input::read(service, "X", &value, "", "Port Force").unwrap();
        assert_eq!(input(Service::Elbv2).port("Port").unwrap(), Some(80));
        assert!(input(Service::Elbv2).flag("Force").unwrap());
        assert_eq!(input(Service::Ecs).port("Port").unwrap_err().code, "SerializationException");
        assert_eq!(input(Service::Ecs).flag("Force").unwrap_err().code, "SerializationException");
    }
}
