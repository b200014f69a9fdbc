"""Assigns the scenes to accounts, with the parameters of their stacks."""

from dataclasses import dataclass
from functools import partial

from harness.scenes import Scene, channels, delivery, repairs, rules, settings, specs, spoiled, who


@dataclass(frozen=True)
class Stage:
    """An account with a stack, and its scenes. They run concurrently, unless they interfere with each other."""

    name: str
    number: str
    scenes: tuple[Scene, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    before: tuple[Scene, ...] = ()
    after: tuple[Scene, ...] = ()
    one_by_one: bool = False
    spoiling: spoiled.Spoiling | None = None


def parameters(**chosen: str) -> tuple[tuple[str, str], ...]:
    return tuple(chosen.items())


SHOP = Stage(
    "shop",
    "100000000001",
    (repairs.lost_registration, repairs.stale_target, repairs.alert_by_tag, channels.slack, channels.event_bus, rules.each_rule),
    parameters(SlackSecret=channels.SECRET),
    before=(channels.create_secret,),
    after=(channels.create_rule,),
)

SPEC = Stage(
    "spec",
    specs.NUMBER,
    (specs.life, specs.own_listener, specs.refused, specs.rolled_back, specs.unreadable),
    tuple(specs.PARAMETERS.items()),
    before=(specs.create_balancers,),
)

OTHERS = (
    Stage("sweep", "100000000002", (repairs.hijack_by_schedule,)),
    Stage(
        "queue",
        "100000000003",
        (delivery.poison, delivery.two_at_once, delivery.killed_in_the_middle),
        after=(delivery.shorten_visibility,),
        one_by_one=True,
    ),
    Stage("switch", "100000000004", (repairs.kill_switch,)),
    Stage(
        "settings",
        "100000000005",
        (settings.limits, settings.az_all, settings.clusters, settings.chat_over_https, settings.log_level),
        tuple(settings.REPAIRS.items()),
        after=(settings.subscribe_chat,),
    ),
    Stage(
        "alert",
        "100000000006",
        (settings.alert_only, settings.reminder, settings.share_of_calls, settings.round_in_parts),
        tuple(settings.ALERTS.items()),
        one_by_one=True,
    ),
    Stage("who", "100000000007", (who.named,)),
    SPEC,
    *(
        Stage(f"broken {it.title}", f"20000000000{number}", (partial(spoiled.lost_registration_stays, spoiling=it),), spoiling=it)
        for number, it in enumerate(spoiled.ALL)
    ),
)
