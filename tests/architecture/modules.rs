//! Reads the modules of our crates, as their sources declare them, and their imports of each other.
//!
//! It reads `mod`, `use` and paths that begin with `crate`, `super` or `self`, wherever they are.
//! It does not expand macros or follow glob imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// The modules of one crate; the first is its root.
pub struct Crate {
    pub modules: Vec<Module>,
}

pub struct Module {
    /// Empty for the root.
    pub name: String,
    pub file: String,
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    /// Compiled for tests only. Such a module may use modules that use the module under test.
    pub is_test: bool,
    pub imports: Vec<Import>,
}

/// A path that a module names.
pub struct Import {
    pub path: Vec<String>,
    /// Its name in this module; none for a glob and for a path outside `use`.
    pub name: Option<String>,
}

/// Returns the crates of these sources. Each file that no `mod` declares is the root of one.
pub fn crates(sources: &BTreeMap<String, String>) -> Vec<Crate> {
    let tokens: BTreeMap<&str, Vec<&str>> =
        sources.iter().map(|(file, source)| (file.as_str(), tokens(source))).collect();
    let mut declared = BTreeSet::new();
    for (file, tokens) in &tokens {
        let mut alone = Crate { modules: vec![Module::new("", file, None, false)] };
        for (_, child) in alone.read(tokens, 0) {
            declared.extend(child.file(&|path| sources.contains_key(path)));
        }
    }
    let roots = tokens.keys().filter(|file| !declared.contains(**file));
    roots
        .map(|root| {
            let mut whole = Crate { modules: vec![Module::new("", root, None, false)] };
            let mut ahead = vec![0];
            while let Some(module) = ahead.pop() {
                let file = whole.modules[module].file.clone();
                for (parent, child) in whole.read(&tokens[file.as_str()], module) {
                    // A file that is missing among the sources is generated.
                    if let Some(file) = child.file(&|path| sources.contains_key(path)) {
                        ahead.push(whole.add(parent, &child.name, &file, child.is_test));
                    }
                }
            }
            whole
        })
        .collect()
}

/// `mod name;`
struct Declared {
    name: String,
    is_test: bool,
    /// `#[path = "..."]`
    path: Option<String>,
    /// The file that declares it, and the inline modules around the declaration.
    by: String,
    within: Vec<String>,
}

impl Declared {
    fn file(&self, exists: &dyn Fn(&str) -> bool) -> Option<String> {
        let by = Path::new(&self.by);
        let (folder, stem) = (by.parent()?, by.file_stem()?);
        let within: PathBuf = self.within.iter().collect();
        let places = match &self.path {
            Some(path) => vec![folder.join(path)],
            // Next to a crate's root and to `mod.rs`, and below every other file.
            None => [folder.join(stem).join(&within), folder.join(&within)]
                .into_iter()
                .flat_map(|folder| {
                    let file = format!("{}.rs", self.name);
                    [folder.join(file), folder.join(&self.name).join("mod.rs")]
                })
                .collect(),
        };
        places.iter().map(|place| without_dots(place)).find(|place| exists(place))
    }
}

/// `tests/plan/../text_world/mod.rs` is `tests/text_world/mod.rs`.
fn without_dots(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        if part == Component::ParentDir {
            parts.pop();
        } else {
            parts.push(part.as_os_str().to_string_lossy().into_owned());
        }
    }
    parts.join("/")
}

impl Module {
    fn new(name: &str, file: &str, parent: Option<usize>, is_test: bool) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            is_test,
            imports: Vec::new(),
        }
    }
}

impl Crate {
    fn add(&mut self, parent: usize, name: &str, file: &str, is_test: bool) -> usize {
        let index = self.modules.len();
        let is_test = is_test || self.modules[parent].is_test;
        self.modules.push(Module::new(name, file, Some(parent), is_test));
        self.modules[parent].children.insert(name.to_owned(), index);
        index
    }

