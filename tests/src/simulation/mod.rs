//! The seeded simulation: an account in which anything can fail, with Portkeeper deployed in it,
//! and a judge.
//!
//! A seed determines an account and 20 to 40 steps in which people, ECS and its agents act, APIs
//! fail, events get lost, and functions run twice at once or are killed. After every step of the
//! world the judge compares Portkeeper's writes with what was true. Then all failures end, and
//! every service must converge. The same seed produces the same run.

mod account;
mod actions;
mod alerted;
mod dice;
mod explained;
mod forged;
mod handled;
mod handling;
mod history;
mod judge;
mod machines;
mod mutant;
mod mutation;
mod opponents;
mod people;
mod plumbing;
mod quiet;
mod rollouts;
mod scene;
mod shown;
mod stats;
mod text;
mod troubles;
mod watched;
mod work;

pub use mutation::Mutation;
pub use stats::Stats;

use account::Account;
use dice::{Dice, one_in};
use history::History;
use judge::{Judge, Violation};
use portkeeper_aws::account::Aws;
use portkeeper_stage::{SWEEP_EVERY_SECS, Stage, StageError, clients};
use portkeeper_world::api::ApiError;
use portkeeper_world::cloudtrail::CloudTrail;
use portkeeper_world::dynamodb::Item;
use portkeeper_world::http::SharedWorld;
use scene::Scene;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long services have to start before failures begin, in seconds.
const WARM_UP_SECS: u64 = 150;

/// The schedule of the sweep.
const SWEEP_EVERY_MS: u64 = SWEEP_EVERY_SECS * 1000;

/// One step in this many takes longer than ECS lists stopped tasks.
const LONG_STEPS: u32 = 100;
const LONG_STEP_SECS: u64 = 4000;

/// The result of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Every step with its time, and Portkeeper's actions.
    pub steps: Vec<String>,
    /// The account's journal, with times.
    pub journal: Vec<String>,
    /// Counts of what happened.
    pub stats: Stats,
    /// The broken rule, the account at that time, the latest calls, and how to reproduce it.
    pub violation: Option<String>,
    /// The name of that rule.
    pub rule: Option<&'static str>,
}

/// Runs a seed to its end, or to the first broken rule.
pub fn run(seed: u64, mutation: Option<Mutation>) -> Result<Outcome, StageError> {
    // The SDK's back-off takes its randomness from here.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut play = Play::new(seed, mutation)?;
        let ended = play.play_out().await;
        play.outcome(ended)
    })
}

/// The SDK counts retries by service and region for a whole process, so one seed would reduce those
/// of the next. Clients in a region with a name of its own have their own count, like those of a
/// function's process.
fn with_own_retries<T>(world: &SharedWorld, make: impl FnOnce(&SharedWorld) -> T) -> T {
    static PROCESSES: AtomicU64 = AtomicU64::new(0);
    let region = format!("process-{}", PROCESSES.fetch_add(1, Ordering::Relaxed));
    let real = std::mem::replace(&mut world.lock().account.region, region);
    let clients = make(world);
    world.lock().account.region = real;
    clients
}

/// Replaces the function with a new process.
fn cold_start(stage: &mut Stage) {
    let world = stage.world.clone();
    with_own_retries(&world, |_| stage.cold_start());
}

/// In some accounts `CloudTrail` reports calls at once, in some only after the alert, in some
/// never. The seed's number decides, so that everything else of the seed stays the same. In a run
/// with a mutation it reports none: an additional event would hide the missing rule.
fn follow(trail: &mut CloudTrail, seed: u64, mutation: Option<Mutation>) {
    trail.on = !seed.is_multiple_of(4) && mutation.is_none();
    trail.delay_secs = match seed % 3 {
        0 => 5,
        1 => 60,
        _ => 240,
    };
}

/// Why a run ends early.
enum Stop {
    Violation(Violation),
    /// The simulation itself has an error.
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

/// Ends a run because a rule is broken.
fn broken(rule: &'static str, what: String) -> Result<(), Stop> {
    Err(Violation { rule, what }.into())
}

/// A running seed.
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
    /// Task events that were delivered, to replay and to forge.
    heard: Vec<String>,
    /// Backups of ledger items.
    saved: BTreeMap<String, Item>,
    /// No further failures are caused.
    calm: bool,
    /// When two functions handled the same batch at once, or one was killed.
    disturbed_ms: Vec<u64>,
    /// When the schedule next starts the sweep.
    next_sweep_ms: u64,
    began_ms: u64,
    steps: Vec<String>,
    stats: Stats,
}

