//! Cloud Control API: `GetResource` for subnets, security groups and roles. Holds the security
//! groups and roles, which no other simulated service needs.
//!
//! Knows only that a resource exists, and its VPC. Source:
//! <https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResource.html>.

mod resource_api;

use crate::World;
use crate::api::{ApiError, Service};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Security groups and roles of the account.
#[derive(Debug, Default)]
pub struct CloudControl {
    /// The VPC of each security group, by its id.
    groups: BTreeMap<String, String>,
    /// Roles by name.
    roles: BTreeSet<String>,
}

impl World {
    pub fn add_security_group(&mut self, id: &str, vpc: &str) {
        self.cloudcontrol.groups.insert(id.to_owned(), vpc.to_owned());
    }

    pub fn add_role(&mut self, name: &str) {
        self.cloudcontrol.roles.insert(name.to_owned());
    }
}

pub fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "GetResource" => resource_api::get_resource(world, input),
        _ => Err(ApiError::unknown_operation(Service::CloudControl, operation)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Caller;
    use serde_json::json;

    #[test]
    fn existing_resources_are_returned_and_others_are_not_found() {
        let mut world = World::new(1, 1_700_000_040_000);
        let subnet = world.default_subnets().remove(0);
        world.add_security_group("sg-1", "vpc-1");
        world.add_role("runner");
        let mut get = |type_name: &str, id: &str| {
            let input = json!({"TypeName": type_name, "Identifier": id});
            let answer =
                world.call(Caller::Client, Service::CloudControl, "GetResource", &input)?;
            Ok::<_, ApiError>(
                answer["ResourceDescription"]["Properties"].as_str().unwrap().to_owned(),
            )
        };
        assert!(
            get("AWS::EC2::Subnet", &subnet)
                .unwrap()
                .contains(r#""VpcId":"vpc-0c0ffee0000000001""#)
        );
        assert_eq!(
            get("AWS::EC2::SecurityGroup", "sg-1").unwrap(),
            r#"{"GroupId":"sg-1","Id":"sg-1","VpcId":"vpc-1"}"#
        );
        assert_eq!(get("AWS::IAM::Role", "runner").unwrap(), r#"{"RoleName":"runner"}"#);
        assert_eq!(
            get("AWS::IAM::Role", "walker").unwrap_err().to_string(),
            "ResourceNotFoundException: Resource of type 'AWS::IAM::Role' with identifier 'walker' was not found."
        );
        assert_eq!(get("AWS::EC2::Vpc", "vpc-1").unwrap_err().code, "TypeNotFoundException");
    }
}
