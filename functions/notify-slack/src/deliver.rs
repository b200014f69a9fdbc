//! Delivers one message: finds the route, posts, and handles each answer. The secret is kept in
//! memory and read again if Slack no longer accepts a webhook.

use crate::post::{Answer, Http};
use crate::routes::{Routes, UnreadableSecret, Webhook};
use crate::slack_post::SlackPost;
use portkeeper_aws::failure::Failure;
use portkeeper_aws::secrets::Secrets;
use portkeeper_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How many times one delivery posts a message: enough for two pauses that Slack requests, or for a
/// replaced webhook and the plain form.
const MOST_POSTS: u32 = 5;

/// How long a post may take. None starts with less time left.
const POST_TAKES_SECS: u32 = 6;

/// Why a message was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum NotDelivered {
    #[error("cannot read the secret with the Slack webhook")]
    NoSecret(#[source] Failure),
    #[error("cannot use the secret with the Slack webhook")]
    BadSecret(#[from] UnreadableSecret),
    #[error(
        "cannot route the message: no route of the secret matches severity {severity}, service `{service}` and owner `{owner}`, and the secret has no `default`"
    )]
    NoRoute { severity: &'static str, service: String, owner: String },
    /// A permanent failure.
    #[error("Slack refused the message (route {route}): {answer}")]
    Refused {
        route: String,
        /// Slack's answer.
        answer: String,
    },
    /// A temporary failure.
    #[error("cannot post the message to Slack now (route {route}): {answer}")]
    Later {
        route: String,
        /// Slack's answer, or why there was none.
        answer: String,
    },
}

impl NotDelivered {
    /// A retry fails until an operator changes the secret or the webhook.
    #[must_use]
    pub fn is_final(&self) -> bool {
        // I-DELIVERY: "If it may accept it later, the message stays in the queue; if never, it is
        // set aside with the reason."
        matches!(self, Self::Refused { .. } | Self::NoRoute { .. })
    }
}

/// Delivers messages to Slack.
#[derive(Debug)]
pub struct SlackClient {
    secrets: Secrets,
    secret_id: String,
    http: Http,
    routes: Mutex<Option<Arc<Routes>>>,
}

impl SlackClient {
    /// Returns a client that reads the secret at its first message.
    #[must_use]
    pub fn new(secrets: Secrets, secret_id: String) -> Self {
        Self { secrets, secret_id, http: Http::default(), routes: Mutex::new(None) }
    }

    /// The time by the clock that signs requests.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.secrets.now()
    }

    /// Delivers a message and returns the name of its route. The message is then in the channel.
    pub(crate) async fn deliver(
        &self,
        post: &SlackPost,
        deadline: Timestamp,
    ) -> Result<String, NotDelivered> {
        let routes = self.routes(None).await?;
        let (mut route, mut webhook) = find(&routes, post)?;
        let (mut message, mut reread) = (post.message.clone(), false);
        let mut latest = "not enough time left in this run";
        for _ in 0..MOST_POSTS {
            if self.now().plus_secs(POST_TAKES_SECS) > deadline {
                break;
            }
            match self.http.post(&webhook, &message).await {
                Answer::Accepted => return Ok(route),
                Answer::Wait(pause) if self.fits(pause, deadline) => {
                    tokio::time::sleep(pause).await;
                }
                Answer::Wait(pause) => {
                    let answer = format!("429: retry after {} s", pause.as_secs());
                    return Err(NotDelivered::Later { route, answer });
                }
                Answer::Revoked(answer) if !reread => {
                    reread = true;
                    let fresh = self.routes(Some(&routes)).await?;
                    let (other_route, other) = find(&fresh, post)?;
                    if other == webhook {
                        return Err(NotDelivered::Refused { route, answer });
                    }
                    tracing::warn!(
                        route,
                        answer,
                        "the webhook was replaced: posting to the new one"
                    );
                    (route, webhook) = (other_route, other);
                }
                // The form is a defect of Portkeeper: a plain line still reaches the reader.
                Answer::BadForm(answer) if message != post.plain() => {
                    tracing::error!(
                        route,
                        answer,
                        "Slack refused the form of the message: posting the plain form"
                    );
                    message = post.plain();
                }
                Answer::Revoked(answer) | Answer::BadForm(answer) | Answer::Refused(answer) => {
                    return Err(NotDelivered::Refused { route, answer });
                }
                Answer::Unavailable(answer) => return Err(NotDelivered::Later { route, answer }),
            }
            latest = "Slack requested too many pauses";
        }
        Err(NotDelivered::Later { route, answer: latest.to_owned() })
    }

    fn fits(&self, pause: Duration, deadline: Timestamp) -> bool {
        let seconds = u32::try_from(pause.as_secs()).unwrap_or(u32::MAX);
        self.now().plus_secs(seconds.saturating_add(POST_TAKES_SECS)) <= deadline
    }

    /// Returns the routes: from memory, unless these are `stale`.
    async fn routes(&self, stale: Option<&Arc<Routes>>) -> Result<Arc<Routes>, NotDelivered> {
        let mut known = self.routes.lock().await;
        if let Some(routes) =
            known.as_ref().filter(|routes| stale.is_none_or(|stale| !Arc::ptr_eq(routes, stale)))
        {
            return Ok(routes.clone());
        }
        *known = None;
        let secret = self.secrets.read(&self.secret_id).await.map_err(NotDelivered::NoSecret)?;
        let routes = Arc::new(Routes::from_secret(&secret)?);
        *known = Some(routes.clone());
        Ok(routes)
    }
}

fn find(routes: &Routes, post: &SlackPost) -> Result<(String, Webhook), NotDelivered> {
    let found = routes.find(post).map(|(name, webhook)| (name.to_owned(), webhook.clone()));
    found.ok_or_else(|| NotDelivered::NoRoute {
        severity: post.severity.as_str(),
        service: post.service.clone(),
        owner: post.owner.clone(),
    })
}
