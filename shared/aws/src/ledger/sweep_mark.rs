//! Where the next sweep resumes: an item of the ledger's table, which exists only while a round
//! takes more than one run.

use super::table::{Key, get_one, put_texts};
use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::ids::ClusterArn;
use portkeeper_core::time::Timestamp;
use std::collections::BTreeSet;

const CLUSTER: &str = "cluster";
const AFTER: &str = "after";

/// The names of the services in [`Mark::unread`], separated by spaces. No name contains one.
const UNREAD: &str = "unread";

/// A mark older than this is ignored, because every service has been read since. In seconds: one
/// day.
const LIFE_SECONDS: u32 = 24 * 3600;

/// This round has read everything before this position, except `unread`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The cluster with which the next run resumes.
    pub cluster: ClusterArn,
    /// The last service of it that was read, if any.
    pub after: Option<String>,
    /// Services of it before that position that AWS did not let this round read. The next run begins
    /// with them.
    pub unread: BTreeSet<String>,
}

impl Mark {
    /// The position before the first service of a cluster.
    #[must_use]
    pub fn before(cluster: ClusterArn) -> Self {
        Self { cluster, after: None, unread: BTreeSet::new() }
    }

    /// Returns whether this round still has to read this service of the cluster.
    #[must_use]
    pub fn leaves(&self, service: &str) -> bool {
        self.after.as_deref().is_none_or(|after| service > after) || self.unread.contains(service)
    }
}

/// Reads the mark. If it cannot be parsed, it counts as absent and the round starts again.
pub async fn read(aws: &Aws, table: &str) -> Result<Option<Mark>, Failure> {
    let item = get_one(aws, table, Key::Sweep).await?;
    Ok(item.as_ref().and_then(|item| {
        let cluster = ClusterArn::try_from(item.text(CLUSTER)?).ok()?;
        let unread = item.text(UNREAD).unwrap_or_default().split_whitespace();
        let (after, unread) = (item.text(AFTER).map(str::to_owned), unread.map(str::to_owned));
        Some(Mark { cluster, after, unread: unread.collect() })
    }))
}

/// Stores the mark; `None` means that the round is complete.
pub async fn store(
    aws: &Aws,
    table: &str,
    mark: Option<&Mark>,
    now: Timestamp,
) -> Result<(), Failure> {
    let cluster = mark.map(|mark| (CLUSTER, mark.cluster.to_string()));
    let after = mark.and_then(|mark| mark.after.clone()).map(|after| (AFTER, after));
    let unread = mark.map(|mark| mark.unread.iter().map(String::as_str).collect::<Vec<_>>());
    let unread = unread.filter(|names| !names.is_empty()).map(|names| (UNREAD, names.join(" ")));
    let texts = cluster.into_iter().chain(after).chain(unread);
    put_texts(aws, table, &Key::Sweep, texts, now.plus_secs(LIFE_SECONDS)).await
}
