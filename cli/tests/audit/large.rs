//! 500 services with 10 tasks each: the audit finds exactly the planted faults, with the fewest
//! calls and little memory.

use crate::account::Served;
use serde_json::Value;

/// `code service about`, sorted.
pub fn findings(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |it: &Value, member: &str| it[member].as_str().unwrap().to_owned();
    let mut found: Vec<String> = findings
        .map(|it| format!("{} {} {}", text(it, "code"), text(it, "service"), text(it, "about")))
        .collect();
    found.sort();
    found
}

/// The planted faults in the same form.
pub fn planted(account: &Served) -> Vec<String> {
    let planted =
        account.planted.iter().map(|it| format!("{} {} {}", it.code, it.service, it.about));
    let mut planted: Vec<String> = planted.collect();
    planted.sort();
    planted
}

#[test]
fn the_audit_finds_exactly_the_planted_faults_with_the_fewest_calls() {
    let account = Served::large(500, 10);
    let output = account.audit(&["--json"]);
    assert_eq!(output.code, 1, "{}", output.err);
    let report = output.json();
    assert_eq!(planted(&account).len(), 16);
    assert_eq!(findings(&report), planted(&account));
    assert_eq!(report["unread"], serde_json::json!([]));
    assert_eq!(report["clusters"]["prod-1"]["services"], 250);
    assert_eq!(report["clusters"]["prod-2"]["tasks"], 2500);
    let api = &report["api"];
    assert_eq!(api["total"], api["lower_bound"]["total"], "{api:#}");
    assert_eq!(api["total"], account.calls(), "every call to the account was counted");
    println!(
        "{} calls, {} s, at most {} MB",
        api["total"],
        report["seconds"],
        output.peak_kb / 1024
    );
    assert!(output.peak_kb < 150 * 1024, "{} kB", output.peak_kb);
    assert!(!cfg!(target_os = "linux") || output.peak_kb > 0, "the memory was not sampled");
    assert_eq!(output.err, "", "no progress bar without a terminal");
}
