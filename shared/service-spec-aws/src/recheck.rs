//! Requests rechecks of specs by delayed messages to the `specs` queue.

use portkeeper_aws::account::Aws;
use portkeeper_aws::failure::Failure;
use portkeeper_aws::recheck::send_body;
use portkeeper_service_spec::notice::recheck_message;

/// Requests the `hop`-th recheck in a row of a spec.
pub async fn send(
    aws: &Aws,
    queue_url: &str,
    spec: &str,
    hop: u32,
    delay_seconds: u32,
) -> Result<(), Failure> {
    let body = recheck_message(spec, hop).to_string();
    send_body(aws, queue_url, body, delay_seconds, spec.to_owned()).await
}
