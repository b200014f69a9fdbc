//! The function that delivers alerts to Slack: it takes a batch of the `slack` queue and returns the
//! ids of the messages that must be retried.
//!
//! A message that Slack cannot accept now stays in the queue. A message that Slack will never accept
//! goes to the dead-letter queue with the reason, so no message ends only in the log. The function
//! never prints a webhook: anyone who knows its URL can post to the channel.

mod deliver;
mod post;
mod routes;
mod slack_post;

pub use deliver::SlackClient;
pub use routes::{Routes, UnreadableSecret};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_aws::failure::chain;
use portkeeper_aws::metrics;
use portkeeper_core::time::Timestamp;

/// The results of one batch.
#[derive(Debug, Default)]
struct Count {
    delivered: usize,
    refused: usize,
    later: usize,
}

/// Handles one batch, message by message, because Slack accepts one message a second for each
/// webhook. Messages for which there is no time before `deadline` return to the queue.
pub async fn handle(
    slack: &SlackClient,
    dead_letters: &DeadLetters,
    event: SqsEvent,
    deadline: Timestamp,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut count = Count::default();
    for record in event.records {
        let (id, body) = (record.message_id.unwrap_or_default(), record.body.unwrap_or_default());
        let post = slack_post::read(&body);
        match slack.deliver(&post, deadline).await {
            Ok(route) => {
                tracing::info!(message_id = id, about = post.summary, route, "delivered");
                count.delivered += 1;
            }
            Err(error) if error.is_final() => {
                let why = chain(&error);
                tracing::error!(
                    message_id = id,
                    about = post.summary,
                    error = why,
                    "cannot deliver the message: it goes to the dead-letter queue"
                );
                count.refused += 1;
                if let Err(failure) = dead_letters.put(&body, &why).await {
                    tracing::error!(
                        message_id = id,
                        error = chain(&failure),
                        "cannot send the message to the dead-letter queue"
                    );
                    response.add_failure(id);
                }
            }
            Err(error) => {
                tracing::warn!(
                    message_id = id,
                    about = post.summary,
                    error = chain(&error),
                    "message returned to the queue for a retry"
                );
                count.later += 1;
                response.add_failure(id);
            }
        }
    }
    metrics::emit(&metrics::slack_line(slack.now(), count.delivered, count.refused, count.later));
    response
}
