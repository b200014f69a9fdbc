//! CloudWatch Logs: log groups, their retention and their tags.
//!
//! Knows log groups only; log streams and log events are not simulated. Source:
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>.

mod log_group_api;
#[cfg(test)]
mod tests;

use crate::World;
use crate::api::{ApiError, Service};
use serde_json::Value;
use std::collections::BTreeMap;

/// All log groups of the account, by name.
#[derive(Debug, Default)]
pub struct CloudWatchLogs {
    groups: BTreeMap<String, Group>,
}

#[derive(Debug)]
struct Group {
    name: String,
    retention_days: Option<u64>,
    class: String,
    key: Option<String>,
    tags: BTreeMap<String, String>,
    created_ms: u64,
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "CreateLogGroup" => log_group_api::create_log_group(world, input),
        "DescribeLogGroups" => log_group_api::describe_log_groups(world, input),
        "PutRetentionPolicy" => log_group_api::put_retention_policy(world, input),
        "DeleteRetentionPolicy" => log_group_api::delete_retention_policy(world, input),
        "DeleteLogGroup" => log_group_api::delete_log_group(world, input),
        "TagResource" => log_group_api::tag_resource(world, input),
        "ListTagsForResource" => log_group_api::list_tags_for_resource(world, input),
        _ => Err(ApiError::unknown_operation(Service::CloudWatchLogs, operation)),
    }
}
