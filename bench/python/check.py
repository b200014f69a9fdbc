"""The same check in Python, as a competent user would write it: what bench/run compares the function `reconcile` with.

An SQS batch of ECS events in, the messages to be tried again out. Clients are made once; lists are paged, descriptions
batched, and what never changes is kept. It says what differs, and no more: no memory, no second look, no repair, no
alert. So it has less to do than the function that it is compared with.
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
    """What is missing in the service's groups, and what nothing explains."""
    described = ECS.describe_services(cluster=cluster, services=[service])
    if not described["services"]:
        return {"gone": True}
    entries = described["services"][0].get("loadBalancers", [])
    registered = {entry["targetGroupArn"]: targets_in(entry["targetGroupArn"]) for entry in entries}
    tasks = tasks_of(cluster, service)
    learn_target_types(list(registered))
    learn_instances(cluster, tasks)
    wanted, explained = set(), set()
    for task in tasks:
        for entry in entries:
            for target in targets_of(task, entry):
                explained.add(target)
                if task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING":
                    wanted.add(target)
    there = {(group, *target) for group, targets in registered.items() for target in targets}
    return {"missing": sorted(wanted - there), "foreign": sorted(there - explained)}


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
    """Where a task is to be found by one of the service's groups: group, id, port."""
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
