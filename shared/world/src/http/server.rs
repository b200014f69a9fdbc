//! The account on a loopback port: HTTP/1 for programs in other processes (`AWS_ENDPOINT_URL`).
//!
//! The world's clock stands still unless its holder advances it or calls have latency.

use super::answer::handle;
use super::shared::SharedWorld;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The largest request: above every limit of the simulated services.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the port and every connection.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // The task ends by the abort or has ended before; both are what is wanted.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves the world on `address`; port 0 takes a free one. Needs a tokio runtime.
pub async fn serve(world: SharedWorld, address: SocketAddr) -> io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Server { address, accepting: tokio::spawn(accept(world, listener)) })
}

/// Dropping the set of connections, when the task is aborted, closes them.
async fn accept(world: SharedWorld, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that broke while it was being accepted is its client's problem.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve_connection(world.clone(), stream));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(world: SharedWorld, stream: TcpStream) {
    let service = service_fn(move |request| answer(world.clone(), request));
    // The world's clock is not the server's: no Date header, or SDKs would correct their clocks by
    // it.
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    // An error here is a connection that was lost on purpose, or that the client closed.
    let _ = connection.await;
}

/// An error makes hyper close the connection without an answer.
async fn answer(
    world: SharedWorld,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await?.to_bytes();
    let answer = handle(&world, &Request::from_parts(parts, body))
        .ok_or("the connection is lost on purpose")?;
    Ok(answer.map(|body| Full::new(Bytes::from(body))))
}
