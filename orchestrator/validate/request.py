"""What a validation needs to know: values that the caller hands over."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.validate.options import ALL, ConnectionKind, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.aws.placement import Placement

    #: How many tests there are, by the level (0 for a workspace's own, 1 for those of what it extends) and the role.
    TestCounts = Mapping[tuple[int, str], int]

#: Seconds for which a machine that runs is given to come online. An agent whose first call fails sleeps for 300 s, and
#: was seen online after 309 s; one that finds no metadata service is started again after 90 s. Both can happen.
ONLINE_TIMEOUT = 420.0


@dataclass(frozen=True)
class ImageFacts:
    """What is known of the image, for its tests and the report."""

    name: str
    version: str
    layers: tuple[str, ...]
    roles: tuple[str, ...]
    #: The variables that each role was given, by the role's name.
    vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Why roles have no tests, by the role's name.
    untested: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WantedMachine:
    """What the definition says of a machine's disks. Sizes in GiB; 0: nothing is said."""

    root: int = 0
    #: By device.
    volumes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RoleTests:
    """A role and a folder with tests of it: `roles/<role>/tests` or `tests/roles/<role>` of a workspace.

    `level` tells the tests of a workspace (0) from those of what it extends (1), of what that extends (2), and so on.
    """

    role: str
    folder: Path
    level: int = 0


def always() -> bool:
    """For callers to whom any tests are right."""
    return True


@dataclass(frozen=True, kw_only=True)
class TestsRequest:
    """The tests of an image, and what is to be done with them."""

    __test__ = False  # pytest should not collect it

    image: ImageFacts
    #: In the order in which they are run.
    tests: tuple[RoleTests, ...]
    #: Gets pytest.log. It must exist.
    folder: Path
    #: The folder from which reports name files; without one, that in which the first tests are.
    workspace: Path | None = None
    #: Without one, tests are only collected.
    ami_id: str = ""
    #: Secrets that no report and no log may show.
    masks: tuple[str, ...] = ()
    #: Once set, ends the work soon.
    stop: threading.Event = field(default_factory=threading.Event)
    selection: Selection = ALL
    #: Of the same files, where they were collected before.
    collected: TestCounts = field(default_factory=dict)
    #: Whether the tests are still those that the caller means to run. It is asked once they are copied.
    is_current: Callable[[], bool] = always


@dataclass(frozen=True, kw_only=True)
class ValidateRequest(TestsRequest):
    """One AMI to validate, where, and against what. Its folder gets junit.xml and report.json, too."""

    account: Account
    ami_id: str
    #: The run's id.
    run: str
    placement: Placement
    #: What the booted machine is compared with.
    wanted: WantedMachine = field(default_factory=WantedMachine)
    #: Tags of the machine besides those of every validation.
    tags: Mapping[str, str] = field(default_factory=dict)
    #: The machine stays for a person to look around.
    keep: bool = False
    #: Seconds; see ONLINE_TIMEOUT.
    online_timeout: float = ONLINE_TIMEOUT
    connection: ConnectionKind = ConnectionKind.SSM
    #: For a connection over SSH alone.
    ssh_username: str = ""
    #: The environment's name, for commands that are told to a person; empty: the workspace's default.
    environment: str = ""

    def shell_command(self, instance_id: str) -> str:
        """What opens a shell on a machine that Systems Manager, or the lab, reaches."""
        return f"ami shell {instance_id}" + (f" --env {self.environment}" if self.environment else "")


@dataclass(frozen=True)
class SuiteRequest:
    """What the process that runs the tests is told."""

    ami_id: str
    image: ImageFacts
    roles: tuple[str, ...]
    #: The folder in which the tests are laid out.
    root: str
    #: The folder of each role's tests, from `root`.
    folders: tuple[str, ...]
    #: Empty: tests are only collected.
    instance_id: str = ""
    selection: Selection = ALL

    def on(self, instance_id: str) -> SuiteRequest:
        """The same suite, to be run on a machine."""
        return replace(self, instance_id=instance_id)

    def role_of(self, nodeid: str) -> str:
        """The role of a test: `nginx` of `roles/nginx/tests/test_nginx.py::test_it`."""
        path = nodeid.partition("::")[0]
        inside = (role for role, folder in zip(self.roles, self.folders, strict=True) if path.startswith(f"{folder}/"))
        return next(inside)

    def as_json(self) -> str:
        """The request as text that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SuiteRequest:
        """The request that `as_json` wrote."""
        values = json.loads(text)
        facts: dict[str, Any] = values["image"]
        image = ImageFacts(**{**facts, "layers": tuple(facts["layers"]), "roles": tuple(facts["roles"])})
        selection = Selection(**values["selection"])
        lists = {name: tuple(values[name]) for name in ("roles", "folders")}
        return cls(**{**values, **lists, "image": image, "selection": selection})
