"""Trials: with a broken template, the scene of a lost registration must fail. This verifies the scene itself."""

from dataclasses import dataclass, replace

from harness.account import Account
from harness.scenes.repairs import all_registered, lose_a_registration
from harness.stack import Package
from harness.waiting import LateError, until

# Three times the duration of a repair in the intact stack.
PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Spoiling:
    """A change that breaks the template, and a text that must appear in addition to the scene's failure."""

    title: str
    before: str
    after: str
    sign: str = ""

    def of(self, package: Package) -> Package:
        """Returns the package with the change, which must match the template."""
        if self.before not in package.template:
            raise AssertionError(f"cannot break the template: it does not contain {self.before!r}")
        return replace(package, template=package.template.replace(self.before, self.after))


PATTERN = Spoiling("event pattern", "- aws.ecs", "- aws.ec2")
ENVIRONMENT = Spoiling(
    "environment name",
    "PORTKEEPER_LEDGER_TABLE",
    "PORTKEEPER_LEGER_TABLE",
    "PORTKEEPER_LEGER_TABLE is not a variable of Portkeeper",
)
PERMISSION = Spoiling(
    "permission",
    "elasticloadbalancing:RegisterTargets",
    "elasticloadbalancing:RegisterTarget",
    "not authorized to perform: elasticloadbalancing:RegisterTargets",
)
ALL = (PATTERN, ENVIRONMENT, PERMISSION)


def lost_registration_stays(account: Account, spoiling: Spoiling) -> None:
    """Portkeeper does not repair the registration, and the reason can be found."""
    try:
        lose_a_registration(account, "shop/web", 3)
        until("all of web are registered", PATIENCE_SECONDS, lambda: all_registered(account, "shop/web"))
    except LateError:
        pass
    else:
        raise AssertionError(f"Portkeeper repaired the registration in spite of the broken {spoiling.title}")
    found = account.log("ReconcileFunction") + account.invoke("ReconcileFunction", {"Records": []})
    assert spoiling.sign in found, found[-2000:]