    /// Takes the imports and inline modules of a file, and returns the modules that it declares,
    /// each with its parent.
    fn read(&mut self, tokens: &[&str], module: usize) -> Vec<(usize, Declared)> {
        let mut declared = Vec::new();
        // The modules around this place, each with the depth of its braces.
        let mut around = vec![(module, 0)];
        let (mut at, mut depth) = (0, 0);
        while at < tokens.len() {
            let here = around.last().expect("the file's own module").0;
            let next = tokens.get(at + 1).copied().unwrap_or_default();
            let mut taken = 1;
            match tokens[at] {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    around.retain(|(_, begun)| *begun <= depth);
                }
                "mod" if tokens.get(at + 2) == Some(&";") => {
                    let (is_test, path) = attributes(&tokens[..at]);
                    let within = around[1..].iter().map(|(it, _)| self.modules[*it].name.clone());
                    let by = self.modules[module].file.clone();
                    let (name, within) = (next.to_owned(), within.collect());
                    declared.push((here, Declared { name, is_test, path, by, within }));
                }
                "mod" if tokens.get(at + 2) == Some(&"{") => {
                    let file = self.modules[module].file.clone();
                    let inline = self.add(here, next, &file, attributes(&tokens[..at]).0);
                    depth += 1;
                    around.push((inline, depth));
                    taken = 3;
                }
                "use" if next != "<" => {
                    let tree = &tokens[at + 1..];
                    let tree = &tree[..tree.iter().position(|it| *it == ";").unwrap_or(tree.len())];
                    imports(tree, &[], &mut self.modules[here].imports);
                    taken += tree.len();
                }
                "crate" | "super" | "self" if next == "::" && !is_restriction(&tokens[..at]) => {
                    let path = path(&tokens[at..]);
                    taken = path.len() * 2 - 1;
                    self.modules[here].imports.push(Import { path, name: None });
                }
                _ => {}
            }
            at += taken;
        }
        declared
    }

    /// Returns the module in which a path ends: that of the item itself, not one that re-exports
    /// it. Returns none for a path into another crate.
    pub fn resolve(&self, from: usize, path: &[String]) -> Option<usize> {
        self.follow(from, path, &mut BTreeSet::new())
    }

    fn follow<'a>(
        &'a self,
        from: usize,
        path: &'a [String],
        asked: &mut BTreeSet<(usize, &'a str)>,
    ) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let (mut at, rest) = match first.as_str() {
            "crate" => (0, rest),
            "self" => (from, rest),
            "super" => (self.modules[from].parent?, rest),
            name => (self.named(from, name, asked)?, rest),
        };
        for name in rest {
            at = match name.as_str() {
                "super" => self.modules[at].parent?,
                // An item, or a part of one.
                name => match self.named(at, name, asked) {
                    Some(module) => module,
                    None => return Some(at),
                },
            };
        }
        Some(at)
    }

    /// Returns the module with this name here: a child, or the target of an import.
    fn named<'a>(
        &'a self,
        at: usize,
        name: &'a str,
        asked: &mut BTreeSet<(usize, &'a str)>,
    ) -> Option<usize> {
        let module = &self.modules[at];
        if let Some(child) = module.children.get(name) {
            return Some(*child);
        }
        if !asked.insert((at, name)) {
            return None;
        }
        let import = module.imports.iter().find(|it| it.name.as_deref() == Some(name))?;
        self.follow(at, &import.path, asked)
    }

    /// Returns the path from the root to this module, without the root.
    pub fn lineage(&self, module: usize) -> Vec<usize> {
        let up = std::iter::successors(Some(module), |it| self.modules[*it].parent);
        let mut lineage: Vec<usize> = up.collect();
        lineage.reverse();
        lineage
    }
}

/// `pub(in crate::a)` imports nothing.
fn is_restriction(before: &[&str]) -> bool {
    before.ends_with(&["(", "in"])
}

/// Returns whether the attributes before a `mod` restrict it to tests, and the path that they set.
fn attributes(before: &[&str]) -> (bool, Option<String>) {
    let (mut is_test, mut path) = (false, None);
    let mut rest = before;
    loop {
        while let [earlier @ .., "pub" | "(" | ")" | "crate" | "super" | "in" | "::"] = rest {
            rest = earlier;
        }
        let [.., "]"] = rest else { return (is_test, path) };
        let begin = rest.iter().rposition(|token| *token == "#").unwrap_or(0);
        let attribute = &rest[begin..];
        is_test |= attribute.contains(&"cfg") && attribute.contains(&"test");
        if let ["#", "[", "path", "=", quoted, "]"] = attribute {
            path = Some(quoted.trim_matches('"').to_owned());
        }
        rest = &rest[..begin];
    }
}

