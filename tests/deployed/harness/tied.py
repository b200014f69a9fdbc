"""Runs a command that ends with this program's standard input: `python -m harness.tied COMMAND...`."""

import os
import signal
import subprocess
import sys
import threading


def end_with_input() -> None:
    """From now on the end of the input is the end of the whole process group."""
    threading.Thread(target=wait_for_end, daemon=True).start()


def wait_for_end() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    end_with_input()
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    # Not `sys.exit`: it would wait for the thread, which waits for the input.
    os._exit(command.wait())
