//! Reads environment variables one by one, and collects their problems. Each function has its own
//! list of variables in addition to the shared list. This module does not know what the variables
//! mean.

use super::{ConfigProblem, Variable};
use std::collections::BTreeMap;
use std::fmt;

/// The prefix of Portkeeper's variables; any other variable with this prefix is a mistake.
const PREFIX: &str = "PORTKEEPER_";

/// The least similarity (Jaro-Winkler, common prefix included) at which an error suggests a known
/// name. The similarity between unrelated names of Portkeeper's variables is lower.
const SIMILAR: f64 = 0.8;

/// The environment of this process.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// Reads variables and collects their problems.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    known: &'a [&'static [Variable]],
    problems: Vec<ConfigProblem>,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("problems", &self.problems).finish_non_exhaustive()
    }
}

impl<'a> Reader<'a> {
    /// Returns a reader that looks variables up by name. An empty value counts as not set. The
    /// lists describe the variables that will be read.
    #[must_use]
    pub fn new(
        lookup: &'a dyn Fn(&str) -> Option<String>,
        known: &'a [&'static [Variable]],
    ) -> Self {
        Self { lookup, known, problems: Vec::new() }
    }

    /// Returns the value of a variable. If an optional variable is not set, its value is the
    /// fallback; for a required one, the fallback is only a placeholder until the problem is
    /// reported.
    pub fn value<T>(
        &mut self,
        name: &'static str,
        fallback: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let variable = described(self.known).find(|variable| variable.name == name);
        let (allowed, required) =
            variable.map_or(("", true), |known| (known.allowed, known.default.is_none()));
        let text =
            (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match text.as_deref().map(&parse) {
            Some(Some(value)) => return value,
            Some(None) => {
                let value = text.unwrap_or_default();
                self.problems.push(ConfigProblem::NotAllowed { name, value, allowed });
            }
            None if required => self.problems.push(ConfigProblem::Unset { name, allowed }),
            None => {}
        }
        fallback
    }

    /// The problems so far, in the order of reading.
    #[must_use]
    pub fn into_problems(self) -> Vec<ConfigProblem> {
        self.problems
    }
}

fn described(known: &[&'static [Variable]]) -> impl Iterator<Item = &'static Variable> {
    known.iter().copied().flatten()
}

/// Returns the variables with Portkeeper's prefix that are in none of these lists.
pub fn unknown_names(
    variables: &BTreeMap<String, String>,
    known: &[&'static [Variable]],
) -> impl Iterator<Item = ConfigProblem> {
    let unknown = variables
        .keys()
        .filter(|name| name.starts_with(PREFIX) && described(known).all(|it| it.name != *name));
    unknown.map(|name| ConfigProblem::UnknownName {
        name: name.clone(),
        nearest: nearest_of(name, described(known)),
    })
}

/// Returns the name that is most similar to this one, if one is similar enough.
fn nearest_of(
    name: &str,
    known: impl IntoIterator<Item = &'static Variable>,
) -> Option<&'static str> {
    // Compared without the common prefix: otherwise all names would be similar.
    let bare = |name: &str| name.trim_start_matches(PREFIX).to_owned();
    let scored = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&bare(known.name), &bare(name)), known.name));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= SIMILAR).then_some(best.1)
}

/// An integer between these two, inclusive.
pub(super) fn number(text: &str, least: u32, most: u32) -> Option<u32> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

/// A URL with a host and a path. `http` is for simulated accounts, which have no certificate.
#[must_use]
pub fn parse_url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    (!host.is_empty() && !path.is_empty()).then(|| text.to_owned())
}
