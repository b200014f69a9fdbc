//! A bucket and the versions of its objects. Knows how versions are stacked; knows no operation.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The version id of an object that was put while the bucket kept no versions.
pub(super) const NULL_VERSION: &str = "null";

/// Whether a bucket keeps versions. Once switched on, it can only be suspended.
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
    /// Whether EventBridge hears of every change.
    pub(super) tells_event_bridge: bool,
    /// Queues that get S3's own notifications: ARN, events, and what the configuration is called.
    pub(super) queues: Vec<QueueNotice>,
    /// By key; the newest version is the last. A key without any version is not in here.
    objects: BTreeMap<String, Vec<Version>>,
}

/// One entry of `QueueConfigurations`.
#[derive(Debug, Clone)]
pub(super) struct QueueNotice {
    pub(super) id: String,
    /// The queue's name.
    pub(super) queue: String,
    /// Such as `s3:ObjectCreated:*`.
    pub(super) events: Vec<String>,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// [`NULL_VERSION`] if the bucket kept no versions then.
    pub(super) id: String,
    /// None: a delete marker.
    pub(super) body: Option<Vec<u8>>,
    /// MD5 in hex, without quotes.
    pub(super) etag: String,
    /// What was given with the object and is shown back: content type, metadata, checksums.
    pub(super) shown: Map<String, Value>,
    pub(super) modified_ms: u64,
}

/// What a deletion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deleted {
    /// There was nothing to delete.
    Nothing,
    /// A delete marker with this version was put on top.
    Marked(String),
    /// The version is gone for good.
    Gone { id: String, was_marker: bool },
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

    /// The objects that are there now, in order of their keys.
    pub(super) fn present(&self) -> impl Iterator<Item = (&str, &Version)> {
        self.objects.iter().filter_map(|(key, versions)| {
            versions
                .last()
                .filter(|newest| newest.body.is_some())
                .map(|newest| (key.as_str(), newest))
        })
    }

    /// Whether a new version gets an id of its own.
    pub(super) fn numbers_versions(&self) -> bool {
        self.versioning == Versioning::Enabled
    }

    /// Puts a version on top. One without an id of its own replaces the one without an id.
    pub(super) fn put(&mut self, key: &str, version: Version) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if version.id == NULL_VERSION {
            versions.retain(|held| held.id != NULL_VERSION);
        }
        versions.push(version);
    }

    /// Takes one version away for good.
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
