//! Cases, AWS facts and invariants have ids, and comments name them. These tests verify both
//! directions and generate `docs/coverage.md`.
//!
//! They read documents and comments as text. A mark is an id in a comment on a line of its own, or
//! anywhere in a document: `C-14`, `F-3.3`, `I-PROOF`.

use super::documents::{self, documents};
use super::{all_sources, is_test, read, root};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;

/// The generated list.
const COVERAGE: &str = "docs/coverage.md";

/// The folder of these tests.
const HERE: &str = "tests/architecture/";

/// The form of marks before this repository contained the documents.
const OLD_MARKS: [&str; 4] = ["CASES", "AWS-FACTS", "invariant ", "invariants "];

/// Successive comments on lines of their own, as one text.
struct Comment {
    /// The number of its first line.
    line: usize,
    text: String,
    /// Whether it is the header of its file.
    is_header: bool,
    /// The test that follows it.
    test: Option<String>,
}

/// The text of an invariant, and where it says that it is implemented and tested.
#[derive(Default)]
struct Invariant {
    statement: String,
    rooms: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// The places that name an id.
#[derive(Default)]
struct Named {
    /// The files whose comments or text name it.
    files: BTreeSet<String>,
    /// The test functions by file; none means the whole file.
    tests: BTreeMap<String, BTreeSet<Option<String>>>,
    /// The sentences that a room quotes, by file.
    rooms: BTreeMap<String, BTreeSet<String>>,
}

/// Returns all problems, and the places that name each id.
#[derive(Default)]
struct Found {
    ids: BTreeMap<String, Named>,
    wrong: Vec<String>,
}

#[test]
fn every_mark_resolves_and_every_id_is_held() {
    let (cases, facts, invariants) = (cases(), facts(), invariants());
    let known: BTreeSet<&String> = cases.iter().chain(&facts).chain(invariants.keys()).collect();
    let mut found = Found::default();
    // The marks in this file are examples.
    let sources = all_sources().into_iter().filter(|(file, _)| !file.starts_with(HERE));
    for (file, source) in sources {
        read_source(&file, &source, &mut found);
    }
    for (file, text) in documents() {
        read_document(&file, &text, &mut found);
    }
    for (id, named) in &found.ids {
        if !known.contains(id) {
            found.wrong.push(format!("{id} is not defined; it is named in {:?}", named.files));
        }
    }
    let held = |id: &String| found.ids.get(id).is_some_and(|named| !named.tests.is_empty());
    let unheld = cases.iter().chain(invariants.keys()).filter(|id| !held(id));
    found.wrong.extend(unheld.map(|id| format!("no test says `Holds {id}`")).collect::<Vec<_>>());
    for id in facts.iter().filter(|id| !is_used(id, &found.ids)) {
        found.wrong.push(format!("nothing names {id}: is it used?"));
    }
    for (id, invariant) in &invariants {
        check_invariant(id, invariant, &mut found);
    }
    assert!(found.wrong.is_empty(), "\n{}", found.wrong.join("\n"));
    compare_coverage(&coverage(&cases, &facts, &invariants, &found.ids));
}

/// Verifies that every room exists in the stated file and quotes the invariant.
fn check_invariant(id: &str, invariant: &Invariant, found: &mut Found) {
    let Some(named) = found.ids.get(id) else { return };
    let mut wrong = Vec::new();
    let rooms: BTreeSet<&String> = named.rooms.keys().collect();
    if rooms != invariant.rooms.iter().collect() {
        wrong.push(format!(
            "ARCHITECTURE.md says that the room of {id} is {:?}; it is quoted in {rooms:?}",
            invariant.rooms
        ));
    }
    for (file, quotes) in &named.rooms {
        for quote in quotes.iter().filter(|quote| !invariant.statement.contains(*quote)) {
            wrong.push(format!("{file}: {id} does not say \"{quote}\" in ARCHITECTURE.md"));
        }
    }
    for file in invariant.tests.iter().filter(|file| !named.tests.contains_key(*file)) {
        wrong.push(format!("ARCHITECTURE.md names {file} for {id}; nothing there holds it"));
    }
    found.wrong.extend(wrong);
}

/// Returns whether an id or one of its parts is used.
fn is_used(id: &str, ids: &BTreeMap<String, Named>) -> bool {
    let part = format!("{id}.");
    ids.iter().any(|(other, named)| {
        (other == id || other.starts_with(&part))
            && named.files.iter().any(|file| !documents::is_markdown(file))
    })
}

/// `- **C-1** ...`
fn cases() -> Vec<String> {
    let text = read(&root().join("docs/cases.md"));
    let ids: Vec<String> = text.lines().filter_map(item).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "a case is there twice");
    ids
}

/// `### F-3.3 ...`, `- **F-10.1** ...`
fn facts() -> Vec<String> {
    let text = read(&root().join("docs/aws-facts.md"));
    let heading = |line: &str| marks(line.strip_prefix("##")?.trim_start_matches('#')).pop();
    let is_fact = |id: &String| id.starts_with("F-");
    text.lines().filter_map(|line| item(line).or_else(|| heading(line))).filter(is_fact).collect()
}

