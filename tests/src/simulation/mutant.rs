//! The function without one of its safety rules: a second `handle` of functions/reconcile, built
//! from the same parts. It checks one service after another, and between the parts a [`Mutation`]
//! changes data.

use super::handled::{Checked, Handled};
use super::mutation::{Mutation, change_input, change_plan, change_view};
use portkeeper_aws::account::Aws;
use portkeeper_aws::config::Config;
use portkeeper_aws::execute::{execute, skip};
use portkeeper_aws::failure::chain;
use portkeeper_aws::ledger::{self, CommitError, Stored};
use portkeeper_aws::{notify, observe, recheck};
use portkeeper_core::compare::questions;
use portkeeper_core::event::{ServiceCheck, Trigger, coalesce, parse};
use portkeeper_core::ledger::{LedgerRecord, mark_sent, record_outcomes};
use portkeeper_core::plan::{
    ActionKind, Alert, INPUT_VERSION, Plan, PlanInput, WriteOutcome, Writes, plan,
};
use portkeeper_core::report::message;
use portkeeper_stage::StageError;
use serde_json::{Value, json};

/// The inputs of one check.
struct Work<'a> {
    aws: &'a Aws,
    config: &'a Config,
    check: &'a ServiceCheck,
    mutation: Mutation,
}

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
            Ok(Trigger::Check(check)) => asked.push((member("messageId").to_owned(), check)),
            // The sweep also finds the effects of API calls by others.
            Ok(Trigger::Ignored(_) | Trigger::ApiCall { .. }) => {}
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
        let work = Work { aws, config, check: &check, mutation };
        if let Err(error) = work.check_service(&mut checked).await {
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

impl Work<'_> {
    async fn check_service(&self, checked: &mut Checked) -> Result<(), StageError> {
        let Self { aws, config, check, mutation } = *self;
        let mut recalled =
            ledger::recall(aws, &config.ledger_table, std::slice::from_ref(&check.key)).await?;
        let stored = recalled.records.remove(&check.key).unwrap_or_default();
        let writes = Writes::from(recalled.writes_stopped.take());
        let input = self.read(&stored, writes).await?;
        let gaps = input.observation.gaps.iter().filter(|gap| gap.retry);
        checked.errors.extend(gaps.map(|gap| gap.why.clone()));
        let mut plan = plan(&input);
        change_plan(mutation, &input, &mut plan);
        if !checked.errors.is_empty() {
            plan.recheck_at = None;
            plan.next_record.recheck_at = stored.record.recheck_at;
        }
        checked.plan = Some(plan.clone());
        let mut stored = stored;
        if mutation != Mutation::NoIntent {
            stored = self.commit(stored, &plan.next_record).await?;
        }
        let asked = self.ask_for_next_look(&input, &plan).await;
        checked.outcomes = self.write(&plan).await;
        let mut record = record_outcomes(&plan.next_record, &checked.outcomes);
        if let Err(error) = asked {
            record.recheck_at = None;
            checked.errors.push(chain(&*error));
        }
        let accepted = self.publish(&plan.alerts, checked).await;
        let on = |record: &LedgerRecord| {
            if plan.alerts.is_empty() { record.clone() } else { mark_sent(record, &accepted) }
        };
        match self.commit(stored, &on(&record)).await {
            Err(error) if matches!(error.downcast_ref(), Some(CommitError::LostRace { .. })) => {
                let recalled =
                    ledger::recall(aws, &config.ledger_table, std::slice::from_ref(&check.key))
                        .await?;
                let theirs = recalled.records.into_values().next().unwrap_or_default();
                let record = on(&record_outcomes(&theirs.record, &checked.outcomes));
                self.commit(theirs, &record).await.map(|_| ())
            }
            first => first.map(|_| ()),
        }
    }

    async fn ask_for_next_look(&self, input: &PlanInput, plan: &Plan) -> Result<(), StageError> {
        let Self { aws, config, check, .. } = *self;
        let Some(at) = plan.recheck_at else { return Ok(()) };
        let delay = at.secs_since(aws.now()).saturating_add(1);
        let (queue, versions) = (&config.checks_queue_url, input.observation.awaited_versions());
        Ok(recheck::send(aws, queue, &check.key, &versions, check.hop + 1, delay).await?)
    }

    async fn publish(&self, alerts: &[Alert], checked: &mut Checked) -> Vec<Alert> {
        let (mut accepted, mut untold) = (Vec::new(), Vec::new());
        for alert in alerts {
            if alert.state.is_end() && untold.contains(&&alert.code) {
                continue;
            }
            let message = message(alert, &checked.outcomes);
            let sent = notify::publish(self.aws, self.config, &message).await;
            if sent.is_ok() || self.mutation == Mutation::ToldTooEarly {
                accepted.push(alert.clone());
            }
            match sent {
                Ok(()) => checked.alerts.push(message.subject),
                Err(failure) => {
                    untold.push(&alert.code);
                    checked.errors.push(chain(&failure));
                }
            }
        }
        accepted
    }

    async fn write(&self, plan: &Plan) -> Vec<WriteOutcome> {
        let Self { aws, config, mutation, .. } = *self;
        if plan.actions.is_empty() {
            return Vec::new();
        }
        let may_write = matches!(ledger::writes_stopped(aws, &config.ledger_table).await, Ok(None));
        if mutation != Mutation::SwitchIgnored && !may_write {
            return skip(&plan.actions, "the kill switch is on, or cannot be read");
        }
        if mutation != Mutation::DeregisterFirst {
            return execute(aws, &plan.actions).await;
        }
        let (first, then): (Vec<_>, Vec<_>) =
            plan.actions.iter().cloned().partition(|action| action.kind == ActionKind::Deregister);
        let mut outcomes = execute(aws, &first).await;
        outcomes.extend(execute(aws, &then).await);
        outcomes
    }

    async fn commit(
        &self,
        mut stored: Stored,
        record: &LedgerRecord,
    ) -> Result<Stored, StageError> {
        let Self { aws, config, check, mutation } = *self;
        if mutation == Mutation::ManyWriters {
            let newest =
                ledger::recall(aws, &config.ledger_table, std::slice::from_ref(&check.key)).await?;
            stored = newest.records.into_values().next().unwrap_or_default();
        }
        Ok(ledger::commit(aws, &config.ledger_table, &check.key, &stored, record, aws.now())
            .await?)
    }

    async fn read(&self, stored: &Stored, writes: Writes) -> Result<PlanInput, StageError> {
        let Self { aws, config, check, mutation, .. } = *self;
        let described = observe::describe_services(aws, std::slice::from_ref(check)).await;
        let described = described.into_iter().next().ok_or("no description")??;
        let remembered = stored.record.remembered_groups();
        let read = |described| observe::observe_remembered(aws, check, described, &remembered);
        let mut observation = read(described.clone()).await;
        if mutation == Mutation::GroupsAfterTasks {
            observation.target_groups = read(described).await.target_groups;
        }
        change_view(mutation, &check.stopped, &mut observation);
        let mut input = PlanInput {
            version: INPUT_VERSION,
            now: aws.now(),
            hop: check.hop,
            policy: config.policy.clone(),
            writes,
            record: stored.record.clone(),
            calls: check.calls.clone(),
            observation,
        };
        change_input(mutation, &mut input);
        let questions = questions(&input);
        if !questions.is_empty() {
            input.observation =
                observe::answer_questions(aws, &config.clusters, input.observation, &questions)
                    .await;
            input.now = aws.now();
            change_view(mutation, &check.stopped, &mut input.observation);
            change_input(mutation, &mut input);
        }
        Ok(input)
    }
}
