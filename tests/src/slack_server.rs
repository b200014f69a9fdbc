//! A server for Slack webhooks on a loopback port. It answers as a script says and records every
//! post.
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
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The answer to one post.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, a body, and the value of `Retry-After`.
    Say(u16, &'static str, Option<&'static str>),
    /// Never answers.
    Hang,
}

/// A post that the server received.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The webhook's path.
    pub path: String,
    /// The message.
    pub message: Value,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    posts: Vec<Post>,
}

/// The server. It stops when this is dropped.
pub struct Slack {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _accepting: JoinSet<()>,
}

impl Slack {
    /// Listens on a free port. After the script has ended, it answers `ok`.
    pub async fn start(script: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            script: script.iter().cloned().collect(),
            posts: Vec::new(),
        }));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, state.clone()));
        Self { address, state, _accepting: accepting }
    }

    /// Returns the URL of a webhook of this server.
    pub fn webhook(&self, path: &str) -> String {
        format!("http://{}/services/{path}", self.address)
    }

    /// Returns the posts so far.
    pub fn posts(&self) -> Vec<Post> {
        self.state.lock().unwrap().posts.clone()
    }

    /// Returns the paths of the posts so far.
    pub fn paths(&self) -> Vec<String> {
        self.posts().into_iter().map(|post| post.path).collect()
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
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
    state: &Mutex<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().trim_start_matches("/services/").to_owned();
    let json = request
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    let message =
        if json { serde_json::from_slice(&body).unwrap_or(Value::Null) } else { Value::Null };
    let reply = {
        let mut state = state.lock().unwrap();
        state.posts.push(Post { path, message });
        state.script.pop_front().unwrap_or(Reply::Say(200, "ok", None))
    };
    match reply {
        Reply::Say(status, body, retry_after) => {
            let mut response = Response::builder().status(status);
            if let Some(seconds) = retry_after {
                response = response.header("retry-after", seconds);
            }
            Ok(response.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap())
        }
        Reply::Hang => std::future::pending().await,
    }
}