impl Play {
    fn new(seed: u64, mutation: Option<Mutation>) -> Result<Self, StageError> {
        let mut dice = Dice::new(seed);
        let mut stage = Stage::new(seed, &account::settings(&mut dice.world))?;
        let account = account::build(&mut stage.world.lock(), &mut dice)?;
        follow(&mut stage.world.lock().cloudtrail, seed, mutation);
        let second = with_own_retries(&stage.world, |world| clients(world, stage.config()));
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
            heard: Vec::new(),
            saved: BTreeMap::new(),
            calm: true,
            disturbed_ms: Vec::new(),
            next_sweep_ms: began_ms + SWEEP_EVERY_MS,
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

    /// Executes one action, sometimes causes a failure, and advances time.
    async fn step(&mut self) -> Result<(), Stop> {
        let acted = {
            let mut world = self.stage.world.lock();
            let (account, history) = (&mut self.account, &self.history);
            actions::act(&mut Scene {
                world: &mut world,
                account,
                history,
                random: &mut self.dice.world,
                mutation: self.mutation,
                stats: &mut self.stats,
            })
        };
        self.note(&acted);
        if one_in(&mut self.dice.faults, 2) {
            let (name, text) = troubles::edge(
                &mut self.stage.world.lock(),
                &mut self.account,
                &mut self.dice.faults,
            );
            self.stats.count(&format!("trouble: {name}"), 1);
            self.note(&text);
        }
        if one_in(&mut self.dice.faults, 5) {
            let mut world = self.stage.world.lock();
            let text = troubles::ledger(
                &mut world,
                &mut self.account,
                &mut self.saved,
                &mut self.dice.faults,
            );
            drop(world);
            self.note(&text);
        }
        if one_in(&mut self.dice.delivery, 4) {
            let text = troubles::delivery(&mut self.stage.world.lock(), &mut self.dice.delivery);
            self.note(&text);
        }
        let often = if self.mutation == Some(Mutation::ForgedBelieved) { 1 } else { 6 };
        if one_in(&mut self.dice.delivery, often)
            && let Some(message) = self.dice.delivery.choice(self.heard.iter())
        {
            let message = message.clone();
            let (name, text) = forged::send(
                &mut self.stage.world.lock(),
                &mut self.account.opponents,
                &message,
                &mut self.dice.delivery,
            );
            self.stats.count(&format!("message: {name}"), 1);
            self.note(&text);
        }
        let long = if self.account.outage_until_ms.is_some() { 3 } else { LONG_STEPS };
        let seconds = if one_in(&mut self.dice.world, long) {
            LONG_STEP_SECS
        } else {
            self.dice.world.choice([2, 10, 30, 60, 100, 160]).unwrap_or(10)
        };
        self.pass(seconds).await
    }

    /// Advances time second by second and delivers every batch that is due.
    async fn pass(&mut self, seconds: u64) -> Result<(), Stop> {
        let end = self.stage.world.lock().now_ms() + seconds * 1000;
        while self.stage.world.lock().now_ms() < end {
            {
                let mut world = self.stage.world.lock();
                world.advance_secs(1);
                troubles::end_outage(&mut world, &mut self.account);
                opponents::act(&mut world, &mut self.account.opponents);
                self.history.look(&world);
                self.judge.writes(&world, &self.account, &self.history)?;
            }
            while self.deliver().await? {}
            if self.stage.world.lock().now_ms() >= self.next_sweep_ms {
                self.next_sweep_ms += SWEEP_EVERY_MS;
                self.sweep().await?;
            }
        }
        Ok(())
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
        let journal = text::journal(&self.stage.world.lock(), self.began_ms);
        Ok(Outcome {
            seed: self.seed,
            steps: self.steps,
            journal,
            stats: self.stats,
            violation,
            rule,
        })
    }
}
