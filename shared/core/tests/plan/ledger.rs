//! The record of a service: written only when it changes, and read back or started again.

use expect_test::expect;
use portkeeper_core::ids::{Target, TargetGroupArn};
use portkeeper_core::ledger::{LedgerRecord, Repair, Subject, record_outcomes};
use portkeeper_core::plan::{ActionKind, OutcomeResult, WriteOutcome};
use portkeeper_core::time::Timestamp;
use std::error::Error as _;

fn problem(text: &str) -> String {
    let error = LedgerRecord::from_json(text).unwrap_err();
    let source = error.source().map_or(String::new(), |source| format!(": {source}"));
    format!("{error}{source}")
}

/// Holds C-34.
#[test]
fn a_record_of_an_older_or_newer_version_starts_again() {
    expect!["the ledger record has schema 0, but this version reads schema 1; Portkeeper starts a new record"]
        .assert_eq(&problem("{\"schema\":0}"));
    expect!["the ledger record has schema 2, but this version reads schema 1; Portkeeper starts a new record"]
        .assert_eq(&problem("{\"schema\":2,\"anything\":[1,2]}"));
}

/// Holds C-34.
#[test]
fn a_damaged_record_starts_again() {
    expect!["cannot read the ledger record; Portkeeper starts a new one: EOF while parsing a value at line 1 column 12"]
        .assert_eq(&problem("{\"schema\":1,"));
    expect!["cannot read the ledger record; Portkeeper starts a new one: invalid type: sequence, expected struct Reading"].assert_eq(&problem("[]"));
    expect!["cannot read the ledger record; Portkeeper starts a new one: missing field `schema`"]
        .assert_eq(&problem("{}"));
}

