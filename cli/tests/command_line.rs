//! The command line: what each command prints, and its exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use portkeeper::exit::Exit;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn portkeeper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portkeeper")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn json(arguments: &[&str]) -> Value {
    let output = portkeeper(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The rows of the documented table, and the places that choose an exit code.
#[test]
fn exit_codes_are_those_of_the_documentation() {
    let page = fs::read_to_string(in_repository("docs/command-line.md")).unwrap();
    let rows = page.lines().skip_while(|line| *line != "| code | meaning |").skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    let of_code: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("| {} | {} |", exit.code(), exit.meaning())).collect();
    assert_eq!(rows, of_code);
    for file in sources(&in_repository("cli/src")) {
        let chooses = fs::read_to_string(&file).unwrap().contains("ExitCode::");
        assert!(!chooses, "{}: only exit.rs says which number that is", file.display());
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn the_demo_finds_every_planted_fault_and_harms_no_running_task() {
    for seed in ["1", "2", "3"] {
        let demo = json(&["demo", "--fast", "--json", "--seed", seed]);
        let incidents = demo["incidents"].as_array().unwrap();
        let mut codes: Vec<&str> =
            incidents.iter().map(|it| it["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(
            codes,
            ["foreign", "hijacked", "missing", "missing", "missing", "stale"],
            "seed {seed}"
        );
        assert!(
            incidents.iter().all(|it| it["alerts"] == 2 && it["resolved_seconds"].is_u64()),
            "seed {seed}"
        );
        assert_eq!(demo["wrong_deregistrations"], 0, "seed {seed}");
    }
}

#[test]
fn the_demo_is_deterministic_and_has_no_colours_in_a_pipe() {
    let first = portkeeper(&["demo", "--fast"]);
    assert!(first.status.success());
    assert_eq!(first.stdout, portkeeper(&["demo", "--fast"]).stdout);
    assert!(!text(&first.stdout).contains('\u{1b}'));
    assert!(
        text(&first.stdout).contains("Targets of running tasks that Portkeeper deregistered: 0.")
    );
}

#[test]
fn every_sample_event_can_be_replayed() {
    let mut replayed = 0;
    for folder in ["events", "events/sqs", "events/unreadable"] {
        for entry in fs::read_dir(in_repository(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let output = portkeeper(&["replay", path.to_str().unwrap()]);
                assert!(output.status.success(), "{}: {}", path.display(), text(&output.stderr));
                let words = ["Result: ", "Ignored", "Unreadable", "Portkeeper checks the services"];
                assert!(
                    words.iter().any(|word| text(&output.stdout).contains(word)),
                    "{}",
                    path.display()
                );
                replayed += 1;
            }
        }
    }
    assert!(replayed > 20, "{replayed}");
}

#[test]
fn an_event_of_another_function_names_that_function() {
    let path = in_repository("events/ignored-s3-object-created.json");
    let output = portkeeper(&["replay", path.to_str().unwrap()]);
    assert!(
        text(&output.stdout).contains("go to the function `create-service`"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn the_example_observation_is_planned_on() {
    let path = in_repository("docs/observation-example.json");
    let plan = json(&["plan", path.to_str().unwrap(), "--json"]);
    let actions = plan["actions"].as_array().unwrap();
    let kinds: Vec<&str> = actions.iter().map(|action| action["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["register", "deregister"]);
    let shown = portkeeper(&["plan", path.to_str().unwrap()]);
    let shown = text(&shown.stdout);
    assert!(shown.contains("register web-tg: i-0123456789abcdef0:32769"), "{shown}");
    assert!(!shown.contains("would also read"), "the example answers every question: {shown}");
}

#[test]
fn errors_name_the_unusable_argument_and_the_solution() {
    let readme = in_repository("README.md");
    let cases: [(&[&str], &[&str]); 5] = [
        (&["demmo"], &["unrecognized subcommand 'demmo'", "'demo'", "Usage"]),
        (&["plan", "--jsn", "x"], &["'--jsn'", "'--json'"]),
        (&["replay", "no-such-file.json"], &["cannot read no-such-file.json", "No such file"]),
        (
            &["plan", readme.to_str().unwrap()],
            &["README.md: it is not an observation", "docs/observation.md", "line 1"],
        ),
        (&["demo", "--seed", "many"], &["invalid value 'many'", "--seed"]),
    ];
    for (arguments, wanted) in cases {
        let output = portkeeper(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        for words in wanted {
            assert!(
                text(&output.stderr).contains(words),
                "{arguments:?}: {}",
                text(&output.stderr)
            );
        }
    }
}

#[test]
fn an_observation_of_another_version_is_refused() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("observation-of-another-version.json");
    fs::write(&path, r#"{"version": 99}"#).unwrap();
    let output = portkeeper(&["plan", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("its `version` is 99; this version of Portkeeper reads 1")
    );
}

/// A process that ends with the test, even if the test fails.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_account_is_served_to_other_programs() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portkeeper"));
    let mut served =
        Served(command.args(["world", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(served.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split(": ").next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let target = "AmazonEC2ContainerServiceV20141113.ListClusters";
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: {target}\r\nconnection: close\r\n"
    );
    write!(
        stream,
        "{head}content-type: application/x-amz-json-1.1\r\ncontent-length: 2\r\n\r\n{{}}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("200 OK"), "{answer}");
    assert!(answer.contains("cluster/shop"), "{answer}");

    let taken = portkeeper(&["world", "--port", address.rsplit(':').next().unwrap()]);
    assert_eq!(taken.status.code(), Some(2));
    assert!(text(&taken.stderr).contains("choose another port"), "{}", text(&taken.stderr));
}

/// Runs `plan -` with this text on standard input.
fn plan_of(input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portkeeper"));
    command.args(["plan", "-"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The text world of the README, six lines long, and its result.
fn readme_example() -> (String, String) {
    let readme = fs::read_to_string(in_repository("README.md")).unwrap();
    let example = readme.split("plan - <<'END'\n").nth(1).unwrap();
    let (world, rest) = example.split_once("END\n").unwrap();
    (world.to_owned(), rest.split("```").next().unwrap().to_owned())
}

#[test]
fn a_text_world_is_run_from_a_file_and_from_standard_input() {
    let (world, expected) = readme_example();
    assert_eq!(world.lines().count(), 6);
    let piped = plan_of(&world);
    assert_eq!(piped.status.code(), Some(0), "{}", text(&piped.stderr));
    assert_eq!(text(&piped.stdout), expected);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fault.txt");
    // As some editors save it.
    fs::write(&path, format!("\u{feff}\n{}", world.replace('\n', "\r\n"))).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(text(&portkeeper(&["plan", path]).stdout), expected);
    let as_json = portkeeper(&["plan", "--json", path]);
    assert_eq!(as_json.status.code(), Some(2));
    assert!(as_json.stdout.is_empty());
    assert!(text(&as_json.stderr).contains("fault.txt as JSON"), "{}", text(&as_json.stderr));
    assert!(text(&as_json.stderr).contains("omit --json"), "{}", text(&as_json.stderr));
}

#[test]
fn a_text_world_with_an_error_names_the_line_and_what_is_expected() {
    let (world, _) = readme_example();
    let cases = [
        ("tsk t3 RUNNING/RUNNING", "found `tsk`; expected `policy`, `group`, `service`"),
        ("task t3 RUNNING/RUNNING on i-1 for 5d", "found `5d`; expected a span of time"),
        ("look afta 60s", "found `afta`; expected `after SPAN`, `unsent`"),
    ];
    for (line, wanted) in cases {
        let output = plan_of(&format!("{world}{line}\n"));
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
        let shown = text(&output.stderr);
        assert!(shown.contains(&format!("cannot understand line 7: `{line}`")), "{shown}");
        assert!(shown.contains(wanted), "{shown}");
        assert!(shown.contains("docs/text-worlds.md"), "{shown}");
    }
}

#[test]
fn an_empty_file_is_no_text_world() {
    let output = plan_of("\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it is not an observation"), "{}", text(&output.stderr));
}
