//! Measures the peak memory of a check of a large service and of sweeps of growing accounts.
//!
//! The functions run as processes and keep AWS's rates by the real clock: a sweep of two thousand
//! services takes over three minutes.

use crate::estate::{Served, Size};
use crate::functions::{Places, ours};
use crate::process::live;
use portkeeper_stage::StageError;
use serde::Serialize;
use serde_json::json;

/// The account's whole request limits, so that the measurement takes as little time as possible.
const SETTINGS: [(&str, &str); 1] = [("PORTKEEPER_API_SHARE_PERCENT", "100")];

/// The resources that one event used.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) services: u32,
    pub(crate) tasks: u32,
    pub(crate) peak_kib: u64,
    pub(crate) took_ms: u64,
    pub(crate) cpu_ms: u64,
}

/// Measures a check of one service with this many tasks.
pub(crate) async fn of_check(places: &Places, tasks: u32) -> Result<Event, StageError> {
    let size = Size { clusters: 1, services: 1, tasks };
    let account = Served::new(size, &SETTINGS).await?;
    let program = ours(places, "reconcile", account.variables(), account.batch()?);
    event(size, &live(&program, 0).await?)
}

/// Measures a sweep of an account of this size.
pub(crate) async fn of_sweep(places: &Places, size: Size) -> Result<Event, StageError> {
    let account = Served::new(size, &SETTINGS).await?;
    let program = ours(places, "sweep", account.variables(), json!({}));
    event(size, &live(&program, 0).await?)
}

fn event(size: Size, life: &crate::process::Life) -> Result<Event, StageError> {
    Ok(Event {
        services: size.services,
        tasks: size.services * size.tasks,
        peak_kib: life.peak_kib,
        took_ms: u64::try_from(life.first.as_millis())?,
        cpu_ms: u64::try_from(life.cpu_first.as_millis())?,
    })
}
