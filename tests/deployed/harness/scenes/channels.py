"""The channels of alerts: Slack and the event bus. The scenes of repairs cause the alerts."""

import json

from harness.account import CHECK_SECONDS, Account
from harness.scenes.repairs import HEAL_SECONDS
from harness.slack import ARCHIVED
from harness.waiting import until

SECRET = "portkeeper/slack"
CHANNEL = "/services/channel"
RULE_QUEUE = "rules-of-ours"


def create_secret(account: Account) -> None:
    """Routes all alerts to one channel, except those of `api`, whose channel is archived."""
    slack_url = account.listener.url
    routes = {"default": slack_url + CHANNEL, "routes": [{"name": "api", "service": "shop/api", "url": slack_url + ARCHIVED}]}
    account.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(routes))


def create_rule(account: Account) -> None:
    """Creates a rule for alerts on the event bus, with a queue."""
    sqs, events = account.client("sqs"), account.client("events")
    url = sqs.create_queue(QueueName=RULE_QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["portkeeper"], "detail-type": ["Portkeeper Alert"], "detail": {"state": ["opened"]}}
    events.put_rule(Name=RULE_QUEUE, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=RULE_QUEUE, Targets=[{"Id": "queue", "Arn": arn}])


def slack(account: Account) -> None:
    """Slack receives an alert and its end, over TLS. An alert that it refuses becomes a dead letter with the reason."""

    def titles() -> list[str]:
        return [str(post) for post in account.listener.got(CHANNEL)]

    until("Slack has the alert about web", HEAL_SECONDS, lambda: any("missing in shop/web" in it for it in titles()))
    until("Slack has its end", HEAL_SECONDS, lambda: any("resolved: missing in shop/web" in it for it in titles()))
    url = account.resources["SlackDeadLetterQueue"]
    refused = until(
        "the refused alert is a dead letter",
        HEAL_SECONDS,
        lambda: (
            account.client("sqs")
            .receive_message(QueueUrl=url, MessageAttributeNames=["All"], VisibilityTimeout=0)
            .get("Messages")
        ),
    )
    assert "channel_is_archived" in refused[0]["MessageAttributes"]["reason"]["StringValue"], refused
    assert account.listener.got(ARCHIVED), "the archived channel received no post"


def event_bus(account: Account) -> None:
    """An alert is an event on the default bus, and a rule of the account matches it."""
    url = account.client("sqs").get_queue_url(QueueName=RULE_QUEUE)["QueueUrl"]
    bodies: list[str] = []

    def find() -> bool:
        bodies.extend(account.receive(url))
        return any("missing" in body for body in bodies)

    until("the alert is on the bus", HEAL_SECONDS, find)
    event = json.loads(next(body for body in bodies if "missing" in body))
    assert event["source"] == "portkeeper", event
    assert event["resources"], event
    until("no alert waits for the bus", CHECK_SECONDS, lambda: account.waiting("EventsQueue") == 0)
