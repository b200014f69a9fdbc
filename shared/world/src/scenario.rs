//! Builds an account in few lines: clusters, container instances, target groups behind a load
//! balancer, services.
//!
//! Everything is created through the API, so what AWS rejects is rejected here too.

use crate::World;
use crate::api::{ApiError, Caller, Service as Api};
use crate::ecs::InstanceOptions;
use crate::target_type::TargetType;
use serde_json::{Value, json};

/// A load balancer, its listener, a rule, and the target group to which the rule forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontend {
    pub balancer: String,
    pub listener: String,
    /// ARN of the rule, or of the listener for a Network Load Balancer, which has no rules.
    pub rule: String,
    pub group: String,
}

#[derive(Debug, Clone)]
pub struct ContainerSpec {
    pub name: String,
    /// Port mappings, as in `RegisterTaskDefinition`.
    pub port_mappings: Vec<Value>,
}

/// A service and its task definition. Start with [`ServiceSpec::new`].
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    pub cluster: String,
    /// Also the task definition's family.
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
    /// Additional members of `CreateService`, such as `deploymentConfiguration` or `tags`.
    pub more: Value,
}

impl ServiceSpec {
    /// One task of `cluster/name` in bridge mode on EC2, with no container and no load balancer
    /// yet.
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

    /// Sets the desired count.
    #[must_use]
    pub fn desired(mut self, count: u32) -> Self {
        self.desired = count;
        self
    }

    /// Adds a container with these container ports. In bridge mode the host ports are dynamic.
    #[must_use]
    pub fn container(mut self, name: &str, ports: &[u16]) -> Self {
        let port_mappings = ports.iter().map(|port| json!({"containerPort": port})).collect();
        self.containers.push(ContainerSpec { name: name.to_owned(), port_mappings });
        self
    }

    /// Adds a load balancer entry: this container port is registered in this target group.
    #[must_use]
    pub fn behind(mut self, group: &str, container: &str, port: u16) -> Self {
        self.load_balancers.push(
            json!({"targetGroupArn": group, "containerName": container, "containerPort": port}),
        );
        self
    }

    /// Adds a load balancer entry for blue/green deployments, which starts with `front`'s group and
    /// alternates with `alternate`.
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

    /// Adds a member of `CreateService`.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        if let Some(more) = self.more.as_object_mut() {
            more.insert(member.to_owned(), value);
        }
        self
    }
}

/// A string in a response.
fn text(answer: &Value, pointer: &str) -> Result<String, ApiError> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| ApiError::refused("Scenario", format!("no {pointer} in {answer}")))
}

impl World {
    /// Advances the clock by whole seconds.
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

    /// Creates a cluster and returns its ARN.
    pub fn make_cluster(&mut self, name: &str) -> Result<String, ApiError> {
        text(
            &self.person_ecs("CreateCluster", &json!({"clusterName": name}))?,
            "/cluster/clusterArn",
        )
    }

    /// Adds container instances in the zones a, b and c in turn. Returns their EC2 instance ids.
    pub fn make_instances(&mut self, cluster: &str, count: usize) -> Result<Vec<String>, ApiError> {
        (0..count)
            .map(|_| self.add_container_instance(cluster, &InstanceOptions::default()))
            .collect()
    }

    /// Creates a target group without a load balancer: HTTP on port 80, a health check every 10
    /// seconds. Returns its ARN.
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

    /// Creates a target group behind its own Application Load Balancer with one rule.
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

    /// Like [`World::make_alb`], but returns only the target group's ARN.
    pub fn make_alb_group(
        &mut self,
        name: &str,
        target_type: TargetType,
    ) -> Result<String, ApiError> {
        self.make_alb(name, target_type).map(|front| front.group)
    }

    /// Creates a TCP target group behind its own Network Load Balancer.
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

    /// Registers a new revision of a service's task definition and returns its ARN.
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

    /// Registers the task definition, creates the service, and returns the service's ARN. Its tasks
    /// start as the clock advances.
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

    /// The ARNs of the tasks of `cluster/service` with the desired status RUNNING, ordered by task
    /// id.
    pub fn running_tasks(&mut self, service: &str) -> Result<Vec<String>, ApiError> {
        let (cluster, name) = service.split_once('/').unwrap_or(("default", service));
        let answer =
            self.person_ecs("ListTasks", &json!({"cluster": cluster, "serviceName": name}))?;
        let arns = answer.get("taskArns").and_then(Value::as_array).into_iter().flatten();
        Ok(arns.filter_map(|arn| arn.as_str().map(str::to_owned)).collect())
    }

    /// Advances second by second until the condition holds, for at most `limit_secs`. Returns
    /// whether it holds.
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
