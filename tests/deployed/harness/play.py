"""A run: it deploys the stack to all accounts, and plays the scenes of all accounts concurrently."""

import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from harness import coverage, stack
from harness.account import Account
from harness.emulator import MARK, Emulator
from harness.gate import Gate
from harness.processes import Places, with_environment
from harness.scenes import Scene
from harness.slack import Listener
from harness.stages import OTHERS, SHOP, SPEC, Stage

ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Outcome:
    """The result of a scene."""

    stage: str
    title: str
    seconds: float
    failure: str | None


class Run:
    """One run: an emulator, and accounts in it."""

    def __init__(self, emulator: Emulator, gate: Gate, listener: Listener, places: Places) -> None:
        self.emulator, self.gate, self.listener, self.places = emulator, gate, listener, places
        self.accounts: dict[Stage, Account] = {}
        self.outcomes: list[Outcome] = []
        self.passed: set[Scene] = set()
        self.package: stack.Package | None = None
        self._printing = threading.Lock()

    def play(self, only: str, trials: tuple[Callable[["Run"], None], ...] = ()) -> bool:
        """Plays the stages whose names contain `only`, or all stages and trials; returns whether all passed."""
        begun = time.monotonic()
        self.scene("deploy", "sam deploy deploys the output of sam build", partial(self.deploy, SHOP))
        if self.package is None:
            return False
        stages = [stage for stage in (SHOP, *OTHERS) if only in stage.name]
        with ThreadPoolExecutor(max(len(stages), 1)) as pool:
            for stage in stages:
                pool.submit(self.stage, stage)
            for trial in () if only else trials:
                self.scene("run", title(trial), partial(trial, self))
        if not only:
            self.check_coverage()
        failed = [it for it in self.outcomes if it.failure]
        print(f"\n{len(self.outcomes) - len(failed)} of {len(self.outcomes)} passed, in {time.monotonic() - begun:.0f} s.")
        return not failed

    def stop(self) -> None:
        for account in self.accounts.values():
            account.events_arrive = False
        self.emulator.stop()  # First, and with it the functions, which call the other programs.
        for account in self.accounts.values():
            account.stop()
        self.gate.stop()
        self.listener.stop()

    def processes(self) -> set[int]:
        """Returns the run's processes that still exist, except this one."""
        return set(with_environment(MARK, self.emulator.mark)) - {os.getpid()}

    def scene(self, stage: str, title: str, play: Callable[[], None]) -> bool:
        """Plays one scene, and prints its result."""
        begun, failure = time.monotonic(), None
        try:
            play()
        except Exception:  # noqa: BLE001  Any exception means that the scene has failed.
            failure = traceback.format_exc()
        outcome = Outcome(stage, title, time.monotonic() - begun, failure)
        with self._printing:
            self.outcomes.append(outcome)
            print(f"{'FAILED' if failure else 'passed'} {outcome.seconds:6.1f} s  {stage}: {title}", flush=True)
            if failure:
                print(failure, file=sys.stderr, flush=True)
        return failure is None

    def deploy(self, stage: Stage) -> None:
        """Starts an account and deploys its stack."""
        account = Account(stage.number, self.places, self.emulator, self.gate, self.listener)
        self.accounts[stage] = account
        for prepare in stage.before:
            prepare(account)
        chosen = {"Architecture": ARCHITECTURES.get(platform.machine(), "x86_64"), **dict(stage.parameters)}
        if self.package is None:
            self.package = account.deploy_with_sam(**chosen)
        else:
            package = stage.spoiling.of(self.package) if stage.spoiling else self.package
            account.deploy(package, **chosen)
        for prepare in stage.after:
            prepare(account)

    def stage(self, stage: Stage) -> None:
        if stage not in self.accounts and not self.scene(stage.name, "deployed", partial(self.deploy, stage)):
            return
        account = self.accounts[stage]
        if not stage.spoiling and not self.scene(stage.name, "Portkeeper knows every service", account.settle):
            return
        with ThreadPoolExecutor(1 if stage.one_by_one else len(stage.scenes)) as pool:
            for scene in stage.scenes:
                pool.submit(self.in_stage, stage, scene)

    def in_stage(self, stage: Stage, scene: Scene) -> None:
        if self.scene(stage.name, title(scene), partial(scene, self.accounts[stage])):
            self.passed.add(scene)

    def check_coverage(self) -> None:
        whole = [account for stage, account in self.accounts.items() if not stage.spoiling]
        checks = {
            "each function may call exactly the actions that it has called": partial(coverage.permissions, whole),
            "IAM denied no call": partial(coverage.refused_calls, whole),
            "every event pattern matches exactly its samples": partial(
                coverage.patterns, self.accounts[SHOP], self.places.samples
            ),
            "every event pattern for specs matches exactly the events of specs": partial(
                coverage.patterns_of_specs, self.accounts[SPEC], self.places.samples
            ),
            "every environment variable has an effect": partial(coverage.variables, whole, self.passed),
            "every call came from a known function, and got a response": lambda: self.gate.problems,
        }
        for what, check in checks.items():
            self.scene("template", what, partial(find_nothing, check))


def title(scene: Scene) -> str:
    """Returns the first line of the doc string."""
    function = scene.func if isinstance(scene, partial) else scene
    return (function.__doc__ or function.__name__).splitlines()[0]


def find_nothing(check: Callable[[], list[str]]) -> None:
    problems = check()
    assert not problems, "\n".join(problems)
