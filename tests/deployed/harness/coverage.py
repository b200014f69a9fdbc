"""Whether the scenes have exercised all of the template: each permission, each event pattern, each environment variable."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from harness.account import FUNCTIONS, Account
from harness.emulator import access_key
from harness.scenes import Scene, repairs, settings, specs, telling, who

# What Lambda does in a function's name, with where AWS says so. The emulator does it without asking the role.
BY_LAMBDA = {
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-prereqs
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}

# The scene in which each environment variable has an effect that can be seen from outside.
SHOWN_BY = {
    # The second look comes through the queue, what the first one saw is in the table, and the topic has the alert.
    "PORTKEEPER_CHECKS_QUEUE_URL": repairs.lost_registration,
    "PORTKEEPER_LEDGER_TABLE": repairs.kill_switch,
    "PORTKEEPER_ALERTS_TOPIC_ARN": repairs.lost_registration,
    # With the default times no repair would be made in the time that the scene waits.
    "PORTKEEPER_SETTLE_SECONDS": repairs.lost_registration,
    "PORTKEEPER_CONFIRM_SECONDS": repairs.lost_registration,
    "PORTKEEPER_MODE": settings.told_only,
    "PORTKEEPER_MAX_DEREGISTRATIONS": settings.limits,
    "PORTKEEPER_MAX_DEREGISTRATION_PERCENT": settings.limits,
    "PORTKEEPER_AZ_ALL": settings.az_all,
    "PORTKEEPER_API_SHARE_PERCENT": settings.share_of_calls,
    "PORTKEEPER_REMIND_HOURS": settings.reminder,
    "PORTKEEPER_HTTPS_FORMAT": settings.chat_over_https,
    "PORTKEEPER_CLUSTERS": settings.clusters,
    "PORTKEEPER_LOG": settings.log_level,
    "PORTKEEPER_OWN_ROLES": who.named,
    "PORTKEEPER_SLACK_SECRET": telling.slack,
    "PORTKEEPER_SLACK_DEAD_LETTERS_URL": telling.slack,
    # The spec and its result are in the bucket, the look at its deployment comes through the queue, and the rule has the
    # lowest of these priorities.
    "PORTKEEPER_SPEC_BUCKET": specs.life,
    "PORTKEEPER_SPECS_QUEUE_URL": specs.life,
    "PORTKEEPER_RULE_PRIORITIES": specs.life,
    "PORTKEEPER_SPECS_DEAD_LETTERS_URL": specs.unreadable,
}


def permissions(accounts: list[Account]) -> list[str]:
    """What differs between what each function may do and what it was seen to do in any of the accounts."""
    granted: dict[str, set[str]] = defaultdict(set)
    called: dict[str, set[str]] = defaultdict(set)
    for account in accounts:
        for name, role in account.roles.items():
            granted[name] |= role.actions() - BY_LAMBDA
            seen = [it for it in account.gate.seen(account.number) if it.function == name]
            called[name] |= {action for call in seen for action in call.actions}
            called[name] |= asked(account, name)
    problems = []
    for name in FUNCTIONS:
        problems += [f"{name} calls {it}, which its policies do not name" for it in sorted(called[name] - granted[name])]
        problems += [f"{name} may call {it}, and never did" for it in sorted(granted[name] - called[name])]
    return problems


def asked(account: Account, function: str) -> set[str]:
    """The actions of a function for which the emulator's IAM was asked."""
    configuration = account.client("lambda").get_function_configuration(FunctionName=account.resources[function])
    return account.emulator.asked(access_key(configuration["FunctionArn"], configuration["Role"]))


def refused_calls(accounts: list[Account]) -> list[str]:
    """Calls that IAM did not allow."""
    return sorted(
        {
            f"{call.function} was not allowed {call.refused[0]} on {call.refused[1]}"
            for account in accounts
            for call in account.gate.seen(account.number)
            if call.refused is not None
        }
    )


def patterns(account: Account, samples: Path) -> list[str]:
    """Whether the emulator takes each rule's pattern, and lets through what README of the samples says is checked."""
    events = account.client("events")
    deployed = [json.loads(it["EventPattern"]) for it in events.list_rules()["Rules"] if it["Name"] != "rules-of-ours"]
    problems, used = [], set()
    for sample in sorted(samples.glob("*.json")):
        event = json.loads(sample.read_text())
        passes = {number for number, pattern in enumerate(deployed) if matches(events, pattern, event)}
        used |= passes
        if bool(passes) == sample.name.startswith("ignored-"):
            problems.append(f"{sample.name} {'passes' if passes else 'does not pass'} the rules")
    return problems + [f"no sample passes {deployed[number]}" for number in range(len(deployed)) if number not in used]


def patterns_of_specs(account: Account, samples: Path) -> list[str]:
    """Whether the rules that only a stack with specs has let through specs and ends of deployments, and nothing else."""
    events = account.client("events")
    objects, deployments = (
        json.loads(events.describe_rule(Name=account.resources[it])["EventPattern"])
        for it in ("SpecObjectRule", "SpecDeploymentRule")
    )
    problems = []
    for sample in sorted(samples.glob("*.json")):
        event = json.loads(sample.read_text())
        if matches(events, objects, event):
            problems.append(f"{sample.name} is not about the bucket of specs, and passes")
        is_end = event["detail-type"] == "ECS Deployment State Change" and not sample.name.startswith("ignored-")
        if matches(events, deployments, event) != is_end:
            problems.append(f"{sample.name} {'does not pass' if is_end else 'passes'} the rule of deployments")
    event = json.loads((samples / "ignored-s3-object-created.json").read_text())
    event["detail"]["bucket"]["name"] = account.resources["SpecBucket"]
    for kind in ("Object Created", "Object Deleted"):
        for key, passes in {"specs/orders.yaml": True, "results/orders.yaml.json": False}.items():
            event["detail-type"], event["detail"]["object"]["key"] = kind, key
            if matches(events, objects, event) != passes:
                problems.append(f"{kind} of {key} {'does not pass' if passes else 'passes'} the rule of objects")
    return problems


def matches(events: Any, pattern: dict, event: dict) -> bool:
    return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]


def variables(accounts: list[Account], passed: set[Scene]) -> list[str]:
    """Whether each variable of each function has a scene that shows its effect and passed, and the other way round."""
    deployed: set[str] = set()
    for account in accounts:
        for name in account.roles:
            configuration = account.client("lambda").get_function_configuration(FunctionName=account.resources[name])
            deployed |= set(configuration["Environment"]["Variables"])
    unknown = [f"no scene shows the effect of {it}" for it in sorted(deployed - set(SHOWN_BY))]
    unshown = [f"the scene that shows the effect of {it} has not passed" for it, scene in SHOWN_BY.items() if scene not in passed]
    gone = [f"{it} is in no function's environment" for it in sorted(set(SHOWN_BY) - deployed)]
    return unknown + unshown + gone
