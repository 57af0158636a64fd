"""Values of parameters that stand for AMIs: they are looked at after PutParameter was answered, and then written.

Systems Manager API Reference, PutParameter, DataType; User Guide, "Native parameter support for Amazon Machine Image
IDs", for the events.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.ssm.models import ssm_backends

from orchestrator.lab.api.events import AwsEvent
from orchestrator.lab.ssm.parameters.rules import IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.tables import Tables

#: How long a value waits at least, seconds: whoever reads at once reads the old one.
_LEAST = 0.3
_AMI = re.compile(r"ami-([0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True)
class PendingValue:
    """A value that is not written yet."""

    account: str
    region: str
    arguments: Mapping[str, Any]
    """Those of moto's `put_parameter`."""
    due: float
    """When it is looked at, on the monotonic clock."""


@dataclass
class PendingValues:
    """All values that are not written yet, the oldest first."""

    tables: Tables
    _values: list[PendingValue] = field(default_factory=list)

    def add(self, account: str, region: str, arguments: Mapping[str, Any]) -> int:
        """Take a value; returns the version that it will be."""
        delay = max(_LEAST, self.tables.times.parameter) + self.tables.trouble.pointer_late()
        name = arguments["name"]
        known = ssm_backends[account][region]._parameters.get(name)  # noqa: SLF001 - moto lists them in no other way
        before = [each for each in self._values if self._key(each) == (account, region, name)]
        self._values.append(PendingValue(account, region, arguments, time.monotonic() + delay))
        return (known[-1].version if known else 0) + len(before) + 1

    def write(self) -> None:
        """Write the values that are due and whose AMI is there; drop the others that are due."""
        with self.tables.lock:
            now = time.monotonic()
            due = [each for each in self._values if each.due <= now]
            self._values = [each for each in self._values if each.due > now]
            for value in due:
                self._write(value)

    def _write(self, value: PendingValue) -> None:
        backend = ssm_backends[value.account][value.region]
        operation = "Update" if value.arguments["name"] in backend._parameters else "Create"  # noqa: SLF001
        image = self.tables.backend(value.region, value.account).image(value.arguments["value"])
        if _AMI.fullmatch(value.arguments["value"]) and image is not None and image.state == "available":
            backend.put_parameter(**value.arguments)
            tell_change(self.tables, value.account, value.region, value.arguments, operation)
        else:
            why = {"exception": "Unable to Describe Resource", "dataType": IMAGE}
            tell_change(self.tables, value.account, value.region, value.arguments, operation, why)

    @staticmethod
    def _key(value: PendingValue) -> tuple[str, str, str]:
        return value.account, value.region, value.arguments["name"]


def tell_change(
    tables: Tables,
    account: str,
    region: str,
    parameter: Mapping[str, Any],
    operation: str,
    more: Mapping[str, str] | None = None,
) -> None:
    """Tell that a parameter was changed, or could not be (EventBridge, `Parameter Store Change`)."""
    name = str(parameter["name"])
    arn = f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"
    detail = {"operation": operation, "name": name, "type": parameter.get("parameter_type") or "String"}
    if parameter.get("description"):
        detail["description"] = parameter["description"]
    event = AwsEvent("aws.ssm", "Parameter Store Change", account, region, {**detail, **(more or {})}, (arn,))
    tables.events.tell(event)
