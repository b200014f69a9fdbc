//! The record in JSON. Parts that this version cannot read are kept and written unchanged, so that
//! one unreadable part does not lose the rest.
//!
//! An incident, a repair, a call, a target or an index key that cannot be read belongs to another
//! version, which reads it again. Only a damaged entry for a target that this version knows is
//! dropped, because it would prove or bar a repair. The record then counts as continuous only from
//! now on, so that nothing that the entry may have barred is proved.

use super::incident::is_zero;
use super::{Incident, KnownTarget, LedgerRecord, Repair};
use crate::api_call::{ApiCall, IndexKey};
use crate::ids::{Target, TargetGroupArn};
use crate::others::Others;
use crate::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A part of a stored record that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    part: Part,
    json: Value,
    why: String,
}

/// Its position in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Incident,
    Repair,
    ApiCall,
    IndexKey(String),
    Group(String),
    Target {
        group: String,
        target: String,
    },
    /// Damaged, and not written again.
    Forgotten(String),
}

impl fmt::Display for Unread {
    /// For the log: what, and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Part::Incident => f.write_str("an incident"),
            Part::Repair => f.write_str("a repair"),
            Part::ApiCall => f.write_str("a call"),
            Part::IndexKey(place) => write!(f, "the place {place}"),
            Part::Group(group) => write!(f, "the targets of {group}"),
            Part::Target { group, target } => write!(f, "the target {target} of {group}"),
            Part::Forgotten(what) => write!(f, "{what}, which is dropped"),
        }?;
        write!(f, ": {}", self.why)
    }
}

/// [`LedgerRecord`] as it is read.
#[derive(Deserialize)]
#[serde(rename = "LedgerRecord")]
pub(super) struct Reading {
    schema: u32,
    #[serde(default)]
    known: BTreeMap<String, BTreeMap<String, Value>>,
    #[serde(rename = "elsewhere", default)]
    of_other_clusters: Value,
    #[serde(default)]
    incidents: Vec<Value>,
    #[serde(default)]
    repairs: Vec<Value>,
    #[serde(default)]
    calls: Vec<Value>,
    #[serde(rename = "places", default)]
    index_keys: BTreeMap<String, Value>,
    #[serde(rename = "kept_since", default)]
    continuous_since: Option<Timestamp>,
    #[serde(rename = "look_again_hop", default)]
    recheck_hop: u32,
    #[serde(rename = "look_again_at", default)]
    recheck_at: Option<Timestamp>,
    #[serde(rename = "telling_since", default)]
    publishing_since: Option<Timestamp>,
    #[serde(default)]
    mode_tag: Option<String>,
    #[serde(flatten)]
    others: Others,
}

impl From<Reading> for LedgerRecord {
    fn from(reading: Reading) -> Self {
        let mut unread = Vec::new();
        let (known, is_damaged) = known(reading.known, &mut unread);
        Self {
            schema: reading.schema,
            known,
            // What cannot be read is asked again.
            of_other_clusters: serde_json::from_value(reading.of_other_clusters)
                .unwrap_or_default(),
            incidents: list(reading.incidents, &Part::Incident, &mut unread),
            repairs: list(reading.repairs, &Part::Repair, &mut unread),
            calls: list(reading.calls, &Part::ApiCall, &mut unread),
            index_keys: index_keys(reading.index_keys, &mut unread),
            continuous_since: reading.continuous_since.filter(|_| !is_damaged),
            recheck_hop: reading.recheck_hop,
            recheck_at: reading.recheck_at,
            publishing_since: reading.publishing_since,
            mode_tag: reading.mode_tag,
            others: reading.others,
            unread,
        }
    }
}

fn list<T: DeserializeOwned>(values: Vec<Value>, part: &Part, unread: &mut Vec<Unread>) -> Vec<T> {
    let mut read = Vec::new();
    for json in values {
        match T::deserialize(&json) {
            Ok(value) => read.push(value),
            Err(error) => unread.push(Unread { part: part.clone(), json, why: error.to_string() }),
        }
    }
    read
}

