"""Faults of registration: those that Portkeeper repairs, and those that it only reports."""

from harness.account import CHECK_SECONDS, Account
from harness.waiting import until

# Two checks of a finding, the repair, and the check that resolves the incident; by then, the target must be healthy.
HEAL_SECONDS = 150

# The schedule of the sweep fires within this time: one minute, and the time that the emulator needs.
SWEEP_SECONDS = 100


def scale(account: Account, service: str, count: int) -> None:
    """A person changes the desired count of `cluster/service`."""
    cluster, name = service.split("/")
    account.world.client("ecs").update_service(cluster=cluster, service=name, desiredCount=count)


def lose_a_registration(account: Account, service: str, count: int) -> None:
    """The service gets one more task, and ECS never registers it."""
    account.world.command("lose_registrations", service=service, count=1)
    scale(account, service, count)
    until(f"{count} tasks of {service} run", CHECK_SECONDS, lambda: len(account.world.expected(service)) == count)


def stop_a_task(account: Account, service: str) -> tuple[str, int]:
    """Stops the task of the target with the lowest port; ECS does not deregister the target. Returns the target."""
    account.world.command("keep_targets", service=service, count=1)
    target = min(account.world.expected(service), key=lambda it: it["port"])
    account.world.client("ecs").stop_task(cluster=service.split("/", maxsplit=1)[0], task=target["task"], reason="a scene")
    return target["id"], target["port"]


def all_registered(account: Account, service: str) -> bool:
    """Returns whether exactly the expected targets of the service are registered and healthy."""
    expected = {(it["id"], it["port"]) for it in account.world.expected(service)}
    targets = account.world.targets(service.split("/")[1] + "-tg")
    return expected == set(targets) and set(targets.values()) == {"healthy"}


def lost_registration(account: Account) -> None:
    """Portkeeper registers a target that ECS did not register, and alerts when the incident opens and resolves."""
    lose_a_registration(account, "shop/web", 3)
    account.await_alert("shop/web", "missing", "opened")
    until("all of web are registered", HEAL_SECONDS, lambda: all_registered(account, "shop/web"))
    account.await_alert("shop/web", "missing", "resolved", HEAL_SECONDS)
    assert account.writes("web-tg") == ["RegisterTargets"], account.writes("web-tg")


def stale_target(account: Account) -> None:
    """Portkeeper deregisters the leftover target of a stopped task."""
    target = stop_a_task(account, "shop/api")
    account.await_alert("shop/api", "stale", "opened")
    until("the target is deregistered", HEAL_SECONDS, lambda: target not in account.world.targets("api-tg"))
    account.await_alert("shop/api", "stale", "resolved", HEAL_SECONDS)
    assert account.writes("api-tg") == ["DeregisterTargets"], account.writes("api-tg")


def alert_by_tag(account: Account) -> None:
    """Portkeeper reports findings of a service with the tag `alert`, but does not repair them."""
    lose_a_registration(account, "shop/quiet", 2)
    account.await_alert("shop/quiet", "missing", "opened")
    account.await_check("shop/quiet")
    assert account.writes("quiet-tg") == [], account.writes("quiet-tg")
    assert not all_registered(account, "shop/quiet")


def kill_switch(account: Account) -> None:
    """One item in the table stops all writes; without it, Portkeeper repairs."""
    table, dynamodb = account.resources["LedgerTable"], account.client("dynamodb")
    item = {"pk": {"S": "switch"}, "writes": {"S": "stopped"}, "why": {"S": "change freeze"}}
    dynamodb.put_item(TableName=table, Item=item)
    lose_a_registration(account, "shop/web", 3)
    alert = account.await_alert("shop/web", "missing", "opened")
    assert "change freeze" in str(alert), alert
    assert account.writes("web-tg") == [], account.writes("web-tg")
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "switch"}})
    account.request_check("shop/web")
    until("all of web are registered", HEAL_SECONDS, lambda: all_registered(account, "shop/web"))


def hijack_by_schedule(account: Account) -> None:
    """No event arrives, and another service gets a stopped task's port: the scheduled sweep finds it."""
    schedule_every_minute(account)
    account.events_arrive = False
    instance, port = stop_a_task(account, "shop/web")
    until("the port is free", CHECK_SECONDS, lambda: account.world.command("who_answers", id=instance, port=port) is None)
    account.world.command("restart_agent", instance=instance)
    scale(account, "shop/billing", 4)
    until(
        "billing has the port",
        CHECK_SECONDS,
        lambda: account.world.command("who_answers", id=instance, port=port) == "shop/billing",
    )
    alert = account.await_alert("shop/web", "hijacked", "opened", SWEEP_SECONDS + 2 * CHECK_SECONDS)
    assert alert["severity"] == "critical", alert
    until(
        "requests for web no longer reach billing", HEAL_SECONDS, lambda: (instance, port) not in account.world.targets("web-tg")
    )
    assert account.writes("web-tg") == ["DeregisterTargets"], account.writes("web-tg")


def schedule_every_minute(account: Account) -> None:
    """Changes only the rate of the schedule, because the template's minimum is five minutes."""
    scheduler = account.client("scheduler")
    schedule = scheduler.get_schedule(Name=account.resources["SweepFunctionSchedule"].split("/")[-1])
    kept = {key: schedule[key] for key in ("Name", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, ScheduleExpression="rate(1 minute)")
