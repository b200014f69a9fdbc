"""The permissions of a role, evaluated by the emulator's own evaluator."""

import json
from typing import Any

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

from harness.asks import Ask
from harness.world import REGION


class Role:
    """A role's policies as the emulator's IAM returns them."""

    def __init__(self, iam: Any, arn: str) -> None:
        self.arn = arn
        self.account = arn.split(":")[4]
        self.name = arn.rsplit("/", 1)[-1]
        self.documents = [*self._inline(iam), *self._attached(iam)]
        self._parsed: list[list[ParsedStatement]] = [parse_policy_document(json.dumps(it)) for it in self.documents]

    def refuses(self, ask: Ask) -> str | None:
        """Returns the first resource for which the policies do not allow the action."""
        for resource in ask.resources:
            context = EvalContext(
                principal_arn=self.arn,
                principal_type="AssumedRole",
                principal_account=self.account,
                action=ask.action,
                resource_arn=resource,
                region=REGION,
                service_context={key.lower(): value for key, value in ask.keys.items()},
            )
            if evaluate(context, self._parsed).decision != "Allow":
                return resource
        return None

    def actions(self) -> set[str]:
        """Returns every action that a statement allows."""
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
