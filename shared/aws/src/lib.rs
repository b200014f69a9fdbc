//! Every read and write of AWS.
//!
//! Functions over [`account::Aws`]: reads give an `Observation` of the core, writes carry a plan
//! out. Nothing here compares, weighs or decides; there are no thresholds. SDK types do not leave
//! this crate, except the `SdkConfig` from which the clients may be made, and what the crate of
//! specs needs to make clients of its own.

pub mod account;
pub mod bus;
pub mod config;
pub mod dead_letters;
pub mod execute;
pub mod failure;
pub mod lazy;
pub mod ledger;
pub mod log;
pub mod look_again;
pub mod metrics;
pub mod notify;
pub mod observe;
mod pace;
pub mod secrets;
pub mod session;
pub mod start;
mod warm;
