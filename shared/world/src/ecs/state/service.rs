//! Services, their deployments (or task sets) and service revisions, as state.
//!
//! Deployments and task sets are one thing inside ECS: both have the id that is their tasks'
//! `startedBy` (F-3.3).

use super::definition::TaskDefinition;
use crate::api::ApiError;
use crate::input::Input;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

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

/// Who decides about deployments.
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
    /// The group that this revision's tasks are registered in: `group`, or the alternate one after
    /// a shift.
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

    /// A rule's or a listener's ARN.
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

/// What the tasks of one deployment or task set are made from. Never changes.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub id: String,
    pub definition: Arc<TaskDefinition>,
    pub load_balancers: Vec<LoadBalancer>,
    pub network: Value,
    /// Further members that only deployments and revisions show.
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

/// Where a deployment that shifts traffic stands [DG blue-green-deployment-how-it-works].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// New tasks start without traffic.
    ScaleUp,
    /// That step of the traffic shift is done and baked until then.
    Shift { step: usize, until_ms: u64 },
    /// All traffic is on the new tasks; the old ones are kept until then.
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
    /// The deployment that traffic is shifted away from.
    pub source: Option<String>,
    /// Percentage of the service's desired count; for task sets.
    pub scale: u32,
    pub external_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub id: String,
    pub at_ms: u64,
    pub text: String,
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
    /// By their 19 digits.
    pub revisions: BTreeMap<String, Revision>,
    /// Members of the create input that are shown as they are.
    pub options: Map<String, Value>,
    /// Members that are shown on deployments and revisions, not on the service.
    pub revision_options: Map<String, Value>,
    /// The whole create input, to answer the same call again.
    pub created_from: Value,
    pub tags: BTreeMap<String, String>,
    /// Newest first.
    pub events: VecDeque<Message>,
    /// Task ids, including those that stopped within the hour.
    pub tasks: BTreeSet<String>,
    pub created_ms: u64,
    pub steady: bool,
    /// When the scheduler looks next.
    pub look_ms: u64,
    /// When it last said that it cannot place tasks.
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

    /// How many tasks of this deployment there should be.
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

    /// A number inside `deploymentConfiguration`. It may be written with a fraction there;
    /// percentages are rounded.
    pub(crate) fn deployment_number(&self, pointer: &str) -> Option<u32> {
        let number = self.options.get("deploymentConfiguration")?.pointer(pointer)?;
        let rounded =
            number.as_u64().or_else(|| format!("{:.0}", number.as_f64()?).parse().ok())?;
        u32::try_from(rounded).ok()
    }

    pub(crate) fn strategy(&self) -> &str {
        let configuration = self.options.get("deploymentConfiguration");
        configuration.and_then(|c| c.get("strategy")?.as_str()).unwrap_or("ROLLING")
    }

    /// Whether there is one task on each instance.
    pub(crate) fn is_daemon(&self) -> bool {
        self.options.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON")
    }

    /// Defaults 100 and 200, for daemons 0 and 100 [BC `DeploymentConfiguration`].
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

    /// Subnets of awsvpc tasks.
    pub(crate) fn network(&self) -> Value {
        self.options.get("networkConfiguration").cloned().unwrap_or(Value::Null)
    }
}
