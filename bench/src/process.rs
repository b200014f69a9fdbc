//! Runs a function as a process and measures how long it takes to start and to answer, and which
//! resources it uses.
//!
//! It knows processes, `/proc` and Lambda's Runtime API. It does not know what a function does.
//! Linux only.

use portkeeper_tests::runtime_api::{Answer, RuntimeApi};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

/// The pause after a function's first poll and after its last answer, so that background work has
/// finished.
const IDLE: Duration = Duration::from_millis(50);

/// The time limit for one event: the longest in template.yaml.
const TIMEOUT_SECS: u64 = 600;

/// Files in which systems keep their root certificates. Lambda uses the second.
const BUNDLES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A function that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The executable and its arguments.
    pub(crate) command: Vec<OsString>,
    /// Environment variables in addition to those that Lambda sets for every function.
    pub(crate) variables: Vec<(String, String)>,
    /// The event that it is invoked with.
    pub(crate) event: Value,
}

/// Why a function could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0} has no command")]
    NoCommand(&'static str),
    #[error("cannot start {0}")]
    Start(&'static str, #[source] io::Error),
    #[error("{0} does not poll the Runtime API; its output is above")]
    NoPoll(&'static str),
    #[error("{0} does not answer; its output is above")]
    NoAnswer(&'static str),
    #[error("{0} did not handle its event: {1}")]
    Failed(&'static str, Value),
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    #[error("{0} does not contain {1}")]
    Undetermined(PathBuf, &'static str),
}

/// One run of a function: a start, a first event, and some warm events.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) to_first_poll: Duration,
    pub(crate) first: Duration,
    pub(crate) warm: Vec<Duration>,
    /// Resident memory after the first poll.
    pub(crate) idle_kib: u64,
    /// Peak resident memory.
    pub(crate) peak_kib: u64,
    /// Processor time from `exec` to the first poll.
    pub(crate) cpu_start: Duration,
    /// Processor time of the first event.
    pub(crate) cpu_first: Duration,
    /// Processor time of all warm events.
    pub(crate) cpu_warm: Duration,
    /// User and total processor time, in the kernel's clock ticks.
    pub(crate) ticks: Ticks,
}

/// The kernel's clock ticks, in hundredths of a second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ticks {
    pub(crate) user: u64,
    pub(crate) system: u64,
}

/// A process that is killed when its handle is dropped.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts a program with a Runtime API and without this process's environment.
    pub(crate) fn start(program: &Program, api: &RuntimeApi) -> Result<Self, Problem> {
        Self::start_with(program, api, Stdio::inherit())
    }

    /// Does the same and captures standard error until the program ends.
    pub(crate) fn start_and_listen(program: &Program, api: &RuntimeApi) -> Result<Self, Problem> {
        Self::start_with(program, api, Stdio::piped())
    }

    fn start_with(program: &Program, api: &RuntimeApi, stderr: Stdio) -> Result<Self, Problem> {
        let (executable, arguments) =
            program.command.split_first().ok_or(Problem::NoCommand(program.name))?;
        let mut command = Command::new(executable);
        command
            .args(arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", program.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", program.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            // The access key of AWS's documentation; nothing checks signatures.
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_SESSION_TOKEN", "example")
            .envs(program.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        // Lambda has only the bundle. Other systems also have a folder with a file for each
        // certificate; reading it would take longer than the rest of the start.
        if let Some(bundle) = BUNDLES.iter().find(|bundle| Path::new(bundle).exists()) {
            command.env("SSL_CERT_FILE", bundle);
        }
        command.spawn().map(Self).map_err(|error| Problem::Start(program.name, error))
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0.id()))
    }

    /// `VmRSS:      5216 kB`
    fn kib(&self, name: &'static str) -> Result<u64, Problem> {
        let file = self.file("status");
        let status = read(&file)?;
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
        number.ok_or(Problem::Undetermined(file, name))
    }

    /// Returns the processor time of all its current threads, user and system, in nanoseconds, as
    /// the scheduler counts it.
    fn cpu(&self) -> Result<Duration, Problem> {
        let folder = self.file("task");
        let threads =
            fs::read_dir(&folder).map_err(|error| Problem::Read(folder.clone(), error))?;
        let mut sum = 0;
        for thread in threads {
            let file = thread
                .map_err(|error| Problem::Read(folder.clone(), error))?
                .path()
                .join("schedstat");
            let first = read(&file)?
                .split_whitespace()
                .next()
                .and_then(|number| number.parse::<u64>().ok());
            sum += first.ok_or(Problem::Undetermined(file, "the run time of the thread"))?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// Returns the fields after the program's name; the name may contain anything but a closing
    /// bracket.
    fn ticks(&self) -> Result<Ticks, Problem> {
        let file = self.file("stat");
        let text = read(&file)?;
        let fields: Vec<&str> =
            text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let field = |number: usize| fields.get(number)?.parse().ok();
        let ticks = field(11).zip(field(12)).map(|(user, system)| Ticks { user, system });
        ticks.ok_or(Problem::Undetermined(file, "its clock ticks"))
    }

    /// Sends SIGTERM, as Lambda does, and waits. Returns the captured standard error, if any.
    pub(crate) fn end(mut self) -> io::Result<String> {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        let mut said = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            io::Read::read_to_string(&mut stderr, &mut said)?;
        }
        self.0.wait()?;
        Ok(said)
    }
}

fn read(file: &Path) -> Result<String, Problem> {
    fs::read_to_string(file).map_err(|error| Problem::Read(file.to_owned(), error))
}

/// Invokes the function with one event and waits for its answer.
pub(crate) async fn invoke(program: &Program, api: &RuntimeApi) -> Result<Duration, Problem> {
    let begun = Instant::now();
    let answer =
        api.invoke(&program.event, TIMEOUT_SECS).await.ok_or(Problem::NoAnswer(program.name))?;
    let took = begun.elapsed();
    match answer {
        Answer::Response(answer) => {
            let failures = answer.get("batchItemFailures").and_then(Value::as_array);
            if failures.is_some_and(|failures| !failures.is_empty()) {
                return Err(Problem::Failed(program.name, answer));
            }
            Ok(took)
        }
        Answer::Error(error) => Err(Problem::Failed(program.name, error)),
    }
}

/// Starts a function, lets it handle a first event and `warm` more, and stops it.
pub(crate) async fn live(program: &Program, warm: usize) -> Result<Life, Problem> {
    let api = RuntimeApi::start().await.with_patience(Duration::from_secs(TIMEOUT_SECS));
    let started = Instant::now();
    let running = Running::start(program, &api)?;
    let polled = api.first_poll().await.ok_or(Problem::NoPoll(program.name))?;
    tokio::time::sleep(IDLE).await;
    let (idle_kib, cpu_start) = (running.kib("VmRSS")?, running.cpu()?);
    let first = invoke(program, &api).await?;
    tokio::time::sleep(IDLE).await;
    let cpu_first = running.cpu()?;
    let mut times = Vec::new();
    for _ in 0..warm {
        times.push(invoke(program, &api).await?);
    }
    tokio::time::sleep(IDLE).await;
    Ok(Life {
        to_first_poll: polled.duration_since(started),
        first,
        warm: times,
        idle_kib,
        peak_kib: running.kib("VmHWM")?,
        cpu_start,
        cpu_first: cpu_first.saturating_sub(cpu_start),
        cpu_warm: running.cpu()?.saturating_sub(cpu_first),
        ticks: running.ticks()?,
    })
}
