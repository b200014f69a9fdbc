//! The function without one of its safety rules, to show that the simulation would notice.
//!
//! The product has no test switches, so this is its straight line once more, from the same parts, with a place between
//! them where what was read, what is planned from and what is planned can be changed.

use super::handling::{Checked, Handled};
use portkeeper::stage::StageError;
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::execute::execute;
use portkeeper_aws::failure::chain;
use portkeeper_aws::ledger::{self, Stored};
use portkeeper_aws::{look_again, notify, observe};
use portkeeper_core::code::Code;
use portkeeper_core::compare::questions;
use portkeeper_core::event::{Message, ServiceCheck, coalesce, parse};
use portkeeper_core::ledger::{Subject, mark_sent, settle};
use portkeeper_core::observation::{Observation, TaskStatus};
use portkeeper_core::plan::{Action, ActionKind, Decision, INPUT_VERSION, Plan, PlanInput, plan};
use portkeeper_core::report::message;
use serde_json::{Value, json};

/// A rule that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// None: the copy itself must behave like the original.
    Nothing,
    /// Nothing is left to ECS: a fault counts from the first moment.
    NoSettleTime,
    /// One look is enough.
    NoSecondLook,
    /// What could not be read counts as absent.
    PartialIsWhole,
    /// Nobody asks who else is on an address.
    OwnersIgnored,
    /// A task that ECS wants stopped counts as gone.
    DrainingIgnored,
    /// The last target of a group may go, and any number at once.
    NoGuards,
    /// What nothing explains is deregistered, too.
    NoProof,
    /// A target that was seen gone is still thought to be ours.
    ReleaseIgnored,
    /// The ledger takes what anybody writes.
    ManyWriters,
    /// The tag of a service is not read.
    ModeIgnored,
    /// Nobody sweeps: what no event tells of is never seen.
    NoSweep,
    /// The stopped tasks are not listed.
    StoppedNotListed,
}

impl Mutation {
    /// All that must be noticed.
    pub const ALL: [Self; 12] = [
        Self::NoSettleTime,
        Self::NoSecondLook,
        Self::PartialIsWhole,
        Self::OwnersIgnored,
        Self::DrainingIgnored,
        Self::NoGuards,
        Self::NoProof,
        Self::ReleaseIgnored,
        Self::ManyWriters,
        Self::ModeIgnored,
        Self::NoSweep,
        Self::StoppedNotListed,
    ];
}

/// `handle` of functions/reconcile, one service after another.
pub(crate) async fn handle(
    aws: &Aws,
    config: &Config,
    batch: &Value,
    mutation: Mutation,
) -> Result<Handled, StageError> {
    let (mut asked, mut failed) = (Vec::new(), Vec::new());
    for record in batch.get("Records").and_then(Value::as_array).into_iter().flatten() {
        let member = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        match parse(member("body")) {
            Ok(Message::Check(check)) => asked.push((member("messageId").to_owned(), check)),
            Ok(Message::Ignored(_)) => {}
            Err(_) => failed.push(member("messageId").to_owned()),
        }
    }
    let mut checks = Vec::new();
    for check in coalesce(asked) {
        let mut checked = Checked {
            key: check.key.clone(),
            began_ms: u64::try_from(aws.now().as_millis()).unwrap_or(0),
            plan: None,
            outcomes: Vec::new(),
            errors: Vec::new(),
            alerts: Vec::new(),
        };
        if let Err(error) = check_service(aws, config, &check, mutation, &mut checked).await {
            checked.errors.push(chain(&*error));
        }
        if !checked.errors.is_empty() {
            failed.extend(check.messages.iter().cloned());
        }
        checks.push(checked);
    }
    let failed: Vec<Value> = failed.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    Ok(Handled { checks, response: json!({ "batchItemFailures": failed }), sweep: None })
}

async fn check_service(
    aws: &Aws,
    config: &Config,
    check: &ServiceCheck,
    mutation: Mutation,
    checked: &mut Checked,
) -> Result<(), StageError> {
    let recalled = ledger::recall(aws, &config.ledger_table, std::slice::from_ref(&check.key)).await?;
    let stored = recalled.records.into_values().next().unwrap_or_default();
    let input = read(aws, config, check, &stored, mutation).await?;
    let gaps = input.observation.gaps.iter().filter(|gap| gap.retry);
    checked.errors.extend(gaps.map(|gap| gap.why.clone()));
    let mut plan = plan(&input);
    change_plan(mutation, &input, &mut plan);
    checked.plan = Some(plan.clone());
    if let Some(at) = plan.look_again_at {
        let delay = at.secs_since(aws.now()).saturating_add(1);
        look_again::send(aws, &config.checks_queue_url, &check.key, &check.at_least, check.hop + 1, delay).await?;
    }
    let stored = commit(aws, config, check, stored, &plan.next_record, mutation).await?;
    checked.outcomes = execute(aws, &plan.actions).await;
    let mut record = settle(&plan.next_record, &checked.outcomes);
    for alert in &plan.alerts {
        let message = message(alert, &checked.outcomes);
        match notify::publish(aws, &config.alerts_topic_arn, &message).await {
            Ok(()) => checked.alerts.push(message.subject),
            Err(failure) => checked.errors.push(chain(&failure)),
        }
        if checked.errors.is_empty() {
            record = mark_sent(&record, alert);
        }
    }
    commit(aws, config, check, stored, &record, mutation).await?;
    Ok(())
}

