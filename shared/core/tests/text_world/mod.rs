//! A world written as text, checked by the core, and the result, again as text.
//!
//! The text is a script. A line states a fact, or changes one that was stated before; `look` makes
//! the core check the world as it is then. Without any `look` there are two checks, a minute apart,
//! because the first check writes nothing. The test reads, writes and publishes as the functions
//! do: it reads what the core requests after the first reading, actions change the targets of the
//! world, alerts are marked as sent, and the next check starts from the record.
//!
//! ```text
//! policy settle=90 confirm=60 mode=alert max=5 percent=10 repairs=5 hops=12 below=900 stops=3 remind=86400 person=1800 az-all=true
//! group web type=ip family=ipv6 protocol=TCP port=80 interval=30 threshold=3 | unattached | missing | unread
//! group web vpc=vpc-1 lb=net path=/health codes=200-299 check=9000
//! service shop/web binds web to app:8080 and admin|admin-alt to app:9090 desired=2 min=50 grace=60 mode="alert" owner=team-a | gone
//! deployment 111 PRIMARY web:1 IN_PROGRESS for 40m failed=3    (without any: one that started every task)
//! says 5m ago "(service web) has reached a steady state."
//! revision 111 web:1 binds web|web-alt to app:8080 resolved web-alt
//! taskset 111 binds web to app:8080 desired 1 status PRIMARY
//! definition web:1 host app:8080                         (network mode and container ports)
//! task t1 RUNNING/RUNNING on i-1 app:8080->32768/tcp@0.0.0.0 for 5m by 111 of web:1 v3
//! task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
//! task t4 STOPPED/STOPPED on i-1 ended 5m ago killed web stop-code UserInitiated (failed health checks)
//! task t5 STOPPED/STOPPED on i-1 ended 5m ago never-ran reason "CannotPullContainerError"
//! task t5 STOPPED/STOPPED on i-1 ended 5m ago never-ran
//! task t5 RUNNING/RUNNING on i-1 app:8080->32770 exited app          (the task runs on without it)
//! task t3 RUNNING/STOPPED ip 10.0.0.5 ip6 fd00::5 subnet s-1       (last status, then desired status; `ip ?`: not yet)
//! owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing | groups ? | in prod-2 | - for no service
//! instance i-1 INACTIVE | disconnected | unread           (`i-1#2`: another one of the same EC2 instance;
//!                                                        `prod-2/i-1`: of another cluster)
//! target web i-1:32768 unhealthy Target.Timeout zone=all | gone
//! known web i-1:32769 t2 released 5m ago                 (what the ledger knows)
//! ledger empty                                           (no record; otherwise it is a day old)
//! event t1 v9
//! call 2m ago DeregisterTargets web i-1:32768 by alice | role ci | through X   (CloudTrail reported it now) | DeleteRule lb
//! counts running=3 pending=1                             (without: what the tasks say)
//! gap tasks "page 2 failed" | revisions | owners | elsewhere | none
//! look after 60s | unsent | dies | refused "why" | fails "why" | late "why" | hop=3
//! audit                                                  (a first check without the ledger)
//! ready                                                  (do all tasks receive traffic now?)
//! ```

#[path = "../../../text-world/src/facts.rs"]
mod facts;
#[path = "../../../text-world/src/names.rs"]
mod names;
#[path = "../../../text-world/src/print.rs"]
mod print;
mod properties;
#[path = "../../../text-world/src/read.rs"]
mod read;
mod screened;
#[path = "../../../text-world/src/tasks.rs"]
mod tasks;
#[path = "../../../text-world/src/words.rs"]
mod words;
#[path = "../../../text-world/src/world.rs"]
mod world;

use expect_test::Expect;
use portkeeper_core::audit::first_check;
use portkeeper_core::ledger::{LedgerRecord, mark_sent, record_outcomes};
use portkeeper_core::observation::{HealthState, RegisteredTarget};
use portkeeper_core::plan::{Action, ActionKind, OutcomeResult, Plan, WriteOutcome};
use portkeeper_core::readiness::readiness;
use words::Words;
use world::World;

