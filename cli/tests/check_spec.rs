//! The commands `portkeeper check-spec` and `portkeeper spec-schema`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::{Expect, expect, expect_file};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the command in the repository, so that paths are relative to it.
fn portkeeper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portkeeper"))
        .args(arguments)
        .current_dir(repository())
        .output()
        .unwrap()
}

/// Returns the output and the exit code.
fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}{}exit {}\n",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

fn check(arguments: &[&str], expect: &Expect) {
    expect.assert_eq(&printed(&portkeeper(arguments)));
}

/// Writes a file with this text.
fn file(name: &str, text: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check-spec");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_examples_are_valid() {
    let names = ["blue-green", "bridge-alb", "fargate", "minimal", "nlb-tcp", "two-groups"];
    let files = names.map(|name| format!("specs/{name}.yaml"));
    let mut arguments = vec!["check-spec"];
    arguments.extend(files.iter().map(String::as_str));
    check(
        &arguments,
        &expect![[r#"
        specs/blue-green.yaml: OK
        specs/bridge-alb.yaml: OK
        specs/fargate.yaml: OK
        specs/minimal.yaml: OK
        specs/nlb-tcp.yaml: OK
        specs/two-groups.yaml: OK
        exit 0
    "#]],
    );
}

/// Each example has a broken twin, whose errors and positions are stored next to it.
#[test]
fn the_broken_twins_report_every_error() {
    let printed_for =
        |name: &str| printed(&portkeeper(&["check-spec", &format!("specs/broken/{name}.yaml")]));
    expect_file!["../../specs/broken/blue-green.txt"].assert_eq(&printed_for("blue-green"));
    expect_file!["../../specs/broken/bridge-alb.txt"].assert_eq(&printed_for("bridge-alb"));
    expect_file!["../../specs/broken/fargate.txt"].assert_eq(&printed_for("fargate"));
    expect_file!["../../specs/broken/minimal.txt"].assert_eq(&printed_for("minimal"));
    expect_file!["../../specs/broken/nlb-tcp.txt"].assert_eq(&printed_for("nlb-tcp"));
    expect_file!["../../specs/broken/two-groups.txt"].assert_eq(&printed_for("two-groups"));
}

#[test]
fn warnings_alone_exit_with_0() {
    let text = std::fs::read_to_string(repository().join("specs/minimal.yaml")).unwrap();
    let path = file(
        "warning.yaml",
        text.replace("containerPort: 80", "{containerPort: 80, hostPort: 80}").as_bytes(),
    );
    let output = portkeeper(&["check-spec", path.to_str().unwrap()]);
    assert!(output.status.success());
    assert!(printed(&output).contains("warning"), "{}", printed(&output));
}

#[test]
fn a_file_that_does_not_exist_does_not_hide_the_others() {
    check(
        &["check-spec", "specs/none.yaml", "specs/minimal.yaml"],
        &expect![[r#"
        specs/minimal.yaml: OK
        error: cannot read specs/none.yaml
          because: No such file or directory (os error 2)
        exit 2
    "#]],
    );
    check(
        &["check-spec"],
        &expect![[r#"
        error: the following required arguments were not provided:
          <FILE>...

        Usage: portkeeper check-spec <FILE>...

        For more information, try '--help'.
        exit 2
    "#]],
    );
}

#[test]
fn unusual_files_have_errors_and_do_not_fail_the_command() {
    for (name, bytes) in [
        ("empty.yaml", &b""[..]),
        ("latin.yaml", b"cluster: caf\xe9"),
        ("list.json", b"[1]"),
        ("one-line.json", b"{\"a\":\t1}"),
    ] {
        let output = portkeeper(&["check-spec", file(name, bytes).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    }
}

#[test]
fn standard_input_is_read() {
    let command = Command::new(env!("CARGO_BIN_EXE_portkeeper"))
        .args(["check-spec", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = command.unwrap();
    child.stdin.take().unwrap().write_all(b"cluster: shop\n").unwrap();
    let output = child.wait_with_output().unwrap();
    expect![[r#"
        -:1:1: error: service: `service` is missing here [missing_member]
         1 | cluster: shop
           | ^
        -: 1 error
        exit 1
    "#]]
    .assert_eq(&printed(&output));
}

#[test]
fn json_has_the_same_problems() {
    let output =
        portkeeper(&["check-spec", "--json", "specs/minimal.yaml", "specs/broken/minimal.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["files"][0]["problems"], serde_json::json!([]));
    assert_eq!(
        document["files"][1]["problems"][1],
        serde_json::json!({
            "weight": "error", "code": "unknown_member", "at": "taskDefinition.containerDefinitions[0].memmory",
            "place": {"line": 8, "column": 7}, "message": "there is no member `memmory` here; did you mean `memory`?"
        })
    );
}

#[test]
fn the_schema_is_the_published_one() {
    let output = portkeeper(&["spec-schema"]);
    assert!(output.status.success());
    assert_eq!(
        output.stdout,
        std::fs::read(repository().join("docs/service-spec.schema.json")).unwrap()
    );
}
