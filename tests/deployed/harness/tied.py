"""Runs a command that ends when this program's standard input closes: `python -m harness.tied COMMAND...`."""

import os
import signal
import subprocess
import sys
import threading


def end_with_input() -> None:
    """Ends the whole process group when the input closes."""
    threading.Thread(target=wait_for_end, daemon=True).start()


def wait_for_end() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    end_with_input()
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    # `sys.exit` would wait for the thread, which waits for the input.
    os._exit(command.wait())
