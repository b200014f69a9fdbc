//! Listener rules: which requests two rules share, which rule hides another, and which priority is
//! free.
//!
//! Host patterns are case-insensitive, path patterns are case-sensitive. `*` matches any text,
//! including none; `?` matches any one character. An absent condition matches every request; the
//! values of one condition are alternatives.

use super::found::{FoundListener, FoundRule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Priorities from which automatic ones are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

impl Default for Band {
    /// High enough to leave room for rules that people make by hand, and large enough for ten
    /// listeners' worth of rules.
    fn default() -> Self {
        Self { first: 1000, last: 1999 }
    }
}

/// An invalid range of priorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of priorities, such as 1000-1999, within 1 to 50000")]
pub struct NotABand(String);

impl std::str::FromStr for Band {
    type Err = NotABand;

    fn from_str(text: &str) -> Result<Self, NotABand> {
        let bounds = text.split_once('-').and_then(|(first, last)| {
            let band = Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? };
            (1 <= band.first && band.first <= band.last && band.last <= 50_000).then_some(band)
        });
        bounds.ok_or_else(|| NotABand(text.to_owned()))
    }
}

/// Returns the lowest priority of the band that no rule has. If a priority turned out to be in use,
/// `above` is that priority, and the result is higher.
#[must_use]
pub fn free_priority(rules: &[FoundRule], band: Band, above: Option<u32>) -> Option<u32> {
    free_beside(rules, &BTreeSet::new(), band, above)
}

/// Does the same, and excludes priorities that this plan assigns itself.
pub(super) fn free_beside(
    rules: &[FoundRule],
    given: &BTreeSet<u32>,
    band: Band,
    above: Option<u32>,
) -> Option<u32> {
    let taken: BTreeSet<u32> =
        rules.iter().filter_map(|rule| rule.priority).chain(given.iter().copied()).collect();
    let first = above.map_or(band.first, |above| band.first.max(above.saturating_add(1)));
    (first..=band.last).find(|priority| !taken.contains(priority))
}

/// The requests that a rule matches, by host and path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matches<'a> {
    hosts: &'a [String],
    paths: &'a [String],
}

impl<'a> Matches<'a> {
    pub(super) fn of(hosts: &'a [String], paths: &'a [String]) -> Self {
        Self { hosts, paths }
    }

    /// Whether some request matches both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        meet(self.hosts, other.hosts, true) && meet(self.paths, other.paths, false)
    }

    /// Whether every request that matches the other matches this, too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        hold(self.hosts, other.hosts, true) && hold(self.paths, other.paths, false)
    }
}

