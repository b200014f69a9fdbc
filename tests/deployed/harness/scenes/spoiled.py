"""Trials: in a spoilt template the scene of a lost registration must fail. What has not failed is not known to be looked at."""

from dataclasses import dataclass, replace

from harness.account import Account
from harness.scenes.repairs import all_registered, lose_a_registration
from harness.stack import Package
from harness.waiting import LateError, until

# Three of the times that a repair takes in the stack that is not spoilt.
PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Spoiling:
    """A change of the template, and what must be seen of it besides the scene's failure."""

    title: str
    before: str
    after: str
    sign: str = ""

    def of(self, package: Package) -> Package:
        """The package with the change, which must hit something."""
        if self.before not in package.template:
            raise AssertionError(f"nothing to spoil: the template does not hold {self.before!r}")
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
    """The registration is not repaired, and the reason can be found."""
    try:
        lose_a_registration(account, "shop/web", 3)
        until("all of web are registered", PATIENCE_SECONDS, lambda: all_registered(account, "shop/web"))
    except LateError:
        pass
    else:
        raise AssertionError(f"with its {spoiling.title} spoilt the registration was repaired all the same")
    found = account.log("ReconcileFunction") + account.invoke("ReconcileFunction", {"Records": []})
    assert spoiling.sign in found, found[-2000:]
