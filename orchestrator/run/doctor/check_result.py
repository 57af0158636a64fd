"""One thing that `ami doctor` examined."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class CheckResult:
    """One thing that was examined."""

    what: str
    ok: bool
    #: What was found, for people.
    said: str
    #: The command that mends it; empty when there is nothing to mend.
    mend: str = ""

    def as_json(self) -> dict[str, object]:
        """A JSON object with every field."""
        return asdict(self)
