//! The scene about specs: a spec with errors is refused, a valid one creates a service, a changed
//! one changes it, and one whose image does not start is rolled back.

use super::account::CLUSTER;
use super::timeline::Timeline;
use portkeeper_service_spec::result::Status::{self, Deploying, Failed, Ready, Refused};
use portkeeper_stage::specs::{BUCKET, SpecStage};
use portkeeper_stage::{Stage, StageError};
use portkeeper_world::World;
use portkeeper_world::ecs::Broken;
use serde_json::{Value, json};

pub(super) const TITLE: &str = "A service from a file";

pub(super) const STORY: &str =
    "An operator uploads shipping.yaml to the spec bucket. It has three errors.";

/// The statuses of the four versions, in order.
pub(super) const EXPECTED: [Status; 7] =
    [Refused, Deploying, Ready, Deploying, Ready, Deploying, Failed];

const KEY: &str = "specs/shipping.yaml";

/// Long enough for each of them.
const MOST_SECS: u64 = 900;

/// The image that cannot be pulled.
const BROKEN_IMAGE: &str = "shipping:3";

const GOOD: &str = "\
taskDefinition:
  family: shipping
  containerDefinitions:
    - name: app
      image: shipping:1
      memory: 128
      portMappings:
        - containerPort: 8080
service:
  serviceName: shipping
  desiredCount: 2
  launchType: EC2
  healthCheckGracePeriodSeconds: 30
  deploymentConfiguration:
    deploymentCircuitBreaker: {enable: true, rollback: true}
loadBalancing:
  - container: app
    port: 8080
    listener: {loadBalancer: front, port: 80}
    path: /shipping/*
    targetGroup:
      healthCheck: {path: /health, intervalSeconds: 10}
";

/// Adds the spec bucket to the account of the other scenes, and plays.
pub(super) async fn play(stage: Stage, timeline: &mut Timeline) -> Result<Stage, StageError> {
    make_front(&mut stage.world.lock())?;
    let mut specs = SpecStage::new(stage, &[])?;
    let good = format!("cluster: {CLUSTER}\n{GOOD}");
    let bad = good
        .replace("memory:", "memroy:")
        .replace("container: app", "container: api")
        .replace("path: /ship", "path: ship");
    drop_and_wait(&mut specs, timeline, &bad).await?;
    timeline.say("   The operator fixes the errors and uploads the file again.")?;
    drop_and_wait(&mut specs, timeline, &good).await?;
    timeline.say("   The next version has another image and another health check path.")?;
    let changed = good.replace("shipping:1", "shipping:2").replace("path: /health", "path: /ready");
    drop_and_wait(&mut specs, timeline, &changed).await?;
    timeline.say(
        "   The next version has an image that ECS cannot pull. ECS rolls the deployment back.",
    )?;
    specs.world().lock().break_image(BROKEN_IMAGE, Broken::CannotBePulled);
    drop_and_wait(&mut specs, timeline, &changed.replace("shipping:2", BROKEN_IMAGE)).await?;
    Ok(specs.stage)
}

async fn drop_and_wait(
    specs: &mut SpecStage,
    timeline: &mut Timeline,
    text: &str,
) -> Result<(), StageError> {
    specs.world().lock().drop_object(BUCKET, KEY, text)?;
    timeline.run_specs(specs, KEY, MOST_SECS).await
}

/// Creates a load balancer with a listener that has no rules yet.
fn make_front(world: &mut World) -> Result<(), StageError> {
    let balancer =
        json!({ "Name": "front", "Type": "application", "Subnets": world.default_subnets() });
    let made = world.person_elb("CreateLoadBalancer", &balancer)?;
    let arn = made
        .pointer("/LoadBalancers/0/LoadBalancerArn")
        .and_then(Value::as_str)
        .ok_or("no load balancer")?;
    let nowhere =
        json!([{ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404" } }]);
    let listener = json!({ "LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80, "DefaultActions": nowhere });
    world.person_elb("CreateListener", &listener)?;
    Ok(())
}
