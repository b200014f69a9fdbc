//! Measures each function as a process, next to an empty function and a Python function that
//! makes the same check.
//!
//! It knows which functions exist and the event that each is invoked with.

use crate::estate::{Served, Size};
use crate::instructions::{self, Instructions};
use crate::process::{Life, Program, live};
use portkeeper_stage::StageError;
use portkeeper_tests::slack_server::Slack;
use portkeeper_world::api::{Caller, Service};
use serde::Serialize;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

/// The empty function.
pub(crate) const EMPTY: &str = "empty";
/// The same check in Python.
pub(crate) const PYTHON: &str = "python";

/// The service in the account: ten tasks behind one group.
const SIZE: Size = Size { clusters: 1, services: 1, tasks: 10 };

/// An alert, as the core writes it.
const ALERT: &str = include_str!("../../shared/core/tests/forms/hijacked.json");

/// Packages of the SDK for Python that a function ships when it pins their versions.
const PYTHON_SDK: [&str; 7] =
    ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3"];

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Places {
    /// The output folder of `cargo lambda`: one folder for each function, with its `bootstrap`.
    pub(crate) functions: PathBuf,
    /// The Python that has the packages of bench/requirements.txt.
    pub(crate) python: PathBuf,
    /// The folder of the Python function.
    pub(crate) python_function: PathBuf,
}

/// How many times each measurement is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Starts of each function. Medians are taken over these.
    pub(crate) lives: usize,
    /// Warm events after each start. They fit into AWS's burst limits; with more, the functions'
    /// own rate limiter would delay them.
    pub(crate) warm: usize,
    /// Whether to count instructions, which takes minutes.
    pub(crate) instructions: bool,
}

/// The measurements of one function. Times are in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Size of the files that Lambda loads.
    pub(crate) bytes: u64,
    /// Size of the deployment package.
    pub(crate) zipped_bytes: u64,
    pub(crate) to_first_poll_us: u64,
    pub(crate) shortest_to_first_poll_us: u64,
    pub(crate) first_us: u64,
    pub(crate) warm_us: u64,
    pub(crate) idle_kib: u64,
    pub(crate) peak_kib: u64,
    pub(crate) cpu_start_us: u64,
    pub(crate) cpu_first_us: u64,
    /// Processor time of one warm event, user and system.
    pub(crate) cpu_warm_us: u64,
    /// Share of user time in all processor time, in percent. Absent if the sample is too small.
    pub(crate) user_percent: Option<u64>,
    pub(crate) instructions: Option<Instructions>,
}

/// Measures all functions. They take turns, so that a busy minute affects all of them equally.
pub(crate) async fn measure(places: &Places, effort: Effort) -> Result<Vec<Function>, StageError> {
    let account = Served::new(SIZE, &[("PORTKEEPER_API_SHARE_PERCENT", "100")]).await?;
    let slack = Slack::start(&[]).await;
    let programs = programs(places, &account, &slack)?;
    // One uncounted start each: the first one reads the file from disk.
    for program in &programs {
        live(program, 1).await?;
    }
    let mut lives: Vec<Vec<Life>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..effort.lives {
        for (program, lives) in programs.iter().zip(&mut lives) {
            lives.push(live(program, effort.warm).await?);
        }
    }
    let mut functions = Vec::new();
    for (program, lives) in programs.iter().zip(&lives) {
        let (bytes, zipped_bytes) = size_of(places, program)?;
        let instructions =
            if effort.instructions { Some(instructions::count(program).await?) } else { None };
        functions.push(Function {
            bytes,
            zipped_bytes,
            instructions,
            ..summary(program.name, lives, effort)
        });
    }
    Ok(functions)
}

/// One of Portkeeper's functions as a program.
pub(crate) fn ours(
    places: &Places,
    name: &'static str,
    variables: Vec<(String, String)>,
    event: Value,
) -> Program {
    let bootstrap = places.functions.join(name).join("bootstrap");
    Program { name, command: vec![bootstrap.into_os_string()], variables, event }
}

fn programs(places: &Places, account: &Served, slack: &Slack) -> Result<Vec<Program>, StageError> {
    let (batch, variables) = (account.batch()?, account.variables());
    let body = json!({"Type": "Notification", "Subject": "subject", "Message": ALERT}).to_string();
    let alerts = json!({"Records": [{"messageId": "m1", "body": body}]});
    let python = ["-m", "awslambdaric", "check.handler"].map(OsString::from);
    let python = Program {
        name: PYTHON,
        command: [places.python.clone().into_os_string()].into_iter().chain(python).collect(),
        variables: python_variables(places, account),
        event: batch.clone(),
    };
    Ok(vec![
        ours(places, EMPTY, Vec::new(), batch.clone()),
        ours(places, "reconcile", variables.clone(), batch),
        ours(places, "sweep", variables.clone(), json!({})),
        ours(places, "create-service", account.spec_variables(), account.spec_batch()?),
        ours(places, "notify-slack", slack_variables(account, slack)?, alerts.clone()),
        ours(places, "notify-events", variables, alerts),
        python,
    ])
}

