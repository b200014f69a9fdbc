"""The expected behaviour of the deployed stack. A scene returns if it has observed it, and raises otherwise."""

from collections.abc import Callable

from harness.account import Account

Scene = Callable[[Account], None]
