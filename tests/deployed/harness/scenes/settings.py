"""Stacks with other parameters than the defaults: each parameter has an effect that is visible from outside."""

import json
from datetime import datetime, timedelta

from harness.account import CHECK_SECONDS, SERVICES, Account
from harness.scenes.repairs import HEAL_SECONDS, all_registered, lose_a_registration, scale, stop_a_task
from harness.waiting import until

# Seconds: the sweep reserves 45 of its timeout for the work after its reading (functions/sweep/src/round.rs), so only a few
# remain for reading.
TOO_LITTLE_TIME = 45 + 6

# One account repairs with other limits, the other only alerts.
REPAIRS = {
    "Clusters": "shop",
    "MaxDeregistrations": "0",
    "MaxDeregistrationPercent": "0",
    "AzAll": "true",
    "HttpsFormat": "chat",
    "LogLevel": "debug",
    "ApiSharePercent": "100",
    "AlertEvents": "false",
}
ALERTS = {"Mode": "alert", "ApiSharePercent": "5", "RemindHours": "1"}

CHAT = "/chat"

# The sweep reads two clusters in at most this many runs.
MOST_PARTS = 8


def limits(account: Account) -> None:
    """MaxDeregistrations and MaxDeregistrationPercent at 0: Portkeeper deregisters nothing, and alerts."""
    target = stop_a_task(account, "shop/billing")
    account.await_alert("shop/billing", "limit_exceeded", "opened")
    assert target in account.world.targets("billing-tg")
    assert account.writes("billing-tg") == [], account.writes("billing-tg")


def az_all(account: Account) -> None:
    """AzAll: Portkeeper registers an address outside the group's VPC with the zone `all`."""
    scale(account, "shop/far", 1)
    until("far is registered", HEAL_SECONDS, lambda: all_registered(account, "shop/far"))
    calls = [it.call for it in account.gate.seen(account.number, "RegisterTargets")]
    assert any(it.get("Targets.member.1.AvailabilityZone") == "all" for it in calls), calls


def clusters(account: Account) -> None:
    """Clusters: Portkeeper does not check other clusters, and IAM would not allow it."""
    lose_a_registration(account, "lab/trial", 2)
    account.sweep()
    account.request_check("lab/trial")
    account.await_check("shop/web")
    assert account.alerts("lab/trial") == []
    assert not any("cluster/lab" in str(it.call) or it.call.get("cluster") == "lab" for it in account.gate.seen(account.number))
    assert all(
        "cluster/shop" in str(document)
        for document in account.roles["SweepFunction"].documents
        if "ecs:ListServices" in str(document)
    )


def chat_over_https(account: Account) -> None:
    """HttpsFormat: an HTTPS subscriber receives a notification for chat applications."""
    until(
        "the chat application receives the alert",
        HEAL_SECONDS,
        lambda: [
            it
            for it in account.listener.got(CHAT)
            if '"source": "custom"' in it.get("Message", "") or '"source":"custom"' in it.get("Message", "")
        ],
    )


def subscribe_chat(account: Account) -> None:
    sns, topic = account.client("sns"), account.resources["AlertsTopic"]
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=account.listener.url + CHAT)
    confirmation = until("the topic requests a confirmation", CHECK_SECONDS, lambda: account.listener.got(CHAT))[0]
    sns.confirm_subscription(TopicArn=topic, Token=confirmation["Token"])


def log_level(account: Account) -> None:
    """LogLevel: at `debug`, the function logs what it ignores."""
    until("the log contains messages of this level", CHECK_SECONDS, lambda: '"DEBUG"' in account.log("ReconcileFunction"))


def alert_only(account: Account) -> None:
    """Mode `alert`: Portkeeper alerts and writes nothing, and its role does not allow writes."""
    lose_a_registration(account, "shop/web", 3)
    account.await_alert("shop/web", "missing", "opened", 2 * HEAL_SECONDS)
    assert account.writes("web-tg") == [], account.writes("web-tg")
    granted = account.roles["ReconcileFunction"].actions()
    assert not any("RegisterTargets" in action or "DeregisterTargets" in action for action in granted), granted


def reminder(account: Account) -> None:
    """RemindHours: Portkeeper sends a reminder of an error whose alert is more than an hour old."""
    table, key = account.resources["LedgerTable"], {"pk": {"S": "shop/web"}}
    record = json.loads(account.ledger()["shop/web"]["record"]["S"])
    for incident in record["incidents"]:
        incident["alerted_at"] = earlier(incident["alerted_at"])
    account.client("dynamodb").update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #r = :r",
        ExpressionAttributeNames={"#r": "record"},
        ExpressionAttributeValues={":r": {"S": json.dumps(record)}},
    )
    account.await_check("shop/web")
    account.await_alert("shop/web", "missing", "reminder")


def earlier(moment: str) -> str:
    """Returns the time two hours earlier."""
    return (datetime.fromisoformat(moment) - timedelta(hours=2)).isoformat().replace("+00:00", "Z")


def share_of_calls(account: Account) -> None:
    """ApiSharePercent at 5: of ten Elastic Load Balancing reads a second, the sweep uses one in two seconds."""
    reads = [it.at for it in account.gate.seen(account.number, "DescribeTargetHealth") if it.function == "SweepFunction"]
    assert len(reads) >= len(SERVICES), reads
    # The first two do not wait: they are the share of the quota's burst.
    assert reads[-1] - reads[0] > 1.5 * (len(reads) - 3), reads


def round_in_parts(account: Account) -> None:
    """A sweep with too little time stores where it stopped, and the next run resumes there."""
    functions, name = account.client("lambda"), account.resources["SweepFunction"]
    functions.update_function_configuration(FunctionName=name, Timeout=TOO_LITTLE_TIME)
    over = [json.loads(account.invoke("SweepFunction", {}))["is_round_over"]]
    assert over == [False], "the sweep had enough time"
    mark = account.ledger()["sweep"]
    assert "cluster" in mark, mark
    while not over[-1]:
        assert len(over) < MOST_PARTS, over
        over.append(json.loads(account.invoke("SweepFunction", {}))["is_round_over"])
    assert "cluster" not in account.ledger()["sweep"], account.ledger()["sweep"]
