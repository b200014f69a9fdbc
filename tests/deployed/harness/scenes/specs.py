"""Services from specs: an object is put into the bucket, and what becomes of it is looked at in the account and beside it."""

import json
from pathlib import Path

from harness.account import CHECK_SECONDS, Account
from harness.scenes.repairs import all_registered
from harness.waiting import until

NUMBER = "100000000008"

# Roles that the stack lets specs give to tasks, and the priorities of rules for which a spec asks no other.
PARAMETERS = {"Specs": "true", "SpecRoles": f"arn:aws:iam::{NUMBER}:role/orders-*", "RulePriorities": "2000-2999"}

# Some thirty calls, tasks that start and become healthy, and looks that come after 15, 30, 60 and 60 seconds.
FOLLOW_SECONDS = 240

# What the spec asks for.
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

# Each changes another thing: the revision, the health check, an attribute, the rule's conditions and its priority, what the
# service scales by, and the tags of everything.
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

# What people would drop first, with eight mistakes.
BROKEN = Path(__file__).parents[4] / "specs" / "broken" / "minimal.yaml"

# ECS's own words where it may not yet use its role.
REFUSAL = "Unable to assume the service linked role."

# A log group that was there before any spec.
KEPT_GROUP = "/ecs/kept"


def make_balancers(account: Account) -> None:
    """Load balancers before which nothing stands yet, in the subnets of the others."""
    elb, subnets = account.world.client("elbv2"), subnets_of(account)
    front = elb.create_load_balancer(Name="front", Type="application", Subnets=subnets)["LoadBalancers"][0]
    nowhere = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    elb.create_listener(LoadBalancerArn=front["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[nowhere])
    elb.create_load_balancer(Name="devices", Type="network", Subnets=subnets)
    account.world.client("logs").create_log_group(logGroupName=KEPT_GROUP)


def subnets_of(account: Account) -> list[str]:
    """The subnets of any load balancer: all have the same."""
    zones = account.world.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["AvailabilityZones"]
    return [zone["SubnetId"] for zone in zones]


def drop(account: Account, name: str, text: str) -> None:
    """Puts a spec into the bucket, as people do."""
    bucket = account.resources["SpecBucket"]
    account.client("s3").put_object(Bucket=bucket, Key=f"specs/{name}", Body=text.encode())


def results(account: Account, name: str) -> list[dict]:
    """Everything that was said beside a spec so far, the first first."""
    s3, bucket, key = account.client("s3"), account.resources["SpecBucket"], f"results/{name}.json"
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
    said = [s3.get_object(Bucket=bucket, Key=key, VersionId=it["VersionId"])["Body"] for it in reversed(versions)]
    return [json.loads(it.read()) for it in said]


def await_result(account: Account, name: str, status: str, after: int = 0) -> dict:
    """The result of that status, after those of which the caller knows. Another end of the spec is a failure at once."""

    def look() -> dict | None:
        said = results(account, name)[after:]
        ends = [it for it in said if it["status"] not in {"deploying", "deleting"}]
        assert not ends or ends[-1]["status"] == status, ends[-1]
        return next((it for it in said if it["status"] == status), None)

    return until(f"the result of {name} is `{status}`", FOLLOW_SECONDS, look)


def await_told(account: Account, name: str, status: str) -> None:
    """People are told what became of a spec."""
    until(
        f"an alert says `{status}` of {name}",
        CHECK_SECONDS,
        lambda: any((it.get("status"), (it.get("spec") or {}).get("key")) == (status, f"specs/{name}") for it in account.told()),
    )


def rules(account: Account, balancer: str) -> list[dict]:
    """The rules of a load balancer's only listener, without the default one."""
    elb = account.world.client("elbv2")
    arn = elb.describe_load_balancers(Names=[balancer])["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["ListenerArn"]
    return [it for it in elb.describe_rules(ListenerArn=listener)["Rules"] if it["Priority"] != "default"]


def left_of(account: Account, name: str) -> list[str]:
    """What there is of a service and of what stands in front of it."""
    world = account.world
    services = world.client("ecs").describe_services(cluster="shop", services=[name])["services"]
    groups = world.client("elbv2").describe_target_groups()["TargetGroups"]
    found = [it["serviceName"] for it in services if it["status"] != "INACTIVE"]
    found += [it["TargetGroupName"] for it in groups if it["TargetGroupName"] == f"{name}-tg"]
    return found + [it["Priority"] for it in rules(account, "front") if f"/{name}/*" in str(it["Conditions"])]


def runs(account: Account) -> None:
    """A spec in S3 becomes a service: its tasks are registered and healthy, its result and an alert say so."""
    drop(account, "orders.yaml", ORDERS)
    ready = await_result(account, "orders.yaml", "ready")
    assert results(account, "orders.yaml")[0]["status"] == "deploying", results(account, "orders.yaml")
    assert {step["outcome"] for step in ready["steps"]} == {"done"}, ready
    assert len(account.world.wanted("shop/orders")) == TASKS
    assert all_registered(account, "shop/orders")
    assert [it["Priority"] for it in rules(account, "front")] == ["2000"], rules(account, "front")
    await_told(account, "orders.yaml", "ready")


def changes(account: Account) -> None:
    """A spec that is changed changes what differs, and its service is ready again."""
    known, text = len(results(account, "orders.yaml")), ORDERS
    for before, after in CHANGES.items():
        assert before in text, before
        text = text.replace(before, after)
    drop(account, "orders.yaml", text)
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
    """A spec that is removed, and had said so, takes its service and all in front of it along."""
    known = len(results(account, "orders.yaml"))
    account.client("s3").delete_object(Bucket=account.resources["SpecBucket"], Key="specs/orders.yaml")
    await_result(account, "orders.yaml", "deleted", known)
    assert left_of(account, "orders") == [], left_of(account, "orders")
    await_told(account, "orders.yaml", "deleted")


def life(account: Account) -> None:
    """A spec in S3 becomes a service that is registered and healthy; changed, the service is; removed, it goes."""
    runs(account)
    changes(account)
    goes(account)


def own_listener(account: Account) -> None:
    """A spec with addresses behind a Network Load Balancer gets a listener there, and takes it along when it goes."""
    drop(account, "mqtt.yaml", MQTT.replace("SUBNETS", str(subnets_of(account))))
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
    """A spec with mistakes is refused with all of them, each with its place, and nothing is written for it."""
    drop(account, "hello.yaml", BROKEN.read_text())
    result = await_result(account, "hello.yaml", "refused")
    codes = {it["code"] for it in result["problems"]}
    assert {"unknown_member", "wrong_type", "no_such_container", "missing_member", "bad_host"} <= codes, result
    assert all(it["place"] for it in result["problems"]), result
    await_told(account, "hello.yaml", "refused")
    seen = [it for it in account.gate.seen(account.number) if it.function == "CreateServiceFunction" and "hello" in str(it.call)]
    assert seen == [], seen


def taken_back(account: Account) -> None:
    """A service that ECS refuses: what was made before it is taken back, and the result says what ECS said."""
    account.world.tell("refuse", operation="CreateService", containing='"prices"', message=REFUSAL)
    text = ORDERS.replace("orders", "prices").replace("role/prices", "role/orders")
    drop(account, "prices.yaml", text.replace("logGroups:", f"logGroups:\n  - {{name: {KEPT_GROUP}, retentionDays: 7}}"))
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
    await_told(account, "prices.yaml", "failed")


def unreadable(account: Account) -> None:
    """News of specs that nobody can read is put aside at once."""
    account.client("sqs").send_message(QueueUrl=account.resources["SpecsQueue"], MessageBody="this is no news")
    dead = "SpecsDeadLetterQueue"
    until("the message is a dead letter", CHECK_SECONDS, lambda: account.waiting(dead) == 1)
    assert account.receive(account.resources[dead]) == ["this is no news"]
