//! Serves a simulated account on a free loopback port, for `tests/emulators`. Ends when standard
//! input closes.
//!
//! The first line on standard output is a JSON object with the URL and the resources that the API
//! cannot create: a VPC with two subnets, a running EC2 instance with programs on two ports, a
//! secret, and two buckets. The account's clock runs in real time.

use portkeeper_world::World;
use portkeeper_world::ecs::DEFAULT_VPC;
use portkeeper_world::http::{SharedWorld, serve};
use serde_json::json;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// 2026-11-23T00:00:00Z: an arbitrary fixed time.
const START_MS: u64 = 1_795_392_000_000;

/// Short enough for visibility timeouts of one second.
const STEP_MS: u64 = 100;

fn main() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> io::Result<()> {
    let mut world = World::new(1, START_MS);
    let mut subnets = world.default_subnets();
    subnets.truncate(2);
    let zone = world.account.zone('a');
    let instance = world.add_host(Some(&zone), None);
    for port in [32768, 32769] {
        world.add_program(&instance, port);
    }
    world.put_secret("shop/webhook", "https://example.com/hook");
    world.make_bucket("specs").map_err(io::Error::other)?;
    world.person_s3("CreateBucket", &json!({"Bucket": "plain"})).map_err(io::Error::other)?;
    let world = SharedWorld::new(world);
    let server = serve(world.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let place = json!({
        "endpoint": server.endpoint_url(),
        "vpc": DEFAULT_VPC,
        "subnets": subnets,
        "instance": instance,
    });
    writeln!(io::stdout(), "{place}")?;
    let mut parent = parent_gone();
    let mut steps = tokio::time::interval(Duration::from_millis(STEP_MS));
    loop {
        tokio::select! {
            _ = steps.tick() => world.lock().advance(STEP_MS),
            _ = &mut parent => return Ok(()),
        }
    }
}

/// Completes when standard input closes, which happens even if the parent process is killed.
fn parent_gone() -> oneshot::Receiver<()> {
    let (gone, parent) = oneshot::channel();
    thread::spawn(move || {
        // An error means the same as the end of input: the parent is gone.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = gone.send(());
    });
    parent
}
