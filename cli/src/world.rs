//! `portkeeper world`: serves a simulated account on a loopback port for other programs: the AWS
//! CLI, the binaries of the functions, `portkeeper audit`, your own tools. Portkeeper itself does
//! not run in it.

use crate::CommandError;
use crate::demo::account;
use portkeeper_stage::large::{LargeAccount, Planted};
use portkeeper_stage::{Stage, StageError};
use portkeeper_world::http::{SharedWorld, serve};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// After this time all services of the demo's account run.
const START_SECS: u64 = 240;

/// Serves the account of the demo, or a large one, until the process is stopped. Its clock runs in
/// real time.
pub fn run(seed: u64, port: u16, large: Option<LargeAccount>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(listen(seed, port, large))
}

async fn listen(seed: u64, port: u16, large: Option<LargeAccount>) -> Result<(), CommandError> {
    let refused =
        |source: StageError| CommandError::Stage { what: "start the services".to_owned(), source };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (world, planted) = match large {
        None => (demo_account(seed).map_err(refused)?, Vec::new()),
        Some(large) => {
            let (world, planted) = large.come_up(seed).map_err(refused)?;
            (SharedWorld::new(world), planted)
        }
    };
    let server = serve(world.clone(), address)
        .await
        .map_err(|source| CommandError::Listen { address, source })?;
    introduce(&mut anstream::stdout(), &server.endpoint_url(), large, &planted)?;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        world.lock().advance_secs(1);
    }
}

fn demo_account(seed: u64) -> Result<SharedWorld, StageError> {
    let stage = Stage::new(seed, &[])?;
    account::build(&mut stage.world.lock())?;
    stage.world.lock().advance_secs(START_SECS);
    Ok(stage.world)
}

fn introduce(
    out: &mut impl Write,
    url: &str,
    large: Option<LargeAccount>,
    planted: &[Planted],
) -> io::Result<()> {
    writeln!(
        out,
        "A simulated AWS account listens on {url}: ECS,\nElastic Load Balancing v2, Application Auto Scaling, S3, EventBridge, SQS, SNS,\n\
         DynamoDB, CloudWatch Logs, Secrets Manager, Cloud Control."
    )?;
    let cluster = if let Some(LargeAccount { clusters, services, tasks }) = large {
        writeln!(
            out,
            "{clusters} clusters, {services} services, {tasks} tasks each. Planted faults:\n"
        )?;
        for one in planted {
            writeln!(out, "  {one}\n  {:23} {}", "", one.story)?;
        }
        writeln!(
            out,
            "\nECS forgets stopped tasks after an hour. An audit then reports their leftover\ntargets as foreign."
        )?;
        writeln!(
            out,
            "{} faults. Try:\n  portkeeper audit --endpoint-url {url}\nOr:",
            planted.len()
        )?;
        "prod-1"
    } else {
        writeln!(out, "Any credentials and any region work, but the AWS CLI requires some. Try:")?;
        "shop"
    };
    writeln!(
        out,
        "  AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-west-1 \\\n    aws ecs list-services --cluster {cluster} --endpoint-url {url}"
    )?;
    writeln!(out, "Press Ctrl-C to stop.")
}
