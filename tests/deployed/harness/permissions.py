"""What a role may do, judged by the emulator's own evaluator.

ECS and Elastic Load Balancing are not the emulator's here, so what AWS would compare with the policies is put together here:
the action, the resources and the condition keys of each call, after AWS's Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html and
.../list_awselasticloadbalancingv2.html).
"""

import json
from dataclasses import dataclass, field
from typing import Any

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

from harness.world import REGION

# Members of a call that name resources, and how their ARNs begin. Reads of Elastic Load Balancing take none.
ECS_RESOURCES = {
    "DescribeClusters": ("clusters", "cluster"),
    "DescribeContainerInstances": ("containerInstances", "container-instance"),
    "DescribeServiceRevisions": ("serviceRevisionArns", "service-revision"),
    "DescribeServices": ("services", "service"),
    "DescribeTasks": ("tasks", "task"),
}

# Calls whose authorization knows `ecs:cluster`.
WITH_CLUSTER = {
    "DescribeContainerInstances",
    "DescribeServiceRevisions",
    "DescribeServices",
    "DescribeTasks",
    "ListServices",
    "ListTasks",
}


@dataclass
class Ask:
    """What AWS asks the policies of a caller."""

    action: str
    resources: list[str]
    keys: dict[str, Any] = field(default_factory=dict)


def of_ecs(operation: str, call: dict, account: str) -> Ask:
    """What a call of ECS needs."""

    def arn(kind: str, path: str) -> str:
        return f"arn:aws:ecs:{REGION}:{account}:{kind}/{path}"

    def cluster_arn(name: str) -> str:
        return name if name.startswith("arn:") else arn("cluster", name)

    cluster = cluster_arn(call.get("cluster") or "default")
    keys = {"ecs:cluster": cluster} if operation in WITH_CLUSTER else {}
    member, kind = ECS_RESOURCES.get(operation, ("", ""))
    named = call.get(member) or []
    if operation == "DescribeClusters":
        resources = [cluster_arn(name) for name in named or ["default"]]
    elif operation == "DescribeServiceRevisions":
        # The call names no cluster; it is a part of the revision's ARN.
        keys = {"ecs:cluster": arn("cluster", named[0].split("/")[1])}
        resources = named
    else:
        name = cluster.split("/")[-1]
        resources = [it if it.startswith("arn:") else arn(kind, f"{name}/{it}") for it in named] or ["*"]
    return Ask(f"ecs:{operation}", resources, keys)


def of_elb(operation: str, call: dict, tags: dict[str, str]) -> Ask:
    """What a call of Elastic Load Balancing needs; `tags` are those of the target group that a write names."""
    action = f"elasticloadbalancing:{operation}"
    if operation.startswith("Describe"):
        return Ask(action, ["*"])
    keys = {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}
    return Ask(action, [call["TargetGroupArn"]], keys)


class Role:
    """A role's policies as the emulator's IAM shows them."""

    def __init__(self, iam: Any, arn: str) -> None:
        self.arn = arn
        self.account = arn.split(":")[4]
        self.name = arn.rsplit("/", 1)[-1]
        self.documents = [*self._inline(iam), *self._attached(iam)]
        self._parsed: list[list[ParsedStatement]] = [parse_policy_document(json.dumps(it)) for it in self.documents]

    def refuses(self, ask: Ask) -> str | None:
        """The first resource for which the policies do not allow the action."""
        for resource in ask.resources:
            context = EvalContext(
                principal_arn=self.arn,
                principal_type="AssumedRole",
                principal_account=self.account,
                action=ask.action,
                resource_arn=resource,
                region=REGION,
                service_context=ask.keys,
            )
            if evaluate(context, self._parsed).decision != "Allow":
                return resource
        return None

    def actions(self) -> set[str]:
        """Every action that some statement allows."""
        found: set[str] = set()
        for document in self.documents:
            for statement in document["Statement"]:
                action = statement["Action"]
                found.update([action] if isinstance(action, str) else action)
        return found

    def _inline(self, iam: Any) -> list[dict]:
        names = iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        return [iam.get_role_policy(RoleName=self.name, PolicyName=name)["PolicyDocument"] for name in names]

    def _attached(self, iam: Any) -> list[dict]:
        documents = []
        for policy in iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]:
            arn = policy["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
        return documents
