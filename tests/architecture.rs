//! Verifies the rules of ARCHITECTURE.md that the compiler does not enforce: which packages may
//! depend on which, and what a source file may contain.
//!
//! It reads manifests, the lock file and sources as text and does not run cargo.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "A test fails by panicking."
)]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/documents.rs"]
mod documents;
#[path = "architecture/language.rs"]
mod language;
#[path = "architecture/modules.rs"]
mod modules;
#[path = "architecture/traceability.rs"]
mod traceability;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The workspace packages on which each package may depend. A package that is missing here fails
/// the test.
const MAY_DEPEND_ON: [(&str, &[&str]); 17] = [
    // Only its tests: cargo refuses a circle of anything but dev-dependencies.
    ("portkeeper-core", &["portkeeper-text-world"]),
    ("portkeeper-text-world", &["portkeeper-core"]),
    ("portkeeper-service-spec", &["portkeeper-core"]),
    ("portkeeper-aws", &["portkeeper-core"]),
    (
        "portkeeper-service-spec-aws",
        &["portkeeper-aws", "portkeeper-core", "portkeeper-service-spec"],
    ),
    ("portkeeper-world", &[]),
    ("portkeeper-reconcile", &["portkeeper-aws", "portkeeper-core"]),
    ("portkeeper-sweep", &["portkeeper-aws", "portkeeper-core"]),
    (
        "portkeeper-create-service",
        &[
            "portkeeper-aws",
            "portkeeper-core",
            "portkeeper-service-spec",
            "portkeeper-service-spec-aws",
        ],
    ),
    ("portkeeper-notify-events", &["portkeeper-aws", "portkeeper-core", "portkeeper-service-spec"]),
    ("portkeeper-notify-slack", &["portkeeper-aws", "portkeeper-core", "portkeeper-service-spec"]),
    // The real functions, deployed in the simulated account.
    (
        "portkeeper-stage",
        &[
            "portkeeper-aws",
            "portkeeper-core",
            "portkeeper-create-service",
            "portkeeper-reconcile",
            "portkeeper-service-spec-aws",
            "portkeeper-sweep",
            "portkeeper-world",
        ],
    ),
    // The demo shows the stage; `replay` shows the function's own report.
    (
        "portkeeper",
        &[
            "portkeeper-aws",
            "portkeeper-core",
            "portkeeper-reconcile",
            "portkeeper-service-spec",
            "portkeeper-service-spec-aws",
            "portkeeper-stage",
            "portkeeper-text-world",
            "portkeeper-world",
        ],
    ),
    (
        "portkeeper-tests",
        &[
            "portkeeper-aws",
            "portkeeper-core",
            "portkeeper-create-service",
            "portkeeper-notify-events",
            "portkeeper-notify-slack",
            "portkeeper-reconcile",
            "portkeeper-service-spec",
            "portkeeper-service-spec-aws",
            "portkeeper-stage",
            "portkeeper-sweep",
            "portkeeper-world",
        ],
    ),
    // The simulated account as a program; the functions next to it are real processes.
    ("portkeeper-deployed", &["portkeeper-world"]),
    (
        "portkeeper-bench",
        &[
            "portkeeper-aws",
            "portkeeper-core",
            "portkeeper-stage",
            "portkeeper-sweep",
            "portkeeper-tests",
            "portkeeper-world",
        ],
    ),
    ("portkeeper-empty-function", &[]),
];

/// The pure crates: they return the same output for the same input and have no side effects.
const PURE: [&str; 3] = ["shared/core", "shared/service-spec", "shared/text-world"];

/// Crates on which a pure crate must not depend, not even indirectly: AWS, I/O, clocks and
/// randomness.
const NOT_IN_PURE: [&str; 10] = [
    "aws",
    "fastrand",
    "getrandom",
    "http",
    "hyper",
    "lambda_runtime",
    "mio",
    "rand",
    "tokio",
    "tracing",
];

/// Words that the sources of a pure crate must not contain: the same, and collections whose order
/// differs from run to run.
const NOT_A_PURE_WORD: [&str; 14] = [
    "File",
    "HashMap",
    "HashSet",
    "Instant",
    "SystemTime",
    "TcpStream",
    "env",
    "fastrand",
    "fs",
    "process",
    "rand",
    "stdin",
    "thread",
    "tokio",
];

/// The maximum number of lines of a file. A longer file has two subjects.
const MOST_LINES: usize = 400;

/// The maximum number of lines of a test file: a list of cases as text is long even with one
/// subject.
const MOST_LINES_OF_TESTS: usize = 800;