/// Seconds between two checks when the text does not say.
const LOOKS_APART_SECS: u32 = 60;

/// Runs the text and compares the result.
#[track_caller]
pub fn check(text: &str, expect: &Expect) {
    expect.assert_eq(&run(text));
}

/// Runs the text. Every check must hold the properties.
pub fn run(text: &str) -> String {
    run_from(World::new().record, text).0
}

/// Runs the text with this record, and also returns the record at the end.
pub fn run_from(record: LedgerRecord, text: &str) -> (String, LedgerRecord) {
    let mut world = World { record, ..World::new() };
    (run_in(&mut world, text), world.record)
}

fn run_in(world: &mut World, text: &str) -> String {
    let mut out = String::new();
    let mut looked = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = Words::of(line);
        if words.take_if("look") {
            looked = true;
            out.push_str(&look(world, words));
        } else if words.take_if("audit") {
            looked = true;
            let (input, _) = read::read(world);
            out.push_str(&print::audit(&first_check(input.observation, &world.policy)));
        } else if words.take_if("ready") {
            looked = true;
            out.push_str(&print::readiness(&readiness(&read::read(world).0.observation)));
        } else {
            world.state(&mut words);
            words.end();
        }
    }
    if !looked {
        out.push_str(&look(world, Words::of("")));
        out.push_str(&look(world, Words::of(&format!("after {LOOKS_APART_SECS}s"))));
    }
    out.push_str(&print::incidents(&world.record));
    out
}

fn look(world: &mut World, mut words: Words) -> String {
    let (mut unsent, mut dies, mut answer) = (false, false, OutcomeResult::Done);
    while let Some(word) = words.next() {
        match word.as_str() {
            "after" => world.now = world.now.plus_secs(words.span()),
            "unsent" => unsent = true,
            "dies" => dies = true,
            "refused" => answer = OutcomeResult::Refused(words.expect("a reason")),
            "late" => answer = OutcomeResult::Skipped(words.expect("a reason")),
            "fails" => answer = OutcomeResult::Failed(words.expect("a reason")),
            other => match other.strip_prefix("hop=") {
                Some(hop) => world.hop = hop.parse().unwrap(),
                None => panic!("`look {other}` is not understood"),
            },
        }
    }
    world.index_places();
    let (input, questions) = read::read(world);
    world.calls.clear();
    let plan = portkeeper_core::plan::plan(&input);
    properties::hold(world, &input, &plan);
    screened::hold(world, &plan);
    let text = print::look(world, &input, &questions, &plan);
    let settled = after(world, &plan, &answer, unsent);
    // A function that dies has stored its intent, and nothing after it.
    world.record = if dies { plan.next_record } else { settled };
    world.hop += 1;
    text
}

/// What the functions do after planning: write, record the outcomes, publish, record what was sent.
fn after(world: &mut World, plan: &Plan, answer: &OutcomeResult, unsent: bool) -> LedgerRecord {
    let mut outcomes = Vec::new();
    for action in &plan.actions {
        if *answer == OutcomeResult::Done {
            carry_out(world, action);
        }
        outcomes.extend(action.targets.iter().map(|target| WriteOutcome {
            kind: action.kind,
            group: action.group.clone(),
            target: target.clone(),
            result: answer.clone(),
        }));
    }
    let settled = record_outcomes(&plan.next_record, &outcomes);
    match (plan.alerts.is_empty(), unsent) {
        (true, _) => settled,
        (false, true) => mark_sent(&settled, &[]),
        (false, false) => mark_sent(&settled, &plan.alerts),
    }
}

fn carry_out(world: &mut World, action: &Action) {
    let state = match action.kind {
        ActionKind::Register => HealthState::Initial,
        ActionKind::Deregister => HealthState::Draining,
    };
    let group = world.groups.get_mut(action.group.name()).unwrap();
    for target in &action.targets {
        group.found.targets.retain(|other| other.target != *target);
        let (target, state) = (target.clone(), state.clone());
        let availability_zone = action.zone.map(|zone| zone.as_str().to_owned());
        group.found.targets.push(RegisteredTarget {
            target,
            state,
            reason: None,
            availability_zone,
        });
    }
}
