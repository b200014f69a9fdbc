//! Verifies the deployment settings: limits that block every deployment, and settings that exclude
//! each other.

use super::Checks;
use crate::members::{flag, list, number, text};
use crate::problem::ProblemCode;
use serde_json::Value;

const AT: &str = "service.deploymentConfiguration";

pub(super) fn verify(checks: &mut Checks<'_>) {
    controller(checks);
    let service = &checks.spec.service;
    if let Some(strategy) = checks.shifting_strategy() {
        shifting(checks, service, strategy);
    } else {
        for (index, entry) in list(service, "loadBalancers").iter().enumerate() {
            if entry.get("advancedConfiguration").is_some() {
                let message = "only the strategies BLUE_GREEN, LINEAR and CANARY use this; set `deploymentConfiguration.strategy`, or omit it";
                checks.error(
                    ProblemCode::AdvancedWithoutStrategy,
                    format!("service.loadBalancers[{index}].advancedConfiguration"),
                    message,
                );
            }
        }
        for (index, _) in
            checks.spec.load_balancing.iter().enumerate().filter(|(_, it)| it.blue_green.is_some())
        {
            let message = "only the strategies BLUE_GREEN, LINEAR and CANARY use this; set `service.deploymentConfiguration.strategy`, or omit it";
            checks.error(
                ProblemCode::AdvancedWithoutStrategy,
                format!("loadBalancing[{index}].blueGreen"),
                message,
            );
        }
        rolling(checks, service);
    }
}

fn controller(checks: &mut Checks<'_>) {
    let controller = checks.controller();
    if controller == "ECS" {
        return;
    }
    let at = "service.deploymentController.type";
    if controller == "CODE_DEPLOY" {
        let message = "CodeDeploy would deploy the service, not this spec: use ECS with `deploymentConfiguration.strategy: BLUE_GREEN`";
        checks.error(ProblemCode::OtherController, at, message);
    } else if controller == "EXTERNAL" {
        let message = "another program's task sets would run the tasks, not this spec: use ECS";
        checks.error(ProblemCode::OtherController, at, message);
    }
}

fn shifting(checks: &mut Checks<'_>, service: &Value, strategy: &str) {
    for (index, entry) in list(service, "loadBalancers").iter().enumerate() {
        let at = format!("service.loadBalancers[{index}]");
        let Some(advanced) = entry.get("advancedConfiguration") else {
            let message = format!(
                "{strategy} shifts traffic between two target groups: set `advancedConfiguration` with the second group, the listener rule and the role"
            );
            checks.error(ProblemCode::NoSecondGroup, at, message);
            continue;
        };
        let given = |member: &str| text(advanced, member).is_some_and(|text| !text.is_empty());
        if !given("alternateTargetGroupArn") && !given("alternateTargetGroupName") {
            let message = "the second target group is missing: set `alternateTargetGroupArn` or `alternateTargetGroupName`";
            checks.error(
                ProblemCode::MissingMember,
                format!("{at}.advancedConfiguration"),
                message,
            );
        }
        for member in
            ["productionListenerRule", "roleArn"].into_iter().filter(|member| !given(member))
        {
            let message = format!("{strategy} needs `{member}`");
            checks.error(
                ProblemCode::MissingMember,
                format!("{at}.advancedConfiguration"),
                message,
            );
        }
    }
    for (index, _) in
        checks.spec.load_balancing.iter().enumerate().filter(|(_, it)| it.blue_green.is_none())
    {
        let message = format!(
            "{strategy} shifts traffic between two target groups: set `blueGreen` with the second group's name and the role"
        );
        checks.error(ProblemCode::NoSecondGroup, format!("loadBalancing[{index}]"), message);
    }
    if checks.is_daemon() {
        let message =
            format!("a DAEMON service supports only the strategy ROLLING, not {strategy}");
        checks.error(ProblemCode::DaemonStrategy, format!("{AT}.strategy"), message);
    }
}

fn rolling(checks: &mut Checks<'_>, service: &Value) {
    let Some(configuration) = service.get("deploymentConfiguration") else { return };
    if let Some(breaker) = configuration.get("deploymentCircuitBreaker")
        && flag(breaker, "rollback") == Some(true)
        && flag(breaker, "enable") == Some(false)
    {
        let message = "`rollback` does nothing while `enable` is false";
        checks.warn(
            ProblemCode::RollbackWithoutBreaker,
            format!("{AT}.deploymentCircuitBreaker.rollback"),
            message,
        );
    }
    let (least, most) =
        (number(configuration, "minimumHealthyPercent"), number(configuration, "maximumPercent"));
    if least.is_some_and(|least| !(0..=100).contains(&least)) {
        checks.error(
            ProblemCode::OutOfRange,
            format!("{AT}.minimumHealthyPercent"),
            "must be from 0 to 100 percent",
        );
        return;
    }
    if most.is_some_and(|most| most < 100) {
        checks.error(
            ProblemCode::OutOfRange,
            format!("{AT}.maximumPercent"),
            "must be 100 percent or more",
        );
        return;
    }
    let daemon = checks.is_daemon();
    // ECS's own defaults (API `DeploymentConfiguration`).
    let (least, most) = (
        least.unwrap_or(if daemon { 0 } else { 100 }),
        most.unwrap_or(if daemon { 100 } else { 200 }),
    );
    if (least, most) == (100, 100) {
        let message = "with both at 100 percent no task can be stopped or started, so nothing could be deployed: lower `minimumHealthyPercent` or raise `maximumPercent`";
        checks.error(ProblemCode::DeploymentStuck, AT, message);
    } else if let Some(count) = checks.spec.desired_count().filter(|count| *count > 0 && !daemon) {
        // Rounded as ECS does: the minimum up, the maximum down.
        let (healthy, running) = ((count * least + 99) / 100, count * most / 100);
        if healthy >= count && running <= count {
            let message = format!(
                "with {count} tasks, at least {healthy} must stay and at most {running} may run, so nothing could be deployed: lower `minimumHealthyPercent` or raise `maximumPercent`"
            );
            checks.error(ProblemCode::DeploymentStuck, AT, message);
        }
    }
    if text(service, "availabilityZoneRebalancing") == Some("ENABLED") && most <= 100 {
        let message = "moving tasks to another zone needs room for one more: raise `maximumPercent` over 100, or set DISABLED";
        checks.error(
            ProblemCode::RebalancingWithoutRoom,
            "service.availabilityZoneRebalancing",
            message,
        );
    }
}
