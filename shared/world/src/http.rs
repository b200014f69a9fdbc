//! The account behind HTTP, as AWS's endpoints answer: in process for SDK clients ([`sdk_config`]),
//! or on a loopback port for other programs ([`serve`]).
//!
//! Knows wire protocols: awsJson 1.0 and 1.1, AWS Query with XML, S3's REST. Knows nothing of what
//! operations do; signatures are not checked.

mod answer;
mod clock;
mod codec_json;
mod codec_query;
mod codec_rest;
mod connector;
mod response;
mod route;
mod server;
mod shared;
mod timers;
mod xml;

pub use answer::handle;
pub use clock::{WorldClock, WorldSleep};
pub use connector::{WorldHttpClient, sdk_config};
pub use server::{Server, serve};
pub use shared::SharedWorld;

#[cfg(test)]
mod tests;
