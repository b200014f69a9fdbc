//! The function that brings alerts to Slack: a batch of the `slack` queue in, the ids of those that
//! must be tried again out.
//!
//! What Slack does not take now stays in the queue. What it will never take goes to the dead-post
//! queue, with the reason. Nothing is only logged. No webhook is ever printed: whoever knows one
//! can write to the channel.

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

/// What became of a batch, in numbers.
#[derive(Debug, Default)]
struct Count {
    delivered: usize,
    refused: usize,
    later: usize,
}

/// Handles one batch, message by message: Slack takes one a second for each webhook. What does not
/// fit before `deadline` comes back.
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
                    "refused for good"
                );
                count.refused += 1;
                if let Err(failure) = dead_letters.put(&body, &why).await {
                    tracing::error!(
                        message_id = id,
                        error = chain(&failure),
                        "the dead-post queue did not take it"
                    );
                    response.add_failure(id);
                }
            }
            Err(error) => {
                tracing::warn!(
                    message_id = id,
                    about = post.summary,
                    error = chain(&error),
                    "tried again later"
                );
                count.later += 1;
                response.add_failure(id);
            }
        }
    }
    metrics::emit(&metrics::slack_line(slack.now(), count.delivered, count.refused, count.later));
    response
}
