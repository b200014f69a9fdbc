//! Requests the next check of a service that is being deployed or deleted. It knows when, and
//! nothing of what the check finds.

use crate::Dependencies;
use crate::retry::Retry;
use portkeeper_service_spec_aws::look_again;

/// Seconds before each recheck. Lambda ends a chain of messages at sixteen; together these are a
/// little more than two hours, and every event of the deployment begins a new chain.
pub(crate) const RECHECK_DELAYS: [u32; 14] =
    [15, 30, 60, 60, 120, 120, 300, 300, 600, 900, 900, 900, 900, 900];

/// Requests the recheck after this one; false if there is none.
pub(crate) async fn recheck_later(
    deps: &Dependencies,
    spec: &str,
    hop: u32,
) -> Result<bool, Retry> {
    let delay = usize::try_from(hop).ok().and_then(|hop| RECHECK_DELAYS.get(hop));
    let Some(delay) = delay else { return Ok(false) };
    look_again::send(&deps.aws.shared, &deps.config.queue_url, spec, hop + 1, *delay).await?;
    Ok(true)
}
