//! The simulated account behind SDK clients that Portkeeper's own reads and writes do not wrap in a
//! test of their own: does the account speak the wire as the SDKs do.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "world/s3.rs"]
mod s3;
