//! Reads whether subnets, security groups and roles exist, and in which VPC.
//!
//! It uses the Cloud Control API, with one call for each resource: the SDKs of EC2 and IAM, of
//! which only three operations are needed, take longer to compile than everything else together.
//! AWS also requires the permissions of its own read of the resource.
//! <https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-read.html>

use crate::SpecAws;
use portkeeper_aws::failure::Failure;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const ACTION: &str = "cloudformation:GetResource";

/// The error code for a resource that does not exist. Other codes contain `NotFound`, too, but are
/// about the type.
const ABSENT: &str = "ResourceNotFoundException";

/// Those of these subnets that exist, each with its VPC.
pub(super) async fn subnets(
    aws: &SpecAws,
    ids: &BTreeSet<String>,
) -> Result<Option<BTreeMap<String, String>>, Failure> {
    with_vpc(aws, "AWS::EC2::Subnet", ids).await.map(Some)
}

/// Those of these security groups that exist, each with its VPC.
pub(super) async fn security_groups(
    aws: &SpecAws,
    ids: &BTreeSet<String>,
) -> Result<Option<BTreeMap<String, String>>, Failure> {
    with_vpc(aws, "AWS::EC2::SecurityGroup", ids).await.map(Some)
}

/// Those of these roles that exist.
pub(super) async fn roles(
    aws: &SpecAws,
    names: &BTreeSet<String>,
) -> Result<Option<BTreeSet<String>>, Failure> {
    let mut found = BTreeSet::new();
    for name in names {
        if resource(aws, "AWS::IAM::Role", name).await?.is_some() {
            found.insert(name.clone());
        }
    }
    Ok(Some(found))
}

async fn with_vpc(
    aws: &SpecAws,
    type_name: &'static str,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for id in ids {
        let Some(properties) = resource(aws, type_name, id).await? else { continue };
        let vpc = properties.get("VpcId").and_then(Value::as_str);
        let vpc = vpc.ok_or_else(|| {
            Failure::unreadable(ACTION, format!("{type_name} {id}"), "it has no VpcId")
        })?;
        found.insert(id.clone(), vpc.to_owned());
    }
    Ok(found)
}

/// The properties of a resource, as its schema names them; none where it does not exist.
async fn resource(
    aws: &SpecAws,
    type_name: &'static str,
    id: &str,
) -> Result<Option<Value>, Failure> {
    let what = || format!("{type_name} {id}");
    aws.shared.acquire(ACTION).await;
    let answer = match aws.control.get_resource().type_name(type_name).identifier(id).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let failure = aws.shared.failure(ACTION, what(), error);
            return if failure.code() == Some(ABSENT) { Ok(None) } else { Err(failure) };
        }
    };
    let properties =
        answer.resource_description().and_then(|it| it.properties()).unwrap_or_default();
    let read = serde_json::from_str(properties);
    read.map(Some).map_err(|error| Failure::unreadable(ACTION, what(), error.to_string()))
}
