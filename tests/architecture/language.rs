//! Keeps phrases that an English reader has to translate out of the sources and the documentation.
//!
//! It knows which phrases are banned and what to write instead. `docs/glossary.md` says which term
//! stands for which thing.

use super::{all_sources, is_test, read, root};
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

/// A phrase as whole words in lower case, and what to write instead.
const BANNED: [(&str, &str); 37] = [
    ("/// gives", "`/// Returns`"),
    ("told", "reported, notified, logged, published"),
    ("tell", "report, notify, log, publish; \"tell apart\": distinguish"),
    ("tells", "reports, notifies, logs, publishes"),
    ("telling", "reporting, notifying, publishing"),
    ("hear of", "be notified of"),
    ("no more", "no longer; \"at most\" for amounts"),
    ("also when", "even when, including when"),
    ("also if", "even if"),
    ("also where", "including where"),
    ("so many", "N, this many, up to N"),
    ("beside", "next to; in addition to"),
    ("besides", "in addition to"),
    ("anew", "again"),
    ("goes on", "continues, resumes"),
    ("gone on", "continued, resumed"),
    ("mend", "fix, repair"),
    ("mends", "fixes, repairs"),
    ("mended", "fixed, repaired"),
    ("what became of", "the result of"),
    ("a look", "a check, a pass"),
    ("one look", "one check"),
    ("each look", "each check"),
    ("every look", "every check"),
    ("first look", "first check"),
    ("second look", "second check"),
    ("next look", "recheck, next check"),
    ("look again", "check again; the delayed message is a recheck"),
    ("taken out", "deregistered"),
    ("take out", "deregister"),
    ("take back", "roll back"),
    ("takes back", "rolls back"),
    ("taken back", "rolled back"),
    ("whoever", "the caller, another task, another writer"),
    ("how loud", "the severity"),
    ("right behind", "registered in the right target group"),
    ("nobody knows", "is unknown"),
];

/// Documents that quote the banned phrases or report old versions.
const EXEMPT: [&str; 2] = ["docs/glossary.md", "CHANGELOG.md"];

/// How many banned phrases are left in which file. A number may only go down; `UPDATE_EXPECT=1`
/// writes the list again.
const LEFT: &str = "tests/architecture/language-left.txt";

/// A passage of prose: consecutive lines of comments, or one text, with the line of each character.
#[derive(Default)]
struct Passage {
    text: String,
    lines: Vec<usize>,
}

impl Passage {
    fn add(&mut self, text: &str, first_line: usize) {
        let mut line = first_line;
        for letter in text.chars() {
            let space = letter.is_whitespace();
            if !(space && self.text.ends_with(' ')) {
                self.text.push(if space { ' ' } else { letter.to_ascii_lowercase() });
                self.lines.resize(self.text.len(), line);
            }
            line += usize::from(letter == '\n');
        }
    }

    /// Each banned phrase in it, with its line.
    fn banned(&self) -> impl Iterator<Item = (usize, &'static str, &'static str)> {
        let found = BANNED.into_iter().flat_map(|(phrase, instead)| {
            self.text.match_indices(phrase).map(move |(at, _)| (at, phrase, instead))
        });
        let whole = |(at, phrase, _): &(usize, &str, &str)| {
            let word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let after = &self.text[at + phrase.len()..];
            let amount = *phrase == "no more" && after.starts_with(" than ");
            !(amount || self.text[..*at].ends_with(word) || after.starts_with(word))
        };
        found.filter(whole).map(|(at, phrase, instead)| (self.lines[at], phrase, instead))
    }
}

