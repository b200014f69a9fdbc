//! One world that many hold. Knows nothing of what they do with it.

use super::timers::Timers;
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
    timers: Mutex<Timers>,
    requests: AtomicU64,
}

impl SharedWorld {
    /// Shares a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        let shared = Shared {
            world: Mutex::new(world),
            timers: Mutex::new(Timers::default()),
            requests: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The world, for as long as the guard lives. Let it go before awaiting a client's call: calls
    /// need it. A holder that panicked leaves the world as it is.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn timers(&self) -> MutexGuard<'_, Timers> {
        self.shared.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request and gives its id.
    pub(super) fn next_request_id(&self) -> String {
        digest::uuid("request", self.shared.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// How many requests came so far: when it changes, somebody is still at work.
    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl From<World> for SharedWorld {
    fn from(world: World) -> Self {
        Self::new(world)
    }
}
