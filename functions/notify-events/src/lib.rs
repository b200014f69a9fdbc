//! The function that puts alerts on the default event bus, where your own rules can use them: it
//! takes a batch of the `events` queue and returns the ids of the messages that must be retried.
//!
//! The detail of an event is the unchanged document of the alert. The function ignores every other
//! message of the topic: the alarms of the stack, for example, are on the event bus already.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use portkeeper_aws::bus::{Bus, EVENTS_PER_CALL, Event};
use portkeeper_aws::failure::chain;
use portkeeper_core::report::{SCHEMA, unwrap_notification};
use portkeeper_service_spec::result::SCHEMA as SPEC_SCHEMA;
use serde_json::Value;
use std::collections::BTreeSet;

/// `source` of every event.
pub const SOURCE: &str = "portkeeper";

/// `detail-type` of an alert.
pub const DETAIL_TYPE: &str = "Portkeeper Alert";

/// `detail-type` of a spec result.
pub const SPEC_DETAIL_TYPE: &str = "Portkeeper Spec Result";

/// Handles one batch. A failed message does not affect the others.
pub async fn handle(bus: &Bus, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut events_by_id = Vec::new();
    for record in event.records {
        let (id, body) = (record.message_id.unwrap_or_default(), record.body.unwrap_or_default());
        if let Some(event) = to_event(&body) {
            events_by_id.push((id, event));
        } else {
            tracing::info!(message_id = id, "ignored: not an alert of Portkeeper");
        }
    }
    for together in events_by_id.chunks(EVENTS_PER_CALL) {
        let events: Vec<Event> = together.iter().map(|(_, event)| event.clone()).collect();
        match bus.put(&events).await {
            Ok(refusals) => {
                for ((id, _), refusal) in together.iter().zip(refusals) {
                    if let Some(why) = refusal {
                        tracing::error!(
                            message_id = id,
                            why,
                            "the event bus refused the event; message returned to the queue for a retry"
                        );
                        response.add_failure(id.clone());
                    }
                }
            }
            Err(failure) => {
                tracing::error!(
                    error = chain(&failure),
                    messages = together.len(),
                    "cannot call the event bus; messages returned to the queue for a retry"
                );
                for (id, _) in together {
                    response.add_failure(id.clone());
                }
            }
        }
    }
    response
}

/// Returns the event for an alert of any version: the consumer reads `version`.
fn to_event(body: &str) -> Option<Event> {
    let (_, text) = unwrap_notification(body);
    let document: Value = serde_json::from_str(&text).ok()?;
    let kind = match document.get("schema")?.as_str()? {
        SCHEMA => DETAIL_TYPE,
        SPEC_SCHEMA => SPEC_DETAIL_TYPE,
        _ => return None,
    };
    let items = document.get("items").and_then(Value::as_array).into_iter().flatten();
    let arns = items
        .flat_map(|item| [item.get("target_group"), item.get("task")])
        .flatten()
        .filter_map(Value::as_str);
    let service = document.get("service_arn").and_then(Value::as_str);
    let resources: BTreeSet<String> = arns.chain(service).map(str::to_owned).collect();
    Some(Event { kind: kind.to_owned(), resources: resources.into_iter().collect(), detail: text })
}