fn index_keys(
    values: BTreeMap<String, Value>,
    unread: &mut Vec<Unread>,
) -> BTreeMap<IndexKey, Timestamp> {
    let mut read = BTreeMap::new();
    for (name, json) in values {
        let (part, why) = match (IndexKey::try_from(name.clone()), Timestamp::deserialize(&json)) {
            (Ok(place), Ok(at)) => {
                read.insert(place, at);
                continue;
            }
            // The next check adds it again.
            (Ok(place), Err(error)) => {
                (Part::Forgotten(format!("the place {place}")), error.to_string())
            }
            (Err(error), _) => (Part::IndexKey(name), error.to_string()),
        };
        unread.push(Unread { part, json, why });
    }
    read
}

/// The known targets, and whether an entry that this version should be able to read is damaged.
fn known(
    groups: BTreeMap<String, BTreeMap<String, Value>>,
    unread: &mut Vec<Unread>,
) -> (BTreeMap<TargetGroupArn, BTreeMap<Target, KnownTarget>>, bool) {
    let (mut read, mut is_damaged) = (BTreeMap::new(), false);
    for (name, members) in groups {
        let group = match TargetGroupArn::try_from(name.as_str()) {
            Ok(group) => group,
            Err(error) => {
                let json = Value::Object(members.into_iter().collect());
                unread.push(Unread { part: Part::Group(name), json, why: error.to_string() });
                continue;
            }
        };
        let (mut targets, was_empty) = (BTreeMap::new(), members.is_empty());
        for (key, json) in members {
            let (part, why) = match (Target::try_from(key.clone()), KnownTarget::deserialize(&json))
            {
                (Ok(target), Ok(known)) => {
                    targets.insert(target, known);
                    continue;
                }
                (Ok(target), Err(error)) => {
                    is_damaged = true;
                    let what = format!("the target {target} of {name}");
                    (Part::Forgotten(what), error.to_string())
                }
                (Err(error), _) => {
                    (Part::Target { group: name.clone(), target: key }, error.to_string())
                }
            };
            unread.push(Unread { part, json, why });
        }
        if was_empty || !targets.is_empty() {
            read.insert(group, targets);
        }
    }
    (read, is_damaged)
}

/// [`LedgerRecord`] as it is written: unreadable parts follow the others.
#[derive(Serialize)]
#[serde(rename = "LedgerRecord")]
struct Writing<'a> {
    schema: u32,
    #[serde(skip_serializing_if = "Groups::is_empty")]
    known: Groups<'a>,
    #[serde(rename = "elsewhere", skip_serializing_if = "BTreeMap::is_empty")]
    of_other_clusters: &'a BTreeMap<TargetGroupArn, BTreeMap<Target, Timestamp>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    incidents: List<'a, Incident>,
    #[serde(skip_serializing_if = "List::is_empty")]
    repairs: List<'a, Repair>,
    #[serde(skip_serializing_if = "List::is_empty")]
    calls: List<'a, ApiCall>,
    #[serde(rename = "places", skip_serializing_if = "Members::is_empty")]
    index_keys: Members<'a, IndexKey, Timestamp>,
    #[serde(rename = "kept_since", skip_serializing_if = "Option::is_none")]
    continuous_since: Option<Timestamp>,
    #[serde(rename = "look_again_hop", skip_serializing_if = "is_zero")]
    recheck_hop: u32,
    #[serde(rename = "look_again_at", skip_serializing_if = "Option::is_none")]
    recheck_at: Option<Timestamp>,
    #[serde(rename = "telling_since", skip_serializing_if = "Option::is_none")]
    publishing_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode_tag: Option<&'a str>,
    #[serde(flatten)]
    others: &'a Others,
}

