"""The proxy in front of the services that `world` simulates: it forwards each call to the account of its caller.

The gate identifies the caller, evaluates its role's permissions, and records the call. It can also hold a call, so that a
scene can act in the middle of it.
"""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from harness import asks
from harness.permissions import Role
from harness.processes import LocalServer
from harness.world import World

# The gate holds a call at most this long; otherwise the function would time out first.
HOLD_SECONDS = 40


@dataclass(frozen=True)
class Principal:
    """The caller: a function in an account."""

    world: World
    function: str
    role: Role


@dataclass(frozen=True)
class Call:
    """A call as the gate received it."""

    at: float
    account: str
    function: str
    # The actions that it requires, its own first.
    actions: tuple[str, ...]
    call: dict
    # The denied action and its resource.
    refused: tuple[str, str] | None

    @property
    def operation(self) -> str:
        return self.actions[0].split(":")[1]


@dataclass
class Hold:
    """Calls of one operation in one account that wait until a scene releases or loses them."""

    account: str
    operation: str
    arrived: int = 0
    lost: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Forwards the waiting calls, and holds no further calls."""
        self.over.set()

    def lose(self) -> None:
        """Drops the waiting calls, because their caller has ended."""
        self.lost = True
        self.over.set()


class Gate:
    """The proxy, on a loopback port."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self._principals: dict[str, Principal] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._holds: list[Hold] = []
        self._lock = threading.Lock()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, answer = gate.answer(dict(self.headers.items()), body)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = LocalServer(Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def admit(self, access_key: str, principal: Principal) -> None:
        """Registers the access key of a function."""
        self._principals[access_key] = principal

    def hold(self, account: str, operation: str) -> Hold:
        """Holds the calls of the operation from now on. The scene must end the hold in any case."""
        hold = Hold(account, operation)
        with self._lock:
            self._holds.append(hold)
        return hold

    def seen(self, account: str, operation: str | None = None) -> list[Call]:
        """Returns the calls in an account, including refused ones."""
        with self._lock:
            return [call for call in self.calls if call.account == account and operation in (None, call.operation)]

    def stop(self) -> None:
        self._server.shutdown()

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Responds to one call."""
        headers = {name.lower(): value for name, value in headers.items()}
        access_key = headers.get("authorization", "").partition("Credential=")[2].split("/")[0]
        principal = self._principals.get(access_key)
        if principal is None:
            self.problems.append(f"unknown access key {access_key}")
            return 403, {"Content-Type": "text/plain"}, f"unknown access key {access_key}".encode()
        target, account = headers.get("x-amz-target"), principal.world.number
        asked, call = asks.of(target, body, account, principal.world.tags)
        refusals = ((it.action, principal.role.refuses(it)) for it in asked)
        refused = next(((action, resource) for action, resource in refusals if resource is not None), None)
        arrived = Call(time.monotonic(), account, principal.function, tuple(it.action for it in asked), call, refused)
        with self._lock:
            self.calls.append(arrived)
        if refused is not None:
            return denied(principal, *refused, as_json=target is not None)
        if not self._passes(account, arrived.operation):
            return 503, {"Content-Type": "text/plain"}, b"the scene lost this call"
        try:
            return forward(principal.world.url, headers, body)
        except OSError as why:
            self.problems.append(f"the world of {account} does not respond: {why}")
            return 503, {"Content-Type": "text/plain"}, b"the world does not respond"

    def _passes(self, account: str, operation: str) -> bool:
        with self._lock:
            here = [it for it in self._holds if (it.account, it.operation) == (account, operation) and not it.over.is_set()]
            for hold in here:
                hold.arrived += 1
        for hold in here:
            hold.over.wait(HOLD_SECONDS)
        return not any(hold.lost for hold in here)


def forward(url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=HOLD_SECONDS)
    try:
        connection.request("POST", "/", body, {k: v for k, v in headers.items() if k not in ("host", "content-length")})
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, {k: v for k, v in answer.getheaders() if k.lower() != "content-length"}, content
    finally:
        connection.close()


def denied(principal: Principal, action: str, resource: str, *, as_json: bool) -> tuple[int, dict[str, str], bytes]:
    """Returns AWS's response to a call that the policies do not allow."""
    user = f"arn:aws:sts::{principal.world.number}:assumed-role/{principal.role.name}/{principal.function}"
    text = (
        f"User: {user} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    if as_json:
        body = json.dumps({"__type": "AccessDeniedException", "message": text}).encode()
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, body
    xml = (
        f'<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><Error><Type>Sender</Type>'
        f"<Code>AccessDenied</Code><Message>{escape(text)}</Message></Error></ErrorResponse>"
    )
    return 403, {"Content-Type": "text/xml"}, xml.encode()
