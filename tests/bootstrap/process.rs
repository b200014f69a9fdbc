//! The programs as processes: built once, started with Lambda's environment, ended with the test.

use portkeeper_tests::runtime_api::RuntimeApi;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// The programs that are functions.
const PROGRAMS: [&str; 5] =
    ["create-service", "notify-events", "notify-slack", "reconcile", "sweep"];

/// Cargo gives a test the path of a program only within one package, so the test lets cargo build
/// the programs and print their paths. Cargo does not rebuild what `cargo test` has built.
fn program(name: &str) -> &'static PathBuf {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let programs = BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--message-format", "json-render-diagnostics"]);
        // The whole workspace is selected, as for the tests: another selection would give shared
        // dependencies other features, and cargo would compile them again.
        cargo.arg("--workspace");
        for program in PROGRAMS {
            cargo.args(["--bin", program]);
        }
        // Variables that cargo sets for this test; with them, some build scripts would run again.
        let ours = |name: &String| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix))
        };
        std::env::vars().map(|(name, _)| name).filter(ours).for_each(|name| {
            cargo.env_remove(name);
        });
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit());
        let built = cargo.output().expect("cargo runs");
        assert!(built.status.success(), "the programs are built");
        let messages = String::from_utf8(built.stdout).expect("cargo speaks UTF-8");
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let path = |message: Value| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        };
        messages.filter_map(path).collect()
    });
    programs.get(name).unwrap_or_else(|| panic!("cargo does not say where {name} is"))
}

/// A running program. Dropping this handle kills it, even if the test has failed.
pub struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts the program with these variables and Lambda's own, without this process's
    /// environment.
    pub fn start(name: &str, api: &RuntimeApi, variables: &[(String, String)]) -> Self {
        let mut command = Command::new(program(name));
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .env("AWS_REGION", "eu-west-1")
            // The access key of AWS's documentation; nothing checks signatures.
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let said = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) =
            (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
        let readers = vec![listen(stdout, &said), listen(stderr, &said)];
        Self { child, said, readers }
    }

    /// Returns what it has printed so far, on both outputs.
    pub fn said(&self) -> String {
        self.said.lock().expect("no reader panics").clone()
    }

    /// Waits until `enough` is printed, at most ten seconds, and returns the output: an answer may
    /// arrive before the last lines have come through the pipe.
    pub async fn said_until(&self, enough: impl Fn(&str) -> bool) -> String {
        for _ in 0..400 {
            let said = self.said();
            if enough(&said) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        self.said()
    }

    /// Waits for the program to exit; returns whether it succeeded, and its output.
    pub fn ended(mut self) -> (bool, String) {
        let status = self.child.wait().expect("it ends");
        self.readers.drain(..).for_each(|reader| reader.join().expect("no reader panics"));
        (status.success(), self.said())
    }
}

/// Collects the output, so that the program never blocks on a full pipe.
fn listen(mut output: impl Read + Send + 'static, said: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let said = said.clone();
    spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            said.lock().expect("no reader panics").push_str(&text);
        }
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process has already exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
