"""The emulator: one ministack for all accounts of a run, with IAM enforcement.

An access key of twelve digits is the number of the client's account and acts as its root user.
"""

import hashlib
import json
import os
import socket
import sys
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from harness import ASKED_OF_IAM, EVENTS_OF_AWS
from harness.gate import Gate
from harness.processes import Child
from harness.waiting import LateError, until
from harness.world import REGION

START_SECONDS = 60

# The services that the emulator does not provide here, by their names in the SDKs' environment variables.
AT_THE_GATE = ("APPLICATION_AUTO_SCALING", "CLOUDCONTROL", "CLOUDWATCH_LOGS", "ECS", "ELASTIC_LOAD_BALANCING_V2")

# All processes of a run have this variable, including the functions.
MARK = "DEPLOYED_RUN"


class NoEmulatorError(Exception):
    """The emulator is unavailable; the text says what to do."""


class PortInUseError(NoEmulatorError):
    """Another program listens on the port."""


class Emulator:
    """A running emulator."""

    def __init__(self, folder: Path, gate: Gate, certificates: Path, mark: str, port: int = 0) -> None:
        self.mark = mark
        self.port = port or free_port()
        if in_use(self.port):
            raise PortInUseError(f"port {self.port} is in use: choose another one, or omit --port to use a free one")
        self.url = f"http://127.0.0.1:{self.port}"
        self._child = Child(
            "ministack",
            [sys.executable, "-m", "harness.launcher"],
            folder / "ministack.log",
            self._environment(folder, gate, certificates, mark),
        )
        try:
            until("the emulator is ready", START_SECONDS, self._is_ready)
        except LateError:
            tail = self._child.tail()
            self.stop()
            raise NoEmulatorError(f"ministack was not ready after {START_SECONDS} s. The end of its log:\n{tail}") from None

    def client(self, account: str, service: str) -> Any:
        """Returns an SDK client of a person in this account."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 3}, max_pool_connections=20),
        )

    def environment_of(self, account: str) -> dict[str, str]:
        """Returns the environment that a command line tool needs to find the account."""
        return {
            **os.environ,
            MARK: self.mark,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
        }

    def put_event(self, event: dict) -> None:
        """Puts an event of an AWS service on the default bus of its account."""
        request = urllib.request.Request(self.url + EVENTS_OF_AWS, json.dumps(event).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            outcome = json.load(answer)
        if outcome["FailedEntryCount"]:
            raise RuntimeError(f"the emulator's event bus refused an event: {outcome}")

    def evaluated(self, access_key: str) -> set[str]:
        """Returns every action that the emulator's IAM has evaluated for this access key."""
        with urllib.request.urlopen(self.url + ASKED_OF_IAM + access_key, timeout=10) as answer:
            return set(json.load(answer))

    def is_alive(self) -> bool:
        return self._child.is_alive()

    def tail(self) -> str:
        return self._child.tail()

    def stop(self) -> None:
        self._child.stop()

    def _environment(self, folder: Path, gate: Gate, certificates: Path, mark: str) -> dict[str, str]:
        """Returns the environment of the emulator, which every function inherits."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "TMPDIR": str(folder),
            MARK: mark,
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AWS_ENDPOINT_URL": self.url,
            # The SDK's variables for single services: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
            **{f"AWS_ENDPOINT_URL_{service}": gate.url for service in AT_THE_GATE},
            # The authority that the functions trust; it has signed the certificate of the local Slack.
            "SSL_CERT_FILE": str(certificates),
        }

    def _is_ready(self) -> bool:
        if not self.is_alive():
            raise NoEmulatorError(f"ministack ended at its start. The end of its log:\n{self.tail()}")
        try:
            with urllib.request.urlopen(self.url + "/_ministack/ready", timeout=5):
                return True
        except OSError:  # It does not listen yet, or responds that it is not ready.
            return False


def access_key(function_arn: str, role_arn: str) -> str:
    """Returns the access key with which the emulator runs a function: `execution_credentials` in its core/lambda_runtime.py."""
    digest = hashlib.sha256(f"{function_arn}:{role_arn}".encode()).hexdigest()
    return f"ASIA{digest[:16].upper()}"


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def in_use(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
