//! The lines that state the facts of a world.

use super::words::{Words, port};
use super::world::{Group, World, before};
use super::{names, tasks};
use portkeeper_core::api_call::{Actor, ActorKind, ApiCall, IndexKey, NamedTarget, Operation};
use portkeeper_core::ids::{HostPort, ServiceKey, TargetId};
use portkeeper_core::ledger::LedgerRecord;
use portkeeper_core::observation::{
    ContainerInstanceState, Deployment, DeploymentController, DeploymentStrategy, FoundGroup, Gap,
    HealthState, Missed, NetworkMode, RegisteredTarget, Revision, RolloutState, Service,
    ServiceEvent, ServiceStatus, TargetType, TaskDefinition, TaskSet,
};
use portkeeper_core::others::Others;
use portkeeper_core::policy::Mode;
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// `call 2m ago DeregisterTargets web i-1:32768 by alice`, or of `lb` where it is about
    /// listeners and rules.
    fn state_call(&mut self, words: &mut Words) {
        let at = before(self.now, words.span());
        let (operation, place) = (words.expect("an operation"), words.expect("a group, or lb"));
        let (mut targets, mut by) = (BTreeSet::new(), Actor::new(ActorKind::User, "alice"));
        while let Some(word) = words.next() {
            match word.as_str() {
                "by" => by = Actor::new(ActorKind::User, &words.expect("a user")),
                "role" => by = Actor::new(ActorKind::Role, &words.expect("a role")),
                "through" => by = by.through(Some(&words.expect("a service"))),
                _ => {}
            }
            if !word.contains('-') && !word.contains('.') {
                continue;
            }
            let (id, port) =
                word.split_once(':').map_or((word.as_str(), None), |(id, port)| (id, Some(port)));
            let port = port.map(|port| HostPort::try_from(port.parse::<i64>().unwrap()).unwrap());
            let id = TargetId::try_from(id.to_owned()).unwrap();
            targets.insert(NamedTarget { id, port, others: Others::default() });
        }
        let place = match place.as_str() {
            "lb" => IndexKey::of_balancer(&names::balancer("app")).unwrap(),
            group => IndexKey::Group(names::group(group)),
        };
        let id = format!("{operation} {at}");
        let operation = Operation::from(operation);
        self.calls.push(ApiCall {
            id,
            at,
            by,
            operation,
            place,
            targets,
            others: Others::default(),
        });
    }

    /// Takes a line that states a fact.
    pub fn state(&mut self, words: &mut Words) {
        let kind = words.expect("a fact");
        match kind.as_str() {
            "policy" => self.state_policy(words),
            "group" => self.state_group(words),
            "service" => self.state_service(words),
            "deployment" => self.state_deployment(words),
            "revision" => self.state_revision(words),
            "says" => {
                let at = before(self.now, words.span());
                let message = words.expect("a message");
                self.service_facts().events.insert(0, ServiceEvent { at, message });
            }
            "taskset" => {
                let id = format!("ecs-svc/{}", words.expect("an id"));
                let load_balancers = binds(words);
                let desired_count =
                    words.take_if("desired").then(|| words.expect("a number").parse().unwrap());
                let status = words.take_if("status").then(|| words.expect("a status"));
                let set = TaskSet { id, load_balancers, status, desired_count };
                self.service_facts().task_sets.push(set);
            }
            "definition" => self.state_definition(words),
            "task" => tasks::state_task(self, words),
            "owner" => tasks::state_owner(self, words),
            "instance" => self.state_instance(words),
            "target" => self.state_target(words),
            "known" => self.state_known(words),
            "call" => self.state_call(words),
            "ledger" => {
                assert_eq!(words.expect("empty"), "empty");
                self.record = LedgerRecord::default();
            }
            "event" => {
                let task = names::task(&words.expect("a task"));
                let version = words.expect("a version").trim_start_matches('v').parse().unwrap();
                self.at_least.insert(task, version);
            }
            "counts" => {
                let mut counts = (0, 0);
                while let Some(word) = words.next() {
                    match word.split_once('=') {
                        Some(("running", number)) => counts.0 = number.parse().unwrap(),
                        Some(("pending", number)) => counts.1 = number.parse().unwrap(),
                        _ => words.unknown(&word),
                    }
                }
                self.counts = Some(counts);
            }
            "gap" => self.state_gap(words),
            other => words.unknown(other),
        }
    }

    fn state_policy(&mut self, words: &mut Words) {
        let policy = &mut self.policy;
        while let Some(word) = words.next() {
            let (name, value) = word.split_once('=').unwrap_or_else(|| words.unknown(&word));
            if name == "mode" {
                policy.mode = Mode::parse(value).unwrap();
                continue;
            }
            if name == "az-all" {
                policy.az_all = value == "true";
                continue;
            }
            let number = value.parse().unwrap();
            match name {
                "settle" => policy.settle_seconds = number,
                "confirm" => policy.confirm_seconds = number,
                "max" => policy.max_deregistrations = number,
                "percent" => policy.max_deregistration_percent = number,
                "repairs" => policy.max_repairs = number,
                "hops" => policy.max_hops = number,
                "below" => policy.below_desired_seconds = number,
                "stops" => policy.kill_loop_stops = number,
                "remind" => policy.remind_seconds = number,
                "person" => policy.person_seconds = number,
                other => words.unknown(other),
            }
        }
    }

    fn state_group(&mut self, words: &mut Words) {
        let name = words.expect("a name");
        if words.take_if("gone") {
            self.groups.remove(&name);
            return;
        }
        let targets =
            self.groups.remove(&name).map(|group| group.found.targets).unwrap_or_default();
        let mut found = FoundGroup {
            target_type: TargetType::Instance,
            protocol: "HTTP".to_owned(),
            default_port: None,
            ip_address_type: "ipv4".to_owned(),
            load_balancers: Vec::new(),
            health_interval_seconds: 30,
            unhealthy_threshold: 2,
            vpc: None,
            health_port: None,
            health_path: None,
            health_codes: None,
            targets,
        };
        let (mut missing, mut unread, mut unattached, mut kind) = (false, false, false, None);
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some(("type", kind)) => found.target_type = TargetType::from(kind),
                Some(("family", family)) => family.clone_into(&mut found.ip_address_type),
                Some(("protocol", protocol)) => protocol.clone_into(&mut found.protocol),
                Some(("port", number)) => {
                    found.default_port = HostPort::try_from(number.parse::<i64>().unwrap()).ok();
                }
                Some(("interval", number)) => {
                    found.health_interval_seconds = number.parse().unwrap();
                }
                Some(("threshold", number)) => found.unhealthy_threshold = number.parse().unwrap(),
                Some(("lb", name)) => kind = Some(name.to_owned()),
                Some(("vpc", name)) => found.vpc = Some(name.to_owned()),
                Some(("check", port)) => found.health_port = Some(port.to_owned()),
                Some(("path", path)) => found.health_path = Some(path.to_owned()),
                Some(("codes", codes)) => found.health_codes = Some(codes.to_owned()),
                None if word == "unattached" => unattached = true,
                None if word == "missing" => missing = true,
                None if word == "unread" => unread = true,
                _ => words.unknown(&word),
            }
        }
        if !unattached {
            let by_protocol = if found.protocol.starts_with("HTTP") { "app" } else { "net" };
            let kind = kind.as_deref().unwrap_or(by_protocol);
            found.load_balancers.push(names::balancer(kind));
        }
        self.groups.insert(name, Group { found, missing, unread });
    }

    /// Restating the service keeps its deployments, revisions and task sets.
    fn state_service(&mut self, words: &mut Words) {
        let name = words.expect("cluster/service");
        let (cluster, service) = name.split_once('/').unwrap();
        self.key = ServiceKey { cluster: names::cluster(cluster), service: service.to_owned() };
        if words.take_if("gone") {
            self.service = None;
            return;
        }
        let mut facts = Service {
            status: ServiceStatus::Active,
            controller: DeploymentController::Ecs,
            strategy: DeploymentStrategy::Rolling,
            managed_by_ecs: false,
            behind_gateway: false,
            behind_lattice: false,
            desired_count: 0,
            running_count: 0,
            pending_count: 0,
            minimum_healthy_percent: None,
            health_check_grace_seconds: 0,
            load_balancers: binds(words),
            deployments: Vec::new(),
            current_revisions: Vec::new(),
            revisions: Vec::new(),
            task_sets: Vec::new(),
            events: Vec::new(),
            mode_tag: None,
            owner_tag: None,
        };
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some(("desired", number)) => self.desired_count = Some(number.parse().unwrap()),
                Some(("min", number)) => {
                    facts.minimum_healthy_percent = Some(number.parse().unwrap());
                }
                Some(("controller", text)) => facts.controller = DeploymentController::from(text),
                Some(("strategy", text)) => facts.strategy = DeploymentStrategy::from(text),
                Some(("status", text)) => facts.status = ServiceStatus::from(text),
                Some(("mode", text)) => facts.mode_tag = Some(text.to_owned()),
                Some(("owner", text)) => facts.owner_tag = Some(text.to_owned()),
                Some(("grace", number)) => {
                    facts.health_check_grace_seconds = number.parse().unwrap();
                }
                None if word == "express" => facts.managed_by_ecs = true,
                None if word == "gateway" => facts.behind_gateway = true,
                None if word == "lattice" => facts.behind_lattice = true,
                _ => words.unknown(&word),
            }
        }
        if let Some(before) = self.service.take() {
            facts.deployments = before.deployments;
            facts.current_revisions = before.current_revisions;
            facts.revisions = before.revisions;
            facts.task_sets = before.task_sets;
            facts.events = before.events;
        }
        self.service = Some(facts);
    }

    fn state_deployment(&mut self, words: &mut Words) {
        let id = format!("ecs-svc/{}", words.expect("an id"));
        let status = words.expect("a status");
        let now = self.now;
        let deployments = &mut self.service_facts().deployments;
        deployments.retain(|known| known.id != id);
        if status != "gone" {
            let task_definition = names::definition(&words.expect("a task definition"));
            let (mut rollout, mut created_at, updated_at) = (None, None, None);
            let mut failed_tasks = None;
            while let Some(word) = words.next() {
                match word.strip_prefix("failed=") {
                    Some(number) => failed_tasks = Some(number.parse().unwrap()),
                    None if word == "for" => created_at = Some(before(now, words.span())),
                    None => rollout = Some(RolloutState::from(word.as_str())),
                }
            }
            deployments.push(Deployment {
                id,
                status,
                task_definition,
                rollout,
                failed_tasks,
                created_at,
                updated_at,
            });
        }
    }

    fn state_revision(&mut self, words: &mut Words) {
        let digits = words.expect("an id");
        let arn = names::revision(&self.key.service, &digits);
        let service = self.service_facts();
        service.current_revisions.retain(|known| *known != arn);
        service.revisions.retain(|known| known.arn != arn);
        if words.take_if("gone") {
            return;
        }
        service.current_revisions.push(arn.clone());
        let task_definition = names::definition(&words.expect("a task definition"));
        if words.take_if("undescribed") {
            return;
        }
        let load_balancers = binds(words);
        let resolved_target_groups = words.take_if("resolved").then(|| {
            let groups = words.expect("target groups");
            groups.split(',').map(names::group).collect()
        });
        service.revisions.push(Revision {
            arn,
            task_definition,
            load_balancers,
            resolved_target_groups,
        });
    }

    fn state_definition(&mut self, words: &mut Words) {
        let name = words.expect("a name");
        let mode = words.expect("a network mode");
        let mut definition = TaskDefinition {
            network_mode: NetworkMode::from(mode.as_str()),
            ports: BTreeMap::new(),
        };
        while let Some(word) = words.next() {
            let (container, number) = word.split_once(':').unwrap();
            definition.ports.entry(container.to_owned()).or_default().push(port(number));
        }
        self.definitions.insert(name, definition);
    }

    fn state_instance(&mut self, words: &mut Words) {
        let name = words.expect("a name");
        let mut state =
            ContainerInstanceState { status: "ACTIVE".to_owned(), agent_connected: true };
        let mut unread = false;
        while let Some(word) = words.next() {
            match word.as_str() {
                "disconnected" => state.agent_connected = false,
                "unread" => unread = true,
                status => status.clone_into(&mut state.status),
            }
        }
        self.instances.insert(names::instance(&name), (!unread).then_some(state));
    }

    fn state_target(&mut self, words: &mut Words) {
        let group = words.expect("a target group");
        let target = names::target(&words.expect("a target"));
        let state = words.expect("a state");
        let targets = &mut self
            .groups
            .get_mut(&group)
            .expect("the group comes before its targets")
            .found
            .targets;
        targets.retain(|known| known.target != target);
        if state != "gone" {
            let state = HealthState::from(state.as_str());
            let (mut reason, mut availability_zone) = (None, None);
            while let Some(word) = words.next() {
                match word.strip_prefix("zone=") {
                    Some(zone) => availability_zone = Some(zone.to_owned()),
                    None => reason = Some(word),
                }
            }
            targets.push(RegisteredTarget { target, state, reason, availability_zone });
        }
    }

    fn state_known(&mut self, words: &mut Words) {
        let group = names::group(&words.expect("a target group"));
        let target = names::target(&words.expect("a target"));
        let task = names::task(&words.expect("a task"));
        self.record.remember(&group, &target, &task);
        if words.take_if("released") {
            let at = before(self.now, words.span());
            self.record.mark_seen_absent(&group, &target, &task, at);
        }
    }

    fn state_gap(&mut self, words: &mut Words) {
        let what = match words.expect("what was missed").as_str() {
            "none" => {
                self.gaps.clear();
                (self.owners_unread, self.elsewhere_unread) = (false, false);
                return;
            }
            "service" => Missed::Service,
            "tasks" => Missed::Tasks,
            "revisions" => Missed::Revisions,
            "owners" => {
                self.owners_unread = true;
                return;
            }
            "elsewhere" => {
                self.elsewhere_unread = true;
                return;
            }
            other => words.unknown(other),
        };
        let why = words.next().unwrap_or_else(|| "throttled".to_owned());
        self.gaps.push(Gap { what, why, retry: true });
    }
}

fn binds(words: &mut Words) -> Vec<portkeeper_core::observation::LoadBalancer> {
    if words.take_if("binds") { words.entries(names::group) } else { Vec::new() }
}