impl Serialize for LedgerRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let writing = Writing {
            schema: self.schema,
            known: Groups { read: &self.known, unread: &self.unread },
            of_other_clusters: &self.of_other_clusters,
            incidents: List { read: &self.incidents, unread: self.unread_in(&Part::Incident) },
            repairs: List { read: &self.repairs, unread: self.unread_in(&Part::Repair) },
            calls: List { read: &self.calls, unread: self.unread_in(&Part::ApiCall) },
            index_keys: Members {
                read: &self.index_keys,
                unread: self.unread.iter().filter_map(Unread::as_place).collect(),
            },
            continuous_since: self.continuous_since,
            recheck_hop: self.recheck_hop,
            recheck_at: self.recheck_at,
            publishing_since: self.publishing_since,
            mode_tag: self.mode_tag.as_deref(),
            others: &self.others,
        };
        writing.serialize(serializer)
    }
}

impl LedgerRecord {
    /// The parts of the stored record that this version cannot read, for the log; none if it read
    /// everything.
    #[must_use]
    pub fn unread_note(&self) -> Option<String> {
        let parts: Vec<String> = self.unread.iter().map(ToString::to_string).collect();
        let what = "this version cannot read all of the ledger record";
        (!parts.is_empty()).then(|| format!("{what}: {}", parts.join("; ")))
    }

    fn unread_in(&self, part: &Part) -> Vec<&Value> {
        self.unread.iter().filter(|it| it.part == *part).map(|it| &it.json).collect()
    }
}

impl Unread {
    fn as_place(&self) -> Option<(&str, &Value)> {
        let Part::IndexKey(place) = &self.part else { return None };
        Some((place, &self.json))
    }

    fn as_group(&self) -> Option<(&str, &Value)> {
        let Part::Group(group) = &self.part else { return None };
        Some((group, &self.json))
    }

    fn as_target(&self) -> Option<(&str, (&str, &Value))> {
        let Part::Target { group, target } = &self.part else { return None };
        Some((group, (target, &self.json)))
    }
}

/// A list.
struct List<'a, T> {
    read: &'a [T],
    unread: Vec<&'a Value>,
}

impl<T> List<'_, T> {
    fn is_empty(&self) -> bool {
        self.read.is_empty() && self.unread.is_empty()
    }
}

impl<T: Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.read.len() + self.unread.len()))?;
        self.read.iter().try_for_each(|element| list.serialize_element(element))?;
        self.unread.iter().try_for_each(|element| list.serialize_element(element))?;
        list.end()
    }
}

/// The members of an object.
struct Members<'a, K, V> {
    read: &'a BTreeMap<K, V>,
    unread: Vec<(&'a str, &'a Value)>,
}

impl<K, V> Members<'_, K, V> {
    fn is_empty(&self) -> bool {
        self.read.is_empty() && self.unread.is_empty()
    }
}

impl<K: Serialize, V: Serialize> Serialize for Members<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.read.len() + self.unread.len()))?;
        self.read.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        self.unread.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// The known targets by group.
struct Groups<'a> {
    read: &'a BTreeMap<TargetGroupArn, BTreeMap<Target, KnownTarget>>,
    unread: &'a [Unread],
}

impl Groups<'_> {
    fn is_empty(&self) -> bool {
        let is_of_known = |it: &Unread| it.as_group().is_some() || it.as_target().is_some();
        self.read.is_empty() && !self.unread.iter().any(is_of_known)
    }
}

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut unread: BTreeMap<&str, Vec<(&str, &Value)>> = BTreeMap::new();
        for (group, member) in self.unread.iter().filter_map(Unread::as_target) {
            unread.entry(group).or_default().push(member);
        }
        let mut map = serializer.serialize_map(None)?;
        for (group, read) in self.read {
            let unread = unread.remove(group.as_str()).unwrap_or_default();
            map.serialize_entry(group, &Members { read, unread })?;
        }
        let none: BTreeMap<Target, KnownTarget> = BTreeMap::new();
        for (group, unread) in unread {
            map.serialize_entry(group, &Members { read: &none, unread })?;
        }
        for (group, json) in self.unread.iter().filter_map(Unread::as_group) {
            map.serialize_entry(group, json)?;
        }
        map.end()
    }
}
