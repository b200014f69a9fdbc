//! `portkeeper world`: the demo's account on a loopback port, for other programs: the AWS command line, the function's
//! own binary, a tool of yours. Portkeeper itself is not at work in it.

use crate::CommandError;
use crate::demo::account;
use crate::stage::{Stage, StageError};
use portkeeper_world::http::serve;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// After this long every service of the account is up.
const START_SECS: u64 = 240;

/// Serves the account until the process is ended. Its clock goes as fast as ours.
pub fn run(seed: u64, port: u16) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(listen(seed, port))
}

async fn listen(seed: u64, port: u16) -> Result<(), CommandError> {
    let refused = |source: StageError| CommandError::Stage { what: "start", source };
    let stage = Stage::new(seed, &[]).map_err(refused)?;
    account::build(&mut stage.world.lock()).map_err(refused)?;
    stage.world.lock().advance_secs(START_SECS);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let server =
        serve(stage.world.clone(), address).await.map_err(|source| CommandError::Listen { address, source })?;
    let url = server.endpoint_url();
    let mut out = anstream::stdout();
    writeln!(out, "A simulated AWS account listens on {url}: ECS, Elastic Load Balancing v2, SQS, SNS, DynamoDB.")?;
    writeln!(
        out,
        "Any credentials and any region will do, but the AWS command line wants some. Try:\n  AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-west-1 \\\n    aws ecs list-services --cluster shop --endpoint-url {url}"
    )?;
    writeln!(out, "End it with Ctrl-C.")?;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        stage.world.lock().advance_secs(1);
    }
}
