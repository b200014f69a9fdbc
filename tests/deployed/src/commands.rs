//! Commands that cause faults from outside or read what only the account itself knows. Everything
//! else uses AWS's own operations.

use portkeeper_world::World;
use portkeeper_world::api::{ApiError, Service};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::truth;
use serde::Deserialize;
use serde_json::{Value, json};

/// A line of standard input, such as `{"do": "keep_targets", "service": "shop/web", "count": 1}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Command {
    /// ECS does not register the next `count` tasks of the service, but records that it did.
    LoseRegistrations { service: String, count: u32 },
    /// ECS never deregisters the targets of the next `count` tasks of the service that stop.
    KeepTargets { service: String, count: u32 },
    /// The agent restarts: the next dynamic host port is the lowest free one.
    RestartAgent { instance: String },
    /// Returns the service whose task listens there.
    WhoAnswers { id: String, port: u16 },
    /// ECS rejects the next call of this operation that contains this text, as invalid.
    Refuse { operation: String, containing: String, message: String },
    /// Returns the expected targets of the service's running tasks.
    WantedTargets { service: String },
}

impl Command {
    pub(crate) fn apply(self, world: &mut World) -> Result<Value, ApiError> {
        match self {
            Self::LoseRegistrations { service, count } => world.lose_registrations(&service, count),
            Self::KeepTargets { service, count } => world.keep_targets(&service, count),
            Self::RestartAgent { instance } => world.restart_agent(&instance)?,
            Self::Refuse { operation, containing, message } => {
                let fault = Fault::fail("InvalidParameterException", &message, 400);
                world
                    .faults
                    .add(Rule::new(Service::Ecs, &operation, fault).containing(&containing));
            }
            Self::WhoAnswers { id, port } => {
                let program = truth::answering(world, &id, port);
                return Ok(json!(
                    program.map(|program| format!("{}/{}", program.cluster, program.service))
                ));
            }
            Self::WantedTargets { service } => return Ok(wanted(world, &service)),
        }
        Ok(Value::Null)
    }
}

fn wanted(world: &World, service: &str) -> Value {
    let live = truth::live_targets(world).into_iter().filter(|target| {
        format!("{}/{}", target.cluster, target.service) == service
            && target.desired_status == "RUNNING"
            && target.last_status == "RUNNING"
    });
    let shown = live.map(
        |target| json!({"group": target.target_group_arn, "id": target.id, "port": target.port, "task": target.task_arn}),
    );
    shown.collect()
}
