"""Alerts that name who made the call that they go back to."""

from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from harness.account import Account
from harness.scenes.repairs import HEAL_SECONDS, all_registered
from harness.waiting import until
from harness.world import REGION


def named(account: Account) -> None:
    """A person deregisters a target by hand: it is registered again, and the alert names the person, and not Portkeeper."""
    group = account.world.group("proxy-tg")
    target = account.world.wanted("shop/proxy")[0]
    client = account.world.client("elbv2")
    client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": target["id"], "Port": target["port"]}])
    alice = {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{account.number}:user/alice",
        "userName": "alice",
        "accountId": account.number,
    }
    tell(account, "DeregisterTargets", alice, group, target)
    # The last call at this target, were it not its own: a function's repair, by its role.
    tell(account, "RegisterTargets", session_of(account, "ReconcileFunction"), group, target)
    alert = account.await_alert("shop/proxy", "missing", "opened", HEAL_SECONDS)
    assert "alice" in alert["who"], alert
    until("all of proxy are registered", HEAL_SECONDS, lambda: all_registered(account, "shop/proxy"))


def session_of(account: Account, function: str) -> dict[str, Any]:
    """The identity that CloudTrail shows for a function's call."""
    role = account.roles[function]
    issuer = {"type": "Role", "arn": role.arn, "userName": role.name, "accountId": account.number}
    session = f"arn:aws:sts::{account.number}:assumed-role/{role.name}/{function}"
    return {"type": "AssumedRole", "arn": session, "accountId": account.number, "sessionContext": {"sessionIssuer": issuer}}


def tell(account: Account, call: str, caller: dict[str, Any], group: str, target: dict[str, Any]) -> None:
    """Puts the event by which CloudTrail tells of a call at a target group."""
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
