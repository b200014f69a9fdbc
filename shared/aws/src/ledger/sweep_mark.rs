//! Where the sweep goes on: an item of the ledger's table, which exists only while a round takes
//! more than one run.

use super::records::{EXPIRES, Item, KEY, get_batch, text_of};
use crate::account::Aws;
use crate::failure::Failure;
use aws_sdk_dynamodb::types::AttributeValue;
use portkeeper_core::ids::ClusterArn;
use portkeeper_core::time::Timestamp;

/// The key of the mark. Keys of services hold a slash.
const MARK: &str = "sweep";

const CLUSTER: &str = "cluster";
const AFTER: &str = "after";

/// A mark that is older than this is of no use: every service has had its turn since. In seconds:
/// one day.
const LIFE_SECONDS: u32 = 24 * 3600;

/// What comes before this was looked at in this round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The cluster to go on with.
    pub cluster: ClusterArn,
    /// The last service of it that was looked at, if any was.
    pub after: Option<String>,
}

/// Reads the mark. One that cannot be understood is none: the round begins anew.
pub async fn read(aws: &Aws, table: &str) -> Result<Option<Mark>, Failure> {
    let items = get_batch(aws, table, &[MARK.to_owned()]).await?;
    Ok(items.iter().find_map(|item| {
        let cluster = ClusterArn::try_from(text_of(item, CLUSTER)?).ok()?;
        Some(Mark { cluster, after: text_of(item, AFTER).map(str::to_owned) })
    }))
}

/// Stores the mark; none says that the round is over.
pub async fn store(
    aws: &Aws,
    table: &str,
    mark: Option<&Mark>,
    now: Timestamp,
) -> Result<(), Failure> {
    let expires = now.plus_secs(LIFE_SECONDS).as_secs();
    let mut item = Item::from([
        (KEY.to_owned(), AttributeValue::S(MARK.to_owned())),
        (EXPIRES.to_owned(), AttributeValue::N(expires.to_string())),
    ]);
    if let Some(Mark { cluster, after }) = mark {
        item.insert(CLUSTER.to_owned(), AttributeValue::S(cluster.to_string()));
        item.extend(after.iter().map(|after| (AFTER.to_owned(), AttributeValue::S(after.clone()))));
    }
    let action = "dynamodb:PutItem";
    aws.turn(action).await;
    let sent = aws.dynamodb.put_item().table_name(table).set_item(Some(item)).send().await;
    sent.map(|_| ())
        .map_err(|error| aws.failure(action, format!("the sweep's mark in table {table}"), error))
}
