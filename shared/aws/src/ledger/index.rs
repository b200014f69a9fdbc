//! The ledger's index: from a target group or a load balancer to the services behind it.
//!
//! ECS has no call for that, and to list every service for each event would be the sweep once more.
//! So each service is entered under its groups and load balancers when it is first looked at: one
//! item for each of them in the ledger's table, with a set of services, to which DynamoDB adds
//! without being read first. An entry that is no more right costs a look at a service that needs
//! none. One that is missing costs the event: the next sweep sees what it told of.

use super::records::{EXPIRES, KEY, LIFE_SECONDS, get_batch};
use crate::account::Aws;
use crate::failure::Failure;
use aws_sdk_dynamodb::types::AttributeValue;
use portkeeper_core::call::Place;
use portkeeper_core::ids::{ServiceArn, ServiceKey};
use portkeeper_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The services of an item, by their ARNs.
const SERVICES: &str = "services";

/// How many keys `BatchGetItem` takes.
const GET_BATCH: usize = 100;

/// Enters a service under a place, for twice as long as a record lives.
pub async fn enter(
    aws: &Aws,
    table: &str,
    place: &Place,
    key: &ServiceKey,
    now: Timestamp,
) -> Result<(), Failure> {
    let action = "dynamodb:UpdateItem";
    let expires = now.plus_secs(LIFE_SECONDS * 2).as_secs().to_string();
    aws.turn(action).await;
    let update = aws
        .dynamodb
        .update_item()
        .table_name(table)
        .key(KEY, AttributeValue::S(place.to_string()))
        .update_expression("SET #expires = :expires ADD #services :services")
        .expression_attribute_names("#expires", EXPIRES)
        .expression_attribute_names("#services", SERVICES)
        .expression_attribute_values(":expires", AttributeValue::N(expires))
        .expression_attribute_values(
            ":services",
            AttributeValue::Ss(vec![ServiceArn::of(key).to_string()]),
        );
    let updated = update.send().await.map(|_| ());
    updated.map_err(|error| aws.failure(action, format!("item {place} of table {table}"), error))
}

/// The services behind these places; none for a place that nobody knows.
pub async fn services_behind(
    aws: &Aws,
    table: &str,
    places: &BTreeSet<Place>,
) -> Result<BTreeMap<Place, Vec<ServiceArn>>, Failure> {
    let by_text: HashMap<&str, &Place> =
        places.iter().map(|place| (place.as_str(), place)).collect();
    let keys: Vec<String> = places.iter().map(ToString::to_string).collect();
    let mut found = BTreeMap::new();
    for batch in keys.chunks(GET_BATCH) {
        for item in get_batch(aws, table, batch).await? {
            let text = item.get(KEY).and_then(|key| key.as_s().ok());
            let Some(place) = text.and_then(|text| by_text.get(text.as_str())) else { continue };
            let services = item.get(SERVICES).and_then(|services| services.as_ss().ok());
            let services = services
                .into_iter()
                .flatten()
                .filter_map(|arn| ServiceArn::try_from(arn.as_str()).ok());
            found.insert((*place).clone(), services.collect());
        }
    }
    Ok(found)
}