/// `- **I-ORDER** ...`, then `- Room: ...` and `- Tests: ...`.
fn invariants() -> BTreeMap<String, Invariant> {
    let text = read(&root().join("ARCHITECTURE.md"));
    let mut all: BTreeMap<String, Invariant> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(id) = item(line) {
            assert!(all.insert(id.clone(), Invariant::default()).is_none(), "{id} is there twice");
            current = Some(id);
        } else if !line.starts_with("  ") {
            current = None;
        }
        let Some(invariant) = current.as_ref().and_then(|id| all.get_mut(id)) else { continue };
        let paths = || documents::code_spans(line).map(str::to_owned);
        if line.trim_start().starts_with("- Room:") {
            invariant.rooms.extend(paths());
        } else if line.trim_start().starts_with("- Tests:") {
            invariant.tests.extend(paths());
        } else {
            let words = line.trim_start().trim_start_matches("- **");
            let words = words.split_once("** ").map_or(words, |(_, statement)| statement);
            invariant.statement.push_str(words);
            invariant.statement.push(' ');
        }
    }
    all
}

/// Returns the id at the beginning of a list item.
fn item(line: &str) -> Option<String> {
    let id = line.strip_prefix("- **")?.split_once("**")?.0;
    (marks(id) == [id]).then(|| id.to_owned())
}

/// Returns the ids in a text, in order.
fn marks(text: &str) -> Vec<String> {
    let part_of_id = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    let words = text.split(|letter: char| !part_of_id(letter));
    words
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| is_id(word))
        .map(str::to_owned)
        .collect()
}

fn is_id(word: &str) -> bool {
    let Some((kind, rest)) = word.split_once('-') else { return false };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    match kind {
        "C" => is_number(rest),
        "F" => rest.split('.').all(is_number),
        "I" => rest.len() > 2 && rest.bytes().all(|letter| letter.is_ascii_uppercase()),
        _ => false,
    }
}

fn read_source(file: &str, source: &str, found: &mut Found) {
    for comment in comments(source) {
        let at = format!("{file}:{}", comment.line);
        found.wrong.extend(outdated(&at, &comment.text));
        for id in marks(&comment.text) {
            found.ids.entry(id).or_default().files.insert(file.to_owned());
        }
        for (id, quote) in quotes(&comment.text) {
            let rooms = &mut found.ids.entry(id).or_default().rooms;
            rooms.entry(file.to_owned()).or_default().insert(quote);
        }
        for id in holds(&comment.text) {
            if comment.test.is_none() && !(comment.is_header && is_test(file)) {
                found.wrong.push(format!("{at}: `Holds {id}` belongs in front of a test"));
            }
            let tests = &mut found.ids.entry(id).or_default().tests;
            tests.entry(file.to_owned()).or_default().insert(comment.test.clone());
        }
    }
}

fn read_document(file: &str, text: &str, found: &mut Found) {
    if file == COVERAGE {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        let at = format!("{file}:{}", number + 1);
        found.wrong.extend(outdated(&at, line));
        for id in marks(line) {
            found.ids.entry(id).or_default().files.insert(file.to_owned());
        }
    }
}

/// Reports marks of the old form: a word followed by a number.
fn outdated(at: &str, text: &str) -> Vec<String> {
    let numbered = |word: &str| {
        text.split(word)
            .skip(1)
            .any(|rest| rest.trim_start().starts_with(|it: char| it.is_ascii_digit()))
    };
    let old = OLD_MARKS.iter().filter(|word| numbered(word));
    old.map(|word| format!("{at}: `{word}` and a number is no mark any more")).collect()
}

/// `Holds C-19, I-PROOF: ...`
fn holds(text: &str) -> Vec<String> {
    let lists = text.split("Holds ").skip(1);
    let ids = lists.flat_map(|list| {
        let words = list.split_whitespace().filter(|word| *word != "and");
        words.map(|word| word.trim_end_matches(['.', ',', ':'])).take_while(|word| is_id(word))
    });
    ids.map(str::to_owned).collect()
}

/// `I-PROOF: "..."`
fn quotes(text: &str) -> Vec<(String, String)> {
    let pieces: Vec<&str> = text.split(": \"").collect();
    let quoted = pieces.windows(2).filter_map(|pair| {
        let id = pair[0].split_whitespace().next_back()?;
        let quote = pair[1].split('"').next()?;
        (is_id(id) && id.starts_with("I-")).then(|| (id.to_owned(), quote.to_owned()))
    });
    quoted.collect()
}

