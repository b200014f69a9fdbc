//! The ledger's index: from a target group or a load balancer to the services behind it. ECS has no
//! call for that, and listing every service for each event would repeat the sweep. Therefore the
//! first check of a service adds it to the index under each of its groups and load balancers: one
//! item for each of them in the ledger's table, with a set of services, to which DynamoDB adds
//! without a read. A stale index entry causes one check without findings. A missing entry loses the
//! event: the next sweep finds what the event reported.

use super::table::{Key, LIFE_SECONDS, add_service, get};
use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::api_call::IndexKey;
use portkeeper_core::ids::{ServiceArn, ServiceKey};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Adds a service to the index under a key. The entry lives twice as long as a record.
pub async fn enter(
    aws: &Aws,
    table: &str,
    place: &IndexKey,
    key: &ServiceKey,
    now: Timestamp,
) -> Result<(), Failure> {
    let expires_at = now.plus_secs(LIFE_SECONDS * 2);
    let service = ServiceArn::of(key).to_string();
    add_service(aws, table, &Key::from(place.clone()), service, expires_at).await
}

/// Returns the services under these keys; none for an unknown key.
pub async fn services_behind(
    aws: &Aws,
    table: &str,
    places: &BTreeSet<IndexKey>,
) -> Result<BTreeMap<IndexKey, Vec<ServiceArn>>, Failure> {
    let by_key: BTreeMap<Key, &IndexKey> =
        places.iter().map(|place| (Key::from(place.clone()), place)).collect();
    let keys: Vec<Key> = by_key.keys().cloned().collect();
    let items = get(aws, table, &keys).await?;
    let behind = items.into_iter().filter_map(|(key, item)| {
        let place = *by_key.get(&key)?;
        let services = item.services().filter_map(|arn| ServiceArn::try_from(arn).ok());
        Some((place.clone(), services.collect()))
    });
    Ok(behind.collect())
}
