//! Verifies that no modules of a crate import each other in a circle: you can understand a module
//! without reading the modules that use it.
//!
//! The test compares the children of every module. An import below a child counts as the child's. A
//! parent and its child may import each other. The test ignores modules under `cfg(test)`.

use super::modules::{Crate, crates};
use std::collections::{BTreeMap, BTreeSet};

/// The imports between the children of one module, each with one example.
type Imports<'a> = BTreeMap<(&'a str, &'a str), String>;

/// Returns every circle in these sources: the file of the parent, its modules, and how they import
/// each other.
pub fn circles(sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let crates = crates(sources);
    crates.iter().flat_map(circles_of).collect()
}

fn circles_of(whole: &Crate) -> Vec<String> {
    let mut levels: BTreeMap<usize, Imports> = BTreeMap::new();
    for (index, module) in whole.modules.iter().enumerate().filter(|(_, it)| !it.is_test) {
        let here = whole.lineage(index);
        for import in &module.imports {
            let Some(target) = whole.resolve(index, &import.path) else { continue };
            let there = whole.lineage(target);
            let shared = here.iter().zip(&there).take_while(|(one, other)| one == other).count();
            let (Some(from), Some(to)) = (here.get(shared), there.get(shared)) else { continue };
            let names = [from, to].map(|module| whole.modules[*module].name.as_str());
            let example = || format!("{} names {}", module.file, import.path.join("::"));
            let level = levels.entry(here[shared - 1]).or_default();
            level.entry((names[0], names[1])).or_insert_with(example);
        }
    }
    let circles = levels.iter().flat_map(|(parent, imports)| {
        let file = &whole.modules[*parent].file;
        groups(imports).into_iter().map(|group| describe(file, imports, &group))
    });
    circles.collect()
}

/// Returns the largest sets of modules in which each module reaches every other.
fn groups<'a>(imports: &Imports<'a>) -> Vec<BTreeSet<&'a str>> {
    let modules: BTreeSet<&str> = imports.keys().map(|(from, _)| *from).collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        modules.iter().map(|module| (*module, reach(module, imports))).collect();
    let group = |module: &&'a str| -> BTreeSet<&'a str> {
        let back = |other: &&&str| reached.get(**other).is_some_and(|it| it.contains(module));
        reached[module].iter().filter(back).copied().collect()
    };
    let groups: BTreeSet<BTreeSet<&str>> = modules.iter().map(group).collect();
    groups.into_iter().filter(|group| !group.is_empty()).collect()
}

fn reach<'a>(from: &'a str, imports: &Imports<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut ahead = vec![from];
    while let Some(module) = ahead.pop() {
        let next = imports.keys().filter(|(from, _)| *from == module).map(|(_, to)| *to);
        ahead.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}

fn describe(parent: &str, imports: &Imports, group: &BTreeSet<&str>) -> String {
    let within = |(from, to): &(&str, &str)| group.contains(from) && group.contains(to);
    let edges = imports.iter().filter(|(pair, _)| within(pair));
    let edges: Vec<String> =
        edges.map(|((from, to), example)| format!("\n  {from} -> {to}: {example}")).collect();
    let names: Vec<&str> = group.iter().copied().collect();
    format!("{parent}: {}{}", names.join(", "), edges.concat())
}

#[test]
fn no_two_modules_import_each_other() {
    let circles = circles(&super::all_sources());
    assert!(circles.is_empty(), "\n{}", Vec::from_iter(circles).join("\n"));
}

fn heads(files: &[(&str, &str)]) -> Vec<String> {
    let sources = files.iter().map(|(file, source)| ((*file).to_owned(), (*source).to_owned()));
    let circles = circles(&sources.collect());
    circles.iter().filter_map(|circle| Some(circle.lines().next()?.to_owned())).collect()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let b_that_imports_a =
        ("src/b.rs", "use super::a::A; pub struct B; pub mod deep { pub fn f() {} }");
    for a in [
        "use crate::b::B;",
        "use crate::{c::C, b::{deep::{self, f}, B}};",
        "use super::{c, b as other};",
        "pub fn f() { crate::b::deep::f() }",
        "mod inner { use super::super::b::B; }",
        "const _: &str = \"{ \\\" mod x {\"; const _: &str = r#\"{ \" {\"#; const _: char = '{'; use crate::b::*;",
        "fn f<'a>(_: &'a str) -> char { '\\'' } /* } /* } */ */ use crate::b::B;",
        // An item that `lib.rs` re-exports.
        "use crate::B;",
        "use crate::renamed::f;",
    ] {
        let lib = "mod a; mod b; mod c; pub use b::B; use b::deep as renamed;";
        let files = [("src/lib.rs", lib), ("src/a.rs", a), b_that_imports_a, ("src/c.rs", "")];
        assert_eq!(heads(&files), ["src/lib.rs: a, b"], "{a}");
    }
}

#[test]
fn what_is_no_circle_is_not_taken_for_one() {
    let files = [
        // A parent and its children, and one way only.
        ("src/main.rs", "mod a; mod b; use a::A; use b::B;"),
        ("src/a.rs", "//! use crate::b;\nmod child; use child::C; pub(in crate::b) struct A;"),
        (
            "src/a/child.rs",
            "use super::A; use crate::main_only; const _: &str = \"use crate::b;\";",
        ),
        ("src/b.rs", "use crate::a::A; #[cfg(test)] #[path = \"b_tests.rs\"] mod tests;"),
        ("src/b_tests.rs", "use super::*; use crate::a;"),
        // Another crate with a module of the same name.
        ("tests/all.rs", "mod a; use portkeeper::b;"),
        ("tests/a.rs", "use super::b;"),
    ];
    assert_eq!(heads(&files), Vec::<String>::new());
}

#[test]
fn a_circle_of_three_and_one_between_folders_are_found() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c; mod x; mod y;"),
        ("src/a.rs", "use crate::b;"),
        ("src/b.rs", "use crate::c;"),
        ("src/c.rs", "use crate::a;"),
        ("src/x/mod.rs", "mod one; mod two;"),
        ("src/x/one.rs", "use crate::y::Y;"),
        ("src/x/two.rs", "use super::one;"),
        ("src/y.rs", "mod z;"),
        ("src/y/z.rs", "use crate::x::two::Two;"),
    ];
    assert_eq!(heads(&files), ["src/lib.rs: a, b, c", "src/lib.rs: x, y"]);
}
