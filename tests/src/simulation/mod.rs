//! The seeded simulation: an account in which everything goes wrong, Portkeeper in it, and a judge.
//!
//! A seed gives an account and twenty to forty steps in which people, ECS and its agents act, APIs fail, events get
//! lost, and functions run twice at once or are killed. After every step of the world the judge holds what Portkeeper
//! wrote against what was true. Then all trouble ends, and everything must come right. The same seed gives the same run.

mod account;
mod actions;
mod dice;
mod explained;
mod handling;
mod history;
mod judge;
mod machines;
mod mutation;
mod opponents;
mod people;
mod plumbing;
mod quiet;
mod rollouts;
mod stats;
mod text;
mod troubles;

pub use mutation::Mutation;
pub use stats::Stats;

use account::Account;
use actions::Scene;
use dice::{Dice, one_in};
use handling::{Go, Handled, drive, start};
use history::History;
use judge::{Judge, Violation};
use portkeeper::stage::{QUEUE, Stage, StageError};
use portkeeper_aws::account::Aws;
use portkeeper_world::api::{ApiError, Call, Caller};
use portkeeper_world::dynamodb::Item;
use portkeeper_world::http::{SharedWorld, sdk_config};
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long services get to come up before trouble begins, in seconds.
const WARM_UP_SECS: u64 = 150;

/// One step in so many takes as long as ECS remembers stopped tasks, and longer.
const LONG_STEPS: u32 = 100;
const LONG_STEP_SECS: u64 = 4000;

/// While two functions work at once, or one is to be killed, every call takes at least this long, in milliseconds:
/// without it a function would run from its begin to its end in one go.
const INTERLEAVING_MS: u64 = 40;

/// What came of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Every step with its time, and what Portkeeper did.
    pub steps: Vec<String>,
    /// What happened how often.
    pub stats: Stats,
    /// The rule that did not hold, the account at that moment, the latest calls, and how to see it again.
    pub violation: Option<String>,
    /// The name of that rule.
    pub rule: Option<&'static str>,
}

/// Plays a seed to its end, or to the first rule that does not hold.
pub fn run(seed: u64, mutation: Option<Mutation>) -> Result<Outcome, StageError> {
    // The SDK's back-off takes its chance from here.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut play = Play::new(seed, mutation)?;
        let ended = play.play_out().await;
        play.outcome(ended)
    })
}

/// The SDK counts retries by service and region for a whole process, so that one seed would leave fewer of them to the
/// next. Clients that are made in a region of their own name count for themselves, like those of a function's process.
fn with_own_retries<T>(world: &SharedWorld, make: impl FnOnce(&SharedWorld) -> T) -> T {
    static PROCESSES: AtomicU64 = AtomicU64::new(0);
    let region = format!("process-{}", PROCESSES.fetch_add(1, Ordering::Relaxed));
    let real = std::mem::replace(&mut world.lock().account.region, region);
    let clients = make(world);
    world.lock().account.region = real;
    clients
}

/// A new process takes the function's place.
fn cold_start(stage: &mut Stage) {
    let world = stage.world.clone();
    with_own_retries(&world, |_| stage.cold_start());
}

