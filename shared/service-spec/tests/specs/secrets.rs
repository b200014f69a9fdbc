//! Holds C-41: no plan and no result shows what may be secret.

use super::account::{carry_out, found};
use super::{context, good};
use portkeeper_service_spec::plan;

#[test]
fn differences_show_no_secrets() {
    let spec = |secret: &str| {
        good(
            &format!(
                "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions:
    - name: web
      image: nginx
      memory: 128
      command: [serve, --password={secret}]
      environment: [{{name: KEY, value: {secret}}}, {{name: OF_{secret}, value: {secret}}}]
      dockerLabels: {{api-token: {secret}}}
      logConfiguration: {{logDriver: splunk, options: {{splunk-token: {secret}, splunk-url: 'https://splunk'}}}}
service: {{serviceName: hello, desiredCount: 1}}
"
            )
            .replace(&format!("OF_{secret}"), "OTHER"),
        )
    };
    let mut account = found();
    carry_out(&mut account, &plan(&spec("s3cr3t-one"), &found(), &context()), usize::MAX);
    let planned = plan(&spec("s3cr3t-two"), &account, &context());
    let text = serde_json::to_string(&planned).unwrap();
    assert!(!planned.is_unchanged());
    assert!(!text.contains("s3cr3t"), "{text}");
}