/// How a rule of the listener relates to a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Relation<'a> {
    /// It comes first, and matches every request of the new one.
    Hides(&'a FoundRule),
    /// It comes first, and matches some requests of the new one.
    TakesSome(&'a FoundRule),
    /// It comes later, and the new one matches every request of it.
    Hidden(&'a FoundRule),
    /// It comes later, and the new one matches some requests of it.
    LosesSome(&'a FoundRule),
}

/// How the rules of a listener relate to a new one, or to one that is changed (`this`). A rule with
/// more conditions than host and path never hides another.
pub(super) fn relations<'a>(
    listener: &'a FoundListener,
    new: &Matches<'_>,
    priority: u32,
    this: Option<&str>,
) -> Vec<Relation<'a>> {
    let others = listener
        .rules
        .iter()
        .filter(|rule| rule.priority.is_some() && this != Some(rule.arn.as_str()));
    let relations = others.filter_map(|rule| {
        let old = Matches::of(&rule.hosts, &rule.paths);
        if !old.overlaps(new) {
            return None;
        }
        let comes_first = rule.priority.is_some_and(|other| other < priority);
        let is_plain = rule.other_conditions.is_empty();
        Some(match comes_first {
            true if is_plain && old.covers(new) => Relation::Hides(rule),
            true => Relation::TakesSome(rule),
            false if new.covers(&old) => Relation::Hidden(rule),
            false => Relation::LosesSome(rule),
        })
    });
    relations.collect()
}

/// Every text, and every host where no host pattern is given.
const ANY: &str = "*";

/// Every path: they all begin with a slash.
const ANY_PATH: &str = "/*";

/// What these patterns match; `hosts`: they are host patterns, otherwise path patterns.
fn or_any(patterns: &[String], hosts: bool) -> Vec<&str> {
    let any = if hosts { ANY } else { ANY_PATH };
    let patterns =
        patterns.iter().map(|pattern| if pattern == ANY { any } else { pattern.as_str() });
    let patterns: Vec<&str> = patterns.collect();
    if patterns.is_empty() { vec![any] } else { patterns }
}

fn meet(ours: &[String], theirs: &[String], fold: bool) -> bool {
    let theirs = or_any(theirs, fold);
    or_any(ours, fold).iter().any(|one| {
        theirs.iter().any(|other| patterns_meet(&letters(one, fold), &letters(other, fold)))
    })
}

/// Whether one of our patterns covers each of theirs. A pattern that only several of ours cover
/// together is not detected: that is rare, and only makes the warning weaker.
fn hold(ours: &[String], theirs: &[String], fold: bool) -> bool {
    let ours = or_any(ours, fold);
    or_any(theirs, fold).iter().all(|one| {
        ours.iter().any(|other| pattern_holds(&letters(other, fold), &letters(one, fold)))
    })
}

fn letters(pattern: &str, fold: bool) -> Vec<char> {
    if fold { pattern.to_ascii_lowercase().chars().collect() } else { pattern.chars().collect() }
}

/// Whether some text matches both patterns. `fits[j]`: some text matches the remainders of both,
/// from here on.
fn patterns_meet(one: &[char], other: &[char]) -> bool {
    table(one, other, |one, other, rest| match (one, other) {
        (Some('*'), _) | (_, Some('*')) => {
            rest.without_one || rest.without_other || rest.without_both
        }
        (Some('?'), Some(_)) | (Some(_), Some('?')) => rest.without_both,
        (Some(one), Some(other)) => one == other && rest.without_both,
        (None, None) => true,
        _ => false,
    })
}

/// Whether every text that matches the other pattern matches this one.
fn pattern_holds(this: &[char], other: &[char]) -> bool {
    table(this, other, |this, other, rest| match (this, other) {
        (Some('*'), Some(_)) => rest.without_one || rest.without_other,
        (Some('*'), None) => rest.without_one,
        (_, Some('*')) => false,
        (Some('?'), Some(_)) => rest.without_both,
        (Some(this), Some(other)) => this == other && rest.without_both,
        (None, None) => true,
        _ => false,
    })
}

/// The results for shorter remainders.
struct Rest {
    without_one: bool,
    without_other: bool,
    without_both: bool,
}

/// Decides for every pair of remainders, from the ends of both patterns to their beginnings.
fn table(
    one: &[char],
    other: &[char],
    decide: impl Fn(Option<char>, Option<char>, &Rest) -> bool,
) -> bool {
    // Beyond both ends nothing matches; that row is never read where it could matter.
    let mut below = vec![false; other.len() + 2];
    for i in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 2];
        for j in (0..=other.len()).rev() {
            let at = |row: &[bool], j: usize| row.get(j).copied().unwrap_or(false);
            let rest = Rest {
                without_one: at(&below, j),
                without_other: at(&row, j + 1),
                without_both: at(&below, j + 1),
            };
            let fits = decide(one.get(i).copied(), other.get(j).copied(), &rest);
            if let Some(cell) = row.get_mut(j) {
                *cell = fits;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{letters, pattern_holds, patterns_meet};

    /// All texts of up to four letters over a small alphabet decide what the tables must say.
    #[test]
    fn patterns_are_compared_as_their_texts_are() {
        let alphabet = ["a", "b", "*", "?"];
        let mut patterns: Vec<String> = vec![String::new()];
        for _ in 0..3 {
            let longer = patterns
                .iter()
                .flat_map(|pattern| alphabet.map(|letter| format!("{pattern}{letter}")));
            patterns = patterns.iter().cloned().chain(longer).collect();
            patterns.sort();
            patterns.dedup();
        }
        let mut texts: Vec<String> = vec![String::new()];
        for _ in 0..4 {
            let longer = texts
                .iter()
                .flat_map(|text| ["a", "b", "c"].map(|letter| format!("{text}{letter}")));
            texts = texts.iter().cloned().chain(longer).collect();
            texts.sort();
            texts.dedup();
        }
        let fits: Vec<Vec<bool>> = patterns
            .iter()
            .map(|pattern| {
                texts
                    .iter()
                    .map(|text| patterns_meet(&letters(pattern, false), &letters(text, false)))
                    .collect()
            })
            .collect();
        for (one, fits_one) in patterns.iter().zip(&fits) {
            for (other, fits_other) in patterns.iter().zip(&fits) {
                let (a, b) = (letters(one, false), letters(other, false));
                let shared = fits_one.iter().zip(fits_other).any(|(one, other)| *one && *other);
                assert_eq!(patterns_meet(&a, &b), shared, "`{one}` meets `{other}`");
                // With longer texts the answer could still turn to no, so only one way is certain
                // here.
                let all = fits_one.iter().zip(fits_other).all(|(one, other)| *one || !*other);
                assert!(all || !pattern_holds(&a, &b), "`{one}` holds `{other}`");
            }
        }
    }
}
