"""Trials of the run itself: that it says what it lacks, and leaves nothing behind when it is ended."""

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

# The program of the run, the emulator, a world, and sam, which deploys.
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
    """Ends another run in the middle, and looks whether any of its processes is still there."""
    mark = uuid.uuid4().hex
    run = another_run(places, "--only", "shop", mark=mark)
    try:
        until("the other run is at work", START_SECONDS, lambda: len(with_environment(MARK, mark)) >= PROCESSES)
        run.send_signal(number)
        run.wait(END_SECONDS)
        until("its processes are gone", END_SECONDS, lambda: not with_environment(MARK, mark))
    finally:
        run.kill()


def says(places: Places, words: str, *arguments: str, options: tuple[str, ...] = ()) -> None:
    """Another run ends at once with code 2 and these words."""
    run = another_run(places, *arguments, options=options)
    _, told = run.communicate(timeout=START_SECONDS)
    assert (run.returncode, words in told) == (2, True), (run.returncode, told)


def port_in_use(run: Run) -> None:
    """A port that is in use is named."""
    says(run.places, f"port {run.emulator.port} is in use", "--port", str(run.emulator.port))


def not_installed(run: Run) -> None:
    """An emulator that is not installed is named."""
    says(run.places, "is not installed", options=("-S",))


def ended_by_signals(run: Run) -> None:
    """A run that is interrupted, told to end or killed leaves no process behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        leaves_nothing(run.places, number)


ALL = (port_in_use, not_installed, ended_by_signals)
