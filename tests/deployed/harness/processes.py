"""Programs that the run starts, and that never outlive it.

Each has its own session and ends when its standard input closes. The pipe to it closes when this process ends, however it
ends, so no program remains even after SIGKILL.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# How long a program may take to end.
END_SECONDS = 5


@dataclass(frozen=True)
class Places:
    """The paths of the programs, and the folder of their output."""

    world: Path
    sam: Path
    built: Path
    samples: Path
    folder: Path


class LocalServer(ThreadingHTTPServer):
    """A server on a free loopback port. It ignores clients that are killed during a call."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Child:
    """A program whose standard error goes to a file."""

    def __init__(self, name: str, arguments: list[str], log: Path, environment: dict[str, str], *, speaks: bool = False) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if speaks else errors,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def tail(self, lines: int = 30) -> str:
        """Returns the end of its log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Closes its input, and kills its session if it has not ended after `END_SECONDS`."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def with_environment(name: str, value: str) -> list[int]:
    """Returns the processes of this machine whose environment contains the variable with this value."""
    entry = f"{name}={value}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # The process has ended, or belongs to another user.
        if entry in variables:
            found.append(int(folder.name))
    return found
