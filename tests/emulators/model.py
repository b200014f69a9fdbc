"""Validates a raw response with botocore's model of the service: could AWS send it?

botocore itself is lenient: it ignores members that it does not know and keeps values of a wrong type. This module reports
all faults: unknown, missing and null members, wrong types, values outside an enumeration, error codes that neither the
operation nor the service has, and HTTP statuses other than the error's own.
"""

import base64
import binascii
import json
import re
from datetime import datetime
from xml.etree import ElementTree

# Codes that any operation may return. AWS documents them for each API under "Common Errors".
COMMON_ERRORS = {
    "json": {
        "AccessDeniedException": 400,
        "SerializationException": 400,
        "ThrottlingException": 400,
        "UnknownOperationException": 400,
        "UnrecognizedClientException": 400,
        "ValidationException": 400,
    },
    "query": {
        "InvalidAction": 400,
        "InvalidParameterCombination": 400,
        "InvalidParameterValue": 400,
        "MalformedQueryString": 400,
        "MissingAction": 400,
        "MissingParameter": 400,
        "Throttling": 400,
        "ValidationError": 400,
    },
}

# SQS has used JSON since 2023, and still returns codes of its former Query protocol that its model does not contain.
QUERY_COMPATIBLE_ERRORS = {"InvalidParameterValue": 400, "MissingParameter": 400}

FLOATS = {"float", "double"}
WHOLE = {"integer", "long"}


def faults(client, operation, raw):
    """Returns the faults of the raw HTTP response to this operation."""
    if raw is None:
        return ["no response"]
    service = client.meta.service_model
    model = service.operation_model(operation)
    protocol = {"json": _Json, "query": _Query, "rest-xml": _RestXml}[service.protocol](service, model, raw)
    protocol.read()
    return protocol.found


class _Protocol:
    def __init__(self, service, operation, raw):
        self.service, self.operation, self.raw = service, operation, raw
        self.found = []

    def read(self):
        if not self.request_id():
            self.found.append("the response has no request id")
        try:
            self.read_answer() if self.raw["status_code"] < 300 else self.read_error()
        except (ValueError, ElementTree.ParseError) as error:
            self.found.append(f"cannot read the body: {error}")

    def check_error(self, code, common):
        """Returns the error's shape, if the model has it; otherwise, the code must be a common one. Both have a status."""
        shapes = self.service.error_shapes
        named = [shape for shape in shapes if shape.error_code == code or shape.name == code]
        if not named and code not in common:
            self.found.append(f"no error of {self.service.service_name} has the code {code}")
            return None
        listed = {shape.name for shape in self.operation.error_shapes}
        if named and code not in common and not listed & {shape.name for shape in named}:
            self.found.append(f"{self.operation.name} has no error {code}")
        status = named[0].metadata.get("error", {}).get("httpStatusCode", 400) if named else common[code]
        if status != self.raw["status_code"]:
            self.found.append(f"{code} has the HTTP status {status}, not {self.raw['status_code']}")
        return named[0] if named else None


