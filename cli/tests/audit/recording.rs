//! A recording gives the same findings offline, and contains no account id.

use crate::account::{Served, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The number of the simulated account.
const ACCOUNT: &str = "111122223333";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn plan_agrees_with_the_audit_and_no_account_number_is_left() {
    let account = Served::large(40, 3);
    let path = file("recording.json");
    let path = path.to_str().unwrap();
    let live = account.audit(&["--json", "--record", path]);
    assert_eq!(live.code, 1, "{}", live.err);
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains(ACCOUNT));
    assert!(text.contains("arn:aws:ecs:eu-west-1:000000000001:cluster/prod-1"));

    let offline = run(&["plan", path, "--json"]);
    assert_eq!(offline.code, live.code, "{}", offline.err);
    let masked = live.out.replace(ACCOUNT, "000000000001");
    let (live, offline): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&masked).unwrap(), offline.json());
    assert!(live["findings"].as_array().unwrap().len() == 16);
    for member in [
        "version",
        "clusters",
        "findings",
        "by_code",
        "not_known",
        "too_young",
        "not_looked_at",
        "unread",
    ] {
        assert_eq!(live[member], offline[member], "{member}");
    }
    let shown = run(&["plan", path]);
    assert!(shown.out.contains("16 findings: "), "{}", shown.out);
}

#[test]
fn a_recording_of_another_version_and_a_broken_one_are_refused() {
    for (name, text, wanted) in [
        (
            "other.json",
            r#"{"version": 7, "inputs": []}"#,
            "its `version` is 7; this version of Portkeeper reads 1",
        ),
        ("broken.json", "{\"version\": 1,\n \"inputs\": [{}]}", "line 2"),
        ("more.json", r#"{"version": 1, "inputs": [], "secret": 1}"#, "unknown field `secret`"),
    ] {
        let path = file(name);
        fs::write(&path, text).unwrap();
        let output = run(&["plan", path.to_str().unwrap()]);
        assert_eq!(output.code, 2, "{name}");
        assert!(output.err.contains(wanted), "{name}: {}", output.err);
    }
}

/// The account does not answer, and the file has the recording of an earlier audit.
#[test]
fn an_earlier_recording_stays_until_there_is_a_new_one() {
    let path = file("earlier.json");
    let path = path.to_str().unwrap();
    fs::write(path, "an earlier and longer recording: ".repeat(100_000)).unwrap();
    let unreachable = run(&["audit", "--endpoint-url", "http://127.0.0.1:1", "--record", path]);
    assert_eq!(unreachable.code, 2, "{}", unreachable.out);
    assert!(fs::read_to_string(path).unwrap().starts_with("an earlier"));
    assert_ne!(Served::large(1, 1).audit(&["--record", path]).code, 2);
    assert!(fs::read_to_string(path).unwrap().starts_with('{'));
}

#[test]
fn an_unwritable_file_is_reported_before_anything_is_read() {
    let account = Served::large(1, 1);
    let output = account.audit(&["--record", "/no/such/folder/recording.json"]);
    assert_eq!(output.code, 2);
    assert!(output.err.contains("cannot write /no/such/folder/recording.json"), "{}", output.err);
    assert_eq!(account.calls(), 0);
}

/// Some editors start a file with a byte order mark.
#[test]
fn standard_input_and_a_byte_order_mark_are_read() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (command, file, wanted) in [
        ("plan", "docs/observation-example.json", "register web-tg"),
        ("replay", "events/task-stopped-fargate-2024.json", "Result: "),
    ] {
        let text = fs::read_to_string(repository.join(file)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_portkeeper"));
        let child = child.args([command, "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        std::io::Write::write_all(
            &mut child.stdin.take().unwrap(),
            format!("\u{feff}{text}").as_bytes(),
        )
        .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}");
        assert!(String::from_utf8(output.stdout).unwrap().contains(wanted), "{command}");
    }
}
