//! The account on a loopback port, over HTTP/1, for other processes (`AWS_ENDPOINT_URL`).
//!
//! The world's clock advances only if the owner of the world advances it or calls have latency.

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

/// The largest request body. It is above every limit of the simulated services.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// A running server. Dropping it stops the server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// The address on which it listens.
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
        // The task was aborted or had ended before; either way it is gone.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves the world on `address`. Port 0 chooses a free port. Needs a tokio runtime.
pub async fn serve(world: SharedWorld, address: SocketAddr) -> io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Server { address, accepting: tokio::spawn(accept(world, listener)) })
}

/// When the task is aborted, the set of connections is dropped, which closes them.
async fn accept(world: SharedWorld, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Ignore connections that broke while being accepted.
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
    // No Date header: it would have the server's time, and SDKs would correct their clocks by it.
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    // An error means that a fault or the client closed the connection.
    let _ = connection.await;
}

/// An error makes hyper close the connection without a response.
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
