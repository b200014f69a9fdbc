"""What must happen in the deployed stack. A scene returns when it has seen it, and raises when it has not."""

from collections.abc import Callable

from harness.account import Account

Scene = Callable[[Account], None]
