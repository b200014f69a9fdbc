//! Checks for which there was no time. Their requests become new messages, so that a batch that
//! takes several runs moves no message to the dead-letter queue.

use futures_util::StreamExt as _;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::failure::chain;
use portkeeper_aws::{metrics, recheck};
use portkeeper_core::event::CheckRequest;
use portkeeper_core::ids::ServiceKey;
use std::collections::BTreeSet;

/// Services in one message. The names alone take at most 26 KB of the 256 KB that SQS allows.
const SERVICES_IN_MESSAGE: usize = 100;

/// Messages that are sent at once.
const MESSAGES_AT_ONCE: usize = 10;

/// Requests the checks that were not begun once more, and returns the ids of the messages for which
/// this was not possible, so that they return to the queue.
///
/// A message of which another check failed returns with everything that it requests. Its other
/// services are postponed all the same: they must not become dead letters with it.
pub(crate) async fn postpone(
    aws: &Aws,
    config: &Config,
    requests: &[(String, CheckRequest)],
    not_begun: &BTreeSet<&ServiceKey>,
) -> BTreeSet<String> {
    let postponed: Vec<(&String, CheckRequest)> = requests
        .iter()
        .flat_map(|(id, request)| parts_not_begun(request, not_begun).map(move |part| (id, part)))
        .collect();
    let sent = postponed.into_iter().map(|(id, request)| async move {
        let sent = recheck::postpone(aws, &config.checks_queue_url, &request).await;
        sent.err().map(|failure| {
            tracing::error!(
                error = chain(&failure),
                "cannot postpone a check: the message is retried"
            );
            id.clone()
        })
    });
    let sent: Vec<_> = sent.collect();
    let messages = sent.len();
    let unsent: BTreeSet<String> = futures_util::stream::iter(sent)
        .buffer_unordered(MESSAGES_AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let services = not_begun.len();
    tracing::warn!(services, messages, "no time left to check these services: checks postponed");
    metrics::emit(&metrics::postponed_line(aws.now(), services));
    unsent
}

/// The same request for its services that were not begun, in parts that fit into a message.
fn parts_not_begun(
    request: &CheckRequest,
    not_begun: &BTreeSet<&ServiceKey>,
) -> impl Iterator<Item = CheckRequest> {
    let key = |service: &String| ServiceKey {
        cluster: request.cluster.clone(),
        service: service.clone(),
    };
    let services: Vec<String> = request
        .services
        .iter()
        .filter(|service| not_begun.contains(&key(service)))
        .cloned()
        .collect();
    let parts: Vec<CheckRequest> = services
        .chunks(SERVICES_IN_MESSAGE)
        .map(|part| CheckRequest { services: part.iter().cloned().collect(), ..request.clone() })
        .collect();
    parts.into_iter()
}
