//! Every read and write of AWS by the checks.
//!
//! Functions over [`account::Aws`]: reads return an `Observation` of the core, writes execute a
//! plan. This crate compares, judges and decides nothing and has no thresholds. SDK types do not
//! leave this crate, except the `SdkConfig` from which the clients may be created, and what the
//! crate of specs needs to create its own clients.

pub mod account;
pub mod bus;
mod cache;
pub mod config;
pub mod dead_letters;
pub mod execute;
pub mod failure;
pub mod lazy;
pub mod ledger;
pub mod log;
pub mod metrics;
pub mod notify;
pub mod observe;
mod rate_limiter;
pub mod recheck;
pub mod secrets;
pub mod session;
pub mod start;