#[test]
fn an_empty_record_is_small_and_reads_back() {
    let text = serde_json::to_string(&LedgerRecord::default()).unwrap();
    expect![[r#"{"schema":1}"#]].assert_eq(&text);
    assert_eq!(LedgerRecord::from_json(&text).unwrap(), LedgerRecord::default());
}

#[test]
fn a_full_record_reads_back_as_it_was_written() {
    let text = expect![[
        r#"{"schema":1,"known":{"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef":{"i-1:32768":{"task":"arn:aws:ecs:eu-west-1:111122223333:task/shop/t1"},"[fd00::5]:8080":{"task":"arn:aws:ecs:eu-west-1:111122223333:task/shop/t2","released_at":"2026-11-23T10:00:00Z"}}},"incidents":[{"code":"missing","subject":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef i-1:32768","task":"arn:aws:ecs:eu-west-1:111122223333:task/shop/t1","opened_at":"2026-11-23T10:00:00Z","last_seen_at":"2026-11-23T10:01:00Z","seen":2,"why":"not there","confirmed":true,"alerted_at":"2026-11-23T10:01:00Z","told":"error","told_as":"missing","repairs":1,"repaired_at":"2026-11-23T10:01:00Z"}],"repairs":[{"at":"2026-11-23T10:01:00Z","kind":"register","group":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef","target":"i-1:32768"}],"look_again_at":"2026-11-23T10:02:00Z"}"#
    ]];
    let record = LedgerRecord::from_json(text.data()).unwrap();
    text.assert_eq(&serde_json::to_string(&record).unwrap());
    assert!(matches!(record.incidents[0].subject, Subject::Target(..)));
}

/// What is remembered of other clusters only saves calls: a damaged part is dropped, and nothing
/// else is lost.
#[test]
fn what_is_remembered_of_other_clusters_reads_back_and_may_be_damaged() {
    let group =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";
    let text = format!(
        r#"{{"schema":1,"elsewhere":{{"{group}":{{"10.0.5.1:8080":"2026-11-23T10:00:00Z"}}}},"kept_since":"2026-11-23T10:00:00Z"}}"#
    );
    let record = LedgerRecord::from_json(&text).unwrap();
    assert_eq!(serde_json::to_string(&record).unwrap(), text);
    let damaged = LedgerRecord::from_json(&text.replace("10.0.5.1:8080", "?")).unwrap();
    assert_eq!(damaged, LedgerRecord { of_other_clusters: [].into(), ..record });
}

/// Of several repairs only the one that AWS refused was not executed: the others count towards a
/// fight.
#[test]
fn only_the_refused_repair_is_uncounted() {
    let group = |name: &str| {
        let arn = format!(
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/{name}/0123456789abcdef"
        );
        TargetGroupArn::try_from(arn).unwrap()
    };
    let target = |text: &str| Target::try_from(text.to_owned()).unwrap();
    let at = Timestamp::from_secs(1_795_392_000);
    let repair =
        |kind, name: &str, text: &str| Repair::decided(at, kind, group(name), target(text));
    let made = vec![
        repair(ActionKind::Register, "web", "i-1:32768"),
        repair(ActionKind::Deregister, "web", "i-1:32768"),
        repair(ActionKind::Register, "api", "i-1:32768"),
        repair(ActionKind::Register, "web", "i-2:32768"),
    ];
    let record = LedgerRecord { repairs: made.clone(), ..LedgerRecord::default() };
    let refused = WriteOutcome {
        kind: ActionKind::Register,
        group: group("web"),
        target: target("i-1:32768"),
        result: OutcomeResult::Refused("no".to_owned()),
    };
    assert_eq!(record_outcomes(&record, &[refused]).repairs, made[1..]);
}

/// A write that came too late counts, as a refused one does; one that waited for a registration does
/// not, nor does a failed call. Older versions know neither mark, and keep them.
#[test]
fn outcomes_count_towards_the_limit_unless_an_outage_explains_them() {
    let subject = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef i-1:32768";
    let (group, target) = subject.split_once(' ').unwrap();
    let record = serde_json::json!({"schema": 1,
        "incidents": [{"code": "stale", "subject": subject, "opened_at": "2026-11-23T10:00:00Z", "seen": 2, "why": "w",
            "last_seen_at": "2026-11-23T10:01:00Z", "repairs": 2, "repaired_at": "2026-11-23T10:01:00Z", "skipped": 1}],
        "repairs": [{"at": "2026-11-23T10:01:00Z", "kind": "deregister", "group": group, "target": target, "begun": true}]});
    let record = LedgerRecord::from_json(&record.to_string()).unwrap();
    let outcome = |kind, text: &str, result| WriteOutcome {
        kind,
        group: TargetGroupArn::try_from(group).unwrap(),
        target: Target::try_from(text.to_owned()).unwrap(),
        result,
    };
    let ours = |result| outcome(ActionKind::Deregister, target, result);
    let earlier = |result| outcome(ActionKind::Register, "i-2:32768", result);
    let why = || "why".to_owned();
    let table = [
        ("done", vec![ours(OutcomeResult::Done)]),
        ("refused", vec![ours(OutcomeResult::Refused(why()))]),
        ("failed", vec![ours(OutcomeResult::Failed(why()))]),
        ("late", vec![earlier(OutcomeResult::Done), ours(OutcomeResult::Skipped(why()))]),
        (
            "waited",
            vec![earlier(OutcomeResult::Failed(why())), ours(OutcomeResult::Skipped(why()))],
        ),
        ("unknown", Vec::new()),
    ];
    let table = table.map(|(name, outcomes)| {
        let settled = record_outcomes(&record, &outcomes);
        let begun: Vec<bool> = settled.repairs.iter().map(|it| it.begun).collect();
        let repairs = &settled.incidents[0].repairs;
        format!(
            "{name}: {} tried, {} late in a row, begun: {begun:?}\n",
            repairs.tried, repairs.skipped
        )
    });
    expect![[r#"
        done: 2 tried, 0 late in a row, begun: [false]
        refused: 2 tried, 0 late in a row, begun: []
        failed: 1 tried, 0 late in a row, begun: []
        late: 2 tried, 2 late in a row, begun: []
        waited: 1 tried, 0 late in a row, begun: []
        unknown: 2 tried, 1 late in a row, begun: [true]
    "#]]
    .assert_eq(&table.concat());
}
