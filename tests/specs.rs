//! Services from specs: an object is uploaded, and the test checks the account afterwards. Holds
//! C-42 to 49.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "specs/definitions.rs"]
mod definitions;
#[path = "specs/failures.rs"]
mod failures;
#[path = "specs/kills.rs"]
mod kills;
#[path = "specs/life.rs"]
mod life;
#[path = "specs/news.rs"]
mod news;
#[path = "specs/requests.rs"]
mod requests;
#[path = "specs/together.rs"]
mod together;
