//! A simulated account on a port, and the command as a process that reads it.

use portkeeper_stage::large::{LargeAccount, Planted};
use portkeeper_world::World;
use portkeeper_world::http::{SharedWorld, serve};
use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An account that the command can call and the test can break.
pub struct Served {
    pub world: SharedWorld,
    pub planted: Vec<Planted>,
    url: String,
}

/// The output and the exit code of a command.
pub struct CommandOutput {
    pub code: i32,
    pub out: String,
    pub err: String,
    /// The peak memory of the process in kilobytes, as far as it was sampled.
    pub peak_kb: u64,
}

impl CommandOutput {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

impl Served {
    pub fn large(services: u32, tasks: u32) -> Self {
        let (world, planted) = LargeAccount::new(services, tasks).come_up(1).unwrap();
        Self::new(world, planted)
    }

    /// An account that the test builds. Its clock then advances to the present.
    pub fn of(build: impl FnOnce(&mut World)) -> Self {
        let mut world = World::new(1, now_ms() - 900_000);
        build(&mut world);
        let left = now_ms().saturating_sub(world.now_ms());
        world.advance(left);
        world.calls.clear();
        Self::new(world, Vec::new())
    }

    fn new(world: World, planted: Vec<Planted>) -> Self {
        let world = SharedWorld::new(world);
        let (sender, receiver) = mpsc::channel();
        let served = world.clone();
        // The thread ends with the test's process.
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let held = serve(served, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
                sender.send(held.endpoint_url()).unwrap();
                std::future::pending::<()>().await;
            });
        });
        Self { world, planted, url: receiver.recv().unwrap() }
    }

    /// `portkeeper audit` with these arguments.
    pub fn audit(&self, arguments: &[&str]) -> CommandOutput {
        let mut all = vec!["audit", "--endpoint-url", &self.url];
        all.extend(arguments);
        run(&all)
    }

    /// How many calls the account has seen since it was built.
    pub fn calls(&self) -> usize {
        self.world.lock().calls.counts().values().sum()
    }
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Runs the command without any configuration: no credentials, no region, no instance metadata.
pub fn run(arguments: &[&str]) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portkeeper"));
    let home = env!("CARGO_TARGET_TMPDIR");
    command.env_clear().env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true").args(arguments);
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watch = thread::spawn(move || {
        let mut peak = 0;
        while let Some(seen) = peak_of(&status) {
            peak = seen;
            thread::sleep(Duration::from_millis(10));
        }
        peak
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    CommandOutput {
        code: status.code().unwrap(),
        out: text(stdout),
        err: text(stderr),
        peak_kb: watch.join().unwrap(),
    }
}

/// `VmHWM`, on Linux, while the process runs.
fn peak_of(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
