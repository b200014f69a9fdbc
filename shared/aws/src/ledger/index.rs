//! The ledger's index: from a target group or a load balancer to the services behind it. ECS has no
//! call for that, and listing every service for each event would repeat the sweep. Therefore the
//! first check of a service adds it to the index under each of its groups and load balancers: one
//! item for each of them in the ledger's table, with a set of services, to which DynamoDB adds
//! without a read. A stale index entry causes one check without findings. If ECS does not know the
//! service, that check removes the entry. A missing entry loses the event: the next sweep finds what
//! the event reported.

use super::table::{Key, LIFE_SECONDS, SetChange, get, update_services};
use crate::account::Aws;
use crate::failure::{Failure, chain};
use portkeeper_core::api_call::IndexKey;
use portkeeper_core::ids::{ServiceArn, ServiceKey};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An item with more services than this is reported in the log: it approaches the 400 KB that
/// DynamoDB allows for an item. The ARN of a service has up to 600 characters, and usually fewer
/// than 100.
const MANY_SERVICES: usize = 2_000;

/// Adds a service to the index under a key. The entry lives twice as long as a record. Returns
/// `false` if the item has no room for it: then calls on this group or load balancer do not lead to
/// the service, which is no reason to fail its check.
pub async fn enter(
    aws: &Aws,
    table: &str,
    place: &IndexKey,
    key: &ServiceKey,
    now: Timestamp,
) -> Result<bool, Failure> {
    match update(aws, table, place, key, SetChange::Add, now).await {
        Ok(()) => Ok(true),
        // DynamoDB's only code for an item that is too large:
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
        Err(failure) if failure.code() == Some("ValidationException") => {
            tracing::warn!(
                service = %key, %place, error = chain(&failure),
                "the index is full: CloudTrail events there do not lead to this service"
            );
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

/// Removes a service from the index under a key.
pub async fn leave(
    aws: &Aws,
    table: &str,
    place: &IndexKey,
    key: &ServiceKey,
    now: Timestamp,
) -> Result<(), Failure> {
    update(aws, table, place, key, SetChange::Delete, now).await
}

async fn update(
    aws: &Aws,
    table: &str,
    place: &IndexKey,
    key: &ServiceKey,
    change: SetChange,
    now: Timestamp,
) -> Result<(), Failure> {
    let expires_at = now.plus_secs(LIFE_SECONDS * 2);
    let service = ServiceArn::of(key).to_string();
    update_services(aws, table, &Key::from(place.clone()), change, service, expires_at).await
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
        let services: Vec<ServiceArn> = services.collect();
        if services.len() > MANY_SERVICES {
            tracing::warn!(%place, services = services.len(), "the index has many services here");
        }
        Some((place.clone(), services))
    });
    Ok(behind.collect())
}
