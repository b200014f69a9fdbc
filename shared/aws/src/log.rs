//! Logs: one JSON object on each line of standard output.

use crate::config::LogLevel;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The variable that is set on Lambda. Lambda itself adds the time to each line.
const ON_LAMBDA: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// Starts logging. A second call changes nothing, so that tests may call it in any order.
pub fn start(level: LogLevel) {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // The SDK's own lines below the level `warn` are about single requests; the results contain
    // everything that matters about them.
    let filter =
        Targets::new().with_default(LevelFilter::WARN.min(ours)).with_target("portkeeper", ours);
    // Without the module's path, whose name in the line is `target`: that word means something else
    // here.
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false);
    let json = if std::env::var_os(ON_LAMBDA).is_some() {
        json.without_time().boxed()
    } else {
        json.boxed()
    };
    let started = tracing_subscriber::registry().with(json.with_filter(filter)).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
