//! Compares the tables of the documents with what they describe: finding codes, problem
//! codes, settings.
//!
//! A table is found by its header, in any document.

use crate::document::{root, sources, template, text_of};
use portkeeper_aws::config::{SLACK_VARIABLES, VARIABLES, Variable};
use portkeeper_core::code::Code;
use portkeeper_service_spec::problem::ProblemCode;
use portkeeper_service_spec_aws::config::SPEC_VARIABLES;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// README.md and the pages in `docs`.
fn documents() -> BTreeMap<String, String> {
    let pages = fs::read_dir(root().join("docs")).expect("a folder");
    let pages = pages.map(|entry| entry.expect("an entry").path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let all = pages.chain([root().join("README.md")]);
    all.map(|path| {
        let text = fs::read_to_string(&path).expect("a text");
        (path.display().to_string(), text)
    })
    .collect()
}

/// Returns the cells of each row of the one table with this header.
fn table(header: &str) -> Vec<Vec<String>> {
    let documents = documents();
    let with: Vec<&String> =
        documents.values().filter(|text| text.lines().any(|line| line == header)).collect();
    let [text] = with.as_slice() else { panic!("{} tables have `{header}`", with.len()) };
    let rows = text.lines().skip_while(|line| *line != header).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

/// Returns a cell's value without code marks.
fn bare(cell: &str) -> &str {
    cell.trim_matches('`')
}

#[test]
fn the_table_of_findings_is_that_of_the_code() {
    let mut rows = BTreeMap::new();
    for row in table("| code | severity | meaning | repaired? |") {
        let [codes, severity, meaning, repaired] = row.as_slice() else { panic!("{row:?}") };
        assert!(!meaning.is_empty() && !repaired.is_empty(), "{row:?}");
        for code in codes.split(", ").map(bare) {
            let before = rows.insert(code.to_owned(), bare(severity).to_owned());
            assert_eq!(before, None, "{code} is there twice");
        }
    }
    let of_code = |code: &Code| (code.to_string(), code.severity().as_str().to_owned());
    assert_eq!(rows, Code::ALL.iter().map(of_code).collect(), "left is the table");
}

#[test]
fn the_table_of_problem_codes_is_that_of_the_code() {
    let level = |code: &ProblemCode| {
        code.levels().iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
    };
    let row = |code: &ProblemCode| [format!("`{code}`"), level(code), code.meaning().to_owned()];
    let expected: Vec<Vec<String>> =
        ProblemCode::ALL.iter().map(|code| row(code).to_vec()).collect();
    let found = table("| code | level | meaning |");
    for row in &expected {
        let line = row.join(" | ");
        assert!(found.contains(row), "docs/spec-problems.md lacks the row | {line} |");
    }
    for row in &found {
        let line = row.join(" | ");
        assert!(expected.contains(row), "no code of ProblemCode has the row | {line} |");
    }
    assert_eq!(found, expected, "the rows of docs/spec-problems.md are in another order");
}

/// A code that nothing reports would be a row about nothing.
#[test]
fn every_problem_code_is_reported_somewhere() {
    let list = root().join("shared/service-spec/src/problem/code.rs");
    let files = ["shared/service-spec/src", "functions/create-service/src"]
        .into_iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .filter(|file| *file != list);
    let code: String = files.map(|file| fs::read_to_string(file).expect("a source")).collect();
    for known in ProblemCode::ALL {
        let name = format!("ProblemCode::{known:?}");
        let is_there = code.match_indices(&name).any(|(at, name)| {
            !code[at + name.len()..].starts_with(|letter: char| letter.is_ascii_alphanumeric())
        });
        assert!(is_there, "nothing reports {name}");
    }
}

#[test]
fn the_table_of_settings_is_that_of_the_code_and_the_template() {
    let template = template();
    let variables: BTreeMap<&str, &Variable> = VARIABLES.iter().map(|it| (it.name, it)).collect();
    let mut named = BTreeSet::new();
    for row in table("| parameter | variable | default | allowed | meaning |") {
        let [parameter, variable, default, allowed, meaning] = row.as_slice() else {
            panic!("{row:?}")
        };
        let (parameter, variable, default) = (bare(parameter), bare(variable), bare(default));
        assert!(!allowed.is_empty() && !meaning.is_empty(), "{variable}");
        let of_code = variables.get(variable).unwrap_or_else(|| panic!("{variable} is not read"));
        assert!(named.insert(variable.to_owned()), "{variable} is there twice");
        if parameter.is_empty() {
            assert_eq!(default, "set by the template", "{variable}");
            continue;
        }
        assert_eq!(Some(default), of_code.default, "{variable}");
        follows_the_template(&template["Parameters"][parameter], parameter, default, allowed);
    }
    assert_eq!(named, variables.keys().map(|name| (*name).to_owned()).collect());
}

fn follows_the_template(parameter: &Value, name: &str, default: &str, allowed: &str) {
    assert_eq!(default, text_of(&parameter["Default"]), "{name}");
    if let Some((least, most)) = parameter["MinValue"].as_i64().zip(parameter["MaxValue"].as_i64())
    {
        assert_eq!(allowed, format!("{least} to {most}"), "{name}");
    }
    if let Some(choices) = parameter["AllowedValues"].as_array() {
        let choices: Vec<String> = choices.iter().map(|it| format!("`{}`", text_of(it))).collect();
        assert_eq!(allowed, choices.join(", "), "{name}");
    }
}

/// Those without a table row are named in the text.
#[test]
fn every_parameter_and_every_variable_is_documented() {
    let text: String = documents().into_values().collect();
    let template = template();
    let parameters = template["Parameters"].as_object().expect("parameters");
    let variables = [VARIABLES, SLACK_VARIABLES, SPEC_VARIABLES].concat();
    let variables = variables.iter().map(|variable| variable.name);
    for name in parameters.keys().map(String::as_str).chain(variables) {
        assert!(text.contains(&format!("`{name}")), "{name} is in no document");
    }
}
