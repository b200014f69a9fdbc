//! Verifies what Fargate requires and what it does not support.
//!
//! AWS facts: F-11.5.

use super::Checks;
use crate::members::{list, number, text};
use crate::problem::ProblemCode;
use serde_json::Value;

/// CPU units, and the least, the most and the step of the memory in MiB (ECS developer guide,
/// task-cpu-memory-error).
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// The log drivers of Fargate.
const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

const AT: &str = "taskDefinition";

pub(super) fn verify(checks: &mut Checks<'_>) {
    let Some(definition) = &checks.spec.task_definition else { return };
    let requires = checks.spec.requires();
    if checks.is_fargate() && !requires.is_empty() && !requires.contains(&"FARGATE") {
        let message = "the service runs on Fargate: add FARGATE here";
        checks.error(ProblemCode::NotForFargate, format!("{AT}.requiresCompatibilities"), message);
    }
    if !checks.is_fargate() && !requires.contains(&"FARGATE") {
        return;
    }
    if checks.network_mode() != Some("awsvpc") {
        let message = "on Fargate each task has its own address: set `networkMode: awsvpc`";
        checks.error(ProblemCode::FargateNetworkMode, format!("{AT}.networkMode"), message);
    }
    size(checks, definition);
    for (at, container) in checks.containers() {
        container_on_fargate(checks, &at, container);
    }
    for (index, volume) in list(definition, "volumes").iter().enumerate() {
        if volume.get("host").is_some_and(|host| text(host, "sourcePath").is_some()) {
            let message = "tasks on Fargate cannot access a host: use an EFS or EBS volume, or omit `host` for a volume that ends with the task";
            checks.error(ProblemCode::NotOnFargate, format!("{AT}.volumes[{index}].host"), message);
        }
    }
    if !list(definition, "placementConstraints").is_empty() {
        let message = "Fargate has no instances to choose from: omit it";
        checks.error(ProblemCode::NotOnFargate, format!("{AT}.placementConstraints"), message);
    }
    if let Some(size) =
        definition.get("ephemeralStorage").and_then(|storage| number(storage, "sizeInGiB"))
        && !(21..=200).contains(&size)
    {
        checks.error(
            ProblemCode::OutOfRange,
            format!("{AT}.ephemeralStorage.sizeInGiB"),
            "Fargate supports 21 to 200 GiB",
        );
    }
    execution_role(checks, definition);
}

fn size(checks: &mut Checks<'_>, definition: &Value) {
    let (Some(cpu), Some(memory)) = (text(definition, "cpu"), text(definition, "memory")) else {
        for member in ["cpu", "memory"].iter().filter(|member| definition.get(**member).is_none()) {
            let message = format!(
                "Fargate needs the size of the task: set `{member}`, such as cpu 256 with memory 512"
            );
            checks.error(ProblemCode::FargateSize, AT, message);
        }
        return;
    };
    let Some(units) = units(cpu, "vcpu") else {
        checks.error(
            ProblemCode::FargateSize,
            format!("{AT}.cpu"),
            format!("`{cpu}` is not a valid size: write CPU units, such as 256"),
        );
        return;
    };
    let Some((_, least, most, step)) = SIZES.iter().find(|(cpu, ..)| *cpu == units) else {
        let sizes: Vec<String> = SIZES.iter().map(|(cpu, ..)| cpu.to_string()).collect();
        let message =
            format!("Fargate does not support {units} CPU units; supported: {}", sizes.join(", "));
        checks.error(ProblemCode::FargateSize, format!("{AT}.cpu"), message);
        return;
    };
    let fits = units_of_memory(memory).is_some_and(|memory| {
        (*least..=*most).contains(&memory) && (memory % step == 0 || (units, memory) == (256, 512))
    });
    if !fits || (units == 256 && units_of_memory(memory) == Some(1536)) {
        let message = if units == 256 {
            "with 256 CPU units Fargate supports 512, 1024 or 2048 MiB of memory".to_owned()
        } else {
            format!(
                "with {units} CPU units Fargate supports {least} to {most} MiB of memory, in steps of {step}"
            )
        };
        checks.error(ProblemCode::FargateSize, format!("{AT}.memory"), message);
    }
}

/// `256`, or `.25 vCPU`.
fn units(text: &str, unit: &str) -> Option<u32> {
    if let Ok(units) = text.trim().parse::<u32>() {
        return Some(units);
    }
    let number = text.trim().to_ascii_lowercase();
    let number = number.strip_suffix(unit)?.trim();
    // In thousandths, so that `.25` is exact: no size is finer.
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u32>().ok()? };
    let thousandths = format!("{part:0<3}").get(..3)?.parse::<u32>().ok()?;
    Some(whole.checked_mul(1024)? + thousandths * 1024 / 1000)
}

/// `512`, or `0.5 GB`.
fn units_of_memory(text: &str) -> Option<u32> {
    units(text, "gb")
}

fn container_on_fargate(checks: &mut Checks<'_>, at: &str, container: &Value) {
    if container.get("privileged").and_then(Value::as_bool) == Some(true) {
        let message = "Fargate does not run privileged containers: omit it, or run on EC2";
        checks.error(ProblemCode::NotOnFargate, format!("{at}.privileged"), message);
    }
    if !list(container, "dockerSecurityOptions").is_empty() {
        checks.error(
            ProblemCode::NotOnFargate,
            format!("{at}.dockerSecurityOptions"),
            "Fargate does not support this: omit it",
        );
    }
    for (index, requirement) in list(container, "resourceRequirements").iter().enumerate() {
        if text(requirement, "type") == Some("GPU") {
            let message = "Fargate has no GPUs: run this service on EC2";
            checks.error(
                ProblemCode::NotOnFargate,
                format!("{at}.resourceRequirements[{index}].type"),
                message,
            );
        }
    }
    if let Some(driver) = container.get("logConfiguration").and_then(|logs| text(logs, "logDriver"))
        && !LOG_DRIVERS.contains(&driver)
    {
        let message = format!("Fargate supports the log drivers {}", LOG_DRIVERS.join(", "));
        checks.error(
            ProblemCode::NotOnFargate,
            format!("{at}.logConfiguration.logDriver"),
            message,
        );
    }
    if number(container, "stopTimeout").is_some_and(|seconds| seconds > 120) {
        checks.error(
            ProblemCode::OutOfRange,
            format!("{at}.stopTimeout"),
            "Fargate waits at most 120 seconds",
        );
    }
}

/// Fargate needs an execution role for images, logs and secrets.
fn execution_role(checks: &mut Checks<'_>, definition: &Value) {
    if text(definition, "executionRoleArn").is_some_and(|role| !role.is_empty()) {
        return;
    }
    for (at, container) in checks.containers() {
        let logs = container.get("logConfiguration").and_then(|logs| text(logs, "logDriver"));
        let image = text(container, "image").unwrap_or_default();
        let reason = if image.contains(".dkr.ecr.") {
            Some(("image", "pulls its image from ECR"))
        } else if logs == Some("awslogs") {
            Some(("logConfiguration", "writes logs to CloudWatch"))
        } else if !list(container, "secrets").is_empty() {
            Some(("secrets", "gets secrets"))
        } else {
            None
        };
        if let Some((member, why)) = reason {
            let message = format!(
                "this container {why}, for which Fargate needs a role: set `executionRoleArn`"
            );
            checks.error(ProblemCode::NoExecutionRole, format!("{at}.{member}"), message);
            return;
        }
    }
}
