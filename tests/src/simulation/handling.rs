//! Delivers one batch to one function, to two at once, or to one that is killed before it ends.

use super::handled::{Checked, Handled};
use super::mutant;
use super::mutation::Mutation;
use fastrand::Rng;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_reconcile::CheckReport;
use portkeeper_stage::StageError;
use serde_json::Value;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A function at work.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Result<Handled, StageError>> + 'a>>;

/// The real function, or one without a safety rule.
pub(crate) fn start<'a>(
    aws: &'a Aws,
    config: &'a Config,
    batch: &'a Value,
    mutation: Option<Mutation>,
) -> Run<'a> {
    match mutation {
        None => Box::pin(real(aws, config, batch)),
        Some(mutation) => Box::pin(mutant::handle(aws, config, batch, mutation)),
    }
}

async fn real(aws: &Aws, config: &Config, batch: &Value) -> Result<Handled, StageError> {
    let event = serde_json::from_value(batch.clone())?;
    let mut checks = Vec::new();
    let record = &mut |report: &CheckReport| checks.push(Checked::from(report));
    let response = portkeeper_reconcile::handle_and_report(aws, config, event, record).await;
    Ok(Handled { checks, response: serde_json::to_value(response)?, sweep: None })
}

/// The real sweep, with this many seconds to its deadline.
pub(crate) fn start_sweep<'a>(aws: &'a Aws, config: &'a Config, seconds: u32) -> Run<'a> {
    let deadline = aws.now().plus_secs(seconds);
    Box::pin(async move {
        let report = portkeeper_sweep::handle(aws, config, deadline).await?;
        Ok(Handled { checks: Vec::new(), response: Value::Null, sweep: Some(report) })
    })
}

/// Whether functions continue after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Go {
    On,
    /// Kills them at this point.
    Dead,
}

/// Runs these functions in turns of random order and calls `between` after every turn. A turn ends
/// whenever a function waits. Returns the result of each, and none for those that were killed.
pub(crate) async fn drive(
    mut runs: Vec<Run<'_>>,
    random: &mut Rng,
    mut between: impl FnMut() -> Go,
) -> Vec<Option<Result<Handled, StageError>>> {
    let mut results: Vec<Option<_>> = runs.iter().map(|_| None).collect();
    poll_fn(|context| {
        let waiting: Vec<usize> =
            results.iter().enumerate().filter(|(_, it)| it.is_none()).map(|(at, _)| at).collect();
        let Some(turn) = random.choice(waiting.iter().copied()) else { return Poll::Ready(()) };
        if let (Some(run), Some(result)) = (runs.get_mut(turn), results.get_mut(turn))
            && let Poll::Ready(done) = run.as_mut().poll(context)
        {
            *result = Some(done);
        }
        if between() == Go::Dead {
            return Poll::Ready(());
        }
        // The world's clock does not wait for functions: polling a function again completes
        // whatever it waits for.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    results
}
