//! The state of services, their deployments or task sets, and service revisions.
//!
//! Inside ECS, deployments and task sets are the same: the id of each is its tasks' `startedBy`
//! (F-3.3).

use super::definition::TaskDefinition;
use crate::api::ApiError;
use crate::input::Input;
use crate::reply::Shown;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceStatus {
    Active,
    Draining,
    Inactive,
}

impl ServiceStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// The deployment controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    Ecs,
    CodeDeploy,
    External,
}

impl Controller {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Ecs, Self::CodeDeploy, Self::External]
            .into_iter()
            .find(|controller| controller.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        }
    }
}

/// One entry of `loadBalancers`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadBalancer {
    pub group: String,
    pub container: String,
    pub port: u16,
    /// `advancedConfiguration` as given, for blue/green.
    pub advanced: Option<Value>,
    /// The group in which this revision's tasks are registered: `group`, or the alternate one after
    /// a traffic shift.
    pub live: String,
}

impl LoadBalancer {
    pub(crate) fn read_all(input: &Input<'_>) -> Result<Vec<Self>, ApiError> {
        input.list("loadBalancers")?.iter().map(|value| Self::read(input, value)).collect()
    }

    fn read(input: &Input<'_>, value: &Value) -> Result<Self, ApiError> {
        let optional = "targetGroupArn loadBalancerName advancedConfiguration";
        let input =
            input.nested("loadBalancers", value, "containerName containerPort", optional)?;
        if input.get("loadBalancerName").is_some() {
            return Err(input.refuse("Classic Load Balancers are not simulated"));
        }
        let group = input.text("targetGroupArn")?.to_owned();
        let port = input.port("containerPort")?;
        Ok(Self {
            live: group.clone(),
            group,
            container: input.text("containerName")?.to_owned(),
            port: port.ok_or_else(|| input.refuse("Container port should not be null"))?,
            advanced: input.get("advancedConfiguration").cloned(),
        })
    }

    fn advanced_text(&self, name: &str) -> Option<&str> {
        self.advanced.as_ref()?.get(name)?.as_str()
    }

    pub(crate) fn alternate(&self) -> Option<&str> {
        self.advanced_text("alternateTargetGroupArn")
    }

    /// The ARN of a rule or a listener.
    pub(crate) fn production_rule(&self) -> Option<&str> {
        self.advanced_text("productionListenerRule")
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut shown = json!({"targetGroupArn": self.group, "containerName": self.container, "containerPort": self.port});
        if let (Some(advanced), Some(members)) = (&self.advanced, shown.as_object_mut()) {
            members.insert("advancedConfiguration".to_owned(), advanced.clone());
        }
        shown
    }
}

/// The immutable settings of the tasks of one deployment or task set.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub id: String,
    pub definition: Arc<TaskDefinition>,
    pub load_balancers: Vec<LoadBalancer>,
    pub network: Value,
    /// Members that only deployments and revisions have.
    pub options: Map<String, Value>,
    pub created_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// The stage of a deployment that shifts traffic [DG blue-green-deployment-how-it-works].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// New tasks start without traffic.
    ScaleUp,
    /// This step of the traffic shift is done; its bake time ends then.
    Shift { step: usize, until_ms: u64 },
    /// All traffic goes to the new tasks; the old ones are kept until then.
    Bake { until_ms: u64 },
    /// The old tasks are stopped.
    CleanUp,
}

