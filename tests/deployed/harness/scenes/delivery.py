"""Messages that fail, and functions that fail while they handle a message."""

import os
import signal

from harness.account import CHECK_SECONDS, Account
from harness.emulator import MARK
from harness.processes import with_environment
from harness.scenes.repairs import HEAL_SECONDS, all_registered, lose_a_registration
from harness.waiting import until

# A message of a failed function reappears after the queue's visibility timeout, which is six minutes in the template.
BACK_AFTER_SECONDS = 4

# The function's log message if another one has written first.
STEPS_BACK = "has stored the ledger record"


def shorten_visibility(account: Account) -> None:
    """Shortens the queue's visibility timeout, so that five attempts take seconds instead of half an hour."""
    account.client("sqs").set_queue_attributes(
        QueueUrl=account.resources["ChecksQueue"], Attributes={"VisibilityTimeout": str(BACK_AFTER_SECONDS)}
    )


def poison(account: Account) -> None:
    """Only an unreadable message fails; it moves to the dead-letter queue, and the alarm is published."""
    account.send("this is no event")
    account.await_check("shop/billing")
    dead = "ChecksDeadLetterQueue"
    until("the message is a dead letter", 5 * (BACK_AFTER_SECONDS + CHECK_SECONDS), lambda: account.waiting(dead) == 1)
    raise_alarm(account, "portkeeper-checks-dead-letters", dead)
    assert account.receive(account.resources[dead]) == ["this is no event"]


def raise_alarm(account: Account, name: str, queue: str) -> None:
    """Publishes the metric of the queue in the alarm's dimension, which CloudWatch does and the emulator does not."""
    cloudwatch = account.client("cloudwatch")
    alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    measured = {"Name": "QueueName", "Value": account.resources[queue].split("/")[-1]}
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible"), alarm
    assert alarm["Dimensions"] == [measured], alarm
    visible = account.client("sqs").get_queue_attributes(
        QueueUrl=account.resources[queue], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {"MetricName": alarm["MetricName"], "Dimensions": [measured], "Value": float(visible["ApproximateNumberOfMessages"])}
        ],
    )
    until("the alarm is on", CHECK_SECONDS, lambda: state_of(account, name) == "ALARM")
    until("the alarm is published", CHECK_SECONDS, lambda: any(name in str(it) for it in account.published()))


def state_of(account: Account, alarm: str) -> str:
    return account.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"]


def two_at_once(account: Account) -> None:
    """Two functions check one service concurrently: one steps back, its message is retried, and there is one repair."""
    account.events_arrive = False
    lose_a_registration(account, "shop/web", 3)
    hold = account.gate.hold(account.number, "DescribeTargetHealth")
    try:
        for functions in (1, 2):
            account.request_check("shop/web")
            until(f"{functions} functions have started", CHECK_SECONDS, lambda n=functions: hold.arrived == n)
    finally:
        hold.release()
        account.events_arrive = True
    until("one of them steps back", CHECK_SECONDS, lambda: STEPS_BACK in account.log("ReconcileFunction"))
    until("all of web are registered", HEAL_SECONDS, lambda: all_registered(account, "shop/web"))
    until("no message is left", CHECK_SECONDS, lambda: account.waiting() == 0)
    assert account.writes("web-tg") == ["RegisterTargets"], account.writes("web-tg")
    opened = [it for it in account.alerts("shop/web") if it["state"] == "opened"]
    assert len(opened) == 1, opened


def killed_in_the_middle(account: Account) -> None:
    """The function is killed between its intent and its write: the message reappears, and the next run writes."""
    hold = account.gate.hold(account.number, "RegisterTargets")
    try:
        lose_a_registration(account, "shop/billing", 2)
        until("the function calls RegisterTargets", HEAL_SECONDS, lambda: hold.arrived == 1)
        killed = functions_of(account, "ReconcileFunction")
        assert killed, "no process of the function was found"
        for process in killed:
            os.kill(process, signal.SIGKILL)
    finally:
        hold.lose()
    until("all of billing are registered", HEAL_SECONDS, lambda: all_registered(account, "shop/billing"))
    assert account.writes("billing-tg") == ["RegisterTargets"] * 2, account.writes("billing-tg")
    assert not set(functions_of(account, "ReconcileFunction")) & set(killed)


def functions_of(account: Account, name: str) -> list[int]:
    """Returns the processes that run a function of this account."""
    ours = set(with_environment("AWS_LAMBDA_FUNCTION_NAME", account.resources[name]))
    ours &= set(with_environment(MARK, account.emulator.mark))
    return sorted(ours & set(with_environment("PORTKEEPER_CHECKS_QUEUE_URL", account.resources["ChecksQueue"])))
