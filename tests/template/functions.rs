//! Every function of the workspace is deployed, measured, and tried as a process.

use crate::document::{resources, root, template, text_of};
use std::collections::BTreeSet;
use std::fs;

/// Returns the words of a file between two texts.
fn listed(file: &str, from: &str, to: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(file)).expect("a text");
    let rest = text.split_once(from).unwrap_or_else(|| panic!("{file} has no `{from}`")).1;
    let list = rest.split_once(to).unwrap_or_else(|| panic!("{file} has no `{to}`")).0;
    let words = list.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// `NotifySlack` for `notify-slack`
fn in_template(package: &str) -> String {
    package.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

#[test]
fn every_function_is_where_functions_are_listed() {
    let folders = fs::read_dir(root().join("functions")).expect("a folder");
    let packages: BTreeSet<String> = folders
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let template = template();
    let deployed = resources(&template, "AWS::Serverless::Function");
    let folders = deployed.values().map(|it| text_of(&it["Properties"]["CodeUri"]));
    let folders = folders.map(|path| path.trim_start_matches("functions/").to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), packages, "template.yaml");
    let names: BTreeSet<String> = packages.iter().map(|it| in_template(it)).collect();
    let resources_of = |end: &str| names.iter().map(|name| format!("{name}{end}")).collect();
    assert_eq!(
        deployed.keys().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>(),
        resources_of("Function")
    );
    assert_eq!(listed(".ci/run", "for name in ", "; do"), names);
    assert_eq!(
        listed("tests/deployed/harness/account.py", "FUNCTIONS = (", ")"),
        resources_of("Function")
    );
    assert_eq!(
        listed(
            "tests/template/permissions.rs",
            "fn granted(template: &Value) -> Vec<&Value> {\n    [",
            "]"
        ),
        resources_of("Role")
    );
    assert_eq!(
        listed("tests/bootstrap/process.rs", "const PROGRAMS: [&str; 5] =\n    [", "]"),
        packages
    );
    let mut measured = listed("bench/run", "packages=(", ")");
    assert!(measured.remove("empty-function"), "bench/run measures what a function is at least");
    assert_eq!(measured, packages, "bench/run");
}
