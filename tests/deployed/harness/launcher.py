"""Runs inside the emulator's process: ministack, with the features that it lacks for this stack.

* Only AWS services may put events with sources that begin with `aws.` on the default bus; AWS and ministack refuse all other
  callers. Our world provides ECS here, so a route puts its events in the same way as ministack's own services do.
* ministack's IAM does not know the condition key `events:source` of `PutEvents`.
* In the conditions of a template, ministack supports neither `Fn::Join` nor `Fn::Split`, which it supports everywhere else.
* It has no `AWS::IAM::RolePolicy`, which is an `AWS::IAM::Policy` with one role.
* Creating or changing a function ends all running functions of that name in every account. The stack, and therefore its
  functions, have the same names in all accounts of a run.
* Its S3 omits the version of an object in events, treats every connection as one without TLS, and reports that an object does
  not exist without evaluating whether the caller may list the bucket.
* No API returns the actions that IAM has evaluated, which are the calls of the functions. A route returns them by access key.

The process and the functions that it started end when its standard input closes.
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

# The actions that IAM has evaluated, by access key.
EVALUATED: defaultdict[str, set[str]] = defaultdict(set)

# The version of the object in S3's current event.
VERSION: ContextVar[str | None] = ContextVar("version", default=None)

# The sources of the events in the current call of `PutEvents`.
SOURCES: ContextVar[set[str]] = ContextVar("sources")

App = Callable[..., Awaitable[None]]


def with_more_for_events(emulator: App) -> App:
    """Returns the emulator's application with our routes, and with additions to `PutEvents` and S3."""

    async def application(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await emulator(scope, receive, send)
        elif scope["path"] == EVENTS_OF_AWS:
            await respond(put(json.loads(await body_of(receive))), send)
        elif scope["path"].startswith(ASKED_OF_IAM):
            actions = EVALUATED[scope["path"].removeprefix(ASKED_OF_IAM)]
            await respond(json.dumps(sorted(actions)).encode(), send)
        elif (b"x-amz-target", b"AWSEvents.PutEvents") in scope["headers"]:
            body = await body_of(receive)
            SOURCES.set({it.get("Source", "") for it in json.loads(body)["Entries"]})
            await emulator(scope, replay(body, receive), send)
        elif any(name == b"authorization" and b"/s3/aws4_request" in value for name, value in scope["headers"]):
            # Bucket policies require TLS. A proxy that terminates TLS sets this header.
            await emulator({**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}, receive, send)
        else:
            await emulator(scope, receive, send)

    return application


async def respond(answer: bytes, send: Callable) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": answer})


def replay(body: bytes, receive: Callable) -> Callable:
    """Returns a `receive` that repeats a body that was already read."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict:
        return messages.pop() if messages else await receive()

    return again


def enforce(access_key: str, action: str, service: str, region: str, **others: Any) -> Any:
    """Returns the emulator's own decision on a call. For `PutEvents`, it decides for the source of each event."""
    EVALUATED[access_key].add(action)
    if action != "events:PutEvents":
        refusal = ENFORCE_OF_EMULATOR(access_key, action, service, region, **others)
        return refusal or refusal_of_absence(access_key, action, region, others.get("resource_arn", ""))
    known = others.pop("service_context", None) or {}
    decisions = (
        ENFORCE_OF_EMULATOR(access_key, action, service, region, **others, service_context={**known, "events:source": source})
        for source in SOURCES.get()
    )
    return next((refusal for refusal in decisions if refusal), None)


def refusal_of_absence(access_key: str, action: str, region: str, object_arn: str) -> Any:
    """Refuses to report that an object does not exist, unless the caller may list the bucket.

    S3 uses the key as prefix: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, and
    https://github.com/ceph/ceph/pull/68577 for the prefix.
    """
    bucket, _, key = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    if action != "s3:GetObject" or key in s3._buckets.get(bucket, {}).get("objects", {key: None}):
        return None
    EVALUATED[access_key].add("s3:ListBucket")
    listing = {"resource_arn": f"arn:aws:s3:::{bucket}", "service_context": {"s3:prefix": key}}
    return ENFORCE_OF_EMULATOR(access_key, "s3:ListBucket", "s3", region, **listing)


def fire(*arguments: Any, version_id: str | None = None, **others: Any) -> None:
    """Sends the emulator's own event of an object, and keeps the version for `dispatch`."""
    VERSION.set(version_id)
    FIRE_OF_EMULATOR(*arguments, version_id=version_id, **others)


def dispatch(event: dict, *others: Any) -> None:
    """Delivers an event as the emulator does, and adds the version of the object to S3's events."""
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
    """Puts one event, in the form that rules match, on the default bus of its account."""
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
    """Resolves `Fn::Join` and `Fn::Split`, and has the emulator evaluate the template's conditions."""

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
    """Returns handlers of `AWS::IAM::RolePolicy` that use the emulator's `AWS::IAM::Policy`."""
    policy = provisioners._RESOURCE_HANDLERS["AWS::IAM::Policy"]

    def with_roles(properties: dict) -> dict:
        return {**properties, "Roles": [properties["RoleName"]]}

    def create(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        return policy["create"](logical_id, with_roles(properties), stack_name)

    def delete(physical_id: str, properties: dict) -> None:
        policy["delete"](physical_id, with_roles(properties))

    return {"create": create, "delete": delete}


def end_own_workers(name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None) -> None:
    """Ends the running functions of that name; without `account`, only in the calling account."""
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
