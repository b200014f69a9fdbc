//! The clients of the command line: they use the operator's own credentials and Region, found as
//! every AWS tool finds them. If credentials or Region are missing, the error says what to do. A
//! simulated account on this machine needs neither.

use crate::account::Aws;
use crate::lazy::https_client;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::AsyncSleep as _;
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

/// How long to look for credentials for a simulated account, which does not check them: outside
/// EC2, looking for an instance's credentials takes seconds.
const PATIENCE_WITH_SIMULATION: Duration = Duration::from_secs(1);

/// The Region for a simulated account, if none is configured. Such an account accepts any.
const SIMULATED_REGION: &str = "eu-west-1";

/// The options of the command line. What is not given comes from the AWS configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// The region.
    pub region: Option<String>,
    /// An endpoint to use instead of AWS's, for all services.
    pub endpoint_url: Option<String>,
}

/// Clients with the Region and endpoint that they call.
#[derive(Debug)]
pub struct Session {
    /// The clients.
    pub aws: Aws,
    /// The Region that they call.
    pub region: String,
    /// The endpoint is on this machine: a simulated account.
    pub is_simulated: bool,
    config: SdkConfig,
}

impl Session {
    /// Returns the same session, limited to this share, in percent, of the calls that AWS allows an
    /// account.
    #[must_use]
    pub fn at_share(self, percent: u32) -> Self {
        Self { aws: self.aws.at_share(percent), ..self }
    }

    /// The configuration of the clients, for callers that need other clients, too.
    #[must_use]
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.config
    }
}

/// Why no session could be created.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// The endpoint is no URL of a server.
    #[error("`{0}` is not an endpoint URL: it must begin with http:// or https:// and name a host")]
    Endpoint(String),
    /// No region is configured.
    #[error(
        "no Region is configured: use --region, set AWS_REGION, or set `region` in the profile in ~/.aws/config"
    )]
    Region,
    /// No credentials are configured, or they cannot be obtained.
    #[error(
        "cannot find AWS credentials: sign in (`aws sso login`, `aws login`), set AWS_PROFILE to a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    Credentials(#[source] Box<dyn Error + Send + Sync>),
}

/// Finds Region and credentials, and creates clients with them. It requests the credentials once,
/// so that missing ones are reported before anything is read.
pub async fn open(wanted: &SessionOptions) -> Result<Session, NoSession> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https_client());
    if let Some(region) = &wanted.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &wanted.endpoint_url {
        host_of(url).ok_or_else(|| NoSession::Endpoint(url.clone()))?;
        loader = loader.endpoint_url(url);
    }
    let config = load(loader).await;
    let is_simulated = config.endpoint_url().and_then(host_of).is_some_and(is_this_machine);
    let config = if is_simulated {
        with_placeholders(config).await
    } else {
        with_credentials(config).await?
    };
    let region = config.region().ok_or(NoSession::Region)?.as_ref().to_owned();
    Ok(Session { aws: Aws::from_sdk_config(&config), region, is_simulated, config })
}

async fn load(loader: ConfigLoader) -> SdkConfig {
    // The chain of providers is a large future, and this one is awaited within others.
    Box::pin(loader.load()).await
}

/// Returns the same configuration after credentials were found.
async fn with_credentials(config: SdkConfig) -> Result<SdkConfig, NoSession> {
    // Checked first, because some credential providers need a Region.
    config.region().ok_or(NoSession::Region)?;
    let provider = config
        .credentials_provider()
        .ok_or_else(|| NoSession::Credentials("no provider".into()))?;
    provider.provide_credentials().await.map_err(|error| NoSession::Credentials(error.into()))?;
    Ok(config)
}

/// Returns the same configuration, with a placeholder Region and placeholder credentials if none
/// are configured.
async fn with_placeholders(config: SdkConfig) -> SdkConfig {
    let found = async { config.credentials_provider()?.provide_credentials().await.ok() };
    let found = match config.sleep_impl() {
        Some(sleep) => Timeout::new(Box::pin(found), sleep.sleep(PATIENCE_WITH_SIMULATION))
            .await
            .ok()
            .flatten(),
        None => found.await,
    };
    let mut builder = config.to_builder();
    if found.is_none() {
        let placeholder = Credentials::new("placeholder", "placeholder", None, None, "portkeeper");
        builder = builder.credentials_provider(SharedCredentialsProvider::new(placeholder));
    }
    if config.region().is_none() {
        builder = builder.region(Region::new(SIMULATED_REGION));
    }
    builder.build()
}

/// The host of an `http` or `https` URL.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty() && !host.contains(['@', ' '])).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_this_machine() {
        for (url, host, here) in [
            ("http://127.0.0.1:4566", Some("127.0.0.1"), true),
            ("http://localhost:4566/", Some("localhost"), true),
            ("http://[::1]:4566", Some("::1"), true),
            ("https://ecs.eu-west-1.amazonaws.com", Some("ecs.eu-west-1.amazonaws.com"), false),
            ("https://localhost.example.com", Some("localhost.example.com"), false),
            ("http://127.0.0.1@example.com", None, false),
            ("http://10.0.0.1", Some("10.0.0.1"), false),
            ("http://", None, false),
            ("127.0.0.1:4566", None, false),
        ] {
            assert_eq!(
                (host_of(url), host_of(url).is_some_and(is_this_machine)),
                (host, here),
                "{url}"
            );
        }
    }
}
