//! The world's clock for SDK clients: what time it is, and sleeping without waiting.
//!
//! A sleep ends when nothing else can happen: it is the earliest of all sleeps under way, and no
//! request has come and no sleep has begun or ended between a few polls of it. Then it moves the
//! world's clock to its end. So a back-off costs world time and no real time, and an operation
//! time-out, which is a sleep next to the call that it limits, ends only if the call really takes
//! longer in world time.

use super::shared::SharedWorld;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the earliest sleep yields in a quiet world before it moves the clock. A future beside
/// it that is about to go on (tokio yields now and then by itself) gets its turn in between.
const QUIET_POLLS: u32 = 3;

/// The world's clock as a `TimeSource`.
#[derive(Debug, Clone)]
pub struct WorldClock {
    world: SharedWorld,
}

impl WorldClock {
    /// The clock of this world.
    #[must_use]
    pub fn new(world: &SharedWorld) -> Self {
        Self { world: world.clone() }
    }
}

impl TimeSource for WorldClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.world.lock().now_ms())
    }
}

/// Sleeping in world time.
#[derive(Debug, Clone)]
pub struct WorldSleep {
    world: SharedWorld,
}

impl WorldSleep {
    /// Sleeps of this world.
    #[must_use]
    pub fn new(world: &SharedWorld) -> Self {
        Self { world: world.clone() }
    }
}

impl AsyncSleep for WorldSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        let ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let ends_ms = self.world.lock().now_ms().saturating_add(ms);
        let number = self.world.timers().next_number();
        Sleep::new(Timer {
            world: self.world.clone(),
            key: (ends_ms, number),
            seen: None,
            quiet_polls: 0,
        })
    }
}

#[derive(Debug)]
struct Timer {
    world: SharedWorld,
    /// World time at which it ends, and a number that makes it unique.
    key: (u64, u64),
    /// Requests, sleeps begun and sleeps ended, when it was polled last.
    seen: Option<(u64, u64, u64)>,
    quiet_polls: u32,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now_ms = self.world.lock().now_ms();
        let (ends_ms, _) = self.key;
        let requests = self.world.requests();
        let mut timers = self.world.timers();
        if now_ms >= ends_ms {
            timers.end(self.key);
            return Poll::Ready(());
        }
        timers.wait(self.key, context.waker().clone());
        let (begun, ended) = timers.activity();
        let activity = Some((requests, begun, ended));
        if !timers.is_earliest(self.key) {
            drop(timers);
            self.seen = activity;
            return Poll::Pending;
        }
        drop(timers);
        self.quiet_polls = if self.seen == activity { self.quiet_polls + 1 } else { 0 };
        self.seen = activity;
        if self.quiet_polls < QUIET_POLLS {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.world.lock().advance(ends_ms - now_ms);
        self.world.timers().end(self.key);
        Poll::Ready(())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.world.timers().end(self.key);
    }
}
