//! The real SDK clients against the simulated account: the requests, and how answers and missing
//! answers are handled.
//!
//! Requests go through the SDK's own serialisation, signing, paging, retries and error parsing.
//! Time is the account's: a back-off of the SDK takes no real time.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "wire/call_counts.rs"]
mod call_counts;
#[path = "wire/ledger.rs"]
mod ledger;
#[path = "wire/order.rs"]
mod order;
#[path = "wire/reads.rs"]
mod reads;
#[path = "wire/requests.rs"]
mod requests;
#[path = "wire/writes.rs"]
mod writes;
