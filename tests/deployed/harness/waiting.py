"""Waiting for a condition."""

import time
from collections.abc import Callable
from typing import TypeVar

STEP_SECONDS = 0.25

Found = TypeVar("Found")


class LateError(AssertionError):
    """A condition was not met in time."""


def until(what: str, seconds: float, find: Callable[[], Found | None]) -> Found:
    """Calls `find` repeatedly until it returns something, and returns that."""
    end = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > end:
            raise LateError(f"not within {seconds:.0f} s: {what}")
        time.sleep(STEP_SECONDS)
