//! Short ways to build an account: clusters, instances, target groups behind a load balancer,
//! services.
//!
//! Everything goes through the API as a person would do it, so what AWS refuses is refused here
//! too.

use crate::World;
use crate::api::{ApiError, Caller, Service as Api};
use crate::ecs::InstanceOptions;
use crate::target_type::TargetType;
use serde_json::{Value, json};

/// A load balancer, its listener, a rule and the target group that the rule forwards to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontend {
    /// ARN of the load balancer.
    pub balancer: String,
    /// ARN of the listener.
    pub listener: String,
    /// ARN of the rule. A Network Load Balancer has none: its listener's ARN.
    pub rule: String,
    /// ARN of the target group.
    pub group: String,
}

/// A container of a service.
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    /// Name.
    pub name: String,
    /// Port mappings, as in `RegisterTaskDefinition`.
    pub port_mappings: Vec<Value>,
}

/// A service and its task definition. Start with [`ServiceSpec::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// Cluster name.
    pub cluster: String,
    /// Service name; also the task definition's family.
    pub name: String,
    /// `bridge`, `host` or `awsvpc`.
    pub network_mode: String,
    /// `EC2`, `FARGATE` or `EXTERNAL`.
    pub launch_type: String,
    /// At least one.
    pub containers: Vec<ContainerSpec>,
    /// `loadBalancers`, as in `CreateService`.
    pub load_balancers: Vec<Value>,
    /// `desiredCount`.
    pub desired: u32,
    /// Subnets of awsvpc tasks; the default ones if empty.
    pub subnets: Vec<String>,
    /// Further members of `CreateService`, such as `deploymentConfiguration` or `tags`.
    pub more: Value,
}

impl ServiceSpec {
    /// One task of `cluster/name` in bridge mode on EC2, no container and no load balancer yet.
    #[must_use]
    pub fn new(cluster: &str, name: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            network_mode: "bridge".to_owned(),
            launch_type: "EC2".to_owned(),
            containers: Vec::new(),
            load_balancers: Vec::new(),
            desired: 1,
            subnets: Vec::new(),
            more: json!({}),
        }
    }

    /// In host mode on EC2.
    #[must_use]
    pub fn host(mut self) -> Self {
        "host".clone_into(&mut self.network_mode);
        self
    }

    /// In awsvpc mode on EC2.
    #[must_use]
    pub fn awsvpc(mut self) -> Self {
        "awsvpc".clone_into(&mut self.network_mode);
        self
    }

    /// In awsvpc mode on Fargate.
    #[must_use]
    pub fn fargate(mut self) -> Self {
        "FARGATE".clone_into(&mut self.launch_type);
        self.awsvpc()
    }

    /// So many tasks.
    #[must_use]
    pub fn desired(mut self, count: u32) -> Self {
        self.desired = count;
        self
    }

    /// A container with these container ports (dynamic host ports in bridge mode).
    #[must_use]
    pub fn container(mut self, name: &str, ports: &[u16]) -> Self {
        let port_mappings = ports.iter().map(|port| json!({"containerPort": port})).collect();
        self.containers.push(ContainerSpec { name: name.to_owned(), port_mappings });
        self
    }

    /// A load balancer entry: that container port in that target group.
    #[must_use]
    pub fn behind(mut self, group: &str, container: &str, port: u16) -> Self {
        self.load_balancers.push(
            json!({"targetGroupArn": group, "containerName": container, "containerPort": port}),
        );
        self
    }

    /// A load balancer entry for blue/green: it starts in `front`'s group and alternates with
    /// `alternate`.
    #[must_use]
    pub fn behind_blue_green(
        mut self,
        front: &Frontend,
        alternate: &str,
        container: &str,
        port: u16,
    ) -> Self {
        self.load_balancers.push(json!({
            "targetGroupArn": front.group,
            "containerName": container,
            "containerPort": port,
            "advancedConfiguration": {
                "alternateTargetGroupArn": alternate,
                "productionListenerRule": front.rule,
                "roleArn": "arn:aws:iam::111122223333:role/ecsInfrastructureRole",
            },
        }));
        self
    }

    /// Another member of `CreateService`.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        if let Some(more) = self.more.as_object_mut() {
            more.insert(member.to_owned(), value);
        }
        self
    }
}

/// A string in an answer.
fn text(answer: &Value, pointer: &str) -> Result<String, ApiError> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| ApiError::refused("Scenario", format!("no {pointer} in {answer}")))
}

impl World {
    /// Moves the clock by whole seconds.
    pub fn advance_secs(&mut self, seconds: u64) {
        self.advance(seconds.saturating_mul(1000));
    }

    /// A call to ECS by a person.
    pub fn person_ecs(&mut self, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.call(Caller::Person, Api::Ecs, operation, input)
    }

    /// A call to Elastic Load Balancing by a person.
    pub fn person_elb(&mut self, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.call(Caller::Person, Api::Elbv2, operation, input)
    }

    /// Creates a cluster; gives its ARN.
    pub fn make_cluster(&mut self, name: &str) -> Result<String, ApiError> {
        text(
            &self.person_ecs("CreateCluster", &json!({"clusterName": name}))?,
            "/cluster/clusterArn",
        )
    }

    /// Adds container instances, in the zones a, b, c in turn; gives their EC2 ids.
    pub fn make_instances(&mut self, cluster: &str, count: usize) -> Result<Vec<String>, ApiError> {
        (0..count)
            .map(|_| self.add_container_instance(cluster, &InstanceOptions::default()))
            .collect()
    }

