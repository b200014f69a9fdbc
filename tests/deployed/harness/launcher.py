"""Runs inside the emulator's process: ministack, with what it lacks for this stack.

* AWS's own services put events on the default bus under sources that begin with `aws.`. Everybody else is refused, by AWS and
  by ministack. ECS is ours here, so its events have a route that leads to where ministack's own services put theirs.
* The condition key `events:source` of `PutEvents` is not known to ministack's IAM.
* In the conditions of a template ministack knows neither `Fn::Join` nor `Fn::Split`, which it knows everywhere else.
* It has no `AWS::IAM::RolePolicy`, which is an `AWS::IAM::Policy` with one role.
* Whoever makes or changes a function ends the running ones of that name in every account, in the middle of what they do. The
  stack has the same name in all accounts of a run, and so have its functions.
* Its S3 does not tell EventBridge the version of an object, takes every connection for one without TLS, and answers that an
  object does not exist without asking whether the caller may list the bucket.
* Nobody is told for which actions IAM was asked. A route tells it by access key: what the functions have called.

The process ends with its standard input, and takes the functions that it started with it.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import ministack.app as ministack
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import eventbridge, lambda_svc, s3
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from harness import ASKED_OF_IAM, EVENTS_OF_AWS
from harness.tied import end_with_input

CONDITIONS_OF_EMULATOR = engine._evaluate_conditions

ENFORCE_OF_EMULATOR = iam_evaluator.enforce

DISPATCH_OF_EMULATOR = eventbridge._dispatch_event

FIRE_OF_EMULATOR = s3._fire_s3_event

# By access key, the actions for which IAM was asked.
ASKED: defaultdict[str, set[str]] = defaultdict(set)

# The version of the object of which S3 tells at present.
VERSION: ContextVar[str | None] = ContextVar("version", default=None)

# What the events of the present call of `PutEvents` say they come from.
SOURCES: ContextVar[set[str]] = ContextVar("sources")

App = Callable[..., Awaitable[None]]


def with_more_for_events(emulator: App) -> App:
    """The emulator's application, with the routes in front, and an eye on `PutEvents` and S3."""

    async def application(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await emulator(scope, receive, send)
        elif scope["path"] == EVENTS_OF_AWS:
            await say(put(json.loads(await body_of(receive))), send)
        elif scope["path"].startswith(ASKED_OF_IAM):
            asked = ASKED[scope["path"].removeprefix(ASKED_OF_IAM)]
            await say(json.dumps(sorted(asked)).encode(), send)
        elif (b"x-amz-target", b"AWSEvents.PutEvents") in scope["headers"]:
            body = await body_of(receive)
            SOURCES.set({it.get("Source", "") for it in json.loads(body)["Entries"]})
            await emulator(scope, once_more(body, receive), send)
        elif any(name == b"authorization" and b"/s3/aws4_request" in value for name, value in scope["headers"]):
            # Bucket policies ask for TLS. This is how a proxy that ends it says so.
            await emulator({**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}, receive, send)
        else:
            await emulator(scope, receive, send)

    return application


async def say(answer: bytes, send: Callable) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": answer})


def once_more(body: bytes, receive: Callable) -> Callable:
    """Receives a request whose body was read before."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict:
        return messages.pop() if messages else await receive()

    return again


def enforce(access_key: str, action: str, service: str, region: str, **others: Any) -> Any:
    """The emulator's own decision on a call. One that puts events is decided for the source of each."""
    ASKED[access_key].add(action)
    if action != "events:PutEvents":
        refusal = ENFORCE_OF_EMULATOR(access_key, action, service, region, **others)
        return refusal or may_know_of_absence(access_key, action, region, others.get("resource_arn", ""))
    known = others.pop("service_context", None) or {}
    decisions = (
        ENFORCE_OF_EMULATOR(access_key, action, service, region, **others, service_context={**known, "events:source": source})
        for source in SOURCES.get()
    )
    return next((refusal for refusal in decisions if refusal), None)


def may_know_of_absence(access_key: str, action: str, region: str, object_arn: str) -> Any:
    """Whoever may list the bucket is told that an object does not exist; others are refused, as if it were none of theirs.

    The key is the prefix: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, and
    https://github.com/ceph/ceph/pull/68577 for the prefix.
    """
    bucket, _, key = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    if action != "s3:GetObject" or key in s3._buckets.get(bucket, {}).get("objects", {key: None}):
        return None
    ASKED[access_key].add("s3:ListBucket")
    listing = {"resource_arn": f"arn:aws:s3:::{bucket}", "service_context": {"s3:prefix": key}}
    return ENFORCE_OF_EMULATOR(access_key, "s3:ListBucket", "s3", region, **listing)


def fire(*arguments: Any, version_id: str | None = None, **others: Any) -> None:
    """The emulator's own news of an object, with the version kept for `dispatch`."""
    VERSION.set(version_id)
    FIRE_OF_EMULATOR(*arguments, version_id=version_id, **others)


def dispatch(event: dict, *others: Any) -> None:
    """The emulator's own delivery of an event. One of S3 gets the version of its object."""
    version = VERSION.get() if event["Source"] == "aws.s3" else None
    if version:
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version
        event = {**event, "Detail": json.dumps(detail)}
    DISPATCH_OF_EMULATOR(event, *others)


async def body_of(receive: Callable) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def put(event: dict) -> bytes:
    """Puts one event, in the form in which rules see it, on the default bus of its account."""
    set_request_account_id(event["account"])
    set_request_region(event["region"])
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
    }
    _, _, answer = eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    return answer if isinstance(answer, bytes) else answer.encode()


def evaluate_conditions(template: dict, parameters: dict) -> dict:
    """The emulator's own evaluation of a template's conditions, after joining and splitting."""

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(it) for it in value]
        if not isinstance(value, dict):
            return value
        if value.keys() & {"Fn::Join", "Fn::Split"}:
            return engine._resolve_refs(value, {}, parameters, {}, {}, "", "")
        return {key: resolved(it) for key, it in value.items()}

    return CONDITIONS_OF_EMULATOR({**template, "Conditions": resolved(template.get("Conditions", {}))}, parameters)


def role_policy() -> dict[str, Callable]:
    """The resource `AWS::IAM::RolePolicy`, made by the emulator's `AWS::IAM::Policy`."""
    policy = provisioners._RESOURCE_HANDLERS["AWS::IAM::Policy"]

    def with_roles(properties: dict) -> dict:
        return {**properties, "Roles": [properties["RoleName"]]}

    def create(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        return policy["create"](logical_id, with_roles(properties), stack_name)

    def delete(physical_id: str, properties: dict) -> None:
        policy["delete"](physical_id, with_roles(properties))

    return {"create": create, "delete": delete}


def end_own_workers(name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None) -> None:
    """Ends the running functions of that name; without an account, in the one that asks."""
    lambda_runtime.invalidate_worker(name, qualifier, account or get_account_id(), region or get_region())


def main() -> None:
    end_with_input()
    lambda_svc.invalidate_worker = end_own_workers
    for module in (changesets, engine, handlers, stacks):
        module._evaluate_conditions = evaluate_conditions
    provisioners._RESOURCE_HANDLERS["AWS::IAM::RolePolicy"] = role_policy()
    iam_evaluator.enforce = enforce
    s3._fire_s3_event = fire
    eventbridge._dispatch_event = dispatch
    ministack.app = with_more_for_events(ministack.app)
    ministack.main()


if __name__ == "__main__":
    main()
