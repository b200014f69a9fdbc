"""One simulated account with ECS, Elastic Load Balancing and related services, in a separate process."""

import json
import queue
import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from harness.processes import Child, Places

# Longer than the account needs for any command.
ANSWER_SECONDS = 20

REGION = "eu-west-1"


class World:
    """The account `number`. It calls `on_event` with every event that its ECS emits."""

    def __init__(self, number: str, places: Places, environment: dict[str, str], on_event: Callable[[dict], None]) -> None:
        self.number = number
        self._answers: queue.Queue[dict] = queue.Queue()
        self._turn = threading.Lock()
        self._on_event = on_event
        command, log = [str(places.world), "--account", number], places.folder / f"world-{number}.log"
        self._child = Child(f"the world of {number}", command, log, environment, speaks=True)
        self._journal = (places.folder / f"journal-{number}.log").open("w")
        threading.Thread(target=self._listen, daemon=True).start()
        self.url: str = self._answer()["ready"]["url"]

    def client(self, service: str) -> Any:
        """Returns an SDK client of a person in this account."""
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=self.number, aws_secret_access_key="any"
        )

    def command(self, what: str, **members: Any) -> Any:
        """Has the account do something for which AWS has no operation, and returns its response."""
        with self._turn:
            line = json.dumps({"do": what, **members}) + "\n"
            self._child.process.stdin.write(line.encode())
            self._child.process.stdin.flush()
            answer = self._answer()
        if "refused" in answer:
            raise RuntimeError(f"{what} {members}: {answer['refused']}")
        return answer["done"]

    def expected(self, service: str) -> list[dict]:
        """Returns the expected targets of the running tasks of `cluster/service`."""
        return self.command("wanted_targets", service=service)

    def group(self, name: str) -> str:
        """Returns the ARN of a target group."""
        groups = self.client("elbv2").describe_target_groups(Names=[name])["TargetGroups"]
        return groups[0]["TargetGroupArn"]

    def targets(self, group: str) -> dict[tuple[str, int], str]:
        """Returns the registered targets of the group of that name: id and port with their state. It omits draining targets."""
        health = self.client("elbv2").describe_target_health(TargetGroupArn=self.group(group))
        return {
            (it["Target"]["Id"], it["Target"]["Port"]): it["TargetHealth"]["State"]
            for it in health["TargetHealthDescriptions"]
            if it["TargetHealth"]["State"] != "draining"
        }

    def tags(self, arn: str) -> dict[str, str]:
        """Returns the tags of the resource with this ARN; none if it does not exist."""
        service = arn.split(":")[2]
        try:
            if service == "elasticloadbalancing":
                tags = self.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
                return {it["Key"]: it["Value"] for it in tags}
            tags = self.client(service).list_tags_for_resource(resourceArn=arn)["tags"]
        except ClientError:
            return {}
        return tags if isinstance(tags, dict) else {it["key"]: it["value"] for it in tags}

    def stop(self) -> None:
        self._child.stop()

    def _answer(self) -> dict:
        try:
            return self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"{self._child.name} does not respond:\n{self._child.tail()}") from None

    def _listen(self) -> None:
        for line in self._child.process.stdout:
            message = json.loads(line)
            if "event" in message:
                self._on_event(message["event"])
            elif "journal" in message:
                self._journal.write(message["journal"] + "\n")
                self._journal.flush()
            else:
                self._answers.put(message)