/// The Python function needs none of Portkeeper's configuration.
fn python_variables(places: &Places, account: &Served) -> Vec<(String, String)> {
    let folder = places.python_function.display().to_string();
    let own = [
        ("PYTHONPATH", folder.clone()),
        ("LAMBDA_TASK_ROOT", folder),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ];
    let endpoint = account.variables().into_iter().filter(|(name, _)| name == "AWS_ENDPOINT_URL");
    endpoint.chain(own.map(|(name, value)| (name.to_owned(), value))).collect()
}

fn slack_variables(account: &Served, slack: &Slack) -> Result<Vec<(String, String)>, StageError> {
    let (secret, queue) = ("portkeeper/slack", json!({"QueueName": "slack-dead-letters"}));
    let mut world = account.world().lock();
    world.put_secret(secret, &slack.webhook("T0/B0/x"));
    let made = world.call(Caller::Person, Service::Sqs, "CreateQueue", &queue)?;
    let url = made.get("QueueUrl").and_then(Value::as_str).ok_or("no QueueUrl")?.to_owned();
    let own = [
        ("PORTKEEPER_SLACK_SECRET", secret.to_owned()),
        ("PORTKEEPER_SLACK_DEAD_LETTERS_URL", url),
    ];
    Ok(account
        .variables()
        .into_iter()
        .chain(own.map(|(name, value)| (name.to_owned(), value)))
        .collect())
}

fn summary(name: &'static str, lives: &[Life], effort: Effort) -> Function {
    let of = |value: &dyn Fn(&Life) -> u64| median(lives.iter().map(value).collect());
    let each = u64::try_from(effort.warm).unwrap_or(u64::MAX).max(1);
    let (user, system) =
        lives.iter().fold((0, 0), |sum, life| (sum.0 + life.ticks.user, sum.1 + life.ticks.system));
    Function {
        name,
        bytes: 0,
        zipped_bytes: 0,
        to_first_poll_us: of(&|life| micros(life.to_first_poll)),
        shortest_to_first_poll_us: lives
            .iter()
            .map(|life| micros(life.to_first_poll))
            .min()
            .unwrap_or(0),
        first_us: of(&|life| micros(life.first)),
        warm_us: median(
            lives.iter().flat_map(|life| &life.warm).map(|time| micros(*time)).collect(),
        ),
        idle_kib: of(&|life| life.idle_kib),
        peak_kib: of(&|life| life.peak_kib),
        cpu_start_us: of(&|life| micros(life.cpu_start)),
        cpu_first_us: of(&|life| micros(life.cpu_first)),
        cpu_warm_us: of(&|life| micros(life.cpu_warm) / each),
        // A tick is ten milliseconds: fewer than twenty ticks are too coarse for a share.
        user_percent: (user + system >= 20).then(|| user * 100 / (user + system)),
        instructions: None,
    }
}

pub(crate) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The files of a function's deployment package.
fn package(places: &Places, program: &Program) -> io::Result<Vec<PathBuf>> {
    if program.name != PYTHON {
        return Ok(program.command.iter().map(PathBuf::from).collect());
    }
    // Python reports the folder itself, because the folder's name contains the Python version.
    let ask = ["-c", "import boto3, os; print(os.path.dirname(os.path.dirname(boto3.__file__)))"];
    let answer = Command::new(&places.python).args(ask).output()?;
    let packages = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    let sdk = PYTHON_SDK.iter().map(|name| packages.join(name));
    Ok([places.python_function.join("check.py")].into_iter().chain(sdk).collect())
}

/// Returns the size of a deployment package in bytes, unpacked and zipped.
fn size_of(places: &Places, program: &Program) -> Result<(u64, u64), StageError> {
    let script = places.python_function.join("package_size.py");
    let answer =
        Command::new(&places.python).arg(script).args(package(places, program)?).output()?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(bytes)), Some(Ok(zipped))) => Ok((bytes, zipped)),
        _ => Err(format!(
            "the package of {} cannot be zipped: {}",
            program.name,
            last_words(&answer)
        )
        .into()),
    }
}

fn last_words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
