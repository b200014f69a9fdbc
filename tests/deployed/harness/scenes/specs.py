"""Services from specs: a scene uploads an object to the bucket, and verifies the account and the result."""

import json
from pathlib import Path

from harness.account import CHECK_SECONDS, Account
from harness.scenes.repairs import all_registered
from harness.waiting import until

NUMBER = "100000000008"

# The roles that specs may assign to tasks, and the priorities of rules whose spec names none.
PARAMETERS = {"Specs": "true", "SpecRoles": f"arn:aws:iam::{NUMBER}:role/orders-*", "RulePriorities": "2000-2999"}

# About thirty calls, tasks that start and become healthy, and rechecks after 15, 30, 60 and 60 seconds.
FOLLOW_SECONDS = 240

# The desired count of the spec.
TASKS = 2

ORDERS = f"""\
cluster: shop
taskDefinition:
  family: orders
  taskRoleArn: arn:aws:iam::{NUMBER}:role/orders-task
  containerDefinitions:
    - name: app
      image: orders:1
      memory: 128
      portMappings:
        - containerPort: 8080
      logConfiguration:
        logDriver: awslogs
        options: {{awslogs-group: /ecs/orders, awslogs-region: eu-west-1, awslogs-stream-prefix: app}}
service:
  serviceName: orders
  desiredCount: 2
  launchType: EC2
loadBalancing:
  - container: app
    port: 8080
    listener: {{loadBalancer: front, port: 80}}
    path: /orders/*
    targetGroup:
      name: orders-tg
      healthCheck: {{path: /health, intervalSeconds: 10, healthyThreshold: 2}}
      deregistrationDelaySeconds: 5
scaling: {{min: 2, max: 4, cpu: 60}}
logGroups:
  - {{name: /ecs/orders, retentionDays: 14}}
onDelete: delete
"""

# Each changes something else: the revision, the health check, an attribute, the rule's conditions and its priority, the
# scaling metric, and the tags of everything.
CHANGES = {
    "image: orders:1": "image: orders:2",
    "path: /health,": "path: /ready,",
    "deregistrationDelaySeconds: 5": "deregistrationDelaySeconds: 6",
    "path: /orders/*": "path: [/orders/*, /order/*]\n    priority: 2500",
    "cpu: 60": "requestsPerTarget: 1000",
    "onDelete": "tags: {team: orders}\nonDelete",
}

MQTT = """\
cluster: shop
taskDefinition:
  family: mqtt
  networkMode: awsvpc
  containerDefinitions:
    - name: broker
      image: eclipse-mosquitto:2.0
      memory: 128
      portMappings:
        - containerPort: 1883
service:
  serviceName: mqtt
  desiredCount: 1
  launchType: EC2
  networkConfiguration:
    awsvpcConfiguration: {subnets: SUBNETS, securityGroups: [sg-shop]}
loadBalancing:
  - container: broker
    port: 1883
    listener: {loadBalancer: devices, port: 1883}
    targetGroup:
      name: mqtt-tg
      protocol: TCP
      deregistrationDelaySeconds: 5
      healthCheck: {intervalSeconds: 10, timeoutSeconds: 5, healthyThreshold: 2}
onDelete: delete
"""

# A first try with eight mistakes.
BROKEN = Path(__file__).parents[4] / "specs" / "broken" / "minimal.yaml"

# ECS's own message if it may not yet use its role.
REFUSAL = "Unable to assume the service linked role."

# A log group that exists before any spec.
KEPT_GROUP = "/ecs/kept"