/// Returns the comments of a source, each with the test that follows it.
fn comments(source: &str) -> Vec<Comment> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let begin = at;
        while at < lines.len() && lines[at].starts_with("//") {
            at += 1;
        }
        if at == begin {
            at += 1;
            continue;
        }
        let words = |line: &&str| line.trim_start_matches(['/', '!']).trim().to_owned();
        let text: Vec<String> = lines[begin..at].iter().map(words).collect();
        found.push(Comment {
            line: begin + 1,
            text: text.join(" "),
            is_header: lines[begin].starts_with("//!"),
            test: test_after(&lines[at..]),
        });
    }
    found
}

/// Returns the name of the function at the beginning of these lines, if it is a test.
fn test_after(lines: &[&str]) -> Option<String> {
    let mut is_test = false;
    for line in lines {
        if let Some((_, rest)) = line.split_once("fn ").filter(|_| !line.starts_with("#[")) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            return is_test.then(|| name.to_owned());
        }
        // Attributes may have several lines; any other line ends them.
        let is_attribute = line.starts_with("#[") || line.ends_with([',', '(']) || *line == ")]";
        if !is_attribute {
            return None;
        }
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    }
    None
}

fn coverage(
    cases: &[String],
    facts: &[String],
    invariants: &BTreeMap<String, Invariant>,
    ids: &BTreeMap<String, Named>,
) -> String {
    let mut text = "# Coverage\n\n\
        Which code and which tests name each invariant, case and fact.\n\
        `UPDATE_EXPECT=1 cargo test --workspace --test architecture` makes this file; \
        the same test fails if it is out of date ([how](../CONTRIBUTING.md#marks)).\n"
        .to_owned();
    let nothing = Named::default();
    let of = |id: &String| ids.get(id).unwrap_or(&nothing);
    heading(&mut text, "Invariants", "of [ARCHITECTURE.md](../ARCHITECTURE.md#invariants)");
    for id in in_order(invariants.keys()) {
        line(&mut text, &format!("- **{id}**"));
        for room in of(id).rooms.keys() {
            line(&mut text, &format!("  - room: `{room}`"));
        }
        list_tests(&mut text, of(id));
    }
    heading(&mut text, "Cases", "of [cases.md](cases.md)");
    for id in cases {
        line(&mut text, &format!("- **{id}**"));
        list_tests(&mut text, of(id));
    }
    heading(&mut text, "Facts", "of [aws-facts.md](aws-facts.md), and the files that rely on them");
    for id in facts {
        let files = of(id).files.iter().filter(|file| !documents::is_markdown(file));
        let files: Vec<String> = files.map(|file| format!("  - `{file}`")).collect();
        if !files.is_empty() {
            line(&mut text, &format!("- **{id}**\n{}", files.join("\n")));
        }
    }
    text
}

/// Sorts ids in the order of ARCHITECTURE.md.
fn in_order<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let text = read(&root().join("ARCHITECTURE.md"));
    let mut ids: Vec<&String> = ids.collect();
    ids.sort_by_key(|id| text.find(&format!("- **{id}**")));
    ids
}

fn heading(text: &mut String, title: &str, of: &str) {
    line(text, &format!("\n## {title}\n\n{title} {of}.\n"));
}

fn list_tests(text: &mut String, of: &Named) {
    for (file, tests) in &of.tests {
        let names: Vec<String> =
            tests.iter().flatten().map(|name| format!("\n    - `{name}`")).collect();
        line(text, &format!("  - `{file}`{}", names.concat()));
    }
}

fn line(text: &mut String, words: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{words}");
}

fn compare_coverage(wanted: &str) {
    let path = root().join(COVERAGE);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, wanted).expect("the list can be written");
        return;
    }
    let is = fs::read_to_string(&path).unwrap_or_default();
    assert!(is == wanted, "{COVERAGE} is out of date: UPDATE_EXPECT=1 makes it again");
}

/// The legend explains every source of the simulated account's behavior, such as `[BC]` and
/// `[MEM]`.
#[test]
fn every_source_tag_of_the_world_is_explained() {
    let legend = read(&root().join("shared/world/README.md"));
    let explained: BTreeSet<&str> = tags(&legend).collect();
    let mut unexplained = Vec::new();
    let of_world = all_sources().into_iter().filter(|(file, _)| file.starts_with("shared/world/"));
    for (file, source) in of_world {
        for comment in comments(&source) {
            let tags = tags(&comment.text).filter(|tag| !explained.contains(tag));
            unexplained.extend(tags.map(|tag| format!("{file}:{}: [{tag}]", comment.line)));
        }
    }
    assert_eq!(unexplained, Vec::<String>::new(), "shared/world/README.md explains them");
}

/// Returns the first word of each source in square brackets if it is in capitals.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let bracketed = text.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    let sources = bracketed.flat_map(|inside| inside.split([',', ';']));
    sources.filter_map(|source| {
        let tag = source.trim().split([' ', ':']).next()?;
        let is_tag = tag.len() > 1
            && tag.starts_with(|letter: char| letter.is_ascii_uppercase())
            && tag.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        is_tag.then_some(tag)
    })
}