/// Why a run ends early.
enum Stop {
    Violation(Violation),
    /// The simulation itself is at fault.
    Broken(StageError),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<StageError> for Stop {
    fn from(error: StageError) -> Self {
        Self::Broken(error)
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Broken(error.into())
    }
}

/// A call that changes something.
fn is_write(call: &&Call) -> bool {
    let writes = ["PutItem", "SendMessage", "Publish", "RegisterTargets", "DeregisterTargets"];
    writes.contains(&call.operation.as_str())
}

/// A seed being played.
struct Play {
    seed: u64,
    mutation: Option<Mutation>,
    dice: Dice,
    stage: Stage,
    /// A second function of the same deployment.
    second: Aws,
    account: Account,
    history: History,
    judge: Judge,
    /// Backups of ledger items.
    saved: BTreeMap<String, Item>,
    /// No more trouble is made.
    calm: bool,
    began_ms: u64,
    steps: Vec<String>,
    stats: Stats,
}

/// How a batch is handled.
enum How {
    Plainly,
    /// By two functions at the same time.
    Twice,
    /// By a function that dies after so many of its calls.
    Killed(usize),
    /// By a function that dies after so many of its writes: to the ledger, the queue, the topic, a target group.
    KilledAtWrite(usize),
    /// While it is handled, something happens in the account after so many turns.
    Interrupted(usize),
}

impl Play {
    fn new(seed: u64, mutation: Option<Mutation>) -> Result<Self, StageError> {
        let mut dice = Dice::new(seed);
        let mut stage = Stage::new(seed, &account::settings(&mut dice.world))?;
        let account = account::build(&mut stage.world.lock(), &mut dice)?;
        let second = with_own_retries(&stage.world, |world| Aws::from_sdk_config(&sdk_config(world)));
        cold_start(&mut stage);
        let judge = Judge::new(&stage.config().policy);
        let began_ms = stage.world.lock().now_ms();
        Ok(Self {
            seed,
            mutation,
            dice,
            stage,
            second,
            account,
            history: History::default(),
            judge,
            saved: BTreeMap::new(),
            calm: true,
            began_ms,
            steps: Vec::new(),
            stats: Stats::default(),
        })
    }

    async fn play_out(&mut self) -> Result<(), Stop> {
        self.pass(WARM_UP_SECS).await?;
        self.calm = false;
        for _ in 0..self.dice.world.usize(20..41) {
            self.step().await?;
        }
        quiet::come_to_rest(self).await
    }

    /// Something happens, maybe some trouble is made, and time passes.
    async fn step(&mut self) -> Result<(), Stop> {
        let acted = {
            let mut world = self.stage.world.lock();
            let (account, history) = (&mut self.account, &self.history);
            actions::act(&mut Scene { world: &mut world, account, history, random: &mut self.dice.world })
        };
        self.note(&acted);
        if one_in(&mut self.dice.faults, 2) {
            let text = troubles::edge(&mut self.stage.world.lock(), &mut self.account, &mut self.dice.faults);
            self.note(&text);
        }
        if one_in(&mut self.dice.faults, 5) {
            let mut world = self.stage.world.lock();
            let text = troubles::ledger(&mut world, &mut self.account, &mut self.saved, &mut self.dice.faults);
            drop(world);
            self.note(&text);
        }
        if one_in(&mut self.dice.delivery, 4) {
            let text = troubles::delivery(&mut self.stage.world.lock(), &mut self.dice.delivery);
            self.note(&text);
        }
        let seconds = if one_in(&mut self.dice.world, LONG_STEPS) {
            LONG_STEP_SECS
        } else {
            self.dice.world.choice([2, 10, 30, 60, 100, 160]).unwrap_or(10)
        };
        self.pass(seconds).await
    }

    /// Lets time pass, second by second, and hands over every batch that is due.
    async fn pass(&mut self, seconds: u64) -> Result<(), Stop> {
        let end = self.stage.world.lock().now_ms() + seconds * 1000;
        while self.stage.world.lock().now_ms() < end {
            {
                let mut world = self.stage.world.lock();
                world.advance_secs(1);
                opponents::act(&mut world, &mut self.account.opponents);
                self.history.look(&world);
                self.judge.writes(&world, &self.account, &self.history)?;
            }
            while self.deliver().await? {}
        }
        Ok(())
    }

    fn choose_how(&mut self) -> How {
        if self.calm {
            return How::Plainly;
        }
        let random = &mut self.dice.delivery;
        match random.u8(0..20) {
            0 | 1 => How::Twice,
            2 => How::Killed(random.usize(1..40)),
            7 => How::KilledAtWrite(random.usize(1..7)),
            3..=5 => How::Interrupted(random.usize(1..40)),
            6 => {
                cold_start(&mut self.stage);
                How::Plainly
            }
            _ => How::Plainly,
        }
    }

