//! The texts of each code: its meaning, what was expected and found, and what to do.
#![deny(clippy::wildcard_enum_match_arm)]

use crate::code::Code;

/// Returns the meaning of a code in one sentence.
#[must_use]
pub fn meaning(code: &Code) -> &'static str {
    match code {
        Code::Missing => "a running task's target is not registered, so it receives no traffic",
        Code::Stale => "a stopped task's target is still registered",
        Code::Hijacked => {
            "a stopped task's target is still registered and leads to another service's task"
        }
        Code::Misplaced => {
            "a task's target is registered in a target group that its revision does not use"
        }
        Code::WrongPort => {
            "a task's instance or address is registered with a port that is not load-balanced"
        }
        Code::Foreign => "no ECS task explains a registered target",
        Code::Unhealthy => "a registered target keeps failing its health checks",
        Code::TargetGroupMissing => "the service's target group does not exist",
        Code::TargetGroupUnattached => {
            "the service's target group receives no requests from any load balancer"
        }
        Code::TargetTypeMismatch => {
            "the target group's target type does not match the network mode of the service's tasks"
        }
        Code::IpFamilyMismatch => {
            "the service's tasks have no address of the target group's IP family"
        }
        Code::AzAllNeeded => {
            "a task's address is outside the target group's VPC, where ECS cannot register it"
        }
        Code::AzDisabled => "targets receive no requests although a load balancer uses their group",
        Code::BindingsMissing => "a running task has no usable port binding or address",
        Code::AgentDisconnected => {
            "a container instance's agent has been disconnected for too long"
        }
        Code::AmbiguousRevision => "the revision or task set of a task is undetermined",
        Code::KillLoop => "tasks fail again and again, and ECS starts others",
        Code::BelowDesired => {
            "fewer tasks are running than desired, for longer than a deployment explains"
        }
        Code::DeploymentStuck => {
            "a deployment in progress lacks tasks, and none of its tasks has started for an hour"
        }
        Code::NoTraffic => {
            "running tasks belong in a target group, and none of them has a healthy target there"
        }
        Code::Fight => "another writer undoes Portkeeper's repairs of a target",
        Code::LimitExceeded => "a guard withheld repairs",
        Code::Unknown(_) => "a finding that this version of Portkeeper does not know",
    }
}

/// Returns what the operator should do about a code if Portkeeper does not act.
#[must_use]
pub fn advice(code: &Code) -> &'static str {
    match code {
        Code::Missing => {
            "register the target by hand, and check the service's events for ECS errors; in mode repair Portkeeper registers it"
        }
        Code::Stale => "make sure that no other task needs the target, then deregister it by hand",
        Code::Hijacked => "deregister the target by hand now: requests reach another service",
        Code::Misplaced | Code::WrongPort | Code::Foreign => {
            "find out who registered the target, and deregister it by hand if nothing needs it. Portkeeper does not deregister it without proof"
        }
        Code::Unhealthy => {
            "check what each target's line names: the program, the health check's path and codes, or the security group"
        }
        Code::TargetGroupMissing => {
            "create the service again with an existing target group, or update its load balancers"
        }
        Code::TargetGroupUnattached => "add a listener or a rule that forwards to the target group",
        Code::TargetTypeMismatch => {
            "use a target group of type ip for awsvpc mode, or of type instance for bridge and host mode"
        }
        Code::IpFamilyMismatch => {
            "use a target group of the tasks' IP family, or give the tasks an address of the group's family"
        }
        Code::AzAllNeeded => {
            "let Portkeeper register such addresses (parameter AzAll), register them by hand with the Availability Zone `all`, or use a target group in the tasks' VPC"
        }
        Code::AzDisabled => {
            "enable the target's Availability Zone for the load balancer, or add a listener that forwards to the target group"
        }
        Code::BindingsMissing => {
            "check that the task definition maps the load-balanced container port, and only once"
        }
        Code::AgentDisconnected => {
            "check the ECS agent on the instance; Portkeeper deregisters nothing there until the agent is connected"
        }
        Code::AmbiguousRevision => {
            "compare the task's startedBy with the service's revisions; Portkeeper changes nothing for this task"
        }
        Code::KillLoop => {
            "find out why the tasks fail. Health checks: check path, port and security group, and give a program that starts slowly a longer health check grace period. Otherwise: read the stopped tasks' reasons and the program's log"
        }
        Code::BelowDesired => {
            "read the service's events and the stopped tasks' reasons: capacity, image, permissions, or a program that exits"
        }
        Code::DeploymentStuck => {
            "read the service's events and the stopped tasks' reasons; without a deployment circuit breaker, ECS never ends such a deployment"
        }
        Code::NoTraffic => {
            "read the other findings of the service and the state of its targets; Portkeeper repairs what it can prove"
        }
        Code::Fight => {
            "find the other writer (a Terraform attachment, a script, a second Portkeeper) and stop one of the two"
        }
        Code::LimitExceeded => {
            "check the listed targets; if the repairs are correct, raise the limits or make the repairs by hand"
        }
        Code::Unknown(_) => "update Portkeeper",
    }
}

/// Returns what is expected and what was found instead, in a few words.
#[must_use]
pub fn contrast(code: &Code) -> (&'static str, &'static str) {
    match code {
        Code::Missing => ("the running task's target is registered", "it is not registered"),
        Code::Stale => ("the target is deregistered when its task stops", "it is still registered"),
        Code::Hijacked => {
            ("the target is deregistered when its task stops", "it leads to another service's task")
        }
        Code::Misplaced => {
            ("the task's target is in its revision's group", "it is in another group")
        }
        Code::WrongPort => (
            "the registered port is the load-balanced port",
            "it is another port of the same address",
        ),
        Code::Foreign => ("every target belongs to a task", "no ECS task explains this target"),
        Code::Unhealthy => ("the target passes its health checks", "it keeps failing them"),
        Code::TargetGroupMissing => ("the service's target group exists", "it does not exist"),
        Code::TargetGroupUnattached => ("a load balancer sends requests to the group", "none does"),
        Code::TargetTypeMismatch => {
            ("the group's target type matches the tasks' network mode", "it does not match")
        }
        Code::IpFamilyMismatch => {
            ("the tasks have an address of the group's IP family", "they have none")
        }
        Code::AzAllNeeded => {
            ("the task's address is registered", "ECS cannot: it is outside the group's VPC")
        }
        Code::AzDisabled => ("registered targets receive requests", "they receive none"),
        Code::BindingsMissing => {
            ("the running task has one port binding or address", "ECS shows none, or several")
        }
        Code::AgentDisconnected => ("the instance's ECS agent is connected", "it is disconnected"),
        Code::AmbiguousRevision => (
            "the task belongs to one revision or task set",
            "its revision or task set is undetermined",
        ),
        Code::KillLoop => {
            ("tasks keep running once they have started", "they fail, and ECS starts others")
        }
        Code::BelowDesired => ("the desired number of tasks is running", "fewer tasks are running"),
        Code::DeploymentStuck => ("a deployment makes progress", "none of its tasks starts"),
        Code::NoTraffic => ("running tasks have healthy targets", "none of them has one"),
        Code::Fight => ("a repair holds", "another writer undoes it"),
        Code::LimitExceeded => {
            ("repairs stay within the limits", "they would exceed them, and a guard withheld them")
        }
        Code::Unknown(_) => ("a code that this version of Portkeeper knows", "an unknown code"),
    }
}
