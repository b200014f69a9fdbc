//! Test controls for EC2 instances and their ECS agents: add, restart, disconnect, terminate.
//!
//! Does not know services or target groups.

use super::instance::event;
use super::instance::loss;
use super::lookup::find_cluster;
use super::state::instance::{Host, Instance, InstanceStatus, PortAllocator};
use super::state::network::DEFAULT_VPC;
use crate::World;
use crate::api::ApiError;
use crate::journal::Kind;

/// The container instance to add to a cluster.
#[derive(Debug, Clone, Default)]
pub struct InstanceOptions {
    /// Availability Zone, such as `eu-west-1b`. By default the zones a, b and c in turn.
    pub zone: Option<String>,
    /// VPC. By default [`DEFAULT_VPC`].
    pub vpc: Option<String>,
    /// An external instance (ECS Anywhere), with an `mi-` id.
    pub external: bool,
    /// The EC2 instance that joins. It may already be a container instance, of this cluster or of
    /// another: ECS gives it a second ARN. By default a new EC2 instance.
    pub host: Option<String>,
}

fn no_instance(ec2_id: &str) -> ApiError {
    ApiError::refused(
        "InvalidParameterException",
        format!("no container instance with the EC2 id {ec2_id}"),
    )
}

impl World {
    /// Starts an EC2 instance without an agent, such as one that an Auto Scaling group attaches.
    /// Returns its id.
    pub fn add_host(&mut self, zone: Option<&str>, vpc: Option<&str>) -> String {
        let letters = ['a', 'b', 'c'];
        let turn = letters.get(self.ecs.hosts.len() % letters.len()).copied().unwrap_or('a');
        let zone = zone.map_or_else(|| self.account.zone(turn), str::to_owned);
        let id = self.ids.instance();
        let host = Host { zone, vpc: vpc.unwrap_or(DEFAULT_VPC).to_owned(), running: true };
        self.ecs.hosts.insert(id.clone(), host);
        id
    }

    /// Adds a container instance to a cluster and returns its EC2 (or `mi-`) id.
    pub fn add_container_instance(
        &mut self,
        cluster: &str,
        options: &InstanceOptions,
    ) -> Result<String, ApiError> {
        let cluster = find_cluster(self, Some(cluster))?;
        self.default_subnets();
        let (ec2_id, zone) = if options.external {
            (self.ids.managed_instance(), String::new())
        } else {
            let ec2_id = match &options.host {
                Some(host) if self.ecs.hosts.get(host).is_some_and(|it| it.running) => host.clone(),
                Some(host) => return Err(no_instance(host)),
                None => self.add_host(options.zone.as_deref(), options.vpc.as_deref()),
            };
            let zone = self.ecs.hosts.get(&ec2_id).map(|host| host.zone.clone());
            (ec2_id, zone.unwrap_or_default())
        };
        let mut ports = PortAllocator::default();
        // ECS reserves these on every instance [BC ContainerInstance.registeredResources].
        for reserved in [22, 2375, 2376, 51_678, 51_679, 51_680] {
            ports.occupy(reserved);
        }
        let id = self.ids.task();
        self.journal.push(
            self.now_ms(),
            Kind::Agent,
            None,
            format!("{ec2_id} joined cluster {cluster}"),
        );
        let instance = Instance {
            id: id.clone(),
            cluster,
            ec2_id: ec2_id.clone(),
            zone,
            status: InstanceStatus::Active,
            connected: true,
            external: options.external,
            ports,
            load: 0,
            registered_ms: self.now_ms(),
            version: 1,
        };
        self.ecs.instances.insert(id.clone(), instance);
        event::emit(self, &id);
        Ok(ec2_id)
    }

