//! The account behind HTTP, as AWS's endpoints answer: in process for SDK clients ([`sdk_config`]), or
//! on a loopback port for other programs ([`serve`]).
//!
//! Knows wire protocols: awsJson 1.0 and 1.1, AWS Query with XML. Knows nothing of what operations do;
//! signatures are not checked.

mod answer;
mod clock;
mod codec_json;
mod codec_query;
mod connector;
mod route;
mod server;

pub use answer::handle;
pub use clock::{WorldClock, WorldSleep};
pub use connector::{WorldHttpClient, sdk_config};
pub use server::{Server, serve};

use crate::World;
use crate::digest;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One world with many holders: the test, SDK clients, the loopback server.
#[derive(Debug, Clone)]
pub struct SharedWorld {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    timers: Mutex<clock::Timers>,
    requests: AtomicU64,
}

impl SharedWorld {
    /// Shares a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        let shared = Shared {
            world: Mutex::new(world),
            timers: Mutex::new(clock::Timers::default()),
            requests: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The world, for as long as the guard lives. Let it go before awaiting a client's call: calls need it.
    /// A holder that panicked leaves the world as it is.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timers(&self) -> MutexGuard<'_, clock::Timers> {
        self.shared.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request and gives its id.
    fn next_request_id(&self) -> String {
        digest::uuid("request", self.shared.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// How many requests came so far: when it changes, somebody is still at work.
    fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl From<World> for SharedWorld {
    fn from(world: World) -> Self {
        Self::new(world)
    }
}

#[cfg(test)]
mod tests;
