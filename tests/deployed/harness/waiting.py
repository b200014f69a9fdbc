"""Waiting for what must come to be."""

import time
from collections.abc import Callable
from typing import TypeVar

STEP_SECONDS = 0.25

Seen = TypeVar("Seen")


class LateError(AssertionError):
    """Something did not come to be in time."""


def until(what: str, seconds: float, look: Callable[[], Seen | None]) -> Seen:
    """Looks again and again until there is something to see."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise LateError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(STEP_SECONDS)
