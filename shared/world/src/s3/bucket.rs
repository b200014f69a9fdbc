//! A bucket and the versions of its objects. Knows no operation.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The version id of an object put while versioning was not enabled.
pub(super) const NULL_VERSION: &str = "null";

/// The versioning state. Once enabled, versioning can only be suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Versioning {
    #[default]
    Never,
    Enabled,
    Suspended,
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) versioning: Versioning,
    /// Whether every change is sent to EventBridge.
    pub(super) sends_to_event_bridge: bool,
    /// Queues that receive notifications.
    pub(super) queues: Vec<QueueNotification>,
    /// By key, newest version last. A key without versions has no entry.
    objects: BTreeMap<String, Vec<Version>>,
}

/// One entry of `QueueConfigurations`.
#[derive(Debug, Clone)]
pub(super) struct QueueNotification {
    pub(super) id: String,
    pub(super) queue: String,
    /// Such as `s3:ObjectCreated:*`.
    pub(super) events: Vec<String>,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// [`NULL_VERSION`] if versioning was not enabled then.
    pub(super) id: String,
    /// `None` for a delete marker.
    pub(super) body: Option<Vec<u8>>,
    /// MD5 in hex, without quotes.
    pub(super) etag: String,
    /// Stored and returned with the object: content type, metadata, checksums.
    pub(super) shown: Map<String, Value>,
    pub(super) modified_ms: u64,
}

/// The result of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deleted {
    Nothing,
    /// A delete marker with this version id was added.
    Marked(String),
    /// The version was permanently deleted.
    Gone {
        id: String,
        was_marker: bool,
    },
}

impl Bucket {
    /// The newest version of a key, which may be a delete marker.
    pub(super) fn newest(&self, key: &str) -> Option<&Version> {
        self.objects.get(key)?.last()
    }

    /// One version of a key.
    pub(super) fn version(&self, key: &str, id: &str) -> Option<&Version> {
        self.objects.get(key)?.iter().find(|version| version.id == id)
    }

    /// The current objects, ordered by key.
    pub(super) fn present(&self) -> impl Iterator<Item = (&str, &Version)> {
        self.objects.iter().filter_map(|(key, versions)| {
            versions
                .last()
                .filter(|newest| newest.body.is_some())
                .map(|newest| (key.as_str(), newest))
        })
    }

    /// Whether a new version gets a version id other than `null`.
    pub(super) fn numbers_versions(&self) -> bool {
        self.versioning == Versioning::Enabled
    }

    /// Adds a version as the current one. A version with the id `null` replaces an older one with
    /// that id.
    pub(super) fn put(&mut self, key: &str, version: Version) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if version.id == NULL_VERSION {
            versions.retain(|held| held.id != NULL_VERSION);
        }
        versions.push(version);
    }

    /// Permanently deletes one version.
    pub(super) fn remove(&mut self, key: &str, id: &str) -> Deleted {
        let Some(versions) = self.objects.get_mut(key) else { return Deleted::Nothing };
        let Some(at) = versions.iter().position(|version| version.id == id) else {
            return Deleted::Nothing;
        };
        let gone = versions.remove(at);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Deleted::Gone { id: gone.id, was_marker: gone.body.is_none() }
    }
}
