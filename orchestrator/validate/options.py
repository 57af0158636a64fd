"""What a person may choose of a validation: how the machine is asked, and which tests are run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConnectionKind(StrEnum):
    """By what a machine is asked; `connection_of` of machine/connection.py has what each does."""

    SSM = "ssm"
    SSH = "ssh"
    PODMAN = "podman"


@dataclass(frozen=True)
class Selection:
    """Which tests are run, in pytest's words: `-k`, `-m`, and `--maxfail` (0: however many fail)."""

    keyword: str = ""
    marker: str = ""
    maxfail: int = 0

    @property
    def partial(self) -> bool:
        """Whether some tests may be left out although none failed: what is found then is no verdict."""
        return bool(self.keyword or self.marker)

    @property
    def text(self) -> str:
        """The options that choose, as they are typed."""
        return " ".join(f"{option} {value!r}" for option, value in (("-k", self.keyword), ("-m", self.marker)) if value)

    @property
    def arguments(self) -> list[str]:
        """The options for pytest."""
        chosen = [
            word for option, value in (("-k", self.keyword), ("-m", self.marker)) if value for word in (option, value)
        ]
        return [*chosen, *([f"--maxfail={self.maxfail}"] if self.maxfail else [])]


#: Every test, to the end.
ALL = Selection()
