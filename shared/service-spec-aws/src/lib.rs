//! The AWS calls of specs, in addition to those of checks, so that `reconcile` and `sweep` start
//! without their clients. It reads what exists and executes one write after the other; it compares
//! and decides nothing. Like `portkeeper_aws`, it exposes no SDK types.

pub mod apply;
pub mod config;
pub mod find;
pub mod metrics;
pub mod notify;
pub mod object;
mod raw;
pub mod recheck;
pub mod record;

use aws_config::SdkConfig;
use portkeeper_aws::account::Aws;
use portkeeper_aws::lazy::{Lazily, lazily};
use std::fmt;

/// The clients for specs.
pub struct SpecAws {
    /// The clients that checks use.
    pub shared: Aws,
    ecs: Lazily<aws_sdk_ecs::Client>,
    elb: Lazily<aws_sdk_elasticloadbalancingv2::Client>,
    s3: Lazily<aws_sdk_s3::Client>,
    scaling: Lazily<aws_sdk_applicationautoscaling::Client>,
    logs: Lazily<aws_sdk_cloudwatchlogs::Client>,
    control: Lazily<aws_sdk_cloudcontrol::Client>,
}

impl SpecAws {
    /// Clients that share this configuration's HTTP client, credentials, clock and time-outs. They
    /// use at most this share, in percent, of the calls that AWS allows an account.
    #[must_use]
    pub fn from_sdk_config(config: &SdkConfig, share_percent: u32) -> Self {
        let shared = Aws::from_sdk_config(config).at_share(share_percent);
        let config = Aws::patient(config);
        Self {
            shared,
            ecs: lazily(&config, aws_sdk_ecs::Client::new),
            elb: lazily(&config, aws_sdk_elasticloadbalancingv2::Client::new),
            s3: lazily(&config, aws_sdk_s3::Client::new),
            scaling: lazily(&config, aws_sdk_applicationautoscaling::Client::new),
            logs: lazily(&config, aws_sdk_cloudwatchlogs::Client::new),
            control: lazily(&config, aws_sdk_cloudcontrol::Client::new),
        }
    }
}

impl fmt::Debug for SpecAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpecAws").finish_non_exhaustive()
    }
}
