//! Simulated accounts to measure on: services without findings, spread over clusters, with
//! Portkeeper deployed.
//!
//! It knows the size of an account and how to build it. It measures nothing.

use portkeeper_stage::specs::{BUCKET, SpecStage};
use portkeeper_stage::{QUEUE, Stage, StageError};
use portkeeper_world::World;
use portkeeper_world::elbv2::TargetType;
use portkeeper_world::http::{Server, SharedWorld, serve};
use portkeeper_world::scenario::ServiceSpec;
use portkeeper_world::sqs::{send, take_batch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

/// The service that the events name, in the first cluster.
pub(crate) const SERVICE: &str = "s0000";

/// A spec of a service without a load balancer.
const SPEC: &str = "\
cluster: prod-1
taskDefinition:
  family: orders
  networkMode: bridge
  containerDefinitions:
    - name: app
      image: orders:1
      memory: 128
      essential: true
service:
  serviceName: orders
  desiredCount: 1
  launchType: EC2
";

/// Tasks on one container instance.
const TASKS_PER_INSTANCE: u32 = 20;

/// The time until every task runs, every target is healthy, and the function has handled all
/// events.
const START_SECS: u64 = 400;

/// The size of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Clusters; the services are spread over them evenly.
    pub(crate) clusters: u32,
    /// Services in all clusters together, each with its own target group.
    pub(crate) services: u32,
    /// Tasks of each service, in bridge mode.
    pub(crate) tasks: u32,
}

impl Size {
    /// Returns the number of services in one cluster.
    pub(crate) fn services_of_cluster(self) -> u32 {
        self.services.div_ceil(self.clusters)
    }

    /// Returns the number of container instances in one cluster.
    pub(crate) fn instances_of_cluster(self) -> u32 {
        (self.services_of_cluster() * self.tasks).div_ceil(TASKS_PER_INSTANCE)
    }

    /// Returns an account that has been running for long, without findings. Its clock stands still.
    pub(crate) async fn come_up(
        self,
        start_ms: u64,
        settings: &[(&str, &str)],
    ) -> Result<Stage, StageError> {
        let mut stage = Stage::in_world(World::new(1, start_ms), settings)?;
        self.make(&mut stage.world.lock())?;
        stage.run(START_SECS).await?;
        stage.world.lock().calls.clear();
        Ok(stage)
    }

    fn make(self, world: &mut World) -> Result<(), StageError> {
        for number in 0..self.clusters {
            world.make_cluster(&cluster_name(number))?;
            world.make_instances(
                &cluster_name(number),
                usize::try_from(self.instances_of_cluster())?,
            )?;
        }
        for number in 0..self.services {
            let name = format!("s{number:04}");
            let group = world.make_alb_group(&name, TargetType::Instance)?;
            let spec = ServiceSpec::new(&cluster_name(number % self.clusters), &name)
                .container("app", &[8080]);
            world.make_service(&spec.behind(&group, "app", 8080).desired(self.tasks))?;
        }
        Ok(())
    }
}

fn cluster_name(number: u32) -> String {
    format!("prod-{}", number + 1)
}

/// An account behind HTTP, for functions that run as processes. Its clock shows the real time, as
/// theirs does.
pub(crate) struct Served {
    specs: SpecStage,
    server: Server,
}

impl Served {
    /// Builds an account of this size whose services have been stable for a while.
    pub(crate) async fn new(size: Size, settings: &[(&str, &str)]) -> Result<Self, StageError> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let start_ms = u64::try_from(since_epoch.as_millis())?.saturating_sub(START_SECS * 1000);
        let specs = SpecStage::new(size.come_up(start_ms, settings).await?, settings)?;
        let server =
            serve(specs.world().clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        Ok(Self { specs, server })
    }

    /// The account.
    pub(crate) fn world(&self) -> &SharedWorld {
        self.specs.world()
    }

    /// Returns the environment of a function in this account.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        self.with_endpoint(self.specs.stage.variables())
    }

    /// Returns the environment of `create-service`.
    pub(crate) fn spec_variables(&self) -> Vec<(String, String)> {
        self.with_endpoint(self.specs.variables())
    }

    fn with_endpoint(&self, variables: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let endpoint = ("AWS_ENDPOINT_URL".to_owned(), self.server.endpoint_url());
        variables.clone().into_iter().chain([endpoint]).collect()
    }

    /// Returns a batch with one event as Lambda passes it to `create-service`: a new spec object.
    pub(crate) fn spec_batch(&self) -> Result<Value, StageError> {
        self.world().lock().drop_object(BUCKET, "specs/orders.yaml", SPEC)?;
        Ok(self.specs.take().ok_or("there is no message")?)
    }

    /// Returns a batch with one event as Lambda passes it to `reconcile`: a task of the service has
    /// started.
    pub(crate) fn batch(&self) -> Result<Value, StageError> {
        let mut world = self.world().lock();
        let group = format!("service:{SERVICE}");
        let started = |event: &&Value| {
            let member = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
            member("/detail/group") == Some(&group)
                && member("/detail/lastStatus") == Some("RUNNING")
        };
        let event = world
            .eventbridge
            .events()
            .iter()
            .rfind(started)
            .ok_or("no task has started")?
            .to_string();
        send(&mut world, QUEUE, &event, Some(0)).ok_or("there is no queue")?;
        Ok(take_batch(&mut world, QUEUE, 1).ok_or("there is no message")?)
    }
}
