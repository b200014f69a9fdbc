//! Implements the part of Lambda's Runtime API that a custom runtime uses, on a loopback port.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    clippy::unwrap_used,
    reason = "A test fails by panicking."
)]

use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

/// How long a test waits for an answer before it assumes that the program has ended. No test
/// measures it.
const PATIENCE: Duration = Duration::from_mins(1);

const INVOCATION: &str = "/2018-06-01/runtime/invocation/";

/// The program's answer to an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The function's return value.
    Response(Value),
    /// The error that the runtime reported.
    Error(Value),
}

/// One invocation: its number, the event, and when Lambda would stop the function.
struct Invocation {
    number: usize,
    event: String,
    deadline_ms: u128,
}

/// A server for the Runtime API. It stops when this is dropped.
pub struct RuntimeApi {
    address: SocketAddr,
    state: Arc<State>,
    answers: Mutex<mpsc::UnboundedReceiver<(String, Answer)>>,
    invocations: mpsc::UnboundedSender<Invocation>,
    invoked: AtomicUsize,
    patience: Duration,
    _accepting: JoinSet<()>,
}

struct State {
    waiting: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    answered: mpsc::UnboundedSender<(String, Answer)>,
    polls: AtomicUsize,
    first_poll: watch::Sender<Option<Instant>>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (invocations, waiting) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let (polls, first_poll) = (AtomicUsize::new(0), watch::Sender::new(None));
        let state = Arc::new(State { waiting: Mutex::new(waiting), answered, polls, first_poll });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, state.clone()));
        let (answers, invoked) = (Mutex::new(answers), AtomicUsize::new(0));
        Self {
            address,
            state,
            answers,
            invocations,
            invoked,
            patience: PATIENCE,
            _accepting: accepting,
        }
    }

    /// Does the same for a program whose answers may take up to the given time.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Returns the value for `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns how often the program requested an invocation.
    pub fn polls(&self) -> usize {
        self.state.polls.load(Ordering::SeqCst)
    }

    /// Returns when the program first requested an invocation, or none if it never did.
    pub async fn first_poll(&self) -> Option<Instant> {
        let mut polled = self.state.first_poll.subscribe();
        let polled = tokio::time::timeout(self.patience, polled.wait_for(Option::is_some)).await;
        *polled.ok()?.ok()?
    }

    /// Sends an event to the program with this number of seconds to handle it. Returns none if the
    /// program does not answer.
    pub async fn invoke(&self, event: &Value, seconds: u64) -> Option<Answer> {
        let number = self.invoked.fetch_add(1, Ordering::SeqCst) + 1;
        let deadline = SystemTime::now() + Duration::from_secs(seconds);
        let deadline_ms = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
        self.invocations
            .send(Invocation { number, event: event.to_string(), deadline_ms })
            .unwrap();
        let answer =
            tokio::time::timeout(self.patience, async { self.answers.lock().await.recv().await });
        let (request, answer) = answer.await.ok()??;
        assert_eq!(request, format!("request-{number}"));
        Some(answer)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(|request| answer(&state, request));
            // An error means that the program closed the connection.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    state: &State,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(INVOCATION).unwrap_or_default().to_owned();
    if parts.method == Method::GET && path == "next" {
        state
            .first_poll
            .send_if_modified(|first| first.replace(first.unwrap_or_else(Instant::now)).is_none());
        state.polls.fetch_add(1, Ordering::SeqCst);
        return Ok(next(state).await);
    }
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = match path.split_once('/') {
        Some((request, "response")) => Some((request.to_owned(), Answer::Response(value))),
        Some((request, "error")) => Some((request.to_owned(), Answer::Error(value))),
        _ => None,
    };
    let status = if answer.is_some() { StatusCode::ACCEPTED } else { StatusCode::NOT_FOUND };
    // The receiver is gone once the test has ended.
    let _ = answer.map(|answer| state.answered.send(answer));
    Ok(respond(status, &[], String::new()))
}

/// Waits for work, as long as it takes.
async fn next(state: &State) -> Response<Full<Bytes>> {
    let Some(work) = state.waiting.lock().await.recv().await else {
        return std::future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", format!("request-{}", work.number)),
        ("lambda-runtime-deadline-ms", work.deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:111122223333:function:reconcile".to_owned(),
        ),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned()),
    ];
    respond(StatusCode::OK, &headers, work.event)
}

fn respond(
    status: StatusCode,
    headers: &[(&'static str, String)],
    body: String,
) -> Response<Full<Bytes>> {
    let mut response =
        Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Full::new(Bytes::from(body))).unwrap()
}