/// A deployment, or a task set of a service with another deployment controller.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    /// 19 digits.
    pub id: String,
    pub primary: bool,
    pub rollout: Rollout,
    pub reason: String,
    pub created_ms: u64,
    pub updated_ms: u64,
    pub stage: Option<Stage>,
    /// The deployment from which traffic is shifted.
    pub source: Option<String>,
    /// For task sets: percentage of the service's desired count.
    pub scale: u32,
    pub external_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub id: String,
    pub at_ms: u64,
    pub text: String,
    /// As in the API, once a response has shown it.
    pub shown: OnceLock<Arc<Shown>>,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub name: String,
    pub cluster: String,
    pub arn: String,
    pub status: ServiceStatus,
    pub desired: u32,
    pub launch_type: String,
    pub definition: Option<Arc<TaskDefinition>>,
    pub load_balancers: Vec<LoadBalancer>,
    pub controller: Controller,
    /// Newest first.
    pub deployments: Vec<Deployment>,
    /// By the 19 digits of their id.
    pub revisions: BTreeMap<String, Revision>,
    /// Members of the input that are returned unchanged.
    pub options: Map<String, Value>,
    /// Members that only deployments and revisions have.
    pub revision_options: Map<String, Value>,
    /// The input of `CreateService`, to recognize a repeated call.
    pub created_from: Value,
    pub tags: BTreeMap<String, String>,
    /// Newest first.
    pub events: VecDeque<Message>,
    /// Task ids, including tasks that stopped within the last hour.
    pub tasks: BTreeSet<String>,
    pub created_ms: u64,
    pub steady: bool,
    /// When the scheduler runs next.
    pub next_run_ms: u64,
    /// When ECS last sent the message that it cannot place tasks.
    pub placement_trouble_ms: Option<u64>,
}

impl Service {
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }

    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }

    pub(crate) fn deployment_mut(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.id == id)
    }

    /// The desired count of this deployment.
    pub(crate) fn wanted(&self, deployment: &Deployment) -> u32 {
        let shifts_from = |other: &Deployment| {
            let kept = !matches!(other.stage, None | Some(Stage::CleanUp));
            other.primary && kept && other.source.as_deref() == Some(&deployment.id)
        };
        if self.status != ServiceStatus::Active {
            0
        } else if self.controller != Controller::Ecs {
            // "rounded up" [BC Scale]
            self.desired.saturating_mul(deployment.scale).div_ceil(100)
        } else if deployment.primary || self.deployments.iter().any(shifts_from) {
            self.desired
        } else {
            0
        }
    }

    /// A number in `deploymentConfiguration`, rounded if it has a fraction.
    pub(crate) fn deployment_number(&self, pointer: &str) -> Option<u32> {
        let configuration = self.options.get("deploymentConfiguration")?;
        // No name contains a character that a pointer escapes, and without that this is fast.
        let mut names = pointer.split('/').skip(1);
        let number = names.try_fold(configuration, |value, name| value.get(name))?;
        let rounded =
            number.as_u64().or_else(|| format!("{:.0}", number.as_f64()?).parse().ok())?;
        u32::try_from(rounded).ok()
    }

    pub(crate) fn strategy(&self) -> &str {
        let configuration = self.options.get("deploymentConfiguration");
        configuration.and_then(|c| c.get("strategy")?.as_str()).unwrap_or("ROLLING")
    }

    pub(crate) fn is_daemon(&self) -> bool {
        self.options.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON")
    }

    /// `minimumHealthyPercent` and `maximumPercent`. The defaults are 100 and 200, for daemons 0
    /// and 100 [BC `DeploymentConfiguration`].
    pub(crate) fn percents(&self) -> (u32, u32) {
        let (minimum, maximum) = if self.is_daemon() { (0, 100) } else { (100, 200) };
        let percent = |pointer| self.deployment_number(pointer);
        (
            percent("/minimumHealthyPercent").unwrap_or(minimum),
            percent("/maximumPercent").unwrap_or(maximum),
        )
    }

    pub(crate) fn grace_ms(&self) -> u64 {
        self.options
            .get("healthCheckGracePeriodSeconds")
            .and_then(Value::as_u64)
            .unwrap_or(0)
            .saturating_mul(1000)
    }

    /// `networkConfiguration`.
    pub(crate) fn network(&self) -> Value {
        self.options.get("networkConfiguration").cloned().unwrap_or(Value::Null)
    }
}
