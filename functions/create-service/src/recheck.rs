//! Requests the next check of a service that is being deployed or deleted. It knows the delays, and
//! nothing about what the check finds.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_service_spec_aws::recheck;

/// Seconds before each recheck. Lambda's recursive loop detection stops a chain of messages at 16;
/// these delays add up to a little more than an hour and a half, and every event of the deployment
/// starts a new chain.
const RECHECK_DELAYS: [u32; 14] =
    [15, 30, 60, 60, 120, 120, 300, 300, 600, 900, 900, 900, 900, 900];

/// Returns how long all rechecks of one chain take.
pub(crate) fn recheck_minutes() -> u32 {
    RECHECK_DELAYS.iter().sum::<u32>() / 60
}

/// Requests the recheck after this one. Returns false if there is none left.
pub(crate) async fn recheck_later(
    deps: &Dependencies,
    spec: &str,
    hop: u32,
) -> Result<bool, Retry> {
    let delay = usize::try_from(hop).ok().and_then(|hop| RECHECK_DELAYS.get(hop));
    let Some(delay) = delay else { return Ok(false) };
    recheck::send(&deps.aws.shared, &deps.config.queue_url, spec, hop + 1, *delay).await?;
    Ok(true)
}
