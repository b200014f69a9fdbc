//! Delivers batches and sweeps to functions: to one, to two at once, or to one that is killed
//! before it ends.

use super::dice::one_in;
use super::handled::Handled;
use super::handling::{Go, drive, start, start_sweep};
use super::judge::Violation;
use super::mutation::Mutation;
use super::scene::Scene;
use super::{Play, Stop, cold_start, text};
use super::{actions, forged};
use portkeeper_stage::{BATCH_SIZE, QUEUE, SWEEP_TIMEOUT_SECS, StageError};
use portkeeper_sweep::SweepReport;
use portkeeper_world::api::{Call, Caller};
use portkeeper_world::sqs::{finish_batch, take_batch};
use serde_json::Value;

/// While two functions run at once, or one is about to be killed, every call takes at least this
/// long, in milliseconds. Without it a function would run from start to end in a single turn.
const INTERLEAVING_MS: u64 = 40;

/// What a function is invoked for.
#[derive(Clone, Copy)]
enum Job<'a> {
    Batch(&'a Value),
    /// With this many seconds to its deadline.
    Sweep(u32),
}

/// How the invocation proceeds.
enum How {
    Plainly,
    /// By two functions at the same time.
    Twice,
    /// While a sweep is under way.
    BesideSweep,
    /// By a function that is killed after this many of its calls.
    Killed(usize),
    /// By a function that is killed after this many of its writes: to the ledger, the queue, the
    /// topic, a target group.
    KilledAtWrite(usize),
    /// During the invocation the account changes after this many turns.
    Interrupted(usize),
}

/// Returns whether a call is a write.
fn is_write(call: &Call) -> bool {
    let writes = ["PutItem", "SendMessage", "Publish", "RegisterTargets", "DeregisterTargets"];
    writes.contains(&call.operation.as_str())
}

impl Play {
    fn choose_how(&mut self) -> How {
        if self.calm {
            return How::Plainly;
        }
        let random = &mut self.dice.delivery;
        match random.u8(0..40) {
            0 | 1 => How::Twice,
            2 => How::BesideSweep,
            3 | 4 => How::Killed(random.usize(1..40)),
            5 | 6 => How::KilledAtWrite(random.usize(1..7)),
            7..=12 => How::Interrupted(random.usize(1..40)),
            13 | 14 => {
                cold_start(&mut self.stage);
                How::Plainly
            }
            _ => How::Plainly,
        }
    }

    /// Runs the sweep as the schedule does. Returns its report, unless it failed or was killed.
    pub(super) async fn sweep(&mut self) -> Result<Option<SweepReport>, Stop> {
        if self.mutation == Some(Mutation::NoSweep) {
            return Ok(None);
        }
        self.stats.count("sweeps", 1);
        let how = self.choose_how();
        let mut reports = Vec::new();
        // Close to its deadline, the sweep reads a cluster in parts of a few target groups.
        let in_parts = !self.calm && one_in(&mut self.dice.delivery, 3);
        let seconds = if in_parts {
            self.stats.count("sweeps in parts", 1);
            self.dice.delivery.u32(46..50)
        } else {
            SWEEP_TIMEOUT_SECS
        };
        for result in self.work(Job::Sweep(seconds), &how).await? {
            match result {
                Some(Ok(handled)) => reports.extend(handled.sweep),
                Some(Err(error)) if self.calm => {
                    return Err(
                        Violation { rule: "sweep", what: format!("it failed: {error}") }.into()
                    );
                }
                Some(Err(_)) => self.stats.count("sweeps that failed", 1),
                None => {}
            }
        }
        for (cluster, seen) in reports.iter().flat_map(|report| &report.clusters) {
            for (service, why) in &seen.suspects {
                self.stats.count("checks that a sweep asked for", 1);
                self.steps.push(format!("       the sweep suspects {cluster}/{service}: {why}"));
            }
        }
        Ok(reports.pop())
    }

