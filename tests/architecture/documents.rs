//! Verifies that the links and names in the documents lead to existing files, headings and code.

use super::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The top-level folders whose files the documents name.
const NAMED: [&str; 9] =
    [".ci/", "bench/", "cli/", "docs/", "events/", "functions/", "scripts/", "shared/", "tests/"];

/// Paths that tools build, fetch or manage.
const NOT_OURS: [&str; 3] = ["target", ".git", "node_modules"];

pub(crate) fn is_markdown(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "md")
}

/// Returns every Markdown file and the template, by path.
pub(crate) fn documents() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder").map(|it| it.expect("an entry").path())
        {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                folders.push(path);
            } else if is_markdown(&name) || name == "template.yaml" {
                let file = path.strip_prefix(root()).expect("a path of the repository");
                found.insert(file.display().to_string(), super::read(&path));
            }
        }
    }
    found
}

/// Returns the texts between backticks on one line.
pub(crate) fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let mut missing = Vec::new();
    for (file, text) in documents() {
        // The changelog may name files that no longer exist.
        if !is_markdown(&file) || file == "CHANGELOG.md" {
            continue;
        }
        for span in text.lines().flat_map(code_spans) {
            let is_path = NAMED.iter().any(|folder| span.starts_with(folder))
                && !span.contains([' ', '<', '*', '{', '$', ':']);
            if is_path && !root().join(span).exists() {
                missing.push(format!("{file}: {span}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_link_leads_somewhere() {
    let all = documents();
    let mut broken = Vec::new();
    for (file, text) in &all {
        let folder = root().join(file).parent().expect("a folder").to_owned();
        for target in links(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let of_path = if path.is_empty() { root().join(file) } else { folder.join(path) };
            let Ok(real) = of_path.canonicalize() else {
                broken.push(format!("{file}: {target}"));
                continue;
            };
            let is_heading = || {
                let text = fs::read_to_string(&real).unwrap_or_default();
                anchors(&text).contains(anchor)
            };
            if !anchor.is_empty() && !is_heading() {
                broken.push(format!("{file}: {target}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_name_of_the_glossary_is_in_the_code() {
    let sources = super::all_sources();
    let words: BTreeSet<&str> = sources.values().flat_map(|source| super::words(source)).collect();
    let glossary = super::read(&root().join("docs/glossary.md"));
    let rows = glossary.lines().filter(|line| line.starts_with("| "));
    let names = rows.filter_map(|row| row.split('|').nth(3)).flat_map(code_spans);
    let unknown = names
        .map(|name| name.rsplit("::").next().unwrap_or(name))
        .filter(|name| !words.contains(name));
    assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// `[words](target)`
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Returns the anchors that GitHub generates from headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}
