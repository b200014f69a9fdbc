//! Which task definitions AWS rejects. The texts are AWS's where reports show them, otherwise
//! [MEM].

use super::service::rules::may_pass;
use super::state::definition::NetworkMode;
use crate::World;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::Value;
use std::collections::BTreeSet;

/// CPU units of Fargate tasks, with the smallest and largest memory in MiB [DG
/// fargate-tasks-services].
const FARGATE: [(u64, u64, u64); 7] = [
    (256, 512, 2048),
    (512, 1024, 4096),
    (1024, 2048, 8192),
    (2048, 4096, 16_384),
    (4096, 8192, 30_720),
    (8192, 16_384, 61_440),
    (16_384, 32_768, 122_880),
];

pub(super) fn check(world: &World, input: &Input<'_>, mode: NetworkMode) -> Result<(), ApiError> {
    let family = input.text("family")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if family.is_empty() || family.len() > 255 || !family.chars().all(fits) {
        return refuse("Family must be up to 255 letters, digits, hyphens and underscores.");
    }
    for role in ["taskRoleArn", "executionRoleArn"] {
        if let Some(role) = input.optional_text(role)? {
            may_pass(world, role)?;
        }
    }
    let fargate = input.texts("requiresCompatibilities")?.contains(&"FARGATE");
    if fargate {
        check_fargate(input, mode)?;
    }
    check_containers(input, fargate)
}

fn refuse(message: &str) -> Result<(), ApiError> {
    Err(ApiError::refused("ClientException", message))
}

fn check_fargate(input: &Input<'_>, mode: NetworkMode) -> Result<(), ApiError> {
    if mode != NetworkMode::Awsvpc {
        return refuse("Fargate only supports network mode ‘awsvpc’.");
    }
    let (cpu, memory) = (input.optional_text("cpu")?, input.optional_text("memory")?);
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return refuse("Fargate requires that 'cpu' and 'memory' be defined at the task level.");
    };
    let cpu = units(cpu, "vcpu");
    let memory = units(memory, "gb");
    let known = |(units, least, most): &(u64, u64, u64)| {
        cpu == Some(*units) && memory.is_some_and(|memory| (*least..=*most).contains(&memory))
    };
    if FARGATE.iter().any(known) {
        Ok(())
    } else {
        refuse("No Fargate configuration exists for given values.")
    }
}

/// `256`, or `.25 vCPU` and `1 GB`, with 1024 units per vCPU and GB.
fn units(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    match text.strip_suffix(unit) {
        None => text.parse().ok(),
        Some(number) => format!("{:.0}", number.trim().parse::<f64>().ok()? * 1024.0).parse().ok(),
    }
}

fn check_containers(input: &Input<'_>, fargate: bool) -> Result<(), ApiError> {
    let containers = input.list("containerDefinitions")?;
    let volumes = input.list("volumes")?;
    let of_task = input.get("memory").is_some();
    let mut names = BTreeSet::new();
    for container in containers {
        let text = |name: &str| container.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        if !names.insert(name) {
            return refuse(&format!("Container name '{name}' is used more than once."));
        }
        let has_memory =
            ["memory", "memoryReservation"].iter().any(|member| container.get(member).is_some());
        if !of_task && !has_memory {
            return refuse(&format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
            ));
        }
        let known = |volume: Option<&Value>| volumes.iter().any(|held| held.get("name") == volume);
        let mut mounts =
            container.get("mountPoints").and_then(Value::as_array).into_iter().flatten();
        if let Some(mount) = mounts.find(|mount| !known(mount.get("sourceVolume"))) {
            let volume = mount.get("sourceVolume").and_then(Value::as_str).unwrap_or_default();
            return refuse(&format!("Unknown volume '{volume}'."));
        }
        let driver = container.pointer("/logConfiguration/logDriver").and_then(Value::as_str);
        if fargate && driver == Some("awslogs") && input.get("executionRoleArn").is_none() {
            return refuse(
                "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
            );
        }
    }
    let essential =
        |container: &Value| container.get("essential").and_then(Value::as_bool).unwrap_or(true);
    if containers.iter().any(essential) {
        Ok(())
    } else {
        refuse("Task definition must have at least one essential container.")
    }
}
