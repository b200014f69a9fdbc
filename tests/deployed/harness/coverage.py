"""Verifies that the scenes have used all of the template: each permission, event pattern and environment variable."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from harness.account import FUNCTIONS, Account
from harness.emulator import access_key
from harness.scenes import Scene, channels, repairs, settings, specs, who

# The calls that Lambda makes with a function's role, with their sources. The emulator makes them without the role.
BY_LAMBDA = {
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-prereqs
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}

# The scene in which each environment variable has an effect that is visible from outside.
SHOWN_BY = {
    # The recheck goes through the queue, the first check writes to the table, and the alert goes to the topic.
    "PORTKEEPER_CHECKS_QUEUE_URL": repairs.lost_registration,
    "PORTKEEPER_LEDGER_TABLE": repairs.kill_switch,
    "PORTKEEPER_ALERTS_TOPIC_ARN": repairs.lost_registration,
    # With the default times, no repair would happen while the scene waits.
    "PORTKEEPER_SETTLE_SECONDS": repairs.lost_registration,
    "PORTKEEPER_CONFIRM_SECONDS": repairs.lost_registration,
    "PORTKEEPER_MODE": settings.alert_only,
    "PORTKEEPER_MAX_DEREGISTRATIONS": settings.limits,
    "PORTKEEPER_MAX_DEREGISTRATION_PERCENT": settings.limits,
    "PORTKEEPER_AZ_ALL": settings.az_all,
    "PORTKEEPER_API_SHARE_PERCENT": settings.share_of_calls,
    "PORTKEEPER_PERSON_MINUTES": who.named,
    "PORTKEEPER_REMIND_HOURS": settings.reminder,
    "PORTKEEPER_HTTPS_FORMAT": settings.chat_over_https,
    "PORTKEEPER_CLUSTERS": settings.clusters,
    "PORTKEEPER_LOG": settings.log_level,
    "PORTKEEPER_OWN_ROLES": who.named,
    "PORTKEEPER_SLACK_SECRET": channels.slack,
    "PORTKEEPER_SLACK_DEAD_LETTERS_URL": channels.slack,
    # The spec and its result are in the bucket, the recheck of its deployment goes through the queue, and the rule has the
    # lowest of these priorities.
    "PORTKEEPER_SPEC_BUCKET": specs.life,
    "PORTKEEPER_SPECS_QUEUE_URL": specs.life,
    "PORTKEEPER_RULE_PRIORITIES": specs.life,
    "PORTKEEPER_SPECS_DEAD_LETTERS_URL": specs.unreadable,
}


def permissions(accounts: list[Account]) -> list[str]:
    """Returns the differences between the actions that each function may call and those that it has called in any account."""
    granted: dict[str, set[str]] = defaultdict(set)
    called: dict[str, set[str]] = defaultdict(set)
    for account in accounts:
        for name, role in account.roles.items():
            granted[name] |= role.actions() - BY_LAMBDA
            seen = [it for it in account.gate.seen(account.number) if it.function == name]
            called[name] |= {action for call in seen for action in call.actions}
            called[name] |= evaluated(account, name)
    problems = []
    for name in FUNCTIONS:
        problems += [f"{name} calls {it}, which its policies do not allow" for it in sorted(called[name] - granted[name])]
        problems += [f"{name} may call {it}, but never did" for it in sorted(granted[name] - called[name])]
    return problems


def evaluated(account: Account, function: str) -> set[str]:
    """Returns the actions of a function that the emulator's IAM has evaluated."""
    configuration = account.client("lambda").get_function_configuration(FunctionName=account.resources[function])
    return account.emulator.evaluated(access_key(configuration["FunctionArn"], configuration["Role"]))


def refused_calls(accounts: list[Account]) -> list[str]:
    """Returns the calls that IAM denied."""
    return sorted(
        {
            f"{call.function} was not allowed {call.refused[0]} on {call.refused[1]}"
            for account in accounts
            for call in account.gate.seen(account.number)
            if call.refused is not None
        }
    )


def patterns(account: Account, samples: Path) -> list[str]:
    """Verifies that each rule's pattern is valid, and that the rules match exactly the samples that request a check.

    Events that another account forwards never match.
    """
    events = account.client("events")
    deployed = [json.loads(it["EventPattern"]) for it in events.list_rules()["Rules"] if it["Name"] != "rules-of-ours"]
    problems, used = [], set()
    for sample in sorted(samples.glob("*.json")):
        event = json.loads(sample.read_text()) | {"account": account.number}
        passes = {number for number, pattern in enumerate(deployed) if matches(events, pattern, event)}
        used |= passes
        if bool(passes) == sample.name.startswith("ignored-"):
            problems.append(f"{sample.name} {'matches' if passes else 'does not match'} the rules")
        if any(matches(events, deployed[number], event | {"account": "999999999999"}) for number in passes):
            problems.append(f"{sample.name} matches the rules, even if another account forwards it")
    return problems + [f"no sample matches {deployed[number]}" for number in range(len(deployed)) if number not in used]


def patterns_of_specs(account: Account, samples: Path) -> list[str]:
    """Verifies that the rules for specs match exactly specs and ends of deployments."""
    events = account.client("events")
    objects, deployments = (
        json.loads(events.describe_rule(Name=account.resources[it])["EventPattern"])
        for it in ("SpecObjectRule", "SpecDeploymentRule")
    )
    problems = []
    for sample in sorted(samples.glob("*.json")):
        event = json.loads(sample.read_text()) | {"account": account.number}
        if matches(events, objects, event):
            problems.append(f"{sample.name} does not belong to the bucket of specs, but matches")
        is_end = event["detail-type"] == "ECS Deployment State Change" and not sample.name.startswith("ignored-")
        if matches(events, deployments, event) != is_end:
            problems.append(f"{sample.name} {'does not match' if is_end else 'matches'} the rule for deployments")
    event = json.loads((samples / "ignored-s3-object-created.json").read_text()) | {"account": account.number}
    event["detail"]["bucket"]["name"] = account.resources["SpecBucket"]
    for kind in ("Object Created", "Object Deleted"):
        for key, passes in {"specs/orders.yaml": True, "results/orders.yaml.json": False}.items():
            event["detail-type"], event["detail"]["object"]["key"] = kind, key
            if matches(events, objects, event) != passes:
                problems.append(f"{kind} of {key} {'does not match' if passes else 'matches'} the rule for objects")
    return problems


def matches(events: Any, pattern: dict, event: dict) -> bool:
    return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]


def variables(accounts: list[Account], passed: set[Scene]) -> list[str]:
    """Verifies that each variable of each function has a scene that shows its effect and passed, and vice versa."""
    deployed: set[str] = set()
    for account in accounts:
        for name in account.roles:
            configuration = account.client("lambda").get_function_configuration(FunctionName=account.resources[name])
            deployed |= set(configuration["Environment"]["Variables"])
    unknown = [f"no scene shows the effect of {it}" for it in sorted(deployed - set(SHOWN_BY))]
    unshown = [f"the scene that shows the effect of {it} has not passed" for it, scene in SHOWN_BY.items() if scene not in passed]
    gone = [f"no function has the variable {it}" for it in sorted(set(SHOWN_BY) - deployed)]
    return unknown + unshown + gone