    /// Delivers one batch, if one is due.
    pub(super) async fn deliver(&mut self) -> Result<bool, Stop> {
        let size = if self.calm {
            BATCH_SIZE
        } else {
            self.dice.delivery.choice([1, 3, BATCH_SIZE]).unwrap_or(BATCH_SIZE)
        };
        let batch = take_batch(&mut self.stage.world.lock(), QUEUE, size);
        let Some(batch) = batch else { return Ok(false) };
        forged::hear(&mut self.heard, &batch);
        let how = self.choose_how();
        self.stats.count("batches", 1);
        let results = self.work(Job::Batch(&batch), &how).await?;
        for result in results {
            let mut world = self.stage.world.lock();
            match result {
                // A concurrent sweep, which may fail.
                Some(Ok(Handled { sweep: Some(_), .. })) => {}
                Some(Err(_)) if matches!(how, How::BesideSweep) => {}
                Some(handled) => {
                    let Handled { checks, response, .. } = handled?;
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

    /// Runs this in one function, or in two.
    async fn work(
        &mut self,
        job: Job<'_>,
        how: &How,
    ) -> Result<Vec<Option<Result<Handled, StageError>>>, Stop> {
        let Self { stage, second, dice, account, history, judge, mutation, stats, .. } = self;
        let begin = |aws| match job {
            Job::Batch(batch) => start(aws, stage.config(), batch, *mutation),
            Job::Sweep(seconds) => start_sweep(aws, stage.config(), seconds),
        };
        let mut runs = vec![begin(match job {
            Job::Batch(_) => stage.aws(),
            Job::Sweep(_) => stage.sweeper(),
        })];
        match how {
            How::Twice => runs.push(begin(second)),
            How::BesideSweep => {
                runs.push(start_sweep(second, stage.config(), SWEEP_TIMEOUT_SECS));
            }
            _ => {}
        }
        let world = stage.world.clone();
        let (latency_ms, first_call) = {
            let mut world = world.lock();
            let before = world.faults.latency_ms;
            if !matches!(how, How::Plainly) {
                world.faults.latency_ms = before.max(INTERLEAVING_MS);
            }
            (before, world.calls.all().len())
        };
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
                let (mutation, stats) = (*mutation, &mut *stats);
                let mut scene =
                    Scene { world: &mut world, account, history, random, mutation, stats };
                said.push(actions::act(&mut scene));
            }
            let calls = world.calls.all().get(first_call..).unwrap_or_default().iter();
            let calls = calls.filter(|call| call.caller == Caller::Client);
            let dead = match how {
                How::Killed(limit) => calls.count() >= *limit,
                How::KilledAtWrite(limit) => calls.filter(|call| is_write(call)).count() >= *limit,
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
        self.note_work(how, results.iter().any(Option::is_none), said);
        match violation {
            Some(violation) => Err(violation.into()),
            None => Ok(results),
        }
    }

    fn note_work(&mut self, how: &How, killed: bool, said: Vec<String>) {
        if killed || matches!(how, How::Twice) {
            self.disturbed_ms.push(self.stage.world.lock().now_ms());
        }
        match how {
            How::Killed(calls) if killed => {
                self.stats.count("functions killed", 1);
                self.note(&format!("a function is killed after {calls} calls"));
            }
            How::KilledAtWrite(writes) if killed => {
                self.stats.count("functions killed after a write", 1);
                self.note(&format!("a function is killed after {writes} writes"));
            }
            How::Twice => {
                self.stats.count("functions at once", 1);
                self.note("two functions do the same at once");
            }
            How::BesideSweep => {
                self.stats.count("sweeps beside checks", 1);
                self.note("a sweep runs beside the function");
            }
            _ => {}
        }
        for text in said {
            self.stats.count("actions while a function runs", 1);
            self.note(&format!("while a function runs: {text}"));
        }
    }
}
