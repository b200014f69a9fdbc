"""Deploys the built stack to the emulator and plays every scene. See README.md next to this folder."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import uuid
from pathlib import Path

try:
    from harness import trials
    from harness.emulator import MARK, Emulator, NoEmulatorError, PortInUseError
    from harness.gate import Gate
    from harness.play import Run
    from harness.processes import Places
    from harness.slack import Listener
    from harness.waiting import until
except ModuleNotFoundError as missing:
    print(f"{missing.name} is not installed: run `bash tests/deployed/run.sh`, which installs the requirements", file=sys.stderr)
    sys.exit(2)

PASSED, FAILED, NOT_STARTED = 0, 1, 2

# A killed process needs only a moment to end.
GONE_SECONDS = 30

SAMPLES = Path(__file__).parents[3] / "events"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    parser.add_argument("--built", type=Path, required=True, help="the output folder of `sam build`")
    parser.add_argument("--world", type=Path, required=True, help="the program portkeeper-deployed")
    parser.add_argument("--sam", type=Path, required=True, help="the program sam")
    parser.add_argument("--port", type=int, default=0, help="the emulator's port; by default, a free one")
    parser.add_argument("--only", default="", help="play only stages whose name contains this")
    parser.add_argument("--keep", action="store_true", help="keep the logs even if every scene has passed")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    for program in (chosen.world, chosen.sam, chosen.built / "template.yaml"):
        if not program.exists():
            print(f"{program} does not exist: run `bash tests/deployed/run.sh`, which builds it", file=sys.stderr)
            return NOT_STARTED
    folder = Path(tempfile.mkdtemp(prefix="portkeeper-deployed-"))
    try:
        run = begin(chosen, folder)
    except NoEmulatorError as why:
        print(why, file=sys.stderr)
        if isinstance(why, PortInUseError) or os.environ.get("CI"):
            return NOT_STARTED
        print("Skipped. In CI (if the variable CI is set), this is a failure.", file=sys.stderr)
        return PASSED
    passed = run.play(chosen.only, trials.ALL)
    run.stop()
    until("every process of the run has ended", GONE_SECONDS, lambda: not run.processes())
    if passed and not chosen.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"The logs of all programs are in {folder}", file=sys.stderr)
    return PASSED if passed else FAILED


def begin(chosen: argparse.Namespace, folder: Path) -> Run:
    """Starts the emulator. From now on, an interrupted run cleans up before it ends."""
    listener, gate = Listener(folder), Gate()
    emulator = Emulator(folder, gate, listener.certificates, os.environ.get(MARK) or uuid.uuid4().hex, chosen.port)
    places = Places(chosen.world.resolve(), chosen.sam.resolve(), chosen.built.resolve(), SAMPLES, folder)
    run = Run(emulator, gate, listener, places)

    def end(number: int, _: object) -> None:
        run.stop()
        shutil.rmtree(folder, ignore_errors=True)
        print("The run was interrupted and has cleaned up.", file=sys.stderr, flush=True)
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return run


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Do not wait for the threads of servers and of abandoned scenes.
    os._exit(code)
