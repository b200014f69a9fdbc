//! Syntax: YAML, strict JSON, and files that are neither. Holds C-48, C-49.

use super::{described, good};
use expect_test::{Expect, expect};
use portkeeper_service_spec::validate;
use serde_json::{Value, json};
use std::fmt::Write as _;

const MINIMAL: &str = "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions:
    - {name: web, image: nginx, memory: 128}
service: {serviceName: hello, desiredCount: 1}
";

fn check_told(name: &str, text: &str, expect: &Expect) {
    expect.assert_eq(&described(name, text));
}

#[test]
fn files_that_are_no_specs() {
    check_told(
        "a.yaml",
        "",
        &expect![[r#"
        error empty : the file is empty; specs/ in Portkeeper's repository has examples
    "#]],
    );
    check_told(
        "a.yaml",
        "# only words\n",
        &expect![[r#"
        error empty : the file is empty; specs/ in Portkeeper's repository has examples
    "#]],
    );
    check_told(
        "a.json",
        "  ",
        &expect![[r#"
        error empty : the file is empty; specs/ in Portkeeper's repository has examples
    "#]],
    );
    check_told(
        "a.yaml",
        "- one\n- two\n",
        &expect![[r#"
            1:1 error wrong_type : expected a mapping with `cluster`, `service` and other members, found a list
        "#]],
    );
    check_told(
        "a.yaml",
        "just words",
        &expect![[r#"
            1:1 error wrong_type : expected a mapping with `cluster`, `service` and other members, found a text
        "#]],
    );
    check_told(
        "a.yaml",
        "cluster: shop\n---\ncluster: other\n",
        &expect![[r#"
        3:1 error syntax : a second document begins here: a spec has one
    "#]],
    );
    check_told(
        "a.yaml",
        &"x".repeat(300 * 1024),
        &expect![[r#"
        error too_large : the file has 307200 bytes; a spec has at most 256 KB. Is it the right file?
    "#]],
    );
    let bytes = |bytes: &[u8]| super::lines(&validate("a.yaml", bytes).1);
    expect![[r#"
        2:10 error not_utf8 : the file is not UTF-8; save it as UTF-8
    "#]]
    .assert_eq(&bytes(b"cluster: shop\nservice: \xff"));
    expect![[r#"
        1:1 error not_utf8 : the file is UTF-16; save it as UTF-8
    "#]]
    .assert_eq(&bytes(b"\xff\xfec\0l\0"));
    // A file of 10 MB is refused without being read.
    expect![[r#"
        error too_large : the file has 10485760 bytes; a spec has at most 256 KB. Is it the right file?
    "#]]
    .assert_eq(&bytes(&vec![b'['; 10 * 1024 * 1024]));
}

#[test]
fn json_is_strict() {
    check_told(
        "a.json",
        "{\n  // words\n  \"cluster\": \"shop\"\n}",
        &expect![[r#"
            2:3 error syntax : JSON has no comments: remove it, or name the file .yaml and write comments with #
        "#]],
    );
    check_told(
        "a.json",
        "{\"cluster\": \"shop\",}",
        &expect![[r#"
            1:19 error syntax : nothing follows this comma: remove it
        "#]],
    );
    check_told(
        "a.json",
        "{cluster: 1}",
        &expect![[r#"
        1:2 error syntax : this is not JSON: expected string for object property
    "#]],
    );
    check_told(
        "a.json",
        "{\"cluster\": 'shop'}",
        &expect![[r#"
        1:13 error syntax : this is not JSON: single-quoted strings are not allowed
    "#]],
    );
    check_told(
        "a.json",
        "{\"cluster\": \"shop\"} {}",
        &expect![[r#"
        1:21 error syntax : this is not JSON: text cannot contain more than one json value
    "#]],
    );
    check_told(
        "a.json",
        "{\"cluster\": \"a\nb\"}",
        &expect![[r#"
        1:14 error syntax : this is not JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 14
    "#]],
    );
    check_told(
        "a.JSON",
        "{\"cluster\": \"shop\", \"cluster\": \"other\"}",
        &expect![[r#"
            1:21 error duplicate_key cluster: duplicate member `cluster`, first in line 1; keep one of them
        "#]],
    );
    check_told(
        "a.json",
        "{\"cluster\": 0x10}",
        &expect![[r#"
        1:13 error syntax : this is not JSON: hexadecimal numbers are not allowed
    "#]],
    );
}

#[test]
fn yaml_is_strict() {
    check_told(
        "a.yaml",
        "cluster: shop\ncluster: other\n",
        &expect![[r#"
            2:1 error duplicate_key cluster: duplicate member `cluster`, first in line 1; keep one of them
        "#]],
    );
    check_told(
        "a.yaml",
        "cluster: shop\n  service: x\n",
        &expect![[r#"
        2:10 error syntax : this is not YAML: mapping values are not allowed in this context (is a `:` or the indentation wrong here or in the line before?)
    "#]],
    );
    check_told(
        "a.yaml",
        "cluster: [shop\n",
        &expect![[r#"
        2:1 error syntax : this is not YAML: while parsing a flow sequence, expected ',' or ']'
    "#]],
    );
    check_told(
        "a.yaml",
        "cluster: !Ref Cluster\n",
        &expect![[r#"
        1:10 error syntax : the tag `!Ref` is not understood; specs are plain YAML, without CloudFormation's functions: write the value itself
    "#]],
    );
    check_told(
        "a.yaml",
        "? [a, b]\n: c\n",
        &expect![[r#"
        1:3 error syntax : a member's name is a text
    "#]],
    );
    check_told(
        "a.yaml",
        "cluster: *nothing\n",
        &expect![[r#"
        1:10 error syntax : this is not YAML: while parsing node, found unknown anchor
    "#]],
    );
    check_told(
        "a.yaml",
        "a: &a [*a]\n",
        &expect![[r#"
            1:8 error syntax : this anchor contains itself
        "#]],
    );
    check_told(
        "a.yaml",
        "\tcluster: shop\n",
        &expect![[r#"
            1:2 error missing_member service: `service` is missing here
        "#]],
    );
}

#[test]
fn nothing_grows_without_a_limit() {
    let mut laughs = String::from("x-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let list = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(laughs, "x-{level}: &a{level} [{list}]").unwrap();
    }
    check_told(
        "a.yaml",
        &laughs,
        &expect![[r#"
            5:31 error syntax : with its anchors resolved, the file has more than 50000 values
        "#]],
    );
    check_told(
        "a.yaml",
        &"[".repeat(100_000),
        &expect![[r#"
        1:256 error syntax : this is not YAML: recursion limit exceeded
    "#]],
    );
    check_told(
        "a.json",
        &"[".repeat(100_000),
        &expect![[r#"
        1:513 error syntax : this is not JSON: maximum nesting depth exceeded
    "#]],
    );
    check_told(
        "a.yaml",
        &format!("x: {}{}", "{a: ".repeat(100), "}".repeat(100)),
        &expect![[r#"
            1:260 error syntax : values are nested more than 64 levels deep here
        "#]],
    );
}

#[test]
fn anchors_merge_keys_and_extensions_are_read() {
    let spec = good(
        "
x-logs: &logs {logDriver: awslogs, options: {awslogs-group: /a, awslogs-region: eu-west-1}}
x-base: &base {image: nginx, memory: 128, logConfiguration: *logs}
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions:
    - <<: *base
      name: web
    - <<: *base
      name: other
      memory: 64
service: {serviceName: hello, desiredCount: 1}
",
    );
    let containers = spec.task_definition.unwrap()["containerDefinitions"].clone();
    let logs = json!({"logDriver": "awslogs", "options": {"awslogs-group": "/a", "awslogs-region": "eu-west-1"}});
    assert_eq!(
        containers,
        json!([
            {"name": "web", "image": "nginx", "memory": 128, "logConfiguration": logs},
            {"name": "other", "image": "nginx", "memory": 64, "logConfiguration": logs},
        ])
    );
}

/// A number where AWS takes a string keeps its spelling; a string where AWS takes a number becomes
/// a number.
#[test]
fn scalars_become_what_aws_takes() {
    let text = MINIMAL.replace(
        "memory: 128}",
        "memory: '128', privileged: 'true', environment: [{name: A, value: 1.10}, {name: B, value: 0755}, {name: C, value: yes}, {name: D, value: true}]}",
    );
    let spec = good(&text.replace("family: hello", "family: hello\n  cpu: 256"));
    let definition = spec.task_definition.unwrap();
    assert_eq!(definition["cpu"], json!("256"));
    let container = &definition["containerDefinitions"][0];
    assert_eq!((&container["memory"], &container["privileged"]), (&json!(128), &json!(true)));
    let values: Vec<&Value> =
        container["environment"].as_array().unwrap().iter().map(|it| &it["value"]).collect();
    assert_eq!(values, ["1.10", "0755", "yes", "true"]);
}

#[test]
fn a_byte_order_mark_and_windows_lines_do_no_harm() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    assert_eq!(good(&text).service_name(), "hello");
    check_told(
        "a.yaml",
        &text.replace("memory", "memry"),
        &expect![[r#"
        6:33 error unknown_member taskDefinition.containerDefinitions[0].memry: there is no member `memry` here; did you mean `memory`?
    "#]],
    );
}

/// Pasted from the AWS CLI: JSON, strings for numbers, read-only members.
#[test]
fn read_only_members_are_distinguished_from_inputs() {
    let shown = r#"{
  "cluster": "shop",
  "taskDefinition": {
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/hello:7",
    "family": "hello", "revision": 7, "status": "ACTIVE",
    "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 128, "volumesFrom": []}]
  },
  "service": {"serviceName": "hello", "desiredCount": "1", "runningCount": 1, "ContainerPort": 80}
}"#;
    check_told(
        "a.json",
        shown,
        &expect![[r#"
            4:5 error unknown_member taskDefinition.taskDefinitionArn: there is no member `taskDefinitionArn` here; AWS returns it but does not accept it: omit it
            5:24 error unknown_member taskDefinition.revision: there is no member `revision` here; AWS returns it but does not accept it: omit it
            5:39 error unknown_member taskDefinition.status: there is no member `status` here; AWS returns it but does not accept it: omit it
            8:60 error unknown_member service.runningCount: there is no member `runningCount` here; AWS returns it but does not accept it: omit it
            8:79 error unknown_member service.ContainerPort: there is no member `ContainerPort` here; docs/service-spec.schema.json lists what can be here
        "#]],
    );
}

/// Members newer than the model: if the file allows them, they reach AWS unchanged.
#[test]
fn unknown_members_can_be_let_through() {
    let text = MINIMAL.replace("memory: 128}", "memory: 128, quantum: {bits: 3}}");
    check_told(
        "a.yaml",
        &text,
        &expect![[r#"
        6:46 error unknown_member taskDefinition.containerDefinitions[0].quantum: there is no member `quantum` here; docs/service-spec.schema.json lists what can be here
    "#]],
    );
    let spec = good(&format!("allowUnknownMembers: true\n{text}"));
    assert_eq!(
        spec.task_definition.unwrap()["containerDefinitions"][0]["quantum"],
        json!({"bits": 3})
    );
    check_told(
        "a.yaml",
        &format!("allowUnknownMembers: true\n{text}"),
        &expect![[r#"
            7:46 warning unknown_member taskDefinition.containerDefinitions[0].quantum: this version does not know `quantum`, and passes it on to AWS unchanged
        "#]],
    );
}

/// However a file is truncated or one byte of it changes, the result is an answer and not a panic.
#[test]
fn any_bytes_give_an_answer() {
    let example = include_bytes!("../../../../specs/bridge-alb.yaml");
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..400 {
        let mut bytes = example.to_vec();
        bytes.truncate(random.usize(1..=bytes.len()));
        for _ in 0..random.usize(0..4) {
            let at = random.usize(0..bytes.len());
            bytes[at] = random.u8(..);
        }
        for name in ["a.yaml", "a.json"] {
            let (spec, problems) = validate(name, &bytes);
            assert!(spec.is_some() || !problems.is_empty());
        }
    }
}
