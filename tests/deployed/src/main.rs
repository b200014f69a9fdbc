//! Runs the simulated account as a program: ECS and Elastic Load Balancing on a loopback port, in
//! real time.
//!
//! It reads commands as lines of JSON from standard input and answers each. It writes answers,
//! events and the account's journal as lines of JSON to standard output. It exits when its input
//! ends, so that it does not outlive a harness that was killed.
//!
//! It depends on the account only, not on Portkeeper or on the emulator that receives its events.

mod account;
mod commands;
mod lines;

use clap::Parser;
use commands::Command;
use lines::{Line, Lines};
use portkeeper_world::World;
use portkeeper_world::account::Account;
use portkeeper_world::api::ApiError;
use portkeeper_world::http::{SharedWorld, serve};
use std::io::{self, BufRead};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The account's age when the program starts: every service is running, and every target is
/// healthy.
const AGE: Duration = Duration::from_mins(5);

/// How often the program advances the account's clock to the machine's. The account's own step is a
/// second.
const TICK: Duration = Duration::from_millis(200);

#[derive(Parser)]
struct Arguments {
    /// The account ID.
    #[arg(long)]
    account: String,
    /// The region.
    #[arg(long, default_value = "eu-west-1")]
    region: String,
    /// The same seed produces the same identifiers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the account could not be built")]
    Build(#[from] ApiError),
    #[error("no loopback port")]
    Listen(#[from] io::Error),
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut world = World::new(arguments.seed, milliseconds(SystemTime::now() - AGE));
    world.account = Account::new("aws", &arguments.region, &arguments.account);
    account::build(&mut world)?;
    catch_up(&mut world);
    let world = SharedWorld::new(world);
    let server = serve(world.clone(), (Ipv4Addr::LOCALHOST, 0).into()).await?;
    let mut lines = Lines::from_now_on(&world.lock());
    lines::say(&Line::Ready { url: server.endpoint_url() })?;
    let obeyed = world.clone();
    let ended = tokio::task::spawn_blocking(move || obey(&obeyed));
    let mut ticks = tokio::time::interval(TICK);
    while !ended.is_finished() {
        ticks.tick().await;
        let mut world = world.lock();
        catch_up(&mut world);
        lines.tell_news(&world)?;
    }
    Ok(())
}

/// Executes commands until the input ends.
fn obey(world: &SharedWorld) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let outcome =
            serde_json::from_str::<Command>(&line?).map_err(|error| error.to_string()).and_then(
                |command| command.apply(&mut world.lock()).map_err(|error| error.to_string()),
            );
        lines::say(&Line::from(outcome))?;
    }
    Ok(())
}

fn catch_up(world: &mut World) {
    let now = milliseconds(SystemTime::now());
    world.advance(now.saturating_sub(world.now_ms()));
}

/// Returns the current time. A clock before 1970 counts as 1970.
fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
