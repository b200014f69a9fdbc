//! Where the next sweep resumes: an item of the ledger's table, which exists only while a round
//! takes more than one run.

use super::table::{Key, get_one, put_texts};
use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::ids::ClusterArn;
use portkeeper_core::time::Timestamp;

const CLUSTER: &str = "cluster";
const AFTER: &str = "after";

/// A mark older than this is ignored, because every service has been read since. In seconds: one
/// day.
const LIFE_SECONDS: u32 = 24 * 3600;

/// This round has read everything before this position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The cluster with which the next run resumes.
    pub cluster: ClusterArn,
    /// The last service of it that was read, if any.
    pub after: Option<String>,
}

/// Reads the mark. If it cannot be parsed, it counts as absent and the round starts again.
pub async fn read(aws: &Aws, table: &str) -> Result<Option<Mark>, Failure> {
    let item = get_one(aws, table, Key::Sweep).await?;
    Ok(item.as_ref().and_then(|item| {
        let cluster = ClusterArn::try_from(item.text(CLUSTER)?).ok()?;
        Some(Mark { cluster, after: item.text(AFTER).map(str::to_owned) })
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
    let texts = cluster.into_iter().chain(after);
    put_texts(aws, table, &Key::Sweep, texts, now.plus_secs(LIFE_SECONDS)).await
}
