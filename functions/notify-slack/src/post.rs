//! Sends one request to a webhook and classifies the answer. Source of the answers:
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

/// Slack usually answers within a second. After this long a new attempt is faster than waiting.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Slack answers with one word. A longer answer is not Slack's.
const LONGEST_ANSWER: usize = 4_096;

/// How many characters of an answer go into errors and logs.
const MOST_SHOWN: usize = 200;

/// The pause if Slack names none: Slack accepts one message a second for each webhook.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

type Body = Full<VecDeque<u8>>;

/// Slack's answer to a message.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The message is in the channel.
    Accepted,
    /// Too many messages: retry after this pause.
    Wait(Duration),
    /// The webhook is not accepted (any longer): it may have been replaced in the secret.
    Revoked(String),
    /// Slack does not accept the form of the message.
    BadForm(String),
    /// A temporary failure.
    Unavailable(String),
    /// A permanent failure.
    Refused(String),
}

type Https = Client<HttpsConnector<HttpConnector>, Body>;

/// The HTTP client. It reads the root certificates of the system at the first post.
#[derive(Debug, Default)]
pub(crate) struct Http(OnceLock<Https>);

impl Http {
    /// Returns no client without root certificates: the server could not be authenticated.
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

    pub(crate) async fn post(&self, webhook: &Webhook, message: &SlackMessage) -> Answer {
        let body: VecDeque<u8> = message.to_json().to_string().into_bytes().into();
        let request = Request::builder()
            .method(Method::POST)
            .uri(webhook.uri())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::new(body));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::Refused(format!("cannot build the request: {error}")),
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
            self.client().map_err(|error| format!("cannot read root certificates: {error}"))?;
        // These errors name at most the host, which is no secret.
        let response = client
            .request(request)
            .await
            .map_err(|error| portkeeper_aws::failure::chain(&error))?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, LONGEST_ANSWER).collect().await.map(Collected::to_bytes);
        let text = bytes.map_or_else(
            |_| format!("(an answer of more than {LONGEST_ANSWER} bytes, not Slack's)"),
            |bytes| shown(&bytes),
        );
        Ok((parts.status, parts.headers, text))
    }
}

/// Returns the beginning of an answer, on one line.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().chars().take(MOST_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn classify(status: StatusCode, headers: &HeaderMap, text: &str) -> Answer {
    let said = || format!("{status}: {text}");
    match status {
        StatusCode::OK if text == "ok" => Answer::Accepted,
        // This is not Slack: a proxy answers, or a page that asks to sign in.
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