/// The comments of a Rust source and, outside tests, its texts.
fn passages_of_rust(source: &str, is_test: bool) -> Vec<Passage> {
    let mut passages = vec![Passage::default()];
    let (mut at, mut line) = (0, 1);
    for token in tokenize(source, FrontmatterAllowed::No) {
        let text = &source[at..at + token.len as usize];
        match token.kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => {
                // The marker stays in front of the first line only, for `/// gives`.
                let passage = passages.last_mut().expect("one passage");
                let rest = text.trim_start_matches(['/', '!']);
                passage.add(if passage.text.is_empty() { text } else { rest }, line);
                passage.add(" ", line);
            }
            TokenKind::Whitespace if text.matches('\n').count() < 2 => {}
            // A single word is a name or a stored value, not prose.
            TokenKind::Literal { kind: LiteralKind::Str { .. }, .. }
                if !is_test && text.contains(' ') =>
            {
                let mut passage = Passage::default();
                passage.add(&text.replace("\\n", "  ").replace("\\\n", " \n"), line);
                passages.extend([passage, Passage::default()]);
            }
            TokenKind::Literal {
                kind: LiteralKind::RawStr { .. } | LiteralKind::ByteStr { .. },
                ..
            } if !is_test => {
                let mut passage = Passage::default();
                passage.add(text, line);
                passages.extend([passage, Passage::default()]);
            }
            _ => passages.push(Passage::default()),
        }
        at += token.len as usize;
        line += text.matches('\n').count();
    }
    passages
}

/// All of a document, or only what follows a `#` in a line of YAML.
fn passage_of_document(file: &str, text: &str) -> Passage {
    let mut passage = Passage::default();
    for (number, line) in text.lines().enumerate() {
        let prose = if Path::new(file).extension().is_some_and(|ending| ending == "md") {
            line
        } else {
            line.split_once('#').map_or("", |(_, comment)| comment)
        };
        passage.add(prose, number + 1);
        passage.add(" ", number + 1);
    }
    passage
}

/// Every file of the repository with this ending, apart from what builds leave behind.
fn documents(folder: &Path, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() && !["target", "node_modules"].contains(&&*name) && !name.starts_with('.')
        {
            documents(&path, ending, found);
        } else if name.ends_with(ending) {
            let file = path.strip_prefix(root()).expect("a path of the repository");
            found.push(file.display().to_string());
        }
    }
}

/// The files with banned phrases, each with the lines in question.
fn problems() -> BTreeMap<String, Vec<String>> {
    let mut problems: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut hold = |file: &str, passages: &[Passage]| {
        for (line, phrase, instead) in passages.iter().flat_map(Passage::banned) {
            let problem = format!("{file}:{line}: `{phrase}`; write: {instead}");
            problems.entry(file.to_owned()).or_default().push(problem);
        }
    };
    for (file, source) in all_sources() {
        // This list holds every phrase.
        if file != "tests/architecture/language.rs" {
            hold(&file, &passages_of_rust(&source, is_test(&file)));
        }
    }
    let mut files = Vec::new();
    documents(&root(), ".md", &mut files);
    documents(&root(), ".yaml", &mut files);
    for file in files.iter().filter(|file| !EXEMPT.contains(&file.as_str())) {
        hold(file, &[passage_of_document(file, &read(&root().join(file)))]);
    }
    problems
}

#[test]
fn the_language_stays_plain() {
    let problems = problems();
    let left = read(&root().join(LEFT));
    let left: BTreeMap<&str, usize> = left
        .lines()
        .map(|line| line.split_once(' ').expect("a number and a file"))
        .map(|(number, file)| (file, number.parse().expect("a number")))
        .collect();
    let allowed = |file: &str| left.get(file).copied().unwrap_or_default();
    let new: Vec<&String> = problems
        .iter()
        .filter(|(file, found)| found.len() > allowed(file))
        .flat_map(|(_, found)| found)
        .collect();
    assert!(new.is_empty(), "{LEFT} has no room for:\n{new:#?}");
    let lines: Vec<String> =
        problems.iter().map(|(file, found)| format!("{} {file}\n", found.len())).collect();
    let now = lines.concat();
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root().join(LEFT), now).expect("the list can be written");
    } else {
        assert_eq!(read(&root().join(LEFT)), now, "the numbers went down: UPDATE_EXPECT=1");
    }
}

#[test]
fn a_banned_phrase_is_found_with_its_line() {
    let found = |source: &str, is_test| {
        let passages = passages_of_rust(source, is_test);
        let banned = passages.iter().flat_map(Passage::banned);
        banned.map(|(line, phrase, _)| (line, phrase)).collect::<Vec<_>>()
    };
    let source = "/// Gives it.\nfn a() {}\n// One no\n// more, and no more than two.\nconst A: &str = \"A second\n    look, untold\";\n";
    assert_eq!(found(source, false), [(1, "/// gives"), (3, "no more"), (5, "second look")]);
    assert_eq!(found(source, true), [(1, "/// gives"), (3, "no more")]);
}
