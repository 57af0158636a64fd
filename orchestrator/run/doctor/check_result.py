"""One thing that `ami doctor` examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.contract.setup import CheckJson


@dataclass(frozen=True)
class CheckResult:
    """One thing that was examined.

    `ok` is false when builds or tests miss something. `checked` is false when nobody could tell: then `ok` is true, and
    `said` begins with "not checked".
    """

    what: str
    ok: bool
    #: What was found, for people.
    said: str
    #: The command or the change that mends it; empty when there is nothing to mend.
    mend: str = ""
    #: What goes wrong without it.
    why: str = ""
    checked: bool = True

    def as_json(self) -> CheckJson:
        """A JSON object with every field."""
        return {
            "name": self.what,
            "ok": self.ok,
            "checked": self.checked,
            "message": self.said,
            "why": self.why,
            "hint": self.mend or None,
        }


def unknown(what: str, reason: str, mend: str = "") -> CheckResult:
    """The result of a check that could not be made."""
    return CheckResult(what, ok=True, said=f"not checked: {reason}", mend=mend, checked=False)
