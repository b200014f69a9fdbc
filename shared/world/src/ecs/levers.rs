//! Controls for tests and the demo: they make ECS fail in chosen ways, and act as `CodeDeploy`.
//!
//! Services are named `cluster/service`, tasks by ARN or id.

use super::instance::loss;
use super::lookup::{find_definition, gone};
use super::state::service::{Controller, LoadBalancer, Revision};
use super::state::tail;
use super::state::task::{Answer, Status};
use super::task::changes::change;
use super::task::lifecycle;
use super::task_set_api::{self, NewTaskSet};
use crate::World;
use crate::api::{ApiError, Caller, Service as Api};
use serde_json::json;

/// A step of a `CODE_DEPLOY` deployment. A test can pause between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeDeployStep {
    /// Shifts all production traffic to the replacement task set, which becomes PRIMARY.
    ShiftTraffic,
    /// Deletes the original task set.
    TerminateOriginal,
}

fn no_task(task: &str) -> ApiError {
    ApiError::refused(
        "InvalidParameterException",
        format!("The referenced task was not found: {task}"),
    )
}

impl World {
    /// ECS does not register the next `count` tasks of the service, but behaves as if it had.
    pub fn lose_registrations(&mut self, service: &str, count: u32) {
        self.ecs.misbehaviour(service).registrations_to_lose = count;
    }

    /// ECS does not deregister the targets of the next `count` tasks of the service that stop.
    pub fn keep_targets(&mut self, service: &str, count: u32) {
        self.ecs.misbehaviour(service).targets_to_keep = count;
    }

    /// ECS registers the targets of this service's tasks this many seconds late; 0 ends the delay.
    pub fn delay_registrations(&mut self, service: &str, seconds: u64) {
        self.ecs.misbehaviour(service).registration_delay_secs = seconds;
    }

    /// Whether the service has no `currentServiceRevisions` and its revisions are MISSING, as for
    /// services from before 2024-10-25.
    pub fn revisions_unknown(&mut self, service: &str, unknown: bool) {
        self.ecs.misbehaviour(service).revisions_unknown = unknown;
    }

    /// The next `count` responses of `DescribeTasks` return the previous version of every task.
    pub fn stale_reads(&mut self, count: u32) {
        self.ecs.stale_reads = count;
    }

    /// A program of the task exits: its ports are free at once, the agent reports it, and ECS
    /// replaces the task.
    pub fn kill_task(&mut self, task: &str) -> Result<(), ApiError> {
        let id = tail(task);
        self.ecs
            .tasks
            .get(id)
            .filter(|task| task.status != Status::Stopped)
            .ok_or_else(|| no_task(task))?;
        lifecycle::crash(self, id);
        Ok(())
    }

    /// Sets how the task's programs answer health checks from now on.
    pub fn set_answer(&mut self, task: &str, answer: Answer) -> Result<(), ApiError> {
        self.ecs.tasks.get_mut(tail(task)).ok_or_else(|| no_task(task))?.answers = answer;
        Ok(())
    }

    /// Whether the agent reports no network bindings of this task, in events and in the API.
    pub fn lose_bindings(&mut self, task: &str, lost: bool) -> Result<(), ApiError> {
        let id = tail(task);
        self.ecs.find_task(id).ok_or_else(|| no_task(task))?;
        change(self, id, |task| task.bindings_lost = lost);
        Ok(())
    }

    /// Deregisters a container instance with `force`, by its EC2 id: its tasks become orphans whose
    /// containers keep running.
    pub fn force_deregister_instance(&mut self, ec2_id: &str) -> Result<(), ApiError> {
        let id = self.instance_id(ec2_id)?;
        loss::deregister_instance(self, &id);
        Ok(())
    }

    /// A Spot interruption or similar: the task's `desiredStatus` becomes STOPPED while it is
    /// RUNNING.
    pub fn interrupt_task(&mut self, task: &str) -> Result<(), ApiError> {
        let id = tail(task);
        self.ecs.find_task(id).ok_or_else(|| no_task(task))?;
        lifecycle::stop(self, id, "SpotInterruption", "Your Spot Task was interrupted.");
        Ok(())
    }

    /// `CodeDeploy` starts a deployment of a `CODE_DEPLOY` service: a replacement task set with
    /// this task definition and target group. Returns the digits of the task set.
    pub fn start_code_deploy(
        &mut self,
        service: &str,
        definition: &str,
        group: &str,
    ) -> Result<String, ApiError> {
        let definition = find_definition(self, definition)?;
        let (id, created_ms) = (self.ids.deployment(), self.now_ms());
        let external_id = Some(format!("d-{}", self.ids.hex(9).to_uppercase()));
        let held = self
            .ecs
            .services
            .get(service)
            .filter(|held| held.controller == Controller::CodeDeploy)
            .ok_or_else(gone)?;
        let turn = |balancer: &LoadBalancer| LoadBalancer {
            group: group.to_owned(),
            live: group.to_owned(),
            ..balancer.clone()
        };
        let load_balancers = held.load_balancers.iter().map(turn).collect();
        let (network, options) = (held.network(), held.revision_options.clone());
        let revision = Revision { id, definition, load_balancers, network, options, created_ms };
        task_set_api::add(self, service, NewTaskSet { revision, scale: 100, external_id })
    }

    /// `CodeDeploy` continues the deployment of [`World::start_code_deploy`]. To shift traffic it
    /// needs the ARN of the listener or rule that must forward to the replacement, which becomes
    /// PRIMARY.
    pub fn code_deploy(
        &mut self,
        service: &str,
        step: CodeDeployStep,
        listener: &str,
    ) -> Result<(), ApiError> {
        let held = self
            .ecs
            .services
            .get(service)
            .filter(|held| held.controller == Controller::CodeDeploy)
            .ok_or_else(gone)?;
        let (cluster, name) = (held.cluster.clone(), held.name.clone());
        let newest = held.deployments.first().map(|set| set.id.clone()).ok_or_else(gone)?;
        let group = held
            .revisions
            .get(&newest)
            .and_then(|revision| revision.load_balancers.first())
            .map(|b| b.live.clone());
        let oldest =
            held.deployments.last().map(|set| set.id.clone()).filter(|oldest| *oldest != newest);
        if step == CodeDeployStep::TerminateOriginal {
            let Some(oldest) = oldest else { return Ok(()) };
            let input =
                json!({"cluster": cluster, "service": name, "taskSet": oldest, "force": true});
            return self.call(Caller::Person, Api::Ecs, "DeleteTaskSet", &input).map(drop);
        }
        let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
        let (operation, shift) = if listener.contains(":listener-rule/") {
            ("ModifyRule", json!({"RuleArn": listener, "Actions": actions}))
        } else {
            ("ModifyListener", json!({"ListenerArn": listener, "DefaultActions": actions}))
        };
        self.call(Caller::Person, Api::Elbv2, operation, &shift)?;
        let primary = json!({"cluster": cluster, "service": name, "primaryTaskSet": newest});
        self.call(Caller::Person, Api::Ecs, "UpdateServicePrimaryTaskSet", &primary).map(drop)
    }
}