    /// The EC2 ids of every EC2 instance, whether it is a container instance or not.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.ecs.hosts.keys().cloned().collect()
    }

    pub(super) fn instance_id(&self, ec2_id: &str) -> Result<String, ApiError> {
        let mut instances = self.ecs.instances.values();
        let found = instances.find(|instance| {
            instance.ec2_id == ec2_id && instance.status != InstanceStatus::Inactive
        });
        found.map(|instance| instance.id.clone()).ok_or_else(|| no_instance(ec2_id))
    }

    fn edit_instance(
        &mut self,
        ec2_id: &str,
        text: &str,
        edit: impl FnOnce(&mut Instance),
    ) -> Result<String, ApiError> {
        let id = self.instance_id(ec2_id)?;
        let instance = self.ecs.instances.get_mut(&id).ok_or_else(|| no_instance(ec2_id))?;
        instance.version += 1;
        edit(instance);
        self.journal.push(self.now_ms(), Kind::Agent, None, format!("{text} {ec2_id}"));
        event::emit(self, &id);
        Ok(id)
    }

    /// The agent restarts and loses its last assigned port: the next dynamic port is the lowest
    /// that is locally free.
    pub fn restart_agent(&mut self, ec2_id: &str) -> Result<(), ApiError> {
        self.edit_instance(ec2_id, "the ECS agent restarted on", |instance| {
            instance.ports.restart();
        })
        .map(drop)
    }

    /// The agent loses its connection: its tasks keep running, but ECS gets no updates about them
    /// and cannot start or stop tasks there.
    pub fn disconnect_agent(&mut self, ec2_id: &str) -> Result<(), ApiError> {
        let id = self.edit_instance(ec2_id, "the ECS agent disconnected on", |instance| {
            instance.connected = false;
        })?;
        loss::set_connectivity(self, &id, false);
        Ok(())
    }

    /// The agents on the EC2 instance reconnect and report what happened meanwhile.
    pub fn reconnect_agent(&mut self, ec2_id: &str) -> Result<(), ApiError> {
        let lost = |it: &&Instance| {
            it.ec2_id == ec2_id && it.status != InstanceStatus::Inactive && !it.connected
        };
        let lost: Vec<String> =
            self.ecs.instances.values().filter(lost).map(|it| it.id.clone()).collect();
        if lost.is_empty() {
            self.instance_id(ec2_id)?;
        }
        for id in lost {
            if let Some(instance) = self.ecs.instances.get_mut(&id) {
                instance.version += 1;
                instance.connected = true;
            }
            let text = format!("the ECS agent reconnected on {ec2_id}");
            self.journal.push(self.now_ms(), Kind::Agent, None, text);
            event::emit(self, &id);
            loss::set_connectivity(self, &id, true);
        }
        Ok(())
    }

    /// EC2 terminates the instance: its programs end at once, ECS marks its tasks STOPPED and
    /// deregisters their targets.
    pub fn terminate_instance(&mut self, ec2_id: &str) -> Result<(), ApiError> {
        let host = self.ecs.hosts.get_mut(ec2_id);
        host.ok_or_else(|| no_instance(ec2_id))?.running = false;
        self.ecs.sockets.retain(|(id, _), _| id != ec2_id);
        self.ecs.programs.retain(|(id, _)| id != ec2_id);
        while let Ok(id) = self.instance_id(ec2_id) {
            self.edit_instance(ec2_id, "EC2 terminated", |instance| {
                instance.status = InstanceStatus::Inactive;
                instance.connected = false;
            })?;
            loss::lose_instance(
                self,
                &id,
                &format!("Host EC2 (instance {ec2_id}) terminated."),
                false,
            );
        }
        Ok(())
    }

    /// A program outside ECS starts to listen on (instance id or address, port), unless another
    /// program does. Returns whether it listens.
    pub fn add_program(&mut self, id: &str, port: u16) -> bool {
        let key = (id.to_owned(), port);
        let is_free = !self.ecs.sockets.contains_key(&key);
        is_free && self.ecs.programs.insert(key)
    }

    /// That program ends.
    pub fn end_program(&mut self, id: &str, port: u16) {
        self.ecs.programs.remove(&(id.to_owned(), port));
    }
}
