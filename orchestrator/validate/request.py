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
    from orchestrator.aws.capacity import Place


#: Seconds for which a machine that runs is given to come online. An agent whose first call fails sleeps for 300 s, and
#: was seen online after 309 s; one that finds no metadata service is started again after 90 s. Both can happen.
ONLINE_TIMEOUT = 420.0


@dataclass(frozen=True)
class ImageFacts:
    """What is known of the image, for its tests and the report. `vars` maps a role to the variables it was given."""

    name: str
    version: str
    layers: tuple[str, ...]
    roles: tuple[str, ...]
    vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class RoleTests:
    """A role and the folder with its tests: `roles/<role>/tests` of a workspace."""

    role: str
    folder: Path


def always() -> bool:
    """For callers to whom any tests are right."""
    return True


@dataclass(frozen=True, kw_only=True)
class TestsRequest:
    """The tests of an image, and what is to be done with them.

    `folder` (it must exist) gets pytest.log. `masks` are secrets that no report or log may show. `stop`, once set, ends
    the work soon. `is_current` says whether the tests are still those that the caller means to run; it is asked once
    they are copied. Without an AMI they are only collected.
    """

    __test__ = False  # pytest should not collect it

    image: ImageFacts
    tests: tuple[RoleTests, ...]
    folder: Path
    ami_id: str = ""
    masks: tuple[str, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    selection: Selection = ALL
    is_current: Callable[[], bool] = always


@dataclass(frozen=True, kw_only=True)
class ValidateRequest(TestsRequest):
    """One AMI to validate, where, and against what.

    `places` are (instance type, subnet id) pairs that are tried in turn when EC2 has no room; none: `instance_type` in
    `subnet_id`.
    `folder` gets junit.xml and report.json, too. Empty `subnet_id` and `vpc_id` mean the default VPC. `tags` are more
    tags for the machine. `online_timeout` in seconds; see ONLINE_TIMEOUT. `ssh_username` and `ssh_interface` (a word of
    Packer's option of that name) count for a connection over SSH alone.
    """

    account: Account
    ami_id: str
    run: str
    instance_type: str
    iam_instance_profile: str
    subnet_id: str = ""
    vpc_id: str = ""
    places: tuple[Place, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    online_timeout: float = ONLINE_TIMEOUT
    connection: ConnectionKind = ConnectionKind.SSM
    ssh_username: str = ""
    ssh_interface: str = ""


@dataclass(frozen=True)
class SuiteRequest:
    """What the process that runs the tests is told. `folders` below `root` hold the tests of each role.

    An empty `instance_id` means that tests are only collected.
    """

    ami_id: str
    image: ImageFacts
    roles: tuple[str, ...]
    root: str
    folders: tuple[str, ...]
    instance_id: str = ""
    selection: Selection = ALL

    def on(self, instance_id: str) -> SuiteRequest:
        """The same suite, to be run on a machine."""
        return replace(self, instance_id=instance_id)

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
