//! One request to a webhook, and what its answer means. Source of the answers:
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>.

use crate::routes::Webhook;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use portkeeper_core::report::SlackMessage;
use std::collections::VecDeque;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

/// Slack answers within a second. An attempt that takes longer is better made again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// An answer is one word. More than this is somebody else's page.
const LONGEST_ANSWER: usize = 4_096;

/// So much of an answer is told.
const MOST_SHOWN: usize = 200;

/// When Slack asks for a pause and does not say how long: it takes one message a second for each
/// webhook.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

type Body = Full<VecDeque<u8>>;

/// What Slack made of a message.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is in the channel.
    Accepted,
    /// Too many messages: not before this.
    Wait(Duration),
    /// The webhook is not, or no longer, allowed: it may have been replaced in the secret.
    Revoked(String),
    /// The message's form is not accepted.
    BadForm(String),
    /// Not now.
    Unavailable(String),
    /// Never.
    Refused(String),
}

type Https = Client<HttpsConnector<HttpConnector>, Body>;

/// The HTTP client. It reads the system's root certificates before the first post, and not before.
#[derive(Debug, Default)]
pub(crate) struct Http(OnceLock<Https>);

impl Http {
    /// Without root certificates there is no client: nothing is posted to a server that cannot
    /// prove who it is.
    fn client(&self) -> io::Result<&Https> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(self.0.get_or_init(|| Client::builder(TokioExecutor::new()).build(https)))
    }

    /// Posts a message.
    pub(crate) async fn post(&self, webhook: &Webhook, message: &SlackMessage) -> Answer {
        let body: VecDeque<u8> = message.to_json().to_string().into_bytes().into();
        let request = Request::builder()
            .method(Method::POST)
            .uri(webhook.uri())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::new(body));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::Refused(format!("no request can be made: {error}")),
        };
        match tokio::time::timeout(ANSWER_WITHIN, self.answer(request)).await {
            Ok(Ok((status, headers, text))) => classify(status, &headers, &text),
            Ok(Err(why)) => Answer::Unavailable(why),
            Err(_) => {
                Answer::Unavailable(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))
            }
        }
    }

    async fn answer(
        &self,
        request: Request<Body>,
    ) -> Result<(StatusCode, HeaderMap, String), String> {
        let client =
            self.client().map_err(|error| format!("no root certificates can be read: {error}"))?;
        // The errors name the host at most, and the host is no secret.
        let response = client
            .request(request)
            .await
            .map_err(|error| portkeeper_aws::failure::chain(&error))?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, LONGEST_ANSWER).collect().await.map(Collected::to_bytes);
        let text = bytes.map_or_else(
            |_| "(a longer answer than Slack gives)".to_owned(),
            |bytes| shown(&bytes),
        );
        Ok((parts.status, parts.headers, text))
    }
}

/// The beginning of an answer, on one line.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().chars().take(MOST_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn classify(status: StatusCode, headers: &HeaderMap, text: &str) -> Answer {
    let said = || format!("{status}: {text}");
    match status {
        StatusCode::OK if text == "ok" => Answer::Accepted,
        // Somebody answers who is not Slack: a proxy, or a page that asks to sign in.
        StatusCode::OK => Answer::Unavailable(format!("200 without `ok`: {text}")),
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds =
                headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            Answer::Wait(seconds.map_or(USUAL_PAUSE, Duration::from_secs))
        }
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Answer::Revoked(said()),
        StatusCode::BAD_REQUEST if text.starts_with("invalid_") => Answer::BadForm(said()),
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Answer::Unavailable(said())
        }
        _ => Answer::Refused(said()),
    }
}
