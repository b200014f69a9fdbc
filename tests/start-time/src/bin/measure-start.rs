//! How long a function takes from `exec` to its first poll of Lambda's Runtime API, and how much memory it then holds.
//!
//! Knows processes and one HTTP request line; knows nothing of what a function does. Linux only: memory is read from
//! `/proc`. This is the part of a cold start that the program itself can change; what Lambda adds is not in it.
//! The protocol: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Starts of each function. Enough for some of them to be undisturbed, and the whole takes a few seconds.
const RUNS: usize = 21;

/// Much longer than any start takes; then the function hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Left to the function after its first poll, so that what it does beside the poll has settled too.
const IDLE: Duration = Duration::from_millis(100);

/// Where systems keep their root certificates in one file. Lambda's is the second.
const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// The aim for a function's start, in starts of the function that does nothing.
const AIM: f64 = 2.0;

const USAGE: &str = "usage: measure-start EMPTY_BOOTSTRAP BOOTSTRAP...
Each BOOTSTRAP is an executable that cargo lambda built: target/lambda/<name>/bootstrap.
The first one is what the others are compared with.";

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{USAGE}")]
    Usage,
    #[error("cannot listen on the loopback interface")]
    Listen(#[source] std::io::Error),
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("cannot run {0}")]
    Run(PathBuf, #[source] std::io::Error),
    #[error("{path} did not poll; it said: {said}")]
    NoPoll { path: PathBuf, said: String },
    #[error("/proc/{0}/status does not say {1}")]
    NoMemory(u32, &'static str),
}

/// One start.
#[derive(Debug, Clone, Copy)]
struct Start {
    to_first_poll: Duration,
    resident_kib: u64,
    peak_kib: u64,
}

fn main() -> ExitCode {
    match measure_all(std::env::args_os().skip(1).collect()) {
        Ok(table) => {
            println!("{table}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            let mut chain: Option<&dyn std::error::Error> = Some(&problem);
            while let Some(error) = chain {
                eprintln!("{error}");
                chain = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn measure_all(paths: Vec<OsString>) -> Result<String, Problem> {
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    if paths.is_empty() {
        return Err(Problem::Usage);
    }
    // Once each without counting: the first start reads the file from disk.
    for path in &paths {
        measure(path)?;
    }
    let mut starts: Vec<Vec<Start>> = paths.iter().map(|_| Vec::new()).collect();
    // In turn, so that a busy minute hits all of them alike.
    for _ in 0..RUNS {
        for (path, starts) in paths.iter().zip(&mut starts) {
            starts.push(measure(path)?);
        }
    }
    table(&paths, &starts)
}

/// Starts the function, waits for its first poll, looks at its memory, and ends it.
fn measure(path: &Path) -> Result<Start, Problem> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Problem::Listen)?;
    let address = listener.local_addr().map_err(Problem::Listen)?;
    let (polled, polls) = channel();
    thread::spawn(move || serve(&listener, &polled));

    let started = Instant::now();
    let mut child = command(path, address).spawn().map_err(|error| Problem::Run(path.to_owned(), error))?;
    let start = look(&mut child, path, started, &polls);
    // Both fail only if the process has ended by itself, which `look` has then reported.
    let _ = child.kill();
    let _ = child.wait();
    start
}

fn look(child: &mut Child, path: &Path, started: Instant, polls: &Receiver<Instant>) -> Result<Start, Problem> {
    let Ok(polled) = polls.recv_timeout(PATIENCE) else {
        return Err(Problem::NoPoll { path: path.to_owned(), said: last_words(child) });
    };
    thread::sleep(IDLE);
    let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
    let status = fs::read_to_string(&status_file).map_err(|error| Problem::Read(status_file, error))?;
    Ok(Start {
        to_first_poll: polled.duration_since(started),
        resident_kib: kib(&status, "VmRSS").ok_or(Problem::NoMemory(child.id(), "VmRSS"))?,
        peak_kib: kib(&status, "VmHWM").ok_or(Problem::NoMemory(child.id(), "VmHWM"))?,
    })
}

/// A Lambda environment with nothing of this machine in it. The values name nothing that exists, and a function that
/// only polls asks for none of it.
fn command(path: &Path, runtime_api: SocketAddr) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "measured")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .env("PORTKEEPER_CHECKS_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/111122223333/checks")
        .env("PORTKEEPER_LEDGER_TABLE", "ledger")
        .env("PORTKEEPER_ALERTS_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:alerts")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // On Lambda the bundle is all there is. Other systems have a folder with each certificate once more, which would
    // be read, too, and would take longer than all the rest.
    if let Some(bundle) = BUNDLES.iter().find(|bundle| Path::new(bundle).exists()) {
        command.env("SSL_CERT_FILE", bundle);
    }
    command
}

/// A Runtime API that never has work: it notes when it is asked for some, and keeps the connection open.
fn serve(listener: &TcpListener, polled: &Sender<Instant>) {
    let mut waiting: Vec<TcpStream> = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        let mut request = String::new();
        let asks_for_work = BufReader::new(&stream).read_line(&mut request).is_ok()
            && request.starts_with("GET /2018-06-01/runtime/invocation/next ");
        let now = Instant::now();
        waiting.push(stream);
        // Nobody listens any more once the first poll was seen.
        if asks_for_work && polled.send(now).is_err() {
            return;
        }
    }
}

/// What the function printed, to find out why it did not poll.
fn last_words(child: &mut Child) -> String {
    let _ = child.kill();
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut said);
    }
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    said.trim().to_owned()
}

/// `VmRSS:      5216 kB`
fn kib(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

fn table(paths: &[PathBuf], starts: &[Vec<Start>]) -> Result<String, Problem> {
    let mut lines = vec![
        format!("{RUNS} starts of each, from exec to the first poll of the Runtime API on this machine."),
        String::new(),
        format!(
            "{:<16} {:>12} {:>12} {:>9} {:>12} {:>12} {:>10}",
            "function", "median", "shortest", "x empty", "memory idle", "memory peak", "binary"
        ),
    ];
    let mut empty = None;
    let mut slowest = 0.0_f64;
    for (path, starts) in paths.iter().zip(starts) {
        let size = fs::metadata(path).map_err(|error| Problem::Read(path.clone(), error))?.len();
        // Compared by the shortest: whatever else the machine does only ever makes a start longer.
        let shortest = starts.iter().map(|start| start.to_first_poll).min().unwrap_or_default();
        let ratio = shortest.as_secs_f64() / empty.get_or_insert(shortest).as_secs_f64();
        slowest = slowest.max(ratio);
        lines.push(format!(
            "{:<16} {:>9.1} ms {:>9.1} ms {:>9.2} {:>9.1} MB {:>9.1} MB {:>7.1} MB",
            name(path),
            milliseconds(median(starts, |start| start.to_first_poll)),
            milliseconds(shortest),
            ratio,
            megabytes(median(starts, |start| start.resident_kib) * 1024),
            megabytes(median(starts, |start| start.peak_kib) * 1024),
            megabytes(size),
        ));
    }
    let verdict = if slowest <= AIM { "reached" } else { "missed" };
    lines.push(String::new());
    lines.push(format!("The aim, a start within {AIM} x the empty function's, is {verdict}."));
    Ok(lines.join("\n"))
}

/// `target/lambda/reconcile/bootstrap` is `reconcile`.
fn name(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    folder.unwrap_or_else(|| path.display().to_string())
}

fn median<T: Ord + Copy + Default>(starts: &[Start], value: impl Fn(&Start) -> T) -> T {
    let mut values: Vec<T> = starts.iter().map(value).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "Sizes are far below 2^52 bytes.")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
