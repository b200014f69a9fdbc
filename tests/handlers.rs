//! Events in, the account afterwards: the real handler on a simulated account, with queue, ledger and topic.
//!
//! Each test breaks something as AWS breaks it, lets time pass, and looks at what was written and what people were
//! told. Numbers behind `CASES` are those of the list of cases that must work.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "handlers/missing.rs"]
mod missing;
#[path = "handlers/stale.rs"]
mod stale;
