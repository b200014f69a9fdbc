//! `check-spec --live` and `export-spec` against the demo's account, which another process serves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use expect_test::expect;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A served account that ends with the test.
struct Served {
    child: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve() -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portkeeper"));
    let mut child = command.args(["world", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split(": ").next().unwrap();
    Served { child, url: format!("http://{address}") }
}

impl Served {
    fn portkeeper(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portkeeper"));
        command
            .args(arguments)
            .args(["--endpoint-url", &self.url])
            .current_dir(folder())
            .output()
            .unwrap()
    }
}

fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}{}exit {}\n",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spec-live");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

const SPEC: &str = "
cluster: shop
taskDefinition:
  family: hello
  containerDefinitions: [{name: web, image: nginx, memory: 128, portMappings: [{containerPort: 80}]}]
service: {serviceName: hello, desiredCount: 2}
loadBalancing:
  - {container: web, port: 80, listener: {loadBalancer: web-tg-alb, port: 80}, host: hello.example.com}
";

#[test]
fn a_spec_is_compared_with_the_account() {
    let served = serve();
    std::fs::write(folder().join("hello.yaml"), SPEC).unwrap();
    expect![[r#"
        hello.yaml:8:5: warning: loadBalancing[0]: another rule of the listener, priority 10 (path /*, to web-tg), comes first and matches every request of this rule, which would receive none; this one has priority 1000. If that is not intended, change `priority`, host or path [rule_hidden]
         8 |   - {container: web, port: 80, listener: {loadBalancer: web-tg-alb, port: 80}, host: hello.example.com}
           |     ^
        + task definition hello would be created
        + target group hello would be created
        + listener rule hello.example.com would be created
        + service hello would be created
        Plan: 4 to create, 0 to change, 0 to delete, 0 to keep, 0 refused. Nothing was written.
        hello.yaml: 1 warning
        exit 0
    "#]].assert_eq(&printed(&served.portkeeper(&["check-spec", "--live", "hello.yaml"])));
    let wrong = SPEC
        .replace("web-tg-alb, port: 80", "web-tg-alb, port: 443")
        .replace("cluster: shop", "cluster: shoop");
    std::fs::write(folder().join("wrong.yaml"), wrong).unwrap();
    expect![[r#"
        wrong.yaml:2:10: error: cluster: cluster `shoop` not found in this account and region: check the name and the region [no_such_cluster]
         2 | cluster: shoop
           |          ^
        wrong.yaml:8:42: error: loadBalancing[0].listener: `web-tg-alb` has no listener on port 443; it listens on 80 (HTTP) [no_such_listener]
         8 |   - {container: web, port: 80, listener: {loadBalancer: web-tg-alb, port: 443}, host: hello.example.com}
           |                                          ^
        + task definition hello would be created
        + target group hello would be created
        + service hello would be created
        Plan: 3 to create, 0 to change, 0 to delete, 0 to keep, 0 refused. Portkeeper would do none of this until the errors are fixed.
        wrong.yaml: 2 errors
        exit 1
    "#]].assert_eq(&printed(&served.portkeeper(&["check-spec", "--live", "wrong.yaml"])));
}

/// An exported spec is valid, and applying it only adds tags.
#[test]
fn an_exported_spec_only_adds_tags() {
    let served = serve();
    for service in ["web", "billing", "proxy", "api"] {
        let exported =
            served.portkeeper(&["export-spec", "--cluster", "shop", "--service", service]);
        assert!(exported.status.success(), "{}", printed(&exported));
        let name = format!("{service}.yaml");
        std::fs::write(folder().join(&name), &exported.stdout).unwrap();
        let output = served.portkeeper(&["check-spec", "--live", "--json", &name]);
        assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let steps = document["files"][0]["steps"].as_array().unwrap();
        assert!(!steps.is_empty());
        for step in steps.iter().filter(|step| step["action"] != "keep") {
            let differences = step["differences"].as_array().unwrap();
            let only_tags =
                differences.iter().all(|it| it["path"].as_str().unwrap().starts_with("tags."));
            assert!(
                step["action"] == "change" && only_tags,
                "{service}: {step:#}\n{}",
                printed(&exported)
            );
        }
    }
    let none = served.portkeeper(&["export-spec", "--cluster", "shop", "--service", "none"]);
    expect![[r#"
        error: cannot export shop/none
          because: service not found
        exit 2
    "#]]
    .assert_eq(&printed(&none));
    let none = served.portkeeper(&["export-spec", "--cluster", "shopp", "--service", "web"]);
    expect![[r#"
        error: cannot export shopp/web
          because: cluster not found: check its name, the region, and the account of the credentials
        exit 2
    "#]]
    .assert_eq(&printed(&none));
}

/// A plan refers to nothing that does not exist, and treats nothing that is unreadable as absent.
#[test]
fn an_unreadable_account_gives_no_plan() {
    let mut served = serve();
    std::fs::write(
        folder().join("named.yaml"),
        "cluster: shop\nservice: {serviceName: hello, desiredCount: 1, taskDefinition: 'nothere:1'}\n",
    )
    .unwrap();
    expect![[r#"
        named.yaml:2:64: error: service.taskDefinition: active task definition `nothere:1` not found [no_such_task_definition]
         2 | service: {serviceName: hello, desiredCount: 1, taskDefinition: 'nothere:1'}
           |                                                                ^
        + service hello would be created
        Plan: 1 to create, 0 to change, 0 to delete, 0 to keep, 0 refused. Portkeeper would do none of this until the errors are fixed.
        named.yaml: 1 error
        exit 1
    "#]].assert_eq(&printed(&served.portkeeper(&["check-spec", "--live", "named.yaml"])));
    std::fs::write(folder().join("hello-unread.yaml"), SPEC).unwrap();
    served.url = "http://127.0.0.1:1".to_owned();
    let printed_text = printed(&served.portkeeper(&["check-spec", "--live", "hello-unread.yaml"]));
    assert!(
        printed_text.contains("No plan: cannot read everything that the spec refers to."),
        "{printed_text}"
    );
    assert!(
        !printed_text.contains("would be created") && printed_text.ends_with("exit 2\n"),
        "{printed_text}"
    );
}

#[test]
fn an_account_without_live_is_refused() {
    let printed_text = printed(&serve().portkeeper(&["check-spec", "hello.yaml"]));
    assert_eq!(
        printed_text,
        "error: --region and --endpoint-url select an account: they require --live\nexit 2\n"
    );
}