/// Files that may be longer, with the reason.
const LONGER: [(&str, &str); 0] = [];

/// The crates that call AWS. Types of the SDK do not leave them.
const CALLS_AWS: [&str; 2] = ["shared/aws", "shared/service-spec-aws"];

/// The public functions of these crates that may name a type of the SDK, with the reason.
const MAY_NAME_SDK_TYPES: [(&str, &str); 6] = [
    ("from_sdk_config", "it is how a simulated account is put behind real clients"),
    ("sdk_config", "credentials, region and HTTP client are one for all clients of a process"),
    ("patient", "every client has the same retries and time-outs, those for specs, too"),
    ("lazily", "every client is made when it is first used, those for specs, too"),
    ("failure", "what an error of the SDK means is decided in one place"),
    ("of_sdk_error", "the same, for calls that take no turn"),
];

/// Crates that only specs need. The function that checks services must not depend on them.
const ONLY_FOR_SPECS: [&str; 7] = [
    "aws-sdk-applicationautoscaling",
    "aws-sdk-cloudcontrol",
    "aws-sdk-cloudwatchlogs",
    "aws-sdk-s3",
    "jsonc-parser",
    "portkeeper-service-spec",
    "saphyr-parser",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn toml(path: &Path) -> Table {
    read(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the folders of the workspace's packages.
fn members() -> Vec<PathBuf> {
    let manifest = toml(&root().join("Cargo.toml"));
    let members = manifest["workspace"]["members"].as_array().expect("members");
    members.iter().map(|member| root().join(member.as_str().expect("a path"))).collect()
}

/// Returns every Rust source of these folders, by its path in the repository.
fn sources<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = folders.into_iter().cloned().collect();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root())
                    .expect("a path of the repository")
                    .display()
                    .to_string();
                found.insert(name, read(&path));
            }
        }
    }
    found
}

fn all_sources() -> BTreeMap<String, String> {
    sources(&members())
}

/// `tests/...`, `shared/core/tests/...`, `.../tests.rs`, `.../event_tests.rs`
fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.split('/').any(|part| part == "tests")
}

/// Returns the code without comments. A `//` within a string ends the line too early, which can
/// only hide the rest of that line.
fn code(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// Returns the names under `[dependencies]` and similar tables.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = tables.into_iter().filter_map(|table| manifest.get(table)?.as_table());
    tables.flat_map(Table::keys).cloned().collect()
}

