//! The ledger: what Portkeeper remembers between runs, in one table of DynamoDB.
//!
//! `table` knows the keys and how items are read and written, the other modules one kind of item
//! each. The core interprets a service's record.

pub mod index;
mod records;
pub mod sweep_mark;
mod switch;
pub mod table;

pub use records::{Recalled, Stored, commit, recall};
pub use switch::writes_stopped;
pub use table::{CommitError, LIFE_SECONDS};
