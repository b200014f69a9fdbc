//! The closed list of problem codes: their names in results and on screens, their levels and their
//! meanings. `docs/spec-problems.md` shows it, and a test compares.

use super::Level;
use portkeeper_core::text_enum;

const ERROR: &[Level] = &[Level::Error];
const WARNING: &[Level] = &[Level::Warning];
const EITHER: &[Level] = &[Level::Error, Level::Warning];

/// Declares the codes, and what depends on each. The documentation of a code is its meaning.
macro_rules! problem_codes {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $text:literal: $levels:ident),+ $(,)?) => {
        text_enum! {
            /// The kind of a [`Problem`](super::Problem). The texts are a contract: messages may
            /// change, codes stay.
            ProblemCode {
                $($(#[doc = $meaning])+ $variant = $text,)+
            }
        }

        impl ProblemCode {
            /// The possible levels of such problems; none for a code of another version.
            #[must_use]
            pub const fn levels(&self) -> &'static [Level] {
                match self {
                    $(Self::$variant => $levels,)+
                    Self::Unknown(_) => EITHER,
                }
            }

            /// The meaning of the code in one sentence; empty for a code of another version.
            #[must_use]
            pub const fn meaning(&self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($meaning),+).trim_ascii_start(),)+
                    Self::Unknown(_) => "",
                }
            }
        }
    };
}

