"""Deploys the stack `portkeeper`, as `sam build` built it, to one account of the emulator."""

import sys
from dataclasses import dataclass
from typing import Any

from harness.emulator import Emulator
from harness.processes import Child, Places
from harness.waiting import until
from harness.world import REGION

NAME = "portkeeper"

# The shortest times that the template allows, so that a run takes minutes.
SHORT = {"SettleSeconds": "10", "ConfirmSeconds": "10", "PersonMinutes": "1"}

DEPLOY_SECONDS = 300


@dataclass(frozen=True)
class Package:
    """The upload of `sam deploy`: the template with the locations of the code, the code, and their bucket."""

    template: str
    objects: dict[str, bytes]
    bucket: str


class NotDeployedError(AssertionError):
    """The stack could not be created."""


def deploy_with_sam(places: Places, emulator: Emulator, account: str, parameters: dict[str, str]) -> Package:
    """Deploys with the command line tool, as in the README; returns its upload, for the other accounts."""
    s3, bucket = code_bucket(emulator, account)
    command = [sys.executable, "-m", "harness.tied", str(places.sam), "deploy", "--no-confirm-changeset", "--no-progressbar"]
    command += ["--template-file", str(places.built / "template.yaml"), "--stack-name", NAME, "--s3-bucket", bucket]
    command += ["--capabilities", "CAPABILITY_IAM", "--parameter-overrides"]
    command += [f"{key}={value}" for key, value in parameters.items()]
    sam = Child("sam deploy", command, places.folder / "sam.log", emulator.environment_of(account))
    if sam.process.wait(DEPLOY_SECONDS) != 0:
        raise NotDeployedError(f"sam deploy failed:\n{sam.tail()}")
    keys = [it["Key"] for it in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    objects = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    template = next(key for key in keys if key.endswith(".template"))
    return Package(objects.pop(template).decode(), objects, bucket)


def code_bucket(emulator: Emulator, account: str) -> tuple[Any, str]:
    """Creates a bucket for code, and returns a client for it. All accounts share the names of buckets."""
    s3, name = emulator.client(account, "s3"), f"portkeeper-code-{account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return s3, name


def deploy(package: Package, emulator: Emulator, account: str, parameters: dict[str, str]) -> None:
    """Deploys the same package with CloudFormation alone, in a tenth of the time."""
    s3, bucket = code_bucket(emulator, account)
    for key, content in package.objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    s3.put_object(Bucket=bucket, Key="template", Body=package.template.replace(package.bucket, bucket).encode())
    cloudformation = emulator.client(account, "cloudformation")
    cloudformation.create_stack(
        StackName=NAME,
        TemplateURL=f"{emulator.url}/{bucket}/template",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    until("the stack is complete", DEPLOY_SECONDS, lambda: is_complete(cloudformation))


def is_complete(cloudformation: Any) -> bool:
    stack = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]
    status = stack["StackStatus"]
    if "FAILED" in status or "ROLLBACK" in status:
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
        reasons = [f"{it['LogicalResourceId']}: {it['ResourceStatusReason']}" for it in events if "ResourceStatusReason" in it]
        raise NotDeployedError(f"{status}: " + "\n".join(reasons))
    return status == "CREATE_COMPLETE"


def resources(emulator: Emulator, account: str) -> dict[str, str]:
    """Returns the physical id of every resource, by its logical id."""
    cloudformation = emulator.client(account, "cloudformation")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=NAME)
    return {it["LogicalResourceId"]: it["PhysicalResourceId"] for page in pages for it in page["StackResourceSummaries"]}
