"""The permissions that AWS requires for each call of the services that the emulator does not provide here.

Actions, resources and condition keys follow AWS's Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
A call can require more than its own action: a call that creates a resource with tags requires the permission to tag it, a
call that names a role requires the permission to pass it, and AWS makes some calls with the caller's permissions.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from harness.world import REGION

# Returns the tags of a resource, by its ARN.
TagsOf = Callable[[str], dict[str, str]]

# Members of a call that name resources, and the resource types in their ARNs.
ECS_RESOURCES = {
    "DescribeClusters": ("clusters", "cluster"),
    "ListContainerInstances": ("cluster", "cluster"),
    "DescribeContainerInstances": ("containerInstances", "container-instance"),
    "DescribeServiceRevisions": ("serviceRevisionArns", "service-revision"),
    "DescribeServices": ("services", "service"),
    "DescribeTasks": ("tasks", "task"),
    "CreateService": ("serviceName", "service"),
    "DeleteService": ("service", "service"),
    "UpdateService": ("service", "service"),
    "TagResource": ("resourceArn", "service"),
}

# Calls with the condition key `ecs:cluster`.
WITH_CLUSTER = {
    "CreateService",
    "DeleteService",
    "DescribeContainerInstances",
    "DescribeServiceRevisions",
    "DescribeServices",
    "DescribeTasks",
    "ListServices",
    "ListTasks",
    "UpdateService",
}

# Members of calls that name roles, and the services to which AWS passes them.
ROLES = {
    "taskRoleArn": "ecs-tasks.amazonaws.com",
    "executionRoleArn": "ecs-tasks.amazonaws.com",
    "roleArn": "ecs.amazonaws.com",
    "role": "ecs.amazonaws.com",
}

# The member of a write that names its resource. CreateTargetGroup names none: the ARN follows from the name.
ELB_RESOURCES = {
    "AddTags": "ResourceArns.member.",
    "CreateListener": "LoadBalancerArn",
    "CreateRule": "ListenerArn",
    "DeleteListener": "ListenerArn",
    "DeleteRule": "RuleArn",
    "DeleteTargetGroup": "TargetGroupArn",
    "DeregisterTargets": "TargetGroupArn",
    "ModifyRule": "RuleArn",
    "ModifyTargetGroup": "TargetGroupArn",
    "ModifyTargetGroupAttributes": "TargetGroupArn",
    "RegisterTargets": "TargetGroupArn",
    "SetRulePriorities": "RulePriorities.member.",
}

# The actions for which Cloud Control needs the caller's permissions to read a resource of each type.
READS_OF_CONTROL = {
    "AWS::EC2::SecurityGroup": ("ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules"),
    "AWS::EC2::Subnet": ("ec2:DescribeSubnets", "ec2:DescribeNetworkAcls"),
    "AWS::IAM::Role": ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"),
}


@dataclass
class Ask:
    """One permission that AWS requires of a caller."""

    action: str
    resources: list[str]
    keys: dict[str, Any] = field(default_factory=dict)


def of(target: str | None, body: bytes, account: str, tags_of: TagsOf) -> tuple[list[Ask], dict]:
    """Returns the permissions of a call, its own action first, and its input. `target` is the header X-Amz-Target."""
    if target is None:
        call = dict(parse_qsl(body.decode()))
        return of_elb(call["Action"], call, account, tags_of), call
    service, operation = target.split(".")
    call = json.loads(body or b"{}")
    return JSON_SERVICES[service](operation, call, account, tags_of), call


def of_ecs(operation: str, call: dict, account: str, tags_of: TagsOf) -> list[Ask]:
    """Returns the permissions of an ECS call."""

    def arn(kind: str, path: str) -> str:
        return f"arn:aws:ecs:{REGION}:{account}:{kind}/{path}"

    def cluster_arn(name: str) -> str:
        return name if name.startswith("arn:") else arn("cluster", name)

    cluster = cluster_arn(call.get("cluster") or "default")
    keys = {"ecs:cluster": cluster} if operation in WITH_CLUSTER else {}
    member, kind = ECS_RESOURCES.get(operation, ("", ""))
    named = call.get(member) or []
    named = [named] if isinstance(named, str) else named
    if operation == "DescribeClusters":
        resources = [cluster_arn(name) for name in named or ["default"]]
    elif operation == "DescribeServiceRevisions":
        # The call names no cluster, but the revision's ARN contains it.
        keys = {"ecs:cluster": arn("cluster", named[0].split("/")[1])}
        resources = named
    elif operation == "RegisterTaskDefinition":
        resources = [arn("task-definition", f"{call['family']}:*")]
    else:
        name = cluster.split("/")[-1]
        resources = [it if it.startswith("arn:") else arn(kind, f"{name}/{it}") for it in named] or ["*"]
    if operation in {"DeleteService", "TagResource", "UpdateService"}:
        keys |= resource_tags(tags_of(resources[0]))
    given = {it["key"]: it.get("value", "") for it in call.get("tags") or []}
    asks = [Ask(f"ecs:{operation}", resources, keys | request_tags(given))]
    if given and operation != "TagResource":
        asks.append(Ask("ecs:TagResource", resources, request_tags(given) | {"ecs:CreateAction": operation}))
    if operation in {"CreateService", "RegisterTaskDefinition", "UpdateService"}:
        asks += [Ask("iam:PassRole", [role_arn(it, account)], {"iam:PassedToService": to}) for it, to in roles(call)]
    if operation == "CreateService" and call.get("loadBalancers"):
        asks.append(linked_role(account, "ecs.amazonaws.com", "AWSServiceRoleForECS"))
    return asks


def of_elb(operation: str, call: dict, account: str, tags_of: TagsOf) -> list[Ask]:
    """Returns the permissions of an Elastic Load Balancing call. Its reads support no resources."""
    action = f"elasticloadbalancing:{operation}"
    if operation.startswith("Describe"):
        return [Ask(action, ["*"])]
    given = dict(given_tags(call))
    if operation == "CreateTargetGroup":
        made = f"arn:aws:elasticloadbalancing:{REGION}:{account}:targetgroup/{call['Name']}/0"
        asks = [Ask(action, [made], request_tags(given))]
    else:
        member = ELB_RESOURCES[operation]
        named = [value for name, value in call.items() if name.startswith(member) and value.startswith("arn:")]
        asks = [Ask(action, [it], resource_tags(tags_of(it)) | request_tags(given)) for it in named]
        # A rule's ARN begins like its listener's, and a listener's like its load balancer's.
        above, below = ("listener/", "listener-rule/") if operation == "CreateRule" else ("loadbalancer/", "listener/")
        made = named[0].replace(f":{above}", f":{below}") + "/0"
    if given and operation != "AddTags":
        create = {"elasticloadbalancing:CreateAction": operation}
        asks.append(Ask("elasticloadbalancing:AddTags", [made], request_tags(given) | create))
    return asks


def of_scaling(operation: str, call: dict, account: str, _: TagsOf) -> list[Ask]:
    """Returns the permissions of an Application Auto Scaling call."""
    action, name = f"application-autoscaling:{operation}", call.get("ResourceId", "")
    target = f"arn:aws:application-autoscaling:{REGION}:{account}:scalable-target/{name}"
    if operation.startswith("Describe"):
        return [Ask(action, ["*"])]
    if operation == "ListTagsForResource":
        return [Ask(action, [call["ResourceARN"]])]
    given = call.get("Tags") or {}
    keys = {"application-autoscaling:service-namespace": call["ServiceNamespace"]}
    asks = [Ask(action, [target], keys | request_tags(given))]
    if given:
        asks.append(Ask("application-autoscaling:TagResource", [target], request_tags(given)))
    if operation == "RegisterScalableTarget":
        asks.append(
            linked_role(
                account, "ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService"
            )
        )
    # Application Auto Scaling creates and deletes the alarms of a policy with the caller's permissions:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/auto-scaling-IAM.html
    alarms = [f"arn:aws:cloudwatch:{REGION}:{account}:alarm:TargetTracking-{name}-AlarmHigh-0"]
    if operation == "PutScalingPolicy":
        asks += [Ask("cloudwatch:DescribeAlarms", alarms), Ask("cloudwatch:PutMetricAlarm", alarms)]
    elif operation.startswith("De"):
        asks.append(Ask("cloudwatch:DeleteAlarms", alarms))
    return asks


def of_logs(operation: str, call: dict, account: str, tags_of: TagsOf) -> list[Ask]:
    """Returns the permissions of a CloudWatch Logs call."""
    group = f"arn:aws:logs:{REGION}:{account}:log-group:{call.get('logGroupName') or '*'}"
    given = call.get("tags") or {}
    known = {} if operation.startswith(("Create", "Describe")) else tags_of(group)
    asks = [Ask(f"logs:{operation}", [group], resource_tags(known) | request_tags(given))]
    if given:
        asks.append(Ask("logs:TagResource", [group], request_tags(given)))
    return asks


def of_control(operation: str, call: dict, account: str, _: TagsOf) -> list[Ask]:
    """Returns the permissions of a Cloud Control call: its own action, and those that reading the resource requires.

    The resource's schema lists the latter: `aws cloudformation describe-type --type RESOURCE --type-name AWS::EC2::Subnet`.
    """
    kind, named = call["TypeName"], call["Identifier"]
    resource = role_arn(named, account) if kind == "AWS::IAM::Role" else "*"
    return [Ask(f"cloudformation:{operation}", ["*"]), *(Ask(action, [resource]) for action in READS_OF_CONTROL[kind])]


# The services with a JSON protocol, by the prefix of the header X-Amz-Target.
JSON_SERVICES = {
    "AmazonEC2ContainerServiceV20141113": of_ecs,
    "AnyScaleFrontendService": of_scaling,
    "CloudApiService": of_control,
    "Logs_20140328": of_logs,
}


def request_tags(tags: dict[str, str]) -> dict[str, str]:
    return {f"aws:RequestTag/{key}": value for key, value in tags.items()}


def resource_tags(tags: dict[str, str]) -> dict[str, str]:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def given_tags(call: dict) -> Iterator[tuple[str, str]]:
    """Returns the tags of a call in AWS's Query protocol."""
    for name, value in call.items():
        if name.startswith("Tags.member.") and name.endswith(".Key"):
            yield value, call.get(name.removesuffix("Key") + "Value", "")


def roles(call: Any) -> Iterator[tuple[str, str]]:
    """Returns every role that a call names, and the service to which AWS passes it."""
    if isinstance(call, list):
        for it in call:
            yield from roles(it)
    elif isinstance(call, dict):
        for member, value in call.items():
            if member in ROLES and isinstance(value, str):
                yield value, ROLES[member]
            else:
                yield from roles(value)


def role_arn(named: str, account: str) -> str:
    return named if named.startswith("arn:") else f"arn:aws:iam::{account}:role/{named}"


def linked_role(account: str, service: str, name: str) -> Ask:
    """Returns the permission that AWS requires at the first use of a service in an account; here, every use requires it."""
    role = f"arn:aws:iam::{account}:role/aws-service-role/{service}/{name}"
    return Ask("iam:CreateServiceLinkedRole", [role], {"iam:AWSServiceName": service})