class _Json(_Protocol):
    def request_id(self):
        return self.raw["headers"].get("x-amzn-requestid")

    def read_answer(self):
        shape = self.operation.output_shape
        value = json.loads(self.raw["body"])
        if shape is None:
            # Operations without output return an empty object or nothing.
            self.found += [f"{name} is not in the model" for name in value]
        else:
            self.check(shape, value, "")

    def read_error(self):
        value = json.loads(self.raw["body"])
        code = value.pop("__type", "").rsplit("#", 1)[-1]
        common = COMMON_ERRORS["json"]
        if "awsQueryCompatible" in self.service.metadata:
            common = {**common, **QUERY_COMPATIBLE_ERRORS}
            legacy = self.raw["headers"].get("x-amzn-query-error", "")
            if not re.fullmatch(r"[\w.]+;(Sender|Receiver)", legacy):
                self.found.append(f"the header x-amzn-query-error is {legacy!r}")
        shape = self.check_error(code, common)
        message = value.get("message", value.get("Message"))
        if not message:
            self.found.append(f"{code} has no message")
        # The model of some errors has no member for the message, but the response contains one.
        value = {name: member for name, member in value.items() if name.lower() != "message"}
        if shape is not None:
            self.check(shape, value, code)

    def check(self, shape, value, path):
        if value is None:
            self.found.append(f"{path} is null")
            return
        kind = shape.type_name
        check = getattr(self, f"check_{kind}", None)
        if check is not None:
            check(shape, value, path)
        elif not _is_scalar(kind, value):
            self.found.append(f"{path} is no {kind}: {value!r}")

    def check_structure(self, shape, value, path):
        if getattr(shape, "is_document_type", False):
            return
        if not isinstance(value, dict):
            self.found.append(f"{path} is no structure: {value!r}")
            return
        for name in shape.required_members:
            if name not in value and name.lower() != "message":
                self.found.append(f"{path}.{name} is missing".lstrip("."))
        for name, member in value.items():
            if name not in shape.members:
                self.found.append(f"{path}.{name} is not in the model".lstrip("."))
            else:
                self.check(shape.members[name], member, f"{path}.{name}".lstrip("."))

    def check_list(self, shape, value, path):
        if not isinstance(value, list):
            self.found.append(f"{path} is no list: {value!r}")
            return
        for item in value:
            self.check(shape.member, item, f"{path}[]")

    def check_map(self, shape, value, path):
        if not isinstance(value, dict):
            self.found.append(f"{path} is no map: {value!r}")
            return
        for key, item in value.items():
            self.check(shape.key, key, f"{path} key")
            self.check(shape.value, item, f"{path}[{key}]")

    def check_string(self, shape, value, path):
        if not isinstance(value, str):
            self.found.append(f"{path} is no string: {value!r}")
        elif shape.enum and value not in shape.enum:
            self.found.append(f"{path} is none of {', '.join(shape.enum)}: {value!r}")


class _Xml(_Protocol):
    def check(self, shape, node, path):
        kind = shape.type_name
        check = getattr(self, f"check_{kind}", None)
        if check is not None:
            check(shape, node, path)
        elif len(node) or not _is_written_scalar(kind, node.text or ""):
            self.found.append(f"{path} is no {kind}: {node.text!r}")

    def check_structure(self, shape, node, path):
        names = {_wire_name(member, name): member for name, member in shape.members.items() if _in_body(member)}
        present = {_tag(child) for child in node}
        for name, member in shape.members.items():
            if name in shape.required_members and _in_body(member) and _wire_name(member, name) not in present:
                self.found.append(f"{path}.{name} is missing".lstrip("."))
        for child in node:
            inner = f"{path}.{_tag(child)}".lstrip(".")
            if _tag(child) not in names:
                self.found.append(f"{inner} is not in the model")
            elif names[_tag(child)].serialization.get("flattened"):
                self.check(names[_tag(child)].member, child, f"{inner}[]")
            else:
                self.check(names[_tag(child)], child, inner)

    def check_list(self, shape, node, path):
        wanted = shape.member.serialization.get("name", "member")
        for child in node:
            if _tag(child) != wanted:
                self.found.append(f"{path} contains {_tag(child)}, not {wanted}")
            else:
                self.check(shape.member, child, f"{path}[]")

    def check_map(self, shape, node, path):
        for entry in node:
            if [_tag(child) for child in entry] != ["key", "value"]:
                self.found.append(f"{path} contains an entry without key and value")

    def check_string(self, shape, node, path):
        if len(node):
            self.found.append(f"{path} is no string but has elements")
        elif shape.enum and (node.text or "") not in shape.enum:
            self.found.append(f"{path} is none of {', '.join(shape.enum)}: {node.text!r}")