problem_codes! {
    /// The spec configures a traffic shift, but its deployment strategy is rolling.
    AdvancedWithoutStrategy = "advanced_without_strategy": ERROR,
    /// Some requests match two entries of the spec, and one of them has no `priority`.
    AmbiguousRules = "ambiguous_rules": ERROR,
    /// The value is not the ARN of the kind of resource that belongs here.
    BadArn = "bad_arn": ERROR,
    /// The success codes of the health check are not codes or ranges that the load balancer
    /// accepts.
    BadCodes = "bad_codes": ERROR,
    /// The command of a container's health check does not begin with `CMD`, `CMD-SHELL` or `NONE`.
    BadHealthCommand = "bad_health_command": ERROR,
    /// The value is not a host name or a pattern for one.
    BadHost = "bad_host": ERROR,
    /// The value is not the id of a subnet or a security group.
    BadId = "bad_id": ERROR,
    /// The name is too long, empty, reserved, or contains characters that AWS does not accept.
    BadName = "bad_name": ERROR,
    /// The value is not a path or a pattern for one.
    BadPath = "bad_path": ERROR,
    /// A tag contains characters that AWS does not accept.
    BadTag = "bad_tag": ERROR,
    /// The entry names a certificate, but the spec creates no TLS listener for it.
    CertificateWithoutTls = "certificate_without_tls": ERROR,
    /// A Classic Load Balancer cannot reach tasks in network mode awsvpc.
    ClassicWithAwsvpc = "classic_with_awsvpc": ERROR,
    /// A Classic Load Balancer needs one fixed host port, and the container has a dynamic one.
    ClassicWithDynamicPort = "classic_with_dynamic_port": ERROR,
    /// Portkeeper chooses the client token and ignores the one in the spec.
    ClientToken = "client_token": WARNING,
    /// The cluster exists, but it is not ACTIVE.
    ClusterInactive = "cluster_inactive": ERROR,
    /// The stack's parameter `Clusters` does not include the cluster.
    ClusterNotWatched = "cluster_not_watched": ERROR,
    /// A DAEMON service cannot have a desired count.
    DaemonDesiredCount = "daemon_desired_count": ERROR,
    /// A DAEMON service cannot run on Fargate.
    DaemonOnFargate = "daemon_on_fargate": ERROR,
    /// A DAEMON service cannot have a placement strategy.
    DaemonPlacement = "daemon_placement": ERROR,
    /// A DAEMON service cannot scale.
    DaemonScaling = "daemon_scaling": ERROR,
    /// A DAEMON service can use only rolling deployments.
    DaemonStrategy = "daemon_strategy": ERROR,
    /// Containers wait for each other, or a container waits for itself.
    DependencyCycle = "dependency_cycle": ERROR,
    /// The healthy percentages leave no task that a deployment could stop or start.
    DeploymentStuck = "deployment_stuck": ERROR,
    /// The desired count is outside the limits of `scaling`, which would change it at once.
    DesiredCountOutside = "desired_count_outside": WARNING,
    /// Two entries lead from the same listener to the same container port.
    DuplicateEntry = "duplicate_entry": ERROR,
    /// A mapping contains the same key twice.
    DuplicateKey = "duplicate_key": ERROR,
    /// Two elements have the same name; for environment variables this is a warning.
    DuplicateName = "duplicate_name": EITHER,
    /// Two port mappings use the same port.
    DuplicatePort = "duplicate_port": ERROR,
    /// Two entries have the same priority on the same listener.
    DuplicatePriority = "duplicate_priority": ERROR,
    /// The file is empty.
    Empty = "empty": ERROR,
    /// A container waits for the end of an essential container, which ends the task.
    EssentialDependency = "essential_dependency": ERROR,
    /// The task runs on Fargate, but its network mode is not awsvpc.
    FargateNetworkMode = "fargate_network_mode": ERROR,
    /// Fargate does not have this combination of CPU and memory, or one of them is missing.
    FargateSize = "fargate_size": ERROR,
    /// The grace period is shorter than a container's own start period.
    GraceTooShort = "grace_too_short": WARNING,
    /// The service has a grace period, but no load balancer.
    GraceWithoutLoadBalancer = "grace_without_load_balancer": ERROR,
    /// A target group with this name exists, and this spec did not create it.
    GroupTaken = "group_taken": ERROR,
    /// No listener forwards to the target group, and ECS rejects such a group.
    GroupWithoutListener = "group_without_listener": ERROR,
    /// The target group uses gRPC, but the listener does not use HTTPS.
    GrpcWithoutHttps = "grpc_without_https": ERROR,
    /// The health check uses a fixed port, and no container has it as its host port.
    HealthPort = "health_port": ERROR,
    /// The protocol of the health check does not fit the load balancer or the other settings.
    HealthProtocol = "health_protocol": ERROR,
    /// The host port differs from the container port in a network mode that needs both to be
    /// equal.
    HostPortDiffers = "host_port_differs": ERROR,
    /// The service has both a launch type and a capacity provider strategy.
    LaunchTypeAndStrategy = "launch_type_and_strategy": ERROR,
    /// A rule that this spec created is no longer in the spec; Portkeeper does not delete it.
    LeftOver = "left_over": WARNING,
    /// The list has more or fewer elements than AWS accepts.
    ListLength = "list_length": ERROR,
    /// Two entries use the same listener of a Network Load Balancer.
    ListenerTaken = "listener_taken": ERROR,
    /// The log driver awslogs lacks an option that it needs.
    LogOptionMissing = "log_option_missing": ERROR,
    /// The memory limit of a container is not above its reservation.
    MemoryBelowReservation = "memory_below_reservation": ERROR,
    /// The minimum of `scaling` is above its maximum.
    MinOverMax = "min_over_max": ERROR,
    /// A required member is missing.
    MissingMember = "missing_member": ERROR,
    /// The strategy mixes Fargate with other capacity providers.
    MixedProviders = "mixed_providers": ERROR,
    /// The service has a network configuration, but its network mode is not awsvpc.
    NetworkWithoutAwsvpc = "network_without_awsvpc": ERROR,
    /// The cluster has no container instances on which ECS could place a task.
    NoCapacity = "no_capacity": ERROR,
    /// The entry has neither a host nor a path, so it does not say which requests lead to it.
    NoCondition = "no_condition": ERROR,
    /// The task definition has no container.
    NoContainer = "no_container": ERROR,
    /// The spec says neither how many tasks run nor how their number scales.
    NoDesiredCount = "no_desired_count": ERROR,
    /// No container is essential, so the task could never end.
    NoEssentialContainer = "no_essential_container": ERROR,
    /// A container on Fargate needs an execution role, and the task definition has none.
    NoExecutionRole = "no_execution_role": ERROR,
    /// All priorities that Portkeeper may choose are in use on the listener.
    NoFreePriority = "no_free_priority": ERROR,
    /// A container waits for HEALTHY of a container without a health check.
    NoHealthCheck = "no_health_check": ERROR,
    /// Neither the container nor the task definition says how much memory it needs.
    NoMemory = "no_memory": ERROR,
    /// Scaling by requests needs one target group of an Application Load Balancer in this spec.
    NoRequests = "no_requests": ERROR,
    /// The spec has limits for scaling, but nothing that scales within them.
    NoScalingTarget = "no_scaling_target": WARNING,
    /// The strategy shifts traffic between two target groups, and the entry has only one.
    NoSecondGroup = "no_second_group": ERROR,
    /// The tasks have no security groups, so they get the default one of the VPC.
    NoSecurityGroups = "no_security_groups": WARNING,
    /// The network mode is awsvpc, and the service has no subnets.
    NoSubnets = "no_subnets": ERROR,
    /// The cluster does not exist in this account and region.
    NoSuchCluster = "no_such_cluster": ERROR,
    /// The task definition has no container with this name.
    NoSuchContainer = "no_such_container": ERROR,
    /// The target group does not exist in this account and region.
    NoSuchGroup = "no_such_group": ERROR,
    /// The listener does not exist in this account and region.
    NoSuchListener = "no_such_listener": ERROR,
    /// The load balancer does not exist in this account and region.
    NoSuchLoadBalancer = "no_such_load_balancer": ERROR,
    /// The log group does not exist, and the spec does not create it.
    NoSuchLogGroup = "no_such_log_group": ERROR,
    /// The subnet or the security group does not exist in this account and region.
    NoSuchNetwork = "no_such_network": ERROR,
    /// The container has no port mapping with this container port.
    NoSuchPort = "no_such_port": ERROR,
    /// No port mapping has this name.
    NoSuchPortName = "no_such_port_name": ERROR,
    /// The cluster does not have this capacity provider.
    NoSuchProvider = "no_such_provider": ERROR,
    /// The IAM role does not exist in this account.
    NoSuchRole = "no_such_role": ERROR,
    /// The task definition does not exist, or it is not active.
    NoSuchTaskDefinition = "no_such_task_definition": ERROR,
    /// The task definition has no such volume.
    NoSuchVolume = "no_such_volume": ERROR,
    /// The entry of `service.loadBalancers` names no target group.
    NoTargetGroup = "no_target_group": ERROR,
    /// The spec neither contains nor names a task definition.
    NoTaskDefinition = "no_task_definition": ERROR,
    /// ECS Exec needs a task role, and the task definition has none.
    NoTaskRole = "no_task_role": ERROR,
    /// The member has no value, so Portkeeper ignores it.
    NoValue = "no_value": WARNING,
    /// All capacity providers have weight 0, so ECS would place no task.
    NoWeight = "no_weight": ERROR,
    /// The value is not the ARN of a listener.
    NotAListener = "not_a_listener": ERROR,
    /// The value is not the ARN of a target group.
    NotATargetGroup = "not_a_target_group": ERROR,
    /// The service runs on Fargate, but the task definition does not allow it.
    NotForFargate = "not_for_fargate": ERROR,
    /// The setting does not exist for this protocol or this kind of load balancer.
    NotForProtocol = "not_for_protocol": ERROR,
    /// The setting does not exist in this network mode.
    NotInMode = "not_in_mode": ERROR,
    /// Portkeeper could not read whether a resource exists, and continues without it.
    NotLookedAt = "not_looked_at": WARNING,
    /// The setting does not exist on Fargate.
    NotOnFargate = "not_on_fargate": ERROR,
    /// Portkeeper could not read a resource that it needs for the plan.
    NotRead = "not_read": ERROR,
    /// The file is not encoded in UTF-8.
    NotUtf8 = "not_utf8": ERROR,
    /// ECS does not deploy the service: CodeDeploy or another program does.
    OtherController = "other_controller": ERROR,
    /// The load balancer or target group is not in the VPC of the tasks.
    OtherVpc = "other_vpc": ERROR,
    /// The number is outside the range that AWS accepts.
    OutOfRange = "out_of_range": ERROR,
    /// A function lacks an IAM permission that it needs to read a resource.
    PermissionMissing = "permission_missing": ERROR,
    /// A port mapping has both a container port and a port range.
    PortAndRange = "port_and_range": ERROR,
    /// The network mode is none, and a container has port mappings.
    PortsWithoutNetwork = "ports_without_network": ERROR,
    /// Another rule of the listener has this priority.
    PriorityTaken = "priority_taken": ERROR,
    /// The protocol does not fit the kind of the load balancer.
    ProtocolOfOtherKind = "protocol_of_other_kind": ERROR,
    /// Tasks on EC2 cannot have public addresses.
    PublicIpOnEc2 = "public_ip_on_ec2": ERROR,
    /// The path contains a query string, which a path condition never matches.
    QueryInPath = "query_in_path": ERROR,
    /// Rebalancing between zones needs a maximum above 100 percent.
    RebalancingWithoutRoom = "rebalancing_without_room": ERROR,
    /// The spec was about another service before, which stays as it is.
    Renamed = "renamed": WARNING,
    /// AWS or Portkeeper reserves this tag key.
    ReservedTag = "reserved_tag": ERROR,
    /// CloudWatch Logs does not offer this retention.
    Retention = "retention": ERROR,
    /// The rollback has no effect while the circuit breaker is off.
    RollbackWithoutBreaker = "rollback_without_breaker": WARNING,
    /// Another rule comes first and matches every request of this rule.
    RuleHidden = "rule_hidden": WARNING,
    /// This rule comes first and matches every request of another rule.
    RuleHides = "rule_hides": WARNING,
    /// A listener of a Network Load Balancer has no rules, so no hosts, paths or priorities.
    RuleOnNetworkListener = "rule_on_network_listener": ERROR,
    /// Another rule of the listener matches some requests of this rule.
    RuleOverlap = "rule_overlap": WARNING,
    /// The service exists, and no spec manages it; this spec will manage it from now on.
    ServiceAdopted = "service_adopted": WARNING,
    /// Another spec manages the service.
    ServiceOfAnotherSpec = "service_of_another_spec": ERROR,
    /// The subnets and security groups are in more than one VPC.
    SeveralVpcs = "several_vpcs": ERROR,
    /// Slow start works only with the algorithm round_robin.
    SlowStartAlgorithm = "slow_start_algorithm": ERROR,
    /// A fixed host port allows one task per instance; it is an error if the instances do not
    /// suffice.
    StaticHostPort = "static_host_port": EITHER,
    /// The file is not valid YAML or JSON.
    Syntax = "syntax": ERROR,
    /// A tag key or value has a length that AWS does not accept.
    TagLength = "tag_length": ERROR,
    /// The target type does not fit the network mode of the tasks.
    TargetType = "target_type": EITHER,
    /// The task definition is larger than ECS accepts.
    TaskDefinitionTooLarge = "task_definition_too_large": ERROR,
    /// The containers reserve more CPU or memory than the task has.
    TaskTooSmall = "task_too_small": ERROR,
    /// The text is longer or shorter than AWS accepts.
    TextLength = "text_length": ERROR,
    /// The timeout of the health check is not below its interval.
    TimeoutOverInterval = "timeout_over_interval": ERROR,
    /// The file is larger than a spec can be.
    TooLarge = "too_large": ERROR,
    /// The rule would have more values in its conditions than ELBv2 accepts.
    TooManyConditions = "too_many_conditions": ERROR,
    /// The service would have more target groups than ECS accepts.
    TooManyGroups = "too_many_groups": ERROR,
    /// The spec has more tags than AWS accepts next to Portkeeper's own.
    TooManyTags = "too_many_tags": ERROR,
    /// More than one capacity provider has a base.
    TwoBases = "two_bases": ERROR,
    /// The spec names two clusters.
    TwoClusters = "two_clusters": ERROR,
    /// The entry names more than one target group or load balancer.
    TwoTargetGroups = "two_target_groups": ERROR,
    /// The spec contains a task definition, and the service names another one.
    TwoTaskDefinitions = "two_task_definitions": ERROR,
    /// The shape has no such member; with `allowUnknownMembers` it is a warning.
    UnknownMember = "unknown_member": EITHER,
    /// AWS does not list this value; with `allowUnknownMembers` it is a warning.
    UnknownValue = "unknown_value": EITHER,
    /// The port mapping uses TCP and the target group UDP, or the reverse.
    WrongTransport = "wrong_transport": ERROR,
    /// The value has another type than the member.
    WrongType = "wrong_type": ERROR,
}
