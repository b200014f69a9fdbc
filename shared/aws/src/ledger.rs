//! The ledger's table: what Portkeeper remembers between runs.
//!
//! What the items say is not looked at here.

pub mod index;
mod records;
pub mod sweep_mark;

pub use records::{
    COUNTER, CommitError, EXPIRES, Item, KEY, LIFE_SECONDS, RECORD, Recalled, Stored, commit,
    get_batch, number, put, recall, text_of, writes_stopped,
};