class _Query(_Xml):
    def request_id(self):
        return b"<RequestId>" in self.raw["body"]

    def read_answer(self):
        root = ElementTree.fromstring(self.raw["body"])
        wanted = f"{self.operation.name}Response"
        if root.tag != f"{{{self.service.metadata['xmlNamespace']}}}{wanted}":
            self.found.append(f"the root is {root.tag}, not {wanted} in the service's namespace")
        shape = self.operation.output_shape
        for child in root:
            if _tag(child) == "ResponseMetadata":
                continue
            if shape is None or _tag(child) != shape.serialization["resultWrapper"]:
                self.found.append(f"{_tag(child)} is not in the model")
            else:
                self.check(shape, child, "")

    def read_error(self):
        root = ElementTree.fromstring(self.raw["body"])
        parts = {_tag(node): node.text for node in root.iter()}
        fault = "Sender" if self.raw["status_code"] < 500 else "Receiver"
        if _tag(root) != "ErrorResponse" or parts.get("Type") != fault or not parts.get("Message"):
            self.found.append(f"an error is an ErrorResponse with Type {fault} and Message: {parts}")
        self.check_error(parts.get("Code"), COMMON_ERRORS["query"])


class _RestXml(_Xml):
    def request_id(self):
        return self.raw["headers"].get("x-amz-request-id")

    def read_answer(self):
        shape = self.operation.output_shape
        payload = shape.serialization.get("payload") if shape is not None else None
        members = shape.members if shape is not None else {}
        for name, member in members.items():
            if member.serialization.get("location") == "header":
                value = self.raw["headers"].get(member.serialization["name"])
                if value is not None and not _is_header_scalar(member, value):
                    self.found.append(f"the header for {name} is no {member.type_name}: {value!r}")
        in_body = any(_in_body(member) for member in members.values())
        if payload is None and in_body:
            root = ElementTree.fromstring(self.raw["body"])
            self.check(shape, root, "")
        elif payload is None and self.raw["body"]:
            self.found.append(f"a body that the model does not have: {self.raw['body'][:80]!r}")

    def read_error(self):
        if not self.raw["body"]:
            # HeadObject, and 304: there is only the status.
            return
        root = ElementTree.fromstring(self.raw["body"])
        parts = {_tag(node): node.text for node in root.iter()}
        if _tag(root) != "Error" or not parts.get("Message") or not parts.get("RequestId"):
            self.found.append(f"an error is an Error with Message and RequestId: {parts}")
        if parts.get("Code") not in S3_ERRORS:
            self.found.append(f"no error of S3 has the code {parts.get('Code')}")
        elif S3_ERRORS[parts["Code"]] != self.raw["status_code"]:
            status = S3_ERRORS[parts["Code"]]
            self.found.append(f"{parts['Code']} has the HTTP status {status}, not {self.raw['status_code']}")


# From "Error Responses" of the S3 API reference; its model contains only a few.
S3_ERRORS = {
    "AccessDenied": 403,
    "BucketAlreadyOwnedByYou": 409,
    "ConditionalRequestConflict": 409,
    "EntityTooLarge": 400,
    "InternalError": 500,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidRange": 416,
    "InvalidRequest": 400,
    "KeyTooLongError": 400,
    "MalformedXML": 400,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchVersion": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
    "SlowDown": 503,
}


def _tag(node):
    return node.tag.rsplit("}", 1)[-1]


def _in_body(member):
    return "location" not in member.serialization


def _wire_name(member, name):
    if member.type_name == "list" and member.serialization.get("flattened"):
        return member.serialization.get("name", member.member.serialization.get("name", name))
    return member.serialization.get("name", name)


def _is_scalar(kind, value):
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in FLOATS or kind == "timestamp":
        # awsJson writes times as seconds since 1970.
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "blob":
        try:
            base64.b64decode(value, validate=True)
        except (TypeError, binascii.Error):
            return False
        return True
    return False


def _is_written_scalar(kind, text):
    if kind == "boolean":
        return text in ("true", "false")
    if kind in WHOLE:
        return re.fullmatch(r"-?\d+", text) is not None
    if kind in FLOATS:
        return re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text) is not None
    if kind == "timestamp":
        return _is_time(text)
    return kind == "blob"


def _is_header_scalar(member, text):
    if member.type_name == "string":
        return not member.enum or text in member.enum
    if member.type_name == "timestamp":
        return re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", text) is not None
    return _is_written_scalar(member.type_name, text)


def _is_time(text):
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return "T" in text
