//! A world with shared ownership.

use super::timers::Timers;
use crate::World;
use crate::digest;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A world shared by a test, SDK clients and the loopback server.
#[derive(Debug, Clone)]
pub struct SharedWorld {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    timers: Mutex<Timers>,
    requests: AtomicU64,
}

impl SharedWorld {
    #[must_use]
    pub fn new(world: World) -> Self {
        let shared = Shared {
            world: Mutex::new(world),
            timers: Mutex::new(Timers::default()),
            requests: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Locks the world. Drop the guard before awaiting a client's call, which needs the lock. The
    /// world stays usable after a panic of another owner.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn timers(&self) -> MutexGuard<'_, Timers> {
        self.shared.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request and returns its id.
    pub(super) fn next_request_id(&self) -> String {
        digest::uuid("request", self.shared.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// The number of requests so far. If it changes, a client is still active.
    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl From<World> for SharedWorld {
    fn from(world: World) -> Self {
        Self::new(world)
    }
}