async fn commit(
    aws: &Aws,
    config: &Config,
    check: &ServiceCheck,
    mut stored: Stored,
    record: &portkeeper_core::ledger::LedgerRecord,
    mutation: Mutation,
) -> Result<Stored, StageError> {
    if mutation == Mutation::ManyWriters {
        let newest = ledger::recall(aws, &config.ledger_table, std::slice::from_ref(&check.key)).await?;
        stored = newest.records.into_values().next().unwrap_or_default();
    }
    Ok(ledger::commit(aws, &config.ledger_table, &check.key, &stored, record, aws.now()).await?)
}

async fn read(
    aws: &Aws,
    config: &Config,
    check: &ServiceCheck,
    stored: &Stored,
    mutation: Mutation,
) -> Result<PlanInput, StageError> {
    let described = observe::describe_services(aws, std::slice::from_ref(check)).await;
    let described = described.into_iter().next().ok_or("no description")??;
    let mut observation = observe::observe_rest(aws, check, described).await;
    change_view(mutation, &mut observation);
    let mut input = PlanInput {
        version: INPUT_VERSION,
        now: aws.now(),
        hop: check.hop,
        policy: config.policy.clone(),
        record: stored.record.clone(),
        observation,
    };
    change_input(mutation, &mut input);
    let questions = questions(&input);
    if !questions.is_empty() {
        input.observation = observe::answer_questions(aws, input.observation, &questions).await;
        input.now = aws.now();
        change_view(mutation, &mut input.observation);
        change_input(mutation, &mut input);
    }
    Ok(input)
}

/// What was read, changed.
fn change_view(mutation: Mutation, seen: &mut Observation) {
    match mutation {
        Mutation::PartialIsWhole => {
            seen.gaps.clear();
            if let Some(service) = &mut seen.service {
                (service.running_count, service.pending_count) = (0, 0);
            }
            seen.owners.whole_cluster = true;
        }
        Mutation::OwnersIgnored => {
            seen.owners.tasks.clear();
            seen.owners.whole_cluster = true;
        }
        Mutation::DrainingIgnored => {
            for task in seen.tasks.iter_mut().filter(|task| task.desired_status == TaskStatus::Stopped) {
                if !task.last_status.is_over() {
                    task.last_status = TaskStatus::Stopped;
                    task.stopped_at = task.started_at;
                }
            }
        }
        Mutation::ModeIgnored => {
            if let Some(service) = &mut seen.service {
                service.mode_tag = None;
            }
        }
        Mutation::StoppedNotListed => {
            seen.tasks.retain(|task| task.desired_status != TaskStatus::Stopped);
            if let Some(service) = &mut seen.service {
                (service.running_count, service.pending_count) = (0, 0);
            }
        }
        _ => {}
    }
}

/// What is planned from, changed.
fn change_input(mutation: Mutation, input: &mut PlanInput) {
    match mutation {
        Mutation::NoSettleTime => input.policy.settle_seconds = 0,
        Mutation::NoSecondLook => input.policy.confirm_seconds = 0,
        Mutation::NoGuards => {
            (input.policy.max_deregistrations, input.policy.max_deregistration_percent) = (1000, 100);
        }
        Mutation::ReleaseIgnored => {
            for known in input.record.known.values_mut().flat_map(|targets| targets.values_mut()) {
                known.released_at = None;
            }
        }
        _ => {}
    }
}

/// What is planned, changed.
fn change_plan(mutation: Mutation, input: &PlanInput, plan: &mut Plan) {
    let also = |code: &Code, decision: &Decision| match mutation {
        Mutation::NoProof => *code == Code::Foreign && *decision == Decision::Tell,
        Mutation::NoGuards => matches!(code, Code::Stale | Code::Hijacked) && *decision == Decision::Withheld,
        _ => false,
    };
    let not_after = input.observation.observed_at.plus_secs(input.policy.proof_seconds);
    for verdict in &plan.verdicts {
        if let (Subject::Target(group, target), Some(code)) = (&verdict.subject, &verdict.code)
            && also(code, &verdict.decision)
        {
            let (group, targets) = (group.clone(), vec![target.clone()]);
            plan.actions.push(Action { kind: ActionKind::Deregister, group, targets, zone: None, not_after });
        }
    }
}
