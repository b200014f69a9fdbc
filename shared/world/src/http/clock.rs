//! The world's clock for SDK clients: the time, and sleeps that take no real time.
//!
//! A sleep ends when nothing else can happen: it is the earliest pending sleep, and during a few
//! polls no request has arrived and no sleep has begun or ended. Then it advances the world's clock
//! to its end. So a backoff takes time on the world's clock but no real time. An operation timeout
//! is a sleep that runs concurrently with the call, and ends first only if the call takes longer on
//! the world's clock.

use super::shared::SharedWorld;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the earliest sleep yields in an idle world before it advances the clock. Meanwhile
/// other futures that are ready can run; tokio sometimes makes a future yield.
const QUIET_POLLS: u32 = 3;

/// The world's clock as a `TimeSource`.
#[derive(Debug, Clone)]
pub struct WorldClock {
    world: SharedWorld,
}

impl WorldClock {
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

/// Sleeps on the world's clock.
#[derive(Debug, Clone)]
pub struct WorldSleep {
    world: SharedWorld,
}

impl WorldSleep {
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
    /// When it ends, by the world's clock, and a number that makes it unique.
    key: (u64, u64),
    /// The counts of requests, begun sleeps and ended sleeps at the last poll.
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
