//! The account as the HTTP client of SDK clients in the same process.
//!
//! Knows the SDK's HTTP interfaces. Retries and timeouts are set by the program under test.

use super::answer::handle;
use super::clock::{WorldClock, WorldSleep};
use super::shared::SharedWorld;
use ::http::Request;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::AsyncSleep as _;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use http_body_util::BodyExt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// The configuration with which an SDK client uses this world instead of AWS: Region, credentials,
/// HTTP client, clock and sleep. The caller sets retries and timeouts:
/// `sdk_config(&world).into_builder()`.
#[must_use]
pub fn sdk_config(world: &SharedWorld) -> SdkConfig {
    let region = world.lock().account.region.clone();
    // The example access key id of AWS's documentation. Signatures are not checked.
    let credentials =
        Credentials::new("AKIAIOSFODNN7EXAMPLE", "example", None, None, "portkeeper-world");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(WorldHttpClient::new(world))
        .time_source(WorldClock::new(world))
        .sleep_impl(WorldSleep::new(world))
        .build()
}

/// The world as an SDK's HTTP client.
#[derive(Debug, Clone)]
pub struct WorldHttpClient {
    world: SharedWorld,
    distance: Duration,
}

impl WorldHttpClient {
    #[must_use]
    pub fn new(world: &SharedWorld) -> Self {
        Self { world: world.clone(), distance: Duration::ZERO }
    }

    /// A client whose calls take this long on the world's clock. Concurrent calls wait at the same
    /// time.
    #[must_use]
    pub fn at_distance(self, distance: Duration) -> Self {
        Self { distance, ..self }
    }
}

impl HttpClient for WorldHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let (world, distance) = (self.world.clone(), self.distance);
        SharedHttpConnector::new(Connector {
            world,
            distance,
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    world: SharedWorld,
    distance: Duration,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (world, distance, read_timeout) =
            (self.world.clone(), self.distance, self.read_timeout);
        HttpConnectorFuture::new(async move {
            let began_ms = world.lock().now_ms();
            if !distance.is_zero() {
                WorldSleep::new(&world).sleep(distance).await;
            }
            let answer = perform(&world, request).await;
            let took = Duration::from_millis(world.lock().now_ms() - began_ms);
            if !took.is_zero() {
                // An operation timeout that has expired on the world's clock can fire here.
                yield_once().await;
            }
            match read_timeout.filter(|limit| took > *limit) {
                Some(limit) => {
                    Err(ConnectorError::timeout(format!("no answer within {limit:?}").into()))
                }
                None => answer,
            }
        })
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn perform(
    world: &SharedWorld,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let answer = handle(world, &Request::from_parts(parts, body)).ok_or_else(|| {
        ConnectorError::io("the connection was closed before an answer came".into())
    })?;
    HttpResponse::try_from(answer.map(SdkBody::from))
        .map_err(|error| ConnectorError::other(error.into(), None))
}
