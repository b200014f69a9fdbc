//! Events in, the account afterwards: the real handler on a simulated account, with queue, ledger
//! and topic.
//!
//! Each test breaks something as AWS breaks it, lets time pass, and checks the writes and the
//! published alerts. Ids are those of `docs/cases.md` and of ARCHITECTURE.md.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

#[path = "handlers/alerts.rs"]
mod alerts;
#[path = "handlers/deployments.rs"]
mod deployments;
#[path = "handlers/elsewhere.rs"]
mod elsewhere;
#[path = "handlers/events.rs"]
mod events;
#[path = "handlers/guards.rs"]
mod guards;
#[path = "handlers/ledger.rs"]
mod ledger;
#[path = "handlers/missing.rs"]
mod missing;
#[path = "handlers/plumbing.rs"]
mod plumbing;
#[path = "handlers/schema.rs"]
mod schema;
#[path = "handlers/stale.rs"]
mod stale;
#[path = "handlers/sweep.rs"]
mod sweep;
#[path = "handlers/switch.rs"]
mod switch;
#[path = "handlers/who.rs"]
mod who;
#[path = "handlers/whole.rs"]
mod whole;
#[path = "handlers/zones.rs"]
mod zones;
