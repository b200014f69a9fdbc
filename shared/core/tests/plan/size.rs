//! The record stays within its size, whatever a service does, and an alert is sent once.

use fastrand::Rng;
use portkeeper_core::ledger::{LedgerRecord, RECORD_BYTES, mark_sent, record_outcomes};
use portkeeper_core::plan::{OutcomeResult, Plan, PlanInput, WriteOutcome, plan};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The longest name of a cluster, a service or a container.
fn name(first: &str) -> String {
    format!("{first}{}", "x".repeat(255 - first.len()))
}

fn group(number: usize) -> String {
    format!(
        "arn:aws:elasticloadbalancing:ap-southeast-1:111122223333:targetgroup/{}{number}/0123456789abcdef",
        "g".repeat(31)
    )
}

fn cluster() -> String {
    format!("arn:aws:ecs:ap-southeast-1:111122223333:cluster/{}", name("c"))
}

fn moment(secs: usize) -> String {
    format!("2026-11-23T{:02}:{:02}:{:02}.123Z", 10 + secs / 3600, secs / 60 % 60, secs % 60)
}

fn address(number: usize) -> String {
    format!("10.100.{}.{}", 100 + number / 100, 100 + number % 100)
}

/// A service with this many tasks in three groups. Each target is healthy, unhealthy or absent, and
/// some are of nobody.
fn input(rng: &mut Rng, tasks: usize, secs: usize, hop: usize, record: &LedgerRecord) -> Value {
    let (cluster, faulty) = (cluster(), [0, 1, 5, 10][rng.usize(..4)]);
    let of_cluster =
        |kind: &str, id: &str| cluster.replace(":cluster/", &format!(":{kind}/")) + "/" + id;
    let definition =
        format!("arn:aws:ecs:ap-southeast-1:111122223333:task-definition/{}:1", name("f"));
    let entries =
        (0..3).map(|it| json!({"target_group": group(it), "container": name("a"), "port": 8080}));
    let groups = (0..3).map(|it| {
        let mut targets: Vec<Value> = Vec::new();
        for task in 0..tasks {
            let state = if rng.usize(..10) >= faulty { 0 } else { rng.usize(1..4) };
            let target = format!("{}:8080", address(task));
            match state {
                0 => targets.push(json!({"target": target, "state": "healthy"})),
                1 | 2 => targets.push(json!({"target": target, "state": "unhealthy", "reason": "Target.FailedHealthChecks"})),
                _ => {}
            }
        }
        for hand in 0..rng.usize(..150) {
            targets.push(json!({"target": format!("10.200.1.{hand}:8080"), "state": "healthy"}));
        }
        let found = json!({"target_type": "ip", "protocol": "HTTP", "default_port": 80, "ip_address_type": "ipv4",
            "vpc": "vpc-1", "load_balancers": ["arn:aws:elasticloadbalancing:ap-southeast-1:111122223333:loadbalancer/app/lb/0123456789abcdef"],
            "health_interval_seconds": 30, "unhealthy_threshold": 2, "targets": targets});
        (group(it), json!({"found": found}))
    });
    let groups: serde_json::Map<String, Value> = groups.collect();
    let tasks: Vec<Value> = (0..tasks)
        .map(|it| json!({"arn": of_cluster("task", &format!("{it:032x}")), "group": format!("service:{}", name("s")),
            "started_by": "ecs-svc/1111111111111111111", "task_definition": definition, "last_status": "RUNNING",
            "desired_status": "RUNNING", "version": 5, "started_at": "2026-11-23T08:00:00Z",
            "containers": [{"name": name("a")}], "network_interface": {"ipv4": address(it)}}))
        .collect();
    json!({"version": 1, "now": moment(secs), "hop": hop, "record": record, "observation": {
        "key": {"cluster": cluster, "service": name("s")}, "observed_at": moment(secs), "target_groups": groups,
        "service": {"status": "ACTIVE", "controller": "ECS", "strategy": "ROLLING", "desired_count": tasks.len(),
            "running_count": tasks.len(), "load_balancers": entries.collect::<Vec<_>>(),
            "deployments": [{"id": "ecs-svc/1111111111111111111", "status": "PRIMARY", "task_definition": definition, "rollout": "COMPLETED"}]},
        "tasks": tasks, "owners": {"whole_cluster": true, "tasks": []}}})
}

