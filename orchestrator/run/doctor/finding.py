"""One thing that `ami doctor` examined."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class CheckResult:
    """One thing that was examined. `mend` is the command that mends it, empty when there is nothing to mend."""

    what: str
    ok: bool
    said: str
    mend: str = ""

    def as_json(self) -> dict[str, object]:
        """A JSON object with every field."""
        return asdict(self)
