//! What people read of each code: what it means, what was expected and what is there, and what to
//! do.
#![deny(clippy::wildcard_enum_match_arm)]

use crate::code::Code;

/// What a code means, in one sentence.
#[must_use]
pub fn meaning(code: &Code) -> &'static str {
    match code {
        Code::Missing => "a running task's target is not registered, so it gets no traffic",
        Code::Stale => "a stopped task's target is still registered",
        Code::Hijacked => {
            "a stopped task's target is still registered and leads to another service's program"
        }
        Code::Misplaced => "a task's target is registered in a group that is not its revision's",
        Code::WrongPort => {
            "the right instance or address is registered with a port that is not load-balanced"
        }
        Code::Foreign => "nothing in ECS explains a registered target",
        Code::Unhealthy => "a registered target keeps failing its health checks",
        Code::TargetGroupMissing => "the service's target group does not exist",
        Code::TargetGroupUnattached => {
            "the service's target group gets no requests from any load balancer"
        }
        Code::TargetTypeMismatch => {
            "the target group takes another kind of target than the service's tasks are"
        }
        Code::IpFamilyMismatch => {
            "the service's tasks have no address of the target group's IP family"
        }
        Code::AzAllNeeded => {
            "a task's address is outside the target group's VPC, where ECS cannot register it"
        }
        Code::AzDisabled => "targets get no requests although their group has a load balancer",
        Code::BindingsMissing => "a running task has no usable port binding or address",
        Code::AgentDisconnected => "a container instance's agent has been out of contact for long",
        Code::AmbiguousRevision => "it cannot be told which revision or task set a task belongs to",
        Code::KillLoop => {
            "tasks are stopped again and again for failed load balancer health checks"
        }
        Code::BelowDesired => "fewer tasks run than are wanted, and no deployment is in progress",
        Code::Fight => "somebody undoes Portkeeper's repairs of a target",
        Code::LimitExceeded => "a guard withheld repairs",
        Code::Unknown(_) => "a finding that this version does not know",
    }
}

/// What a person does about a code where Portkeeper does nothing.
#[must_use]
pub fn advice(code: &Code) -> &'static str {
    match code {
        Code::Missing => {
            "register the target by hand, and look at the service's events for ECS's own errors; in mode repair Portkeeper does it"
        }
        Code::Stale => "make sure that nobody needs the target, and deregister it by hand",
        Code::Hijacked => "requests reach the wrong program: deregister the target by hand now",
        Code::Misplaced | Code::WrongPort | Code::Foreign => {
            "find out who registered it; deregister it by hand if nobody wants it. Portkeeper will not touch it without proof"
        }
        Code::Unhealthy => {
            "check what is said beside each target: the program, the health check's path and codes, or the security group"
        }
        Code::TargetGroupMissing => {
            "create the service anew with an existing target group, or update its load balancers"
        }
        Code::TargetGroupUnattached => {
            "let a listener or a rule of a load balancer forward to the group"
        }
        Code::TargetTypeMismatch => {
            "use a group of type ip for awsvpc tasks, of type instance for bridge and host mode"
        }
        Code::IpFamilyMismatch => {
            "use a group of the tasks' IP family, or give the tasks an address of the group's"
        }
        Code::AzAllNeeded => {
            "let Portkeeper register such addresses (parameter AzAll), register them by hand with the Availability Zone `all`, or use a group of the tasks' VPC"
        }
        Code::AzDisabled => {
            "enable the target's zone for the load balancer, or add a listener that forwards to the group"
        }
        Code::BindingsMissing => {
            "check that the task definition maps the load-balanced container port"
        }
        Code::AgentDisconnected => {
            "check the ECS agent on the instance; until it is back nothing is deregistered there"
        }
        Code::AmbiguousRevision => {
            "compare the task's startedBy with the service's revisions; nothing is changed for it"
        }
        Code::KillLoop => {
            "see why the health checks fail; give a program that starts slowly a longer health check grace period, and check path, port and security group"
        }
        Code::BelowDesired => {
            "read the service's events and the stopped tasks' reasons: places, image, permissions, or a program that ends"
        }
        Code::Fight => {
            "find the other writer (Terraform attachment, script, second Portkeeper) and stop one of the two"
        }
        Code::LimitExceeded => {
            "look at what is listed; raise the limits or repair by hand if it is right"
        }
        Code::Unknown(_) => "update Portkeeper",
    }
}

/// What should be, and what is there instead, in a few words.
#[must_use]
pub fn contrast(code: &Code) -> (&'static str, &'static str) {
    match code {
        Code::Missing => ("the running task's target is registered", "it is not"),
        Code::Stale => ("the target left its group with its task", "it is still registered"),
        Code::Hijacked => {
            ("the target left its group with its task", "it leads to another service's program")
        }
        Code::Misplaced => ("the task's target is in its revision's group", "it is in another one"),
        Code::WrongPort => (
            "the registered port is the load-balanced one",
            "it is another port of the same address",
        ),
        Code::Foreign => ("every target belongs to a task", "nothing in ECS explains this one"),
        Code::Unhealthy => ("the target passes its health checks", "it keeps failing them"),
        Code::TargetGroupMissing => ("the service's target group exists", "it does not"),
        Code::TargetGroupUnattached => ("a load balancer sends requests to the group", "none does"),
        Code::TargetTypeMismatch => {
            ("the group takes the tasks' kind of target", "it takes the other kind")
        }
        Code::IpFamilyMismatch => {
            ("the tasks have an address of the group's IP family", "they have none")
        }
        Code::AzAllNeeded => {
            ("the task's address is registered", "ECS cannot: it is outside the group's VPC")
        }
        Code::AzDisabled => ("registered targets get requests", "they get none"),
        Code::BindingsMissing => {
            ("the running task has a port binding or an address", "ECS shows none")
        }
        Code::AgentDisconnected => ("the instance's ECS agent is in contact", "it is not"),
        Code::AmbiguousRevision => {
            ("the task belongs to one revision or task set", "it cannot be told to which")
        }
        Code::KillLoop => {
            ("tasks stay once they have started", "they are stopped for failed health checks")
        }
        Code::BelowDesired => ("as many tasks run as are wanted", "fewer do"),
        Code::Fight => ("a repair holds", "somebody undoes it"),
        Code::LimitExceeded => {
            ("repairs stay within the limits", "they would not, and were withheld")
        }
        Code::Unknown(_) => ("a code that this version knows", "one that it does not"),
    }
}
