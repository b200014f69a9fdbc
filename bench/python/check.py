"""The same check in Python, as a competent user would write it. bench/run compares it with the function `reconcile`.

Its input is an SQS batch of ECS events, and its output the failed messages. It creates clients once, reads lists in pages
and descriptions in batches, and caches what never changes. It only prints the differences: it has no ledger, no second
check, no repair and no alert, so it does less work than the function.
"""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PATIENCE = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=2, read_timeout=5)
ECS = boto3.client("ecs", config=PATIENCE)
ELB = boto3.client("elbv2", config=PATIENCE)

TARGET_TYPES = {}
INSTANCE_IDS = {}


def handler(event, _context):
    services, failed = {}, []
    for record in event["Records"]:
        try:
            services.setdefault(service_of(json.loads(record["body"])), []).append(record["messageId"])
        except (KeyError, ValueError):
            failed.append(record["messageId"])
    for (cluster, service), messages in services.items():
        try:
            print(json.dumps({"cluster": cluster, "service": service, **check(cluster, service)}))
        except (BotoCoreError, ClientError) as error:
            print(json.dumps({"cluster": cluster, "service": service, "error": str(error)}))
            failed.extend(messages)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def service_of(event):
    detail = event["detail"]
    return detail["clusterArn"], detail["group"].removeprefix("service:")


def check(cluster, service):
    """Returns the missing targets of the service's groups, and the targets that nothing explains."""
    described = ECS.describe_services(cluster=cluster, services=[service])
    if not described["services"]:
        return {"gone": True}
    entries = described["services"][0].get("loadBalancers", [])
    registered = {entry["targetGroupArn"]: targets_in(entry["targetGroupArn"]) for entry in entries}
    tasks = tasks_of(cluster, service)
    learn_target_types(list(registered))
    learn_instances(cluster, tasks)
    expected, explained = set(), set()
    for task in tasks:
        for entry in entries:
            for target in targets_of(task, entry):
                explained.add(target)
                if task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING":
                    expected.add(target)
    present = {(group, *target) for group, targets in registered.items() for target in targets}
    return {"missing": sorted(expected - present), "foreign": sorted(present - explained)}


def targets_in(group):
    answer = ELB.describe_target_health(TargetGroupArn=group)
    registered = (it for it in answer["TargetHealthDescriptions"] if it["TargetHealth"]["State"] != "draining")
    return [(it["Target"]["Id"], it["Target"]["Port"]) for it in registered]


def tasks_of(cluster, service):
    arns = []
    for status in ("RUNNING", "STOPPED"):
        pages = ECS.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=service, desiredStatus=status)
        arns.extend(arn for page in pages for arn in page["taskArns"])
    parts = (arns[first : first + 100] for first in range(0, len(arns), 100))
    return [task for part in parts for task in ECS.describe_tasks(cluster=cluster, tasks=part)["tasks"]]


def learn_target_types(groups):
    new = [group for group in groups if group not in TARGET_TYPES]
    if new:
        for group in ELB.describe_target_groups(TargetGroupArns=new)["TargetGroups"]:
            TARGET_TYPES[group["TargetGroupArn"]] = group["TargetType"]


def learn_instances(cluster, tasks):
    arns = {task["containerInstanceArn"] for task in tasks if "containerInstanceArn" in task}
    new = sorted(arns - INSTANCE_IDS.keys())
    for first in range(0, len(new), 100):
        answer = ECS.describe_container_instances(cluster=cluster, containerInstances=new[first : first + 100])
        for instance in answer["containerInstances"]:
            INSTANCE_IDS[instance["containerInstanceArn"]] = instance["ec2InstanceId"]


def targets_of(task, entry):
    """Returns the targets of a task in one of the service's groups: group, id, port."""
    group = entry["targetGroupArn"]
    for container in task["containers"]:
        if container["name"] != entry["containerName"]:
            continue
        if TARGET_TYPES.get(group) == "ip":
            for interface in container.get("networkInterfaces", []):
                yield group, interface["privateIpv4Address"], entry["containerPort"]
        else:
            for binding in container.get("networkBindings", []):
                if binding["containerPort"] == entry["containerPort"]:
                    yield group, INSTANCE_IDS[task["containerInstanceArn"]], binding["hostPort"]
