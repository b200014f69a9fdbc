//! `PutEvents` on the account's default event bus.
//!
//! Other buses, archives and replays are not simulated. Source:
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>.

use super::put;
use crate::api::{ApiError, Service};
use crate::input::Input;
use crate::{World, digest, time};
use serde_json::{Value, json};

const MOST_ENTRIES: usize = 10;

/// The maximum size of one request in bytes: source, type, detail and resources of all entries.
const MOST_BYTES: usize = 1_048_576;

pub(super) fn put_events(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(Service::EventBridge, "PutEvents", input, "Entries", "")?;
    let entries = input.required_list("Entries")?;
    if entries.is_empty() || entries.len() > MOST_ENTRIES {
        let message = format!(
            "1 validation error detected: Value '{} entries' at 'entries' failed to satisfy constraint: Member must \
             have length less than or equal to {MOST_ENTRIES} and greater than or equal to 1",
            entries.len()
        );
        return Err(ApiError::invalid(Service::EventBridge, message));
    }
    let bytes: usize = entries.iter().map(|entry| entry.to_string().len()).sum();
    if bytes > MOST_BYTES {
        let message =
            format!("Total size of the entries in the request is over the limit of {MOST_BYTES}.");
        return Err(ApiError::invalid(Service::EventBridge, message));
    }
    let mut answers = Vec::new();
    for entry in entries {
        answers.push(match event(world, entry)? {
            Ok(event) => {
                let id = event.get("id").cloned();
                put(world, event);
                json!({"EventId": id})
            }
            Err((code, message)) => json!({"ErrorCode": code, "ErrorMessage": message}),
        });
    }
    let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
    Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
}

/// The event of an entry, or the code and message with which this entry fails.
fn event(world: &World, entry: &Value) -> Result<Result<Value, (&'static str, String)>, ApiError> {
    let optional = "Source DetailType Detail Resources EventBusName Time TraceHeader";
    let entry = Input::read(Service::EventBridge, "Entries", entry, "", optional)?;
    let missing = |name: &str| {
        Ok(Err((
            "InvalidArgument",
            format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
        )))
    };
    let Some(source) = entry.optional_text("Source")?.filter(|source| !source.is_empty()) else {
        return missing("Source");
    };
    let Some(kind) = entry.optional_text("DetailType")?.filter(|kind| !kind.is_empty()) else {
        return missing("DetailType");
    };
    let Some(detail) = entry.optional_text("Detail")? else { return missing("Detail") };
    if source.starts_with("aws.") {
        return Ok(Err((
            "NotAuthorizedForSourceException",
            "Not authorized for the source.".to_owned(),
        )));
    }
    if entry.optional_text("EventBusName")?.is_some_and(|bus| bus != "default") {
        return Ok(Err(("InvalidArgument", "Event bus is not simulated.".to_owned())));
    }
    let Ok(detail @ Value::Object(_)) = serde_json::from_str::<Value>(detail) else {
        return Ok(Err(("MalformedDetail", "Detail is malformed.".to_owned())));
    };
    let resources = entry.texts("Resources")?;
    let number = world.eventbridge.events.len() as u64;
    Ok(Ok(json!({
        "version": "0",
        "id": digest::uuid("event", number),
        "detail-type": kind,
        "source": source,
        "account": world.account.number,
        "time": time::iso_seconds(world.now_ms()),
        "region": world.account.region,
        "resources": resources,
        "detail": detail,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Caller;

    #[test]
    fn invalid_entries_fail_alone_and_valid_ones_are_delivered() {
        let mut world = World::new(1, 5_500);
        world
            .call(Caller::Person, Service::Sqs, "CreateQueue", &json!({"QueueName": "q"}))
            .unwrap();
        world.eventbridge.put_rule("ours", json!({"source": ["portkeeper"]}), "q").unwrap();
        let good = json!({"Source": "portkeeper", "DetailType": "kind", "Detail": "{\"a\":1}", "Resources": ["arn:x"]});
        let with = |name: &str, value: Value| {
            let mut entry = good.clone();
            entry[name] = value;
            entry
        };
        let entries = json!([
            good,
            with("Source", "aws.ecs".into()),
            with("Detail", "[]".into()),
            with("EventBusName", "other".into()),
            with("DetailType", "".into()),
        ]);
        let answer = world
            .call(Caller::Client, Service::EventBridge, "PutEvents", &json!({"Entries": entries}))
            .unwrap();
        assert_eq!(answer["FailedEntryCount"], 4, "{answer}");
        let codes: Vec<Option<&str>> = answer["Entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["ErrorCode"].as_str())
            .collect();
        let refused = [
            Some("NotAuthorizedForSourceException"),
            Some("MalformedDetail"),
            Some("InvalidArgument"),
            Some("InvalidArgument"),
        ];
        assert_eq!(codes, [&[None], refused.as_slice()].concat());
        let event = &world.eventbridge.events()[0];
        assert_eq!(
            (&event["detail"]["a"], &event["time"]),
            (&json!(1), &json!("1970-01-01T00:00:05Z"))
        );
        assert_eq!(world.sqs.messages("q").count(), 1);
        for entries in [json!([]), json!(vec![good.clone(); 11])] {
            assert!(
                world
                    .call(
                        Caller::Client,
                        Service::EventBridge,
                        "PutEvents",
                        &json!({"Entries": entries})
                    )
                    .is_err()
            );
        }
    }
}
