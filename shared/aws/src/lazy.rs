//! Values that are created on first use: SDK clients, and the connections with their root
//! certificates. A starting function creates only what its event needs. This module knows how to
//! create the SDK's clients, and none of the calls.

use aws_config::SdkConfig;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared as _;
use std::sync::LazyLock;

/// A client that is created on first use. Each client parses its own endpoint rules, which takes
/// 0.1 ms.
pub type Lazily<C> = LazyLock<C, Box<dyn FnOnce() -> C + Send>>;

/// The client of one service.
#[must_use]
pub fn lazily<C: 'static>(config: &SdkConfig, new: fn(&SdkConfig) -> C) -> Lazily<C> {
    let config = config.clone();
    LazyLock::new(Box::new(move || new(&config)))
}

/// The HTTP client that all clients of this process share. It trusts the system's root
/// certificates.
pub(crate) fn https_client() -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    WithoutValidation(client).into_shared()
}

/// The SDK's own HTTP client. By default it also creates a connector for each client, only to
/// validate the settings, and discards it: each time it parses all root certificates. The connector
/// that makes the requests is created with the first request, once for all clients.
#[derive(Debug)]
struct WithoutValidation(SharedHttpClient);

impl HttpClient for WithoutValidation {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}