/// Reads `a::b::c`, from its first word on.
fn path(tokens: &[&str]) -> Vec<String> {
    let mut path = vec![tokens[0].to_owned()];
    for pair in tokens[1..].chunks(2) {
        match pair {
            ["::", word] if is_word(word) => path.push((*word).to_owned()),
            _ => break,
        }
    }
    path
}

/// Returns the paths of a tree of imports: `a::{b, c::{self, d as e}, f::*}`.
fn imports(tree: &[&str], before: &[String], found: &mut Vec<Import>) {
    let words = tree.iter().position(|token| *token == "{" || *token == "*");
    let Some(end) = words else {
        // `a::b`, `a::b as c` or, within braces, `self`.
        let (words, renamed) = match tree {
            [words @ .., "as", renamed] => (words, Some(*renamed)),
            words => (words, None),
        };
        let words: Vec<String> =
            words.iter().filter(|word| is_word(word)).map(|word| (*word).to_owned()).collect();
        let mut path = [before, &words].concat();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(last) = path.last() {
            let name = Some(renamed.unwrap_or(last).to_owned());
            found.push(Import { path, name });
        }
        return;
    };
    let words = tree[..end].iter().filter(|word| is_word(word)).map(|word| (*word).to_owned());
    let before = [before.to_vec(), words.collect()].concat();
    if tree[end] == "*" {
        found.push(Import { path: before, name: None });
        return;
    }
    let within = &tree[end + 1..tree.len() - 1];
    let mut depth = 0;
    let branches = within.split(|token| {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        depth == 0 && *token == ","
    });
    for branch in branches.filter(|branch| !branch.is_empty()) {
        imports(branch, &before, found);
    }
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_word(token: &str) -> bool {
    token.chars().all(is_letter)
}

/// Returns the words, punctuation and string literals of a source, without comments.
fn tokens(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let comment = comment(rest);
        let length = comment
            .or_else(|| literal(rest))
            .or_else(|| character(rest))
            .or_else(|| rest.starts_with("::").then_some(2))
            .unwrap_or_else(|| match rest.find(|letter| !is_letter(letter)) {
                Some(0) => first.len_utf8(),
                end => end.unwrap_or(rest.len()),
            });
        let (token, after) = rest.split_at(length);
        if comment.is_none() && !first.is_whitespace() {
            found.push(token);
        }
        rest = after;
    }
    found
}

/// Returns the length of a comment at this position.
fn comment(source: &str) -> Option<usize> {
    if source.starts_with("//") {
        return Some(source.find('\n').unwrap_or(source.len()));
    }
    let mut rest = source.strip_prefix("/*")?;
    let mut depth = 1;
    while depth > 0 {
        let next = rest.find("/*").into_iter().chain(rest.find("*/")).min()?;
        depth = if rest[next..].starts_with("/*") { depth + 1 } else { depth - 1 };
        rest = &rest[next + 2..];
    }
    Some(source.len() - rest.len())
}

/// Returns the length of a string literal at this position: `"a"`, `b"a"`, `r#"a"#`.
fn literal(source: &str) -> Option<usize> {
    let marked = source.strip_prefix(['b', 'c']).unwrap_or(source);
    let raw = marked.strip_prefix('r');
    let hashes = raw.map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
    let opened = raw.unwrap_or(marked)[hashes..].strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let mut escaped = false;
    let end = opened.char_indices().position(|(at, letter)| {
        let closes = !escaped && opened[at..].starts_with(&closing);
        escaped = raw.is_none() && letter == '\\' && !escaped;
        closes
    })?;
    let end: usize = opened.chars().take(end).map(char::len_utf8).sum();
    Some(source.len() - opened.len() + end + closing.len())
}

/// Returns the length of a character or a lifetime at this position: `'a'`, `b'\n'`, `'a`.
fn character(source: &str) -> Option<usize> {
    let opened = source.strip_prefix("b'").or_else(|| source.strip_prefix('\''))?;
    let before = source.len() - opened.len();
    let first = opened.chars().next()?;
    if first == '\\' {
        // The escaped letter may be the quote itself.
        return Some(before + 2 + opened[2..].find('\'')? + 1);
    }
    if opened[first.len_utf8()..].starts_with('\'') {
        return Some(before + first.len_utf8() + 1);
    }
    Some(before + opened.find(|letter| !is_letter(letter)).unwrap_or(opened.len()))
}