    /// A target group without load balancer, HTTP on port 80, checked every 10 seconds; gives its
    /// ARN.
    pub fn make_bare_group(
        &mut self,
        name: &str,
        target_type: TargetType,
    ) -> Result<String, ApiError> {
        let input = json!({
            "Name": name,
            "Protocol": "HTTP",
            "Port": 80,
            "TargetType": target_type.name(),
            "VpcId": crate::ecs::DEFAULT_VPC,
            "HealthCheckIntervalSeconds": 10,
        });
        text(&self.person_elb("CreateTargetGroup", &input)?, "/TargetGroups/0/TargetGroupArn")
    }

    /// A target group behind an Application Load Balancer of its own, with one rule; gives all
    /// their ARNs.
    pub fn make_alb(&mut self, name: &str, target_type: TargetType) -> Result<Frontend, ApiError> {
        let group = self.make_bare_group(name, target_type)?;
        let balancer = self.make_balancer(&format!("{name}-alb"), "application")?;
        let listener = json!({
            "LoadBalancerArn": balancer,
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        });
        let listener =
            text(&self.person_elb("CreateListener", &listener)?, "/Listeners/0/ListenerArn")?;
        let rule = json!({
            "ListenerArn": listener,
            "Priority": 10,
            "Conditions": [{"Field": "path-pattern", "Values": ["/*"]}],
            "Actions": [{"Type": "forward", "TargetGroupArn": group}],
        });
        let rule = text(&self.person_elb("CreateRule", &rule)?, "/Rules/0/RuleArn")?;
        Ok(Frontend { balancer, listener, rule, group })
    }

    /// The target group of [`World::make_alb`] alone.
    pub fn make_alb_group(
        &mut self,
        name: &str,
        target_type: TargetType,
    ) -> Result<String, ApiError> {
        self.make_alb(name, target_type).map(|front| front.group)
    }

    /// A TCP target group behind a Network Load Balancer of its own.
    pub fn make_nlb(&mut self, name: &str, target_type: TargetType) -> Result<Frontend, ApiError> {
        let input = json!({
            "Name": name,
            "Protocol": "TCP",
            "Port": 80,
            "TargetType": target_type.name(),
            "HealthCheckIntervalSeconds": 10,
        });
        let group =
            text(&self.person_elb("CreateTargetGroup", &input)?, "/TargetGroups/0/TargetGroupArn")?;
        let balancer = self.make_balancer(&format!("{name}-nlb"), "network")?;
        let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
        let listener = json!({"LoadBalancerArn": balancer, "Protocol": "TCP", "Port": 80, "DefaultActions": actions});
        let listener =
            text(&self.person_elb("CreateListener", &listener)?, "/Listeners/0/ListenerArn")?;
        Ok(Frontend { balancer, rule: listener.clone(), listener, group })
    }

    fn make_balancer(&mut self, name: &str, kind: &str) -> Result<String, ApiError> {
        let input = json!({"Name": name, "Type": kind, "Subnets": self.default_subnets()});
        text(&self.person_elb("CreateLoadBalancer", &input)?, "/LoadBalancers/0/LoadBalancerArn")
    }

    /// Registers the task definition of a service again: a new revision, whose ARN it gives.
    pub fn make_definition(&mut self, spec: &ServiceSpec) -> Result<String, ApiError> {
        let containers: Vec<Value> = spec
            .containers
            .iter()
            .map(|container| {
                json!({
                    "name": container.name,
                    "image": format!("{}:latest", container.name),
                    "memory": 128,
                    "portMappings": container.port_mappings,
                })
            })
            .collect();
        let input = json!({
            "family": spec.name,
            "networkMode": spec.network_mode,
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": containers,
        });
        text(
            &self.person_ecs("RegisterTaskDefinition", &input)?,
            "/taskDefinition/taskDefinitionArn",
        )
    }

    /// Registers the task definition and creates the service; gives the service's ARN. Its tasks
    /// come with time.
    pub fn make_service(&mut self, spec: &ServiceSpec) -> Result<String, ApiError> {
        let definition = self.make_definition(spec)?;
        let mut input = json!({
            "cluster": spec.cluster,
            "serviceName": spec.name,
            "taskDefinition": definition,
            "desiredCount": spec.desired,
            "launchType": spec.launch_type,
            "loadBalancers": spec.load_balancers,
        });
        let subnets =
            if spec.subnets.is_empty() { self.default_subnets() } else { spec.subnets.clone() };
        if let (Some(members), Some(more)) = (input.as_object_mut(), spec.more.as_object()) {
            if spec.network_mode == "awsvpc" {
                let network = json!({"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "DISABLED"}});
                members.insert("networkConfiguration".to_owned(), network);
            }
            members.extend(more.clone());
        }
        text(&self.person_ecs("CreateService", &input)?, "/service/serviceArn")
    }

    /// The ARNs of the tasks of `cluster/service` whose desired status is RUNNING, in order of
    /// their ids.
    pub fn running_tasks(&mut self, service: &str) -> Result<Vec<String>, ApiError> {
        let (cluster, name) = service.split_once('/').unwrap_or(("default", service));
        let answer =
            self.person_ecs("ListTasks", &json!({"cluster": cluster, "serviceName": name}))?;
        let arns = answer.get("taskArns").and_then(Value::as_array).into_iter().flatten();
        Ok(arns.filter_map(|arn| arn.as_str().map(str::to_owned)).collect())
    }

    /// Advances second by second until the condition holds, for at most `limit_secs`; gives whether
    /// it came to hold.
    pub fn advance_until(
        &mut self,
        limit_secs: u64,
        mut holds: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        for _ in 0..limit_secs {
            if holds(self) {
                return true;
            }
            self.advance_secs(1);
        }
        holds(self)
    }
}
