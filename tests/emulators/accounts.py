"""The accounts of the comparison, ours and the emulators': each is a server in a separate process on a free port.

This module starts them and creates the resources that a conversation needs. It does not know the conversations.
A process ends when its standard input closes, so none outlives this program, however it ends.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import boto3
from botocore.config import Config

HERE = Path(__file__).resolve().parent
NUMBER = "111122223333"
REGION = "eu-west-1"
START_SECONDS = 60


class NotStarted(Exception):
    """A server did not start; the text contains the reason and the end of its log."""


class Account(NamedTuple):
    """The endpoint of an account, and the resources that a conversation needs but cannot create."""

    name: str
    endpoint: str
    vpc: str
    subnets: list
    instance: str

    def client(self, service):
        return _client(self.endpoint, service)


def _client(endpoint, service):
    # ministack uses an access key id of twelve digits as the account's number. The client does not retry, because
    # an error is a response here. It also sends requests that botocore finds invalid: the server must refuse them.
    return boto3.session.Session(NUMBER, "none", region_name=REGION).client(
        service,
        endpoint_url=endpoint,
        config=Config(
            retries={"total_max_attempts": 1},
            parameter_validation=False,
            connect_timeout=5,
            read_timeout=30,
            s3={"addressing_style": "path"},
        ),
    )


class Server:
    """A running account; it is a context manager and ends with its block."""

    def __init__(self, name, command, environment, log, speaks=False):
        self.name = name
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if speaks else output,
                stderr=output,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def failed(self, what):
        end = self.log.read_text(errors="replace").strip().splitlines()[-15:]
        return NotStarted("\n  | ".join([f"{self.name} {what}. Its log, {self.log}, ends with:", *end]))

    def await_answer(self, url):
        """Waits until the server sends any response."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self.failed(f"ended at once with exit code {self.process.returncode}")
            try:
                urllib.request.urlopen(url, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise self.failed(f"did not respond on {url} within {START_SECONDS} s")


def start_world(program, logs):
    """Starts our simulated account, which prints its endpoint and resources."""
    server = Server("the simulated account", [str(program)], {}, logs / "world.log", speaks=True)
    line = server.process.stdout.readline()
    if not line:
        server.process.wait()
        with server:
            raise server.failed(f"ended at once with exit code {server.process.returncode}")
    return server, Account(name="ours", **json.loads(line))


def start_emulator(name, logs):
    """Starts an emulator on a free port with `keep.py`."""
    port = _free_port()
    environment = {
        "MOTO_ACCOUNT_ID": NUMBER,
        "MINISTACK_ACCOUNT_ID": NUMBER,
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        # Otherwise it opens a second, fixed port.
        "IOT_MTLS_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, str(HERE / "keep.py"), name, str(port)]
    server = Server(name, command, environment, logs / f"{name}.log")
    try:
        endpoint = f"http://127.0.0.1:{port}"
        server.await_answer(endpoint)
        return server, _furnish(name, endpoint)
    except BaseException:
        server.__exit__()
        raise


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _furnish(name, endpoint):
    """Creates what our account has from the start: a VPC with subnets in two zones, an instance, a secret, two buckets."""
    s3 = _client(endpoint, "s3")
    for bucket in ["specs", "plain"]:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="specs", VersioningConfiguration={"Status": "Enabled"})
    _client(endpoint, "secretsmanager").create_secret(Name="shop/webhook", SecretString="https://example.com/hook")
    ec2 = _client(endpoint, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    # Otherwise moto cannot run a task in the VPC.
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{16 * number}.0/20", AvailabilityZone=f"{REGION}{letter}")[
            "Subnet"
        ]["SubnetId"]
        for number, letter in enumerate("ab")
    ]
    if name == "moto":
        # Otherwise each read advances a task of moto by one step towards its end.
        stays = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 10**9}}
        url = f"{endpoint}/moto-api/state-manager/set-transition"
        urllib.request.urlopen(url, data=json.dumps(stays).encode(), timeout=5).close()
    instances = ec2.run_instances(
        ImageId="ami-12c6146b", InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=subnets[0]
    )
    return Account(name, endpoint, vpc, subnets, instances["Instances"][0]["InstanceId"])
