//! `GetResource`.

use crate::World;
use crate::api::{ApiError, Service};
use crate::input::Input;
use serde_json::{Value, json};

pub(super) fn get_resource(world: &World, input: &Value) -> Result<Value, ApiError> {
    let input = Input::read(
        Service::CloudControl,
        "GetResource",
        input,
        "TypeName Identifier",
        "TypeVersionId RoleArn",
    )?;
    let (type_name, id) = (input.text("TypeName")?, input.text("Identifier")?);
    let properties = match type_name {
        "AWS::EC2::Subnet" => world
            .ecs
            .network
            .subnet(id)
            .map(|it| json!({"SubnetId": id, "VpcId": it.vpc, "AvailabilityZone": it.zone})),
        "AWS::EC2::SecurityGroup" => world
            .cloudcontrol
            .groups
            .get(id)
            .map(|vpc| json!({"Id": id, "GroupId": id, "VpcId": vpc})),
        "AWS::IAM::Role" => world.cloudcontrol.roles.get(id).map(|name| json!({"RoleName": name})),
        _ => {
            let message = format!("The type {type_name} cannot be found.");
            return Err(ApiError::refused("TypeNotFoundException", message));
        }
    };
    let properties = properties.ok_or_else(|| {
        let message =
            format!("Resource of type '{type_name}' with identifier '{id}' was not found.");
        ApiError::refused("ResourceNotFoundException", message)
    })?;
    Ok(json!({
        "TypeName": type_name,
        "ResourceDescription": {"Identifier": id, "Properties": properties.to_string()},
    }))
}
