"""The event rules: each one requests a check."""

import time
from typing import Any

from harness.account import CHECK_SECONDS, Account
from harness.waiting import until
from harness.world import REGION


def each_rule(account: Account) -> None:
    """Each kind of ECS event leads to a check of the service that it names."""
    arn = f"arn:aws:ecs:{REGION}:{account.number}"
    task = account.world.client("ecs").list_tasks(cluster="shop", serviceName="proxy")["taskArns"][0]
    cluster, service = f"{arn}:cluster/shop", f"{arn}:service/shop/proxy"
    send(
        account,
        "ECS Task State Change",
        task,
        {
            "clusterArn": cluster,
            "taskArn": task,
            "group": "service:proxy",
            "startedBy": "ecs-svc/1",
            "version": 1,
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
        },
    )
    send(account, "ECS Service Action", service, {"clusterArn": cluster, "eventName": "SERVICE_STEADY_STATE"})
    send(account, "ECS Deployment State Change", service, {"eventName": "SERVICE_DEPLOYMENT_COMPLETED"})


def send(account: Account, kind: str, resource: str, detail: dict[str, Any]) -> None:
    before = time.monotonic()
    event = {
        "source": "aws.ecs",
        "detail-type": kind,
        "account": account.number,
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    }
    account.emulator.put_event(event)
    until(
        f"an event `{kind}` leads to a check",
        CHECK_SECONDS,
        lambda: any(
            call.at > before and "proxy" in str(call.call)
            for call in account.gate.seen(account.number, "DescribeServices")
            if call.function == "ReconcileFunction"
        ),
    )
