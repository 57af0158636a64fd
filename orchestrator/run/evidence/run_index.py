"""What is known of one run at a glance: who did what, when, with which result, and which files tell of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of the object that is put into the bucket last.
SCHEMA = "ami/evidence/1"

#: How an image ends that is what its run was to make.
_GOOD = frozenset({"validated", "checked", "reused"})


class RunResult(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CUT_OFF = "cut off"
    """It was killed: nothing says how it ended."""


@dataclass(frozen=True)
class RunImage:
    """One image, or one shared segment, of a run. Empty: not known, or none was made."""

    image: str
    status: str = ""
    ami_id: str = ""
    version: str = ""
    shared: bool = False

    @property
    def good(self) -> bool:
        """Whether it became what the run was to make of it."""
        return self.status in _GOOD or (self.shared and self.status == "built")


@dataclass(frozen=True)
class KeptFile:
    """A file of a run: its path in the run's folder, and the bytes that it takes where it is."""

    path: str
    bytes: int


@dataclass(frozen=True)
class RunIndex:
    """One run. Empty fields are not known."""

    run: str
    started: datetime
    result: RunResult
    command: str = ""
    environment: str = ""
    commit: str = ""
    host: str = ""
    #: Why a run ended before its images did.
    error: str = ""
    #: Wall time.
    seconds: float = 0.0
    images: tuple[RunImage, ...] = ()
    files: tuple[KeptFile, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A JSON object with every field; `started` as ISO 8601, in UTC."""
        return {**asdict(self), "started": self.started.isoformat(), "result": str(self.result)}


def index_from(value: Any) -> RunIndex:
    """The index that a JSON object holds, whatever else is in it. Raises ValueError for another value."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise ValueError(f"no object of the schema {SCHEMA}")
    texts = {name: str(value.get(name) or "") for name in ("command", "environment", "commit", "host", "error")}
    try:
        return RunIndex(
            run=str(value["run"]),
            started=datetime.fromisoformat(str(value["started"])),
            result=RunResult(value["result"]),
            seconds=float(value.get("seconds") or 0.0),
            images=images_from(value),
            files=tuple(KeptFile(str(one["path"]), int(one["bytes"])) for one in value.get("files") or ()),
            **texts,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"the index of a run lacks something: {error!r}") from error


def images_from(value: Mapping[str, Any]) -> tuple[RunImage, ...]:
    """The images of a summary, or of an index."""
    return tuple(
        RunImage(
            image=str(one["image"]),
            status=str(one.get("status") or ""),
            ami_id=str(one.get("ami_id") or ""),
            version=str(one.get("version") or ""),
            shared=bool(one.get("shared")),
        )
        for one in value.get("images") or ()
        if isinstance(one, dict) and "image" in one
    )