def create_balancers(account: Account) -> None:
    """Creates load balancers without services, in the subnets of the others."""
    elb, subnets = account.world.client("elbv2"), subnets_of(account)
    front = elb.create_load_balancer(Name="front", Type="application", Subnets=subnets)["LoadBalancers"][0]
    nowhere = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    elb.create_listener(LoadBalancerArn=front["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[nowhere])
    elb.create_load_balancer(Name="devices", Type="network", Subnets=subnets)
    account.world.client("logs").create_log_group(logGroupName=KEPT_GROUP)


def subnets_of(account: Account) -> list[str]:
    """Returns the subnets of a load balancer; all have the same."""
    zones = account.world.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["AvailabilityZones"]
    return [zone["SubnetId"] for zone in zones]


def upload(account: Account, name: str, text: str) -> None:
    """Uploads a spec to the bucket."""
    bucket = account.resources["SpecBucket"]
    account.client("s3").put_object(Bucket=bucket, Key=f"specs/{name}", Body=text.encode())


def results(account: Account, name: str) -> list[dict]:
    """Returns all versions of a spec's result so far, the oldest first."""
    s3, bucket, key = account.client("s3"), account.resources["SpecBucket"], f"results/{name}.json"
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
    bodies = [s3.get_object(Bucket=bucket, Key=key, VersionId=it["VersionId"])["Body"] for it in reversed(versions)]
    return [json.loads(it.read()) for it in bodies]


def await_result(account: Account, name: str, status: str, after: int = 0) -> dict:
    """Waits for a result with that status, after the first `after` ones. Another final status is a failure at once."""

    def find() -> dict | None:
        new = results(account, name)[after:]
        ends = [it for it in new if it["status"] not in {"deploying", "deleting"}]
        assert not ends or ends[-1]["status"] == status, ends[-1]
        return next((it for it in new if it["status"] == status), None)

    return until(f"the result of {name} is `{status}`", FOLLOW_SECONDS, find)


def await_published(account: Account, name: str, status: str) -> None:
    """Waits for the alert about the result of a spec."""
    until(
        f"an alert says `{status}` of {name}",
        CHECK_SECONDS,
        lambda: any(
            (it.get("status"), (it.get("spec") or {}).get("key")) == (status, f"specs/{name}") for it in account.published()
        ),
    )


def rules(account: Account, balancer: str) -> list[dict]:
    """Returns the rules of a load balancer's only listener, without the default rule."""
    elb = account.world.client("elbv2")
    arn = elb.describe_load_balancers(Names=[balancer])["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["ListenerArn"]
    return [it for it in elb.describe_rules(ListenerArn=listener)["Rules"] if it["Priority"] != "default"]


def left_of(account: Account, name: str) -> list[str]:
    """Returns what exists of a service and its load balancing."""
    world = account.world
    services = world.client("ecs").describe_services(cluster="shop", services=[name])["services"]
    groups = world.client("elbv2").describe_target_groups()["TargetGroups"]
    found = [it["serviceName"] for it in services if it["status"] != "INACTIVE"]
    found += [it["TargetGroupName"] for it in groups if it["TargetGroupName"] == f"{name}-tg"]
    return found + [it["Priority"] for it in rules(account, "front") if f"/{name}/*" in str(it["Conditions"])]


def runs(account: Account) -> None:
    """A spec in S3 becomes a service: its tasks are registered and healthy, and the result and an alert report this."""
    upload(account, "orders.yaml", ORDERS)
    ready = await_result(account, "orders.yaml", "ready")
    assert results(account, "orders.yaml")[0]["status"] == "deploying", results(account, "orders.yaml")
    assert {step["outcome"] for step in ready["steps"]} == {"done"}, ready
    assert len(account.world.expected("shop/orders")) == TASKS
    assert all_registered(account, "shop/orders")
    assert [it["Priority"] for it in rules(account, "front")] == ["2000"], rules(account, "front")
    await_published(account, "orders.yaml", "ready")


def changes(account: Account) -> None:
    """A changed spec changes what differs, and its service becomes ready again."""
    known, text = len(results(account, "orders.yaml")), ORDERS
    for before, after in CHANGES.items():
        assert before in text, before
        text = text.replace(before, after)
    upload(account, "orders.yaml", text)
    await_result(account, "orders.yaml", "ready", known)
    assert all_registered(account, "shop/orders")
    group = account.world.client("elbv2").describe_target_groups(Names=["orders-tg"])["TargetGroups"][0]
    assert group["HealthCheckPath"] == "/ready", group
    rule = rules(account, "front")[0]
    assert (rule["Priority"], "/order/*" in str(rule["Conditions"])) == ("2500", True), rule
    service = account.world.client("ecs").describe_services(cluster="shop", services=["orders"])["services"][0]
    assert service["taskDefinition"].endswith("orders:2"), service
    policies = account.world.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")[
        "ScalingPolicies"
    ]
    assert [it["PolicyName"] for it in policies] == ["portkeeper-requestsPerTarget"], policies


def goes(account: Account) -> None:
    """If a spec with `onDelete: delete` is removed, its service and its load balancing are deleted."""
    known = len(results(account, "orders.yaml"))
    account.client("s3").delete_object(Bucket=account.resources["SpecBucket"], Key="specs/orders.yaml")
    await_result(account, "orders.yaml", "deleted", known)
    assert left_of(account, "orders") == [], left_of(account, "orders")
    await_published(account, "orders.yaml", "deleted")


def life(account: Account) -> None:
    """A spec in S3 becomes a healthy service, changes with the spec, and is deleted with it."""
    runs(account)
    changes(account)
    goes(account)


def own_listener(account: Account) -> None:
    """A spec with a Network Load Balancer gets a listener there, which is deleted with the service."""
    upload(account, "mqtt.yaml", MQTT.replace("SUBNETS", str(subnets_of(account))))
    await_result(account, "mqtt.yaml", "ready")
    assert all_registered(account, "shop/mqtt")
    known = len(results(account, "mqtt.yaml"))
    account.client("s3").delete_object(Bucket=account.resources["SpecBucket"], Key="specs/mqtt.yaml")
    await_result(account, "mqtt.yaml", "deleted", known)
    elb = account.world.client("elbv2")
    arn = elb.describe_load_balancers(Names=["devices"])["LoadBalancers"][0]["LoadBalancerArn"]
    assert elb.describe_listeners(LoadBalancerArn=arn)["Listeners"] == []
    assert left_of(account, "mqtt") == [], left_of(account, "mqtt")


def refused(account: Account) -> None:
    """A spec with mistakes is refused with all problems and their positions, and nothing is written."""
    upload(account, "hello.yaml", BROKEN.read_text())
    result = await_result(account, "hello.yaml", "refused")
    codes = {it["code"] for it in result["problems"]}
    assert {"unknown_member", "wrong_type", "no_such_container", "missing_member", "bad_host"} <= codes, result
    assert all(it["place"] for it in result["problems"]), result
    await_published(account, "hello.yaml", "refused")
    seen = [it for it in account.gate.seen(account.number) if it.function == "CreateServiceFunction" and "hello" in str(it.call)]
    assert seen == [], seen


def rolled_back(account: Account) -> None:
    """If ECS refuses a service, the earlier steps are rolled back, and the result contains ECS's message."""
    account.world.command("refuse", operation="CreateService", containing='"prices"', message=REFUSAL)
    text = ORDERS.replace("orders", "prices").replace("role/prices", "role/orders")
    upload(account, "prices.yaml", text.replace("logGroups:", f"logGroups:\n  - {{name: {KEPT_GROUP}, retentionDays: 7}}"))
    result = await_result(account, "prices.yaml", "failed")
    assert REFUSAL in result["summary"], result
    became = [(step["resource"], step["outcome"]) for step in result["steps"]]
    assert became == [
        ("log_group", "undone"),
        ("log_group", "undone"),
        ("task_definition", "undone"),
        ("target_group", "undone"),
        ("listener_rule", "undone"),
        ("service", "failed"),
        ("scalable_target", "not_tried"),
        ("scaling_policy", "not_tried"),
    ], result
    assert left_of(account, "prices") == [], left_of(account, "prices")
    groups = account.world.client("logs").describe_log_groups()["logGroups"]
    kept = {it["logGroupName"]: it.get("retentionInDays") for it in groups}
    assert (kept[KEPT_GROUP], "/ecs/prices" in kept) == (None, False), kept
    await_published(account, "prices.yaml", "failed")


def unreadable(account: Account) -> None:
    """An unreadable event of a spec moves to the dead-letter queue at once."""
    account.client("sqs").send_message(QueueUrl=account.resources["SpecsQueue"], MessageBody="this is not an event")
    dead = "SpecsDeadLetterQueue"
    until("the message is a dead letter", CHECK_SECONDS, lambda: account.waiting(dead) == 1)
    assert account.receive(account.resources[dead]) == ["this is not an event"]
