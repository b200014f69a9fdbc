//! The most memory that a function holds: a check of a large service, and sweeps of growing
//! accounts.
//!
//! The functions are processes here, and keep to AWS's rates by the real clock: a sweep of two
//! thousand services takes over three minutes.

use crate::estate::{Served, Size};
use crate::functions::{Places, ours};
use crate::process::live;
use portkeeper_stage::StageError;
use serde::Serialize;
use serde_json::json;

/// All of what AWS allows the account, so that it takes no longer than it must.
const SETTINGS: [(&str, &str); 1] = [("PORTKEEPER_API_SHARE_PERCENT", "100")];

/// What one event took.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) services: u32,
    pub(crate) tasks: u32,
    pub(crate) peak_kib: u64,
    pub(crate) took_ms: u64,
    pub(crate) cpu_ms: u64,
}

/// A check of one service of so many tasks.
pub(crate) async fn of_check(places: &Places, tasks: u32) -> Result<Event, StageError> {
    let size = Size { clusters: 1, services: 1, tasks };
    let account = Served::new(size, &SETTINGS).await?;
    let program = ours(places, "reconcile", account.variables(), account.batch()?);
    event(size, &live(&program, 0).await?)
}

/// A sweep of an account of this size.
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