#[test]
fn imports_run_one_way() {
    let may: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.into();
    for member in members() {
        let manifest = toml(&member.join("Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a name");
        let allowed =
            may.get(name).unwrap_or_else(|| panic!("{name} has no place in the architecture"));
        let ours = dependencies(&manifest)
            .into_iter()
            .filter(|dependency| dependency.starts_with("portkeeper"));
        for dependency in ours {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

/// Returns all direct and indirect dependencies of these crates according to the lock file.
fn reach(crates: Vec<String>) -> BTreeSet<String> {
    let lock = toml(&root().join("Cargo.lock"));
    let packages = lock["package"].as_array().expect("packages");
    let mut reached = BTreeSet::new();
    let mut ahead = crates;
    while let Some(name) = ahead.pop() {
        if !reached.insert(name.clone()) {
            continue;
        }
        // Follow both versions of a crate that has two: this finds too many dependencies instead of
        // too few.
        for package in packages.iter().filter(|package| package["name"].as_str() == Some(&name)) {
            let dependencies =
                package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
            // `name`, or `name version` where there are several.
            ahead.extend(
                dependencies.filter_map(|it| Some(it.as_str()?.split(' ').next()?.to_owned())),
            );
        }
    }
    reached
}

/// Dev-dependencies of a pure crate are not part of it, and may use randomness.
#[test]
fn a_pure_crate_reaches_no_outside_world() {
    for pure in PURE {
        let manifest = toml(&root().join(pure).join("Cargo.toml"));
        let direct = manifest["dependencies"].as_table().expect("dependencies").keys().cloned();
        // The lock file does not distinguish dependencies from dev-dependencies, so the manifests
        // determine those of our own crates.
        let direct = direct.filter(|name| !name.starts_with("portkeeper")).collect();
        for name in reach(direct) {
            let is = |forbidden: &str| {
                name.strip_prefix(forbidden)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
            };
            assert!(!NOT_IN_PURE.iter().any(|forbidden| is(forbidden)), "{pure} reaches {name}");
        }
    }
}

#[test]
fn a_pure_crate_is_the_same_for_the_same_input() {
    for (file, source) in sources(&PURE.map(|pure| root().join(pure).join("src"))) {
        for (number, line) in code(&source) {
            let forbidden = words(line).find(|word| NOT_A_PURE_WORD.contains(word));
            assert_eq!(forbidden, None, "{file}:{number}: {line}");
        }
    }
}

#[test]
fn checks_start_without_what_only_specs_need() {
    for function in ["portkeeper-reconcile", "portkeeper-sweep"] {
        let reached = reach(vec![function.to_owned()]);
        let more = ONLY_FOR_SPECS.iter().find(|name| reached.contains(**name));
        assert_eq!(more, None, "{function} reaches it");
    }
}

#[test]
fn types_of_the_sdk_stay_in_the_crates_that_call_aws() {
    for (file, source) in sources(&CALLS_AWS.map(|folder| root().join(folder).join("src"))) {
        let sdk = sdk_names(&source);
        for signature in public_signatures(&source) {
            let name = words(signature).skip_while(|word| *word != "fn").nth(1).expect("a name");
            let shown =
                words(signature).find(|word| word.starts_with("aws_sdk_") || sdk.contains(word));
            let excused = MAY_NAME_SDK_TYPES.iter().any(|(function, _)| *function == name);
            assert!(
                shown.is_none() || excused,
                "{file}: {name} shows {}",
                shown.unwrap_or_default()
            );
        }
    }
}

/// Returns the names that `use` imports from the SDK: types, and modules under their new names.
fn sdk_names(source: &str) -> BTreeSet<&str> {
    let imports = source.split("use aws_").skip(1).filter_map(|rest| rest.split(';').next());
    let names = imports.flat_map(|import| {
        let types = words(import)
            .filter(|word| word.starts_with(|letter: char| letter.is_ascii_uppercase()));
        let renamed = import.split(" as ").skip(1).filter_map(|rest| words(rest).next());
        types.chain(renamed).collect::<Vec<_>>()
    });
    names.collect()
}

/// Returns the text from `pub fn` to its body.
fn public_signatures(source: &str) -> impl Iterator<Item = &str> {
    ["pub fn ", "pub async fn "].into_iter().flat_map(move |start| {
        source.match_indices(start).filter_map(move |(at, _)| source[at..].split(" {\n").next())
    })
}

#[test]
fn every_source_says_what_it_is_for() {
    let silent = all_sources().into_iter().filter(|(_, source)| !source.starts_with("//!"));
    assert_eq!(silent.map(|(file, _)| file).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_file_is_about_two_things() {
    let lengths = all_sources().into_iter().map(|(file, source)| (file, source.lines().count()));
    let most = |file: &str| if is_test(file) { MOST_LINES_OF_TESTS } else { MOST_LINES };
    let long: BTreeMap<String, usize> =
        lengths.filter(|(file, lines)| *lines > most(file)).collect();
    let excused: BTreeSet<&str> = LONGER.iter().map(|(file, _)| *file).collect();
    assert_eq!(long.keys().map(String::as_str).collect::<BTreeSet<_>>(), excused, "{long:?}");
}

#[test]
fn nothing_is_left_undone_or_untested() {
    // In pieces, so that this file does not contain them.
    let left = [
        concat!("#[", "ignore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
    ];
    for (file, source) in all_sources() {
        for (number, line) in code(&source) {
            assert!(!left.iter().any(|left| line.contains(left)), "{file}:{number}: {line}");
        }
    }
}

#[test]
fn no_module_is_a_drawer_and_no_export_a_glob() {
    for (file, source) in all_sources() {
        let stem = Path::new(&file).file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(
            !["common", "helper", "helpers", "misc", "util", "utils"].contains(&stem.as_str()),
            "{file}"
        );
        for (number, line) in code(&source) {
            let is_glob = line.trim_start().starts_with("pub use ") && line.contains('*');
            assert!(!is_glob, "{file}:{number}: {line}");
        }
    }
}

#[test]
fn every_package_follows_the_workspace() {
    for member in members() {
        let manifest = toml(&member.join("Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a name");
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name}: lints");
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            assert_eq!(
                manifest["package"][field]["workspace"].as_bool(),
                Some(true),
                "{name}: {field}"
            );
        }
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (dependency, how) in
                manifest.get(table).and_then(Value::as_table).into_iter().flatten()
            {
                let ours = dependency.starts_with("portkeeper") && how.get("path").is_some();
                let inherited = how.get("workspace").and_then(Value::as_bool) == Some(true);
                assert!(ours || inherited, "{name}: {dependency} has a version of its own");
            }
        }
    }
}