fn refused(rng: &mut Rng, plan: &Plan) -> Vec<WriteOutcome> {
    let results = [
        OutcomeResult::Refused(format!(
            "AccessDenied: \"\u{1}{}\" é{}",
            "\"".repeat(300),
            "x".repeat(300)
        )),
        OutcomeResult::Failed("y".repeat(600)),
        OutcomeResult::Done,
    ];
    let outcomes = plan.actions.iter().flat_map(|action| {
        action.targets.iter().map(|target| (action.kind, action.group.clone(), target.clone()))
    });
    outcomes
        .map(|(kind, group, target)| WriteOutcome {
            kind,
            group,
            target,
            result: results[rng.usize(..3)].clone(),
        })
        .collect()
}

#[track_caller]
fn fits(record: &LedgerRecord, when: &str) {
    let text = serde_json::to_string(record).unwrap();
    assert_eq!(text.len(), record.json_bytes());
    assert!(text.len() <= RECORD_BYTES, "{when}: {} bytes", text.len());
    assert_eq!(LedgerRecord::from_json(&text).unwrap(), *record);
}

#[test]
fn the_record_of_a_large_service_fits_and_each_alert_is_sent_once() {
    let (mut largest, mut sent_items) = (0, 0);
    for seed in 0..3 {
        let mut rng = Rng::with_seed(seed);
        let tasks = rng.usize(250..450);
        let mut record = LedgerRecord::default();
        let mut sent = BTreeSet::new();
        for look in 0..7 {
            let input = input(&mut rng, tasks, look * 70, look, &record);
            let input: PlanInput = serde_json::from_value(input).unwrap();
            let plan = plan(&input);
            fits(&plan.next_record, "before the writes");
            let settled = record_outcomes(&plan.next_record, &refused(&mut rng, &plan));
            fits(&settled, "after the writes");
            record = mark_sent(&settled, &plan.alerts);
            fits(&record, "after the alerts");
            largest = largest.max(record.json_bytes());
            for alert in &plan.alerts {
                for item in &alert.items {
                    sent_items += 1;
                    let once = (
                        alert.state,
                        alert.code.clone(),
                        item.subject.clone(),
                        item.since,
                        alert.severity,
                    );
                    assert!(sent.insert(once.clone()), "seed {seed}, check {look}: twice {once:?}");
                }
            }
        }
    }
    // Otherwise the test would prove nothing.
    assert!(largest > RECORD_BYTES * 9 / 10, "{largest}");
    assert!(sent_items > 500, "{sent_items}");
}

/// A record as another version may have left it, with more of everything.
#[test]
fn a_record_that_is_too_large_loses_words_then_proofs_and_its_marks_last() {
    let at = moment(0);
    let task = |id: usize| cluster().replace(":cluster/", ":task/") + &format!("/{id:032x}");
    let incident = |id: usize, code: &str, reported: bool| {
        let mut it = json!({"code": code, "subject": format!("{} {}:8080", group(0), address(id)), "task": task(id),
            "opened_at": at, "last_seen_at": at, "seen": 2, "why": "w".repeat(500), "confirmed": true, "repairs": 1,
            "repaired_at": at, "refusal": "r".repeat(600)});
        if reported {
            it["alerted_at"] = json!(at);
        }
        it
    };
    let known = |count: usize| -> Value {
        let known = |id: usize| (format!("{}:8080", address(id)), json!({"task": task(id)}));
        Value::Object((0..count).map(known).collect())
    };
    for (incidents, known_targets, other) in [
        (10, 50, 0),
        (10, 900, 0),
        (280, 100, 0),
        (280, 900, 0),
        (280, 900, 20_000),
        (500, 900, 200_000),
    ] {
        let list: Vec<Value> = (0..incidents)
            .map(|id| incident(id, if id % 4 == 0 { "foreign" } else { "missing" }, id % 2 == 0))
            .collect();
        let record = json!({"schema": 1, "kept_since": at, "incidents": list, "known": {group(0): known(known_targets)},
            "later": "z".repeat(other)});
        let record = LedgerRecord::from_json(&record.to_string()).unwrap();
        let fitted = mark_sent(&record, &[]);
        fits(&fitted, "after it was read");
        let reported = |record: &LedgerRecord| {
            record.incidents.iter().filter(|it| it.alerted.is_some()).count()
        };
        if record.json_bytes() <= RECORD_BYTES {
            assert_eq!(fitted, record);
        }
        // Incidents go last, and of them those that were reported.
        if incidents <= 280 {
            assert_eq!(fitted.incidents.len(), incidents);
        }
        assert_eq!(reported(&fitted), reported(&record));
        // What a lost proof may have barred is not proved.
        let proofs_lost = fitted.known != record.known;
        assert_eq!(fitted.continuous_since.is_none(), proofs_lost);
    }
}
