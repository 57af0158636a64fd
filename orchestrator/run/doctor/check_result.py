"""One thing that `ami doctor` examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.contract.setup import CheckJson


@dataclass(frozen=True)
class CheckResult:
    """One thing that was examined."""

    what: str
    ok: bool
    #: What was found, for people.
    said: str
    #: The command that mends it; empty when there is nothing to mend.
    mend: str = ""

    def as_json(self) -> CheckJson:
        """A JSON object with every field."""
        return {"name": self.what, "ok": self.ok, "message": self.said, "hint": self.mend or None}
