"""The differences of two transcripts, by service, step and member.

The comparison of lists uses the names of their items, because AWS guarantees no order in any of these responses. A value
that only one side has is one difference, whatever it contains.
"""

import json
from typing import NamedTuple

# The members that name an item of a list; the first one in the item counts.
NAMES = [
    "TargetGroupName",
    "LoadBalancerName",
    "ZoneName",
    "Priority",
    "Port",
    "Id",
    "Body",
    "Key",
    "AttributeName",
    "TableName",
    "serviceName",
    "clusterName",
    "arn",
    "key",
    "name",
]
ABSENT = "absent"
MOST_SHOWN = 100


class Difference(NamedTuple):
    service: str
    step: str
    member: str
    emulator: str
    ours: str
    theirs: str


def between(service, ours, emulator, theirs):
    """Returns every difference of an emulator's transcript from ours. If the outcomes differ, this is the only difference."""
    found = []
    for step in ours.keys() | theirs.keys():
        mine, other = ours.get(step, {"outcome": "no such step"}), theirs.get(step, {"outcome": "no such step"})
        if mine["outcome"] != other["outcome"]:
            places = [("outcome", mine["outcome"], other["outcome"])]
        else:
            places = _places("", mine["answer"], other["answer"])
        found += [Difference(service, step, member, emulator, *pair) for member, *pair in places]
    return found


def _places(path, ours, theirs):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() | theirs.keys():
            inner = f"{path}.{name}" if path else name
            if name in ours and name in theirs:
                yield from _places(inner, ours[name], theirs[name])
            else:
                yield inner, _shown(ours, name), _shown(theirs, name)
    elif isinstance(ours, list) and isinstance(theirs, list):
        ours, theirs = _named(ours), _named(theirs)
        for name in ours.keys() | theirs.keys():
            inner = f"{path}[{name}]"
            if name in ours and name in theirs:
                yield from _places(inner, ours[name], theirs[name])
            else:
                yield inner, _shown(ours, name), _shown(theirs, name)
    elif ours != theirs:
        yield path, json.dumps(ours), json.dumps(theirs)


def _named(items):
    """Returns the items by their names, with numbers for equal names."""
    named = {}
    for item in sorted(items, key=lambda item: json.dumps(item, sort_keys=True)):
        name = _name(item)
        number = sum(other == name or other.startswith(f"{name} #") for other in named)
        named[f"{name} #{number + 1}" if number else name] = item
    return named


def _name(item):
    if not isinstance(item, dict):
        return item if isinstance(item, str) else json.dumps(item)
    if "Target" in item:
        return f"{item['Target'].get('Id')}:{item['Target'].get('Port')}"
    return next((str(item[name]) for name in NAMES if name in item), "")


def _shown(items, name):
    if name not in items:
        return ABSENT
    text = json.dumps(items[name])
    return text if len(text) <= MOST_SHOWN else "present"
