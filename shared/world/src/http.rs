//! The account behind HTTP, like AWS's endpoints: in process for SDK clients ([`sdk_config`]), or
//! on a loopback port for other programs ([`serve`]).
//!
//! Knows the wire protocols: awsJson 1.0 and 1.1, AWS Query with XML, and REST for S3. Knows
//! nothing of what operations do. Does not check signatures.

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
