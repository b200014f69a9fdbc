"""One account of the run: a world with ECS and load balancers, and the stack in the emulator that watches it."""

import json
import threading
from typing import Any

from harness import stack
from harness.emulator import MARK, Emulator, access_key
from harness.gate import Gate, Principal
from harness.permissions import Role
from harness.processes import Places
from harness.slack import Listener
from harness.waiting import until
from harness.world import REGION, World

# The logical id of each function in the template.
FUNCTIONS = ("ReconcileFunction", "SweepFunction", "CreateServiceFunction", "NotifySlackFunction", "NotifyEventsFunction")

# The time from a message in the queue of checks to the end of its check, with the parameters of `stack.SHORT`.
CHECK_SECONDS = 60


# The services that every account has from the start: see src/account.rs.
SERVICES = {"shop/web", "shop/billing", "shop/proxy", "shop/quiet", "shop/green", "shop/api"}


class Account:
    """An account and its resources."""

    def __init__(self, number: str, places: Places, emulator: Emulator, gate: Gate, listener: Listener) -> None:
        self.number = number
        self._places = places
        self.emulator = emulator
        self.gate = gate
        self.listener = listener
        self.events_arrive = True
        self.world = World(number, places, {MARK: emulator.mark}, self._forward)
        self.resources: dict[str, str] = {}
        self.roles: dict[str, Role] = {}
        self._published: list[dict] = []
        self._inbox = ""
        self._collecting = threading.Lock()

    def client(self, service: str) -> Any:
        return self.emulator.client(self.number, service)

    def deploy(self, package: stack.Package, **parameters: str) -> None:
        stack.deploy(package, self.emulator, self.number, stack.SHORT | parameters)
        self.discover()

    def deploy_with_sam(self, **parameters: str) -> stack.Package:
        package = stack.deploy_with_sam(self._places, self.emulator, self.number, stack.SHORT | parameters)
        self.discover()
        return package

    def discover(self) -> None:
        """Reads the resources of the stack, registers its functions at the gate, and subscribes to the alerts."""
        self.resources = stack.resources(self.emulator, self.number)
        functions = self.client("lambda")
        for name in FUNCTIONS:
            if name not in self.resources:
                continue
            configuration = functions.get_function_configuration(FunctionName=self.resources[name])
            role = Role(self.client("iam"), configuration["Role"])
            self.roles[name] = role
            self.gate.admit(access_key(configuration["FunctionArn"], configuration["Role"]), Principal(self.world, name, role))
        self._inbox = self.subscribe("inbox")

    def subscribe(self, name: str) -> str:
        """Creates a queue that receives every alert, and returns its URL."""
        sqs, topic = self.client("sqs"), self.resources["AlertsTopic"]
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url

    def alerts(self, service: str) -> list[dict]:
        """Returns the alerts about `cluster/service` that have arrived so far, as documents."""
        return [it for it in self.published() if f"{it.get('cluster')}/{it.get('service')}" == service]

    def published(self) -> list[dict]:
        """Returns everything that the topic has published so far: alerts, and the stack's alarms."""
        with self._collecting:
            self._published += [json.loads(json.loads(body)["Message"]) for body in self.receive(self._inbox)]
            return list(self._published)

    def await_alert(self, service: str, code: str, state: str, seconds: float = 2 * CHECK_SECONDS) -> dict:
        """Waits for the first alert with that code and state."""

        def find() -> dict | None:
            return next((it for it in self.alerts(service) if (it["code"], it["state"]) == (code, state)), None)

        return until(f"an alert `{code} {state}` of {service}", seconds, find)

    def receive(self, queue: str) -> list[str]:
        """Receives and deletes all messages in a queue."""
        sqs, bodies = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            bodies += [it["Body"] for it in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def request_check(self, service: str) -> None:
        """Requests a check of a service: sends an event about it to the queue of checks, without delay."""
        cluster, _ = service.split("/")
        arn = f"arn:aws:ecs:{REGION}:{self.number}"
        detail = {"eventType": "INFO", "eventName": "SERVICE_STEADY_STATE", "clusterArn": f"{arn}:cluster/{cluster}"}
        self.send(
            json.dumps(
                {
                    "source": "aws.ecs",
                    "detail-type": "ECS Service Action",
                    "detail": detail,
                    "resources": [f"{arn}:service/{service}"],
                }
            )
        )

    def send(self, body: str) -> None:
        """Sends a message to the queue of checks, without delay."""
        self.client("sqs").send_message(QueueUrl=self.resources["ChecksQueue"], MessageBody=body, DelaySeconds=0)

    def sweep(self) -> None:
        """Runs the sweep, as the schedule does."""
        answer = self.invoke("SweepFunction", {})
        assert '"is_round_over"' in answer, answer

    def invoke(self, function: str, event: dict) -> str:
        """Invokes a function, and returns its response or the error with which it ended."""
        answer = self.client("lambda").invoke(FunctionName=self.resources[function], Payload=json.dumps(event).encode())
        return answer["Payload"].read().decode()

    def settle(self) -> None:
        """Has Portkeeper check every service, so that it has proof of every task that stops from now on."""
        self.sweep()
        until("every service is in the ledger", CHECK_SECONDS, lambda: self.ledger().keys() >= SERVICES)

    def ledger(self) -> dict[str, dict]:
        """Returns the records of services, by `cluster/service`."""
        items = self.client("dynamodb").scan(TableName=self.resources["LedgerTable"])["Items"]
        return {it["pk"]["S"]: it for it in items}

    def waiting(self, queue: str = "ChecksQueue") -> int:
        """Returns the number of messages in a queue of the stack: visible, delayed and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.resources[queue], AttributeNames=names)
        return sum(int(it) for it in found["Attributes"].values())

    def writes(self, group: str) -> list[str]:
        """Returns the writes to the target group of that name that functions have requested, in order."""
        arn = self.world.group(group)
        calls = self.gate.seen(self.number)
        return [it.operation for it in calls if it.call.get("TargetGroupArn") == arn and not it.operation.startswith("Describe")]

    def checks(self, service: str) -> int:
        """Returns how many checks of `cluster/service` have ended, according to the function's log."""
        cluster, name = service.split("/")
        about = f'"message":"service checked","cluster":"{cluster}","service":"{name}"'
        return self.log("ReconcileFunction").count(about)

    def await_check(self, service: str) -> None:
        """Requests a check of a service, and waits until it has ended."""
        before = self.checks(service)
        self.request_check(service)
        until(f"{service} is checked", CHECK_SECONDS, lambda: self.checks(service) > before)

    def log(self, function: str) -> str:
        """Returns the log of a function, from the log group in the template."""
        pages = (
            self.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=self.resources[function.replace("Function", "LogGroup")])
        )
        return "\n".join(it["message"] for page in pages for it in page["events"])

    def stop(self) -> None:
        self.world.stop()

    def _forward(self, event: dict) -> None:
        if self.events_arrive and self.resources:
            self.emulator.put_event(event)
