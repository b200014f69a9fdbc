//! The ledger's index: from a target group or a load balancer to the services behind it.
//!
//! ECS has no call for that, and to list every service for each event would be the sweep once more.
//! So each service is entered under its groups and load balancers when it is first looked at: one
//! item for each of them in the ledger's table, with a set of services, to which DynamoDB adds
//! without being read first. An entry that is no more right costs a look at a service that needs
//! none. One that is missing costs the event: the next sweep sees what it told of.

use super::table::{Key, LIFE_SECONDS, add_service, get};
use crate::account::Aws;
use crate::failure::Failure;
use portkeeper_core::call::Place;
use portkeeper_core::ids::{ServiceArn, ServiceKey};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Enters a service under a place, for twice as long as a record lives.
pub async fn enter(
    aws: &Aws,
    table: &str,
    place: &Place,
    key: &ServiceKey,
    now: Timestamp,
) -> Result<(), Failure> {
    let expires_at = now.plus_secs(LIFE_SECONDS * 2);
    let service = ServiceArn::of(key).to_string();
    add_service(aws, table, &Key::from(place.clone()), service, expires_at).await
}

/// The services behind these places; none for a place that nobody knows.
pub async fn services_behind(
    aws: &Aws,
    table: &str,
    places: &BTreeSet<Place>,
) -> Result<BTreeMap<Place, Vec<ServiceArn>>, Failure> {
    let by_key: BTreeMap<Key, &Place> =
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
