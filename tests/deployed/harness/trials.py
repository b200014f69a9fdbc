"""Trials of the run itself: it reports what is missing, and leaves no process when it is interrupted."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

from harness.emulator import MARK
from harness.play import Run
from harness.processes import Places, with_environment
from harness.waiting import until

# The harness, the emulator, a world, and `sam deploy`.
PROCESSES = 4

START_SECONDS = 90
END_SECONDS = 30


def another_run(places: Places, *arguments: str, mark: str = "", options: tuple[str, ...] = ()) -> subprocess.Popen:
    command = [sys.executable, *options, "-m", "harness", "--built", str(places.built), "--world", str(places.world)]
    environment = {**os.environ, MARK: mark or uuid.uuid4().hex, "CI": "true"}
    return subprocess.Popen(
        [*command, "--sam", str(places.sam), *arguments],
        cwd=Path(__file__).parent.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def leaves_nothing(places: Places, number: signal.Signals) -> None:
    """Interrupts another run, and verifies that none of its processes remains."""
    mark = uuid.uuid4().hex
    run = another_run(places, "--only", "shop", mark=mark)
    try:
        until("the other run has started", START_SECONDS, lambda: len(with_environment(MARK, mark)) >= PROCESSES)
        run.send_signal(number)
        run.wait(END_SECONDS)
        until("its processes have ended", END_SECONDS, lambda: not with_environment(MARK, mark))
    finally:
        run.kill()


def fails_with(places: Places, text: str, *arguments: str, options: tuple[str, ...] = ()) -> None:
    """Verifies that another run exits at once with code 2 and this text."""
    run = another_run(places, *arguments, options=options)
    _, errors = run.communicate(timeout=START_SECONDS)
    assert (run.returncode, text in errors) == (2, True), (run.returncode, errors)


def port_in_use(run: Run) -> None:
    """The run names a port that is in use."""
    fails_with(run.places, f"port {run.emulator.port} is in use", "--port", str(run.emulator.port))


def not_installed(run: Run) -> None:
    """The run names an emulator that is not installed."""
    fails_with(run.places, "is not installed", options=("-S",))


def ended_by_signals(run: Run) -> None:
    """A run leaves no process after SIGINT, SIGTERM or SIGKILL."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        leaves_nothing(run.places, number)


ALL = (port_in_use, not_installed, ended_by_signals)
