"""The responses of one account in a conversation, in a form that can be compared with another account's.

This module replaces the values that must differ between accounts (ids, times, hosts, tokens) by words. It also replaces
prose, because AWS documents codes, not sentences.
"""

import json
import re
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

import model

# Members whose values always differ.
ALWAYS_DIFFERENT = {
    "ApproximateFirstReceiveTimestamp": "<time>",
    "CreatedTimestamp": "<time>",
    "Description": "<text>",
    "ErrorMessage": "<text>",
    "LastModifiedTimestamp": "<time>",
    "Message": "<text>",
    "NextMarker": "<token>",
    "ReceiptHandle": "<receipt>",
    "SenderId": "<sender>",
    "SentTimestamp": "<time>",
    "creationTime": "<time>",
    "VersionId": "<version>",
    "message": "<text>",
    "nextToken": "<token>",
    "privateIpv4Address": "<address>",
    "rolloutStateReason": "<text>",
    "runtimeId": "<id>",
}

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# Ids within values.
IDS = [
    (re.compile(rf"(?<=/)({UUID}|[0-9a-f]{{32}}|[0-9a-z]{{16,17}}|[0-9]{{15,19}})(?=/|$)"), "<id>"),
    (re.compile(UUID), "<uuid>"),
    (re.compile(r"(?<=scalable-target/)\w{36}"), "<id>"),
    (re.compile(r"(?<=ecs-svc/)([0-9]{19}|[0-9a-f]{20})"), "<id>"),
    (re.compile(r"(?<=front-)[0-9a-z]+(?=\.eu-west-1\.elb)"), "<id>"),
    (re.compile(r"\bip(-\d+){4}(?=\.)"), "ip-<address>"),
    (re.compile(r"\beni-[0-9a-f]{17}\b"), "<eni>"),
    (re.compile(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<mac>"),
    (re.compile(r"https?://[^/]+(?=/111122223333/)"), "<host>"),
    (re.compile(r"(?<=secret:shop/webhook-)\w{6}"), "<id>"),
]


class Transcript:
    """Sends requests to one account and keeps the responses by the name of the step."""

    def __init__(self, account, service):
        self.account = account
        self.client = account.client(service)
        self.steps = {}
        self.faults = []
        self.client.meta.events.register("response-received", self._keep_raw)
        self._raw = None

    def __call__(self, step, operation, **request):
        """Makes one call. Returns the response as botocore reads it, or an empty one for an error."""
        answer, outcome = self._perform(operation, request)
        self._record(step, {"outcome": outcome, "answer": self._plain(answer)})
        self._check(step, operation)
        return answer

    def note(self, step, value):
        """Records a value that follows from the responses and should be equal in all accounts."""
        self._record(step, {"outcome": "noted", "answer": {"noted": value}})

    def pages(self, step, operation, member, token, **request):
        """Reads all pages, and records their sizes and whether they contain each item once."""
        sizes, items = [], []
        asked, given = token
        while len(sizes) < 20:
            answer, outcome = self._perform(operation, request)
            self._check(step, operation)
            page = answer.get(member, [])
            sizes.append(len(page))
            items += [json.dumps(item, default=str, sort_keys=True) for item in page]
            if not answer.get(given):
                break
            request = {**request, asked: answer[given]}
        found = {"page sizes": json.dumps(sizes), "each item once": len(items) == len(set(items))}
        self._record(step, {"outcome": outcome, "answer": found})

    def quietly(self, operation, **request):
        """Makes a call that only prepares something. Its response is not compared."""
        return self._perform(operation, request)[0]

    def _perform(self, operation, request):
        self._raw = None
        try:
            answer = self.client._make_api_call(operation, request)
            answer.pop("ResponseMetadata", None)
            if hasattr(answer.get("Body"), "read"):
                answer["Body"] = answer["Body"].read().decode()
            return answer, "ok"
        except ClientError as error:
            details = error.response
            status = details["ResponseMetadata"]["HTTPStatusCode"]
            return {}, f"{details['Error']['Code']} {status}"
        except (BotoCoreError, ResponseParserError) as error:
            return {}, f"unreadable {type(error).__name__}"

    def _keep_raw(self, response_dict, **_):
        self._raw = response_dict

    def _check(self, step, operation):
        """Validates only our own responses with the model, because we cannot fix the emulators."""
        if self.account.name == "ours":
            self.faults += [f"{step}: {fault}" for fault in model.faults(self.client, operation, self._raw)]

    def _record(self, step, said):
        if step in self.steps:
            raise ValueError(f"two steps have the name {step!r}")
        self.steps[step] = said

    def _plain(self, value, name=None):
        if isinstance(value, dict):
            return {self._text(key): self._plain(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._plain(inner, name) for inner in value]
        if isinstance(value, datetime):
            return "<time>"
        if name in ALWAYS_DIFFERENT and value:
            return ALWAYS_DIFFERENT[name]
        if isinstance(value, str):
            if name == "RedrivePolicy":
                value = json.dumps(json.loads(value), sort_keys=True)
            return self._text(value)
        return value

    def _text(self, text):
        account = self.account
        own = [(account.vpc, "<vpc>"), (account.instance, "<instance>")]
        own += zip(account.subnets, ["<subnet a>", "<subnet b>"])
        for value, word in own:
            text = text.replace(value, word)
        for pattern, word in IDS:
            text = pattern.sub(word, text)
        return text
