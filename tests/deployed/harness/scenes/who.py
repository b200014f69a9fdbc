"""Alerts that name the cause of a finding."""

from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from harness.account import Account
from harness.scenes.repairs import HEAL_SECONDS, all_registered
from harness.waiting import until
from harness.world import REGION


def named(account: Account) -> None:
    """A person deregisters a target by hand. The alert names the person at once, and Portkeeper registers it again later."""
    group = account.world.group("proxy-tg")
    target = account.world.expected("shop/proxy")[0]
    client = account.world.client("elbv2")
    client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": target["id"], "Port": target["port"]}])
    alice = {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{account.number}:user/alice",
        "userName": "alice",
        "accountId": account.number,
    }
    report(account, "DeregisterTargets", alice, group, target)
    # The last call for this target is Portkeeper's own repair, which it must ignore because of the role.
    report(account, "RegisterTargets", session_of(account, "ReconcileFunction"), group, target)
    alert = account.await_alert("shop/proxy", "missing", "opened", HEAL_SECONDS)
    assert "alice" in alert["who"], alert
    assert not all_registered(account, "shop/proxy"), "PersonMinutes have not passed"
    until("all of proxy are registered", HEAL_SECONDS, lambda: all_registered(account, "shop/proxy"))


def session_of(account: Account, function: str) -> dict[str, Any]:
    """Returns the identity in CloudTrail's event of a function's call."""
    role = account.roles[function]
    issuer = {"type": "Role", "arn": role.arn, "userName": role.name, "accountId": account.number}
    session = f"arn:aws:sts::{account.number}:assumed-role/{role.name}/{function}"
    return {"type": "AssumedRole", "arn": session, "accountId": account.number, "sessionContext": {"sessionIssuer": issuer}}


def report(account: Account, call: str, caller: dict[str, Any], group: str, target: dict[str, Any]) -> None:
    """Puts CloudTrail's event of a call for a target group on the event bus."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = {
        "eventVersion": "1.10",
        "userIdentity": caller,
        "eventTime": now,
        "eventSource": "elasticloadbalancing.amazonaws.com",
        "eventName": call,
        "awsRegion": REGION,
        "requestParameters": {"targetGroupArn": group, "targets": [{"id": target["id"], "port": target["port"]}]},
        "eventID": str(uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": account.number,
    }
    account.emulator.put_event(
        {
            "source": "aws.elasticloadbalancing",
            "detail-type": "AWS API Call via CloudTrail",
            "account": account.number,
            "region": REGION,
            "resources": [],
            "detail": detail,
        }
    )
