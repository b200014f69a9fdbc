//! The kill switch: an item of the ledger's table that a person sets, and that stops all writes.

use super::table::{Item, Key, get_one};
use crate::account::Aws;
use crate::failure::Failure;

/// The attribute with the state of the kill switch: every value except [`ALLOWED`] stops all
/// writes.
const WRITES: &str = "writes";
const ALLOWED: &str = "allowed";

/// The attribute with the reason.
const WHY: &str = "why";

/// Returns why writes are stopped, if the kill switch is set.
pub async fn writes_stopped(aws: &Aws, table: &str) -> Result<Option<String>, Failure> {
    Ok(get_one(aws, table, Key::Switch).await?.as_ref().and_then(stop_of))
}

/// Returns why this switch stops writes, if it does. Every value other than [`ALLOWED`] stops them,
/// because an operator set it on purpose.
pub(super) fn stop_of(item: &Item) -> Option<String> {
    let says = item.text(WRITES).unwrap_or_default();
    (says != ALLOWED).then(|| item.text(WHY).unwrap_or("no reason given").to_owned())
}
