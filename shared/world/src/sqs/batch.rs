//! Batch operations. The batch is validated as a whole first; then each entry succeeds or fails
//! separately.

use super::message_api::{MAX_BODY_BYTES, receipt, send_one};
use super::{queue_mut, read};
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub(super) fn send_message_batch(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("SendMessageBatch", input, "QueueUrl Entries", "")?;
    let now_ms = world.now_ms();
    let queue = queue_mut(world, &input)?;
    let entries = entries(&input, "Id MessageBody", "DelaySeconds MessageAttributes")?;
    let bytes: usize = entries
        .iter()
        .filter_map(|(_, entry)| entry.get("MessageBody")?.as_str())
        .map(str::len)
        .sum();
    if bytes > MAX_BODY_BYTES {
        return Err(ApiError::refused(
            "BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {MAX_BODY_BYTES} bytes. \
                 You have sent {bytes} bytes."
            ),
        ));
    }
    Ok(answer(&entries, |entry| send_one(queue, entry, now_ms)))
}

pub(super) fn delete_message_batch(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let input = read("DeleteMessageBatch", input, "QueueUrl Entries", "")?;
    let queue = queue_mut(world, &input)?;
    let entries = entries(&input, "Id ReceiptHandle", "")?;
    Ok(answer(&entries, |entry| {
        queue.delete(receipt(entry)?);
        Ok(json!({}))
    }))
}

/// The entries with their ids: 1 to 10 entries, distinct ids with allowed characters.
fn entries<'a>(
    input: &Input<'a>,
    required: &str,
    optional: &str,
) -> Result<Vec<(&'a str, Input<'a>)>, ApiError> {
    let list = input.list("Entries")?;
    if list.is_empty() {
        let message = "There should be at least one entry in the request.";
        return Err(ApiError::refused("EmptyBatchRequest", message));
    }
    if list.len() > 10 {
        let message =
            format!("Maximum number of entries per request are 10. You have sent {}.", list.len());
        return Err(ApiError::refused("TooManyEntriesInBatchRequest", message));
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for entry in list {
        let entry = read("Entries", entry, required, optional)?;
        let id = entry.text("Id")?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > 80 || !id.bytes().all(allowed) {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and \
                           underscores. It can be at most 80 letters long.";
            return Err(ApiError::refused("InvalidBatchEntryId", message));
        }
        if !seen.insert(id) {
            let message = format!("Id {id} repeated.");
            return Err(ApiError::refused("BatchEntryIdsNotDistinct", message));
        }
        entries.push((id, entry));
    }
    Ok(entries)
}

fn answer(
    entries: &[(&str, Input<'_>)],
    mut perform: impl FnMut(&Input<'_>) -> Result<Value, ApiError>,
) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, entry) in entries {
        match perform(entry) {
            Ok(done) => {
                let mut done: Map<String, Value> = done.as_object().cloned().unwrap_or_default();
                done.insert("Id".to_owned(), json!(id));
                successful.push(Value::Object(done));
            }
            Err(error) => failed.push(json!({
                "Id": id,
                "Code": error.code,
                "Message": error.message,
                "SenderFault": true,
            })),
        }
    }
    json!({"Successful": successful, "Failed": failed})
}
