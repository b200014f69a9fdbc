//! The way of one message: route, post, and what to do about each answer. Knows the secret only as
//! long as the process lives, and reads it again when Slack says that a webhook is no longer
//! allowed.

use crate::post::{Answer, Http};
use crate::routes::{Routes, UnreadableSecret, Webhook};
use crate::slack_post::SlackPost;
use portkeeper_aws::failure::Failure;
use portkeeper_aws::secrets::Secrets;
use portkeeper_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Posts of one message in one go. Two pauses that Slack asked for, or a webhook that was replaced,
/// and the plain form.
const MOST_POSTS: u32 = 5;

/// A post may take this long. None begins with less time left.
const POST_TAKES_SECS: u32 = 6;

/// Why a message is not in Slack.
#[derive(Debug, thiserror::Error)]
pub enum NotDelivered {
    /// The secret could not be read.
    #[error("Slack's webhook cannot be read")]
    NoSecret(#[source] Failure),
    /// The secret is not understood.
    #[error("Slack's webhook cannot be used")]
    BadSecret(#[from] UnreadableSecret),
    /// No route fits, and there is no default.
    #[error(
        "no route of the secret fits severity {severity}, service `{service}`, owner `{owner}`, and it has no `default`"
    )]
    NoRoute {
        /// How loud.
        severity: &'static str,
        /// Which service.
        service: String,
        /// Whose.
        owner: String,
    },
    /// Slack will never take it.
    #[error("Slack refused it ({route}): {answer}")]
    Refused {
        /// By which route.
        route: String,
        /// What Slack said.
        answer: String,
    },
    /// Slack does not take it now.
    #[error("Slack did not take it ({route}): {answer}")]
    Later {
        /// By which route.
        route: String,
        /// What Slack said.
        answer: String,
    },
}

impl NotDelivered {
    /// Trying again is no use until a person has changed something.
    #[must_use]
    pub fn is_final(&self) -> bool {
        // I-DELIVERY: "If it may accept it later, the message stays in the queue; if never, it is
        // set aside with the reason."
        matches!(self, Self::Refused { .. } | Self::NoRoute { .. })
    }
}

/// Brings messages to Slack.
#[derive(Debug)]
pub struct SlackClient {
    secrets: Secrets,
    secret_id: String,
    http: Http,
    routes: Mutex<Option<Arc<Routes>>>,
}

impl SlackClient {
    /// A slack that knows nothing yet but where the secret is.
    #[must_use]
    pub fn new(secrets: Secrets, secret_id: String) -> Self {
        Self { secrets, secret_id, http: Http::default(), routes: Mutex::new(None) }
    }

    /// The moment, by the clock that signs requests.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.secrets.now()
    }

    /// Delivers a message, and says by which route. It is in the channel when this returns.
    pub(crate) async fn deliver(
        &self,
        post: &SlackPost,
        deadline: Timestamp,
    ) -> Result<String, NotDelivered> {
        let routes = self.routes(None).await?;
        let (mut route, mut webhook) = find(&routes, post)?;
        let (mut message, mut reread) = (post.message.clone(), false);
        let mut latest = "there was no time for it";
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
                    let answer = format!("429: not before {} s", pause.as_secs());
                    return Err(NotDelivered::Later { route, answer });
                }
                Answer::Revoked(answer) if !reread => {
                    reread = true;
                    let fresh = self.routes(Some(&routes)).await?;
                    let (other_route, other) = find(&fresh, post)?;
                    if other == webhook {
                        return Err(NotDelivered::Refused { route, answer });
                    }
                    tracing::warn!(route, answer, "the webhook was replaced; the new one is used");
                    (route, webhook) = (other_route, other);
                }
                // Better a plain line than silence: the form is our mistake, not the reader's.
                Answer::BadForm(answer) if message != post.plain() => {
                    tracing::error!(
                        route,
                        answer,
                        "Slack does not accept the form; the plain one is tried"
                    );
                    message = post.plain();
                }
                Answer::Revoked(answer) | Answer::BadForm(answer) | Answer::Refused(answer) => {
                    return Err(NotDelivered::Refused { route, answer });
                }
                Answer::Unavailable(answer) => return Err(NotDelivered::Later { route, answer }),
            }
            latest = "it asked for a pause again and again";
        }
        Err(NotDelivered::Later { route, answer: latest.to_owned() })
    }

    fn fits(&self, pause: Duration, deadline: Timestamp) -> bool {
        let seconds = u32::try_from(pause.as_secs()).unwrap_or(u32::MAX);
        self.now().plus_secs(seconds.saturating_add(POST_TAKES_SECS)) <= deadline
    }

    /// The routes: from memory, unless these are the ones that no longer serve.
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