    /// Hands over one batch, if one is due.
    async fn deliver(&mut self) -> Result<bool, Stop> {
        let size = if self.calm { 100 } else { self.dice.delivery.choice([1, 3, 100]).unwrap_or(100) };
        let batch = take_batch(&mut self.stage.world.lock(), QUEUE, size);
        let Some(batch) = batch else { return Ok(false) };
        let how = self.choose_how();
        self.stats.count("batches", 1);
        let results = self.work(&batch, &how).await?;
        for result in results {
            let mut world = self.stage.world.lock();
            match result {
                Some(handled) => {
                    let Handled { checks, response } = handled?;
                    finish_batch(&mut world, QUEUE, &batch, Ok(&response));
                    for checked in checks {
                        self.steps.extend(text::check(&checked, world.now_ms() - self.began_ms));
                        self.stats.check(&checked);
                        self.judge.check(&world, &self.account, &self.history, &checked)?;
                    }
                }
                None => {
                    finish_batch(&mut world, QUEUE, &batch, Err(()));
                }
            }
        }
        Ok(true)
    }

    /// Lets one function, or two, work on a batch.
    async fn work(&mut self, batch: &Value, how: &How) -> Result<Vec<Option<Result<Handled, StageError>>>, Stop> {
        let Self { stage, second, dice, account, history, judge, mutation, .. } = self;
        let mut runs = vec![start(stage.aws(), stage.config(), batch, *mutation)];
        let world = stage.world.clone();
        let (latency_ms, first_call) = {
            let mut world = world.lock();
            let before = world.faults.latency_ms;
            if !matches!(how, How::Plainly) {
                world.faults.latency_ms = before.max(INTERLEAVING_MS);
            }
            (before, world.calls.all().len())
        };
        if matches!(how, How::Twice) {
            runs.push(start(second, stage.config(), batch, *mutation));
        }
        let (mut turns, mut violation, mut said) = (0, None, Vec::new());
        let results = drive(runs, &mut dice.delivery, || {
            let mut world = world.lock();
            history.look(&world);
            if let Err(found) = judge.writes(&world, account, history) {
                violation.get_or_insert(found);
            }
            turns += 1;
            if matches!(how, How::Interrupted(turn) if *turn == turns) {
                let random = &mut dice.world;
                said.push(actions::act(&mut Scene { world: &mut world, account, history, random }));
            }
            let calls = world.calls.all().get(first_call..).unwrap_or_default().iter();
            let calls = calls.filter(|call| call.caller == Caller::Client);
            let dead = match how {
                How::Killed(limit) => calls.count() >= *limit,
                How::KilledAtWrite(limit) => calls.filter(is_write).count() >= *limit,
                _ => false,
            };
            if dead || violation.is_some() { Go::Dead } else { Go::On }
        })
        .await;
        {
            let mut world = world.lock();
            if world.faults.latency_ms == latency_ms.max(INTERLEAVING_MS) {
                world.faults.latency_ms = latency_ms;
            }
        }
        match how {
            How::Killed(calls) if results.iter().any(Option::is_none) => {
                self.stats.count("functions killed", 1);
                self.note(&format!("a function is killed after {calls} calls"));
            }
            How::KilledAtWrite(writes) if results.iter().any(Option::is_none) => {
                self.stats.count("functions killed after a write", 1);
                self.note(&format!("a function is killed after {writes} writes"));
            }
            How::Twice => {
                self.stats.count("functions at once", 1);
                self.note("two functions handle the same batch at once");
            }
            _ => {}
        }
        for text in said {
            self.stats.count("actions while a check runs", 1);
            self.note(&format!("while a check runs: {text}"));
        }
        match violation {
            Some(violation) => Err(violation.into()),
            None => Ok(results),
        }
    }

    fn note(&mut self, text: &str) {
        let seconds = (self.stage.world.lock().now_ms() - self.began_ms) / 1000;
        self.stats.count("steps", 1);
        let number = self.stats.of("steps");
        self.steps.push(format!("{number:3}. +{seconds}s {text}"));
    }

    fn outcome(mut self, ended: Result<(), Stop>) -> Result<Outcome, StageError> {
        let violation = match ended {
            Ok(()) => None,
            Err(Stop::Violation(violation)) => Some(violation),
            Err(Stop::Broken(error)) => return Err(format!("seed {}: {error}", self.seed).into()),
        };
        self.stats.faults(&self.stage.world.lock());
        let rule = violation.as_ref().map(|violation| violation.rule);
        let violation = violation.map(|violation| text::violation(&self, &violation));
        Ok(Outcome { seed: self.seed, steps: self.steps, stats: self.stats, violation, rule })
    }
}
