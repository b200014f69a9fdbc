//! Lambda's event source mapping: a batch from a queue as the function's event, and deletion of its
//! messages after the function's response.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html> (event shape) and
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html> (partial
//! failures).

use super::{Message, SENDER_ID};
use crate::{World, digest};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Receives up to `max` messages as Lambda does, with the queue's visibility timeout. Returns
/// `None` if there is no message to receive.
pub fn take_batch(world: &mut World, queue: &str, max: usize) -> Option<Value> {
    let now_ms = world.now_ms();
    if world.sqs.next_visible_ms(queue)? > now_ms {
        return None;
    }
    let arn = world.sqs.queue(queue)?.arn.clone();
    let region = world.account.region.clone();
    let records: Vec<Value> = world
        .sqs
        .receive(queue, max, None, now_ms)
        .iter()
        .map(|message| record(message, &arn, &region))
        .collect();
    (!records.is_empty()).then(|| json!({"Records": records}))
}

/// Ends a batch: `Ok` with the function's response, or `Err` if the function failed or timed out.
/// Deletes the messages that succeeded; the others can be received again after their visibility
/// timeout. Returns the number of deleted messages.
pub fn finish_batch(
    world: &mut World,
    queue: &str,
    batch: &Value,
    response: Result<&Value, ()>,
) -> usize {
    let records: Vec<(&str, &str)> = batch
        .get("Records")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|record| {
            Some((record.get("messageId")?.as_str()?, record.get("receiptHandle")?.as_str()?))
        })
        .collect();
    let known: BTreeSet<&str> = records.iter().map(|(id, _)| *id).collect();
    let Some(failed) = response.ok().and_then(|response| failed_ids(response, &known)) else {
        return 0;
    };
    let Some(queue) = world.sqs.queues.get_mut(queue) else {
        return 0;
    };
    records
        .into_iter()
        .filter(|(id, receipt)| !failed.contains(id) && queue.delete(receipt))
        .count()
}

/// The messages that the function reports as failed. Returns `None` if the whole batch fails,
/// because the response is malformed or names a message that is not in the batch.
fn failed_ids<'a>(response: &'a Value, known: &BTreeSet<&str>) -> Option<BTreeSet<&'a str>> {
    let failures = match response {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(members) if members.is_empty() => return Some(BTreeSet::new()),
        Value::Object(members) => members.get("batchItemFailures")?,
        _ => return None,
    };
    if failures.is_null() {
        return Some(BTreeSet::new());
    }
    failures
        .as_array()?
        .iter()
        .map(|failure| failure.get("itemIdentifier")?.as_str().filter(|id| known.contains(id)))
        .collect()
}

fn record(message: &Message, queue_arn: &str, region: &str) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_ms.to_string(),
        "SenderId": SENDER_ID,
        "ApproximateFirstReceiveTimestamp":
            message.first_received_ms.unwrap_or(message.sent_ms).to_string(),
    });
    if let (Some(source), Some(map)) = (&message.dead_letter_source, attributes.as_object_mut()) {
        map.insert("DeadLetterQueueSourceArn".to_owned(), json!(source));
    }
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": message_attributes(&message.attributes),
        "md5OfBody": digest::md5_hex(message.body.as_bytes()),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    })
}

/// In Lambda's events, attribute members are in lower camel case and have two empty lists.
fn message_attributes(attributes: &Map<String, Value>) -> Map<String, Value> {
    attributes
        .iter()
        .map(|(name, attribute)| {
            let value = json!({
                "stringValue": attribute.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute.get("DataType"),
            });
            (name.clone(), value)
        })
        .collect()
}
