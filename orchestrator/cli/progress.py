"""Progress of long work: a table that moves on a terminal, plain timestamped lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import say
from orchestrator.progress import Event, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from orchestrator.progress import Listener


#: Stages in which Packer says more than a log of a CI job needs; all of it is in packer.log.
_PACKERS = frozenset({Stage.RESOLVE, Stage.LAUNCH, Stage.CONNECT, Stage.PROVISION, Stage.SNAPSHOT, Stage.CLEAN})

#: Characters of a message that fit a line.
_LONGEST = 120


@contextmanager
def shown() -> Iterator[Listener]:
    """A listener that shows events to whoever watches standard error."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.live import Live

    board = Board()
    with Live(console=Console(stderr=True), refresh_per_second=4, get_renderable=board.table):
        yield board


class Lines:
    """One line per stage, role, and message; single tasks stay in the log."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Print a line, unless the last one of the image said as much."""
        said = _what(event, task=False)
        with self._lock:
            key = (event.stage, event.layer, event.role, "" if event.stage in _PACKERS else said)
            if self._last.get(event.image) == key:
                return
            self._last[event.image] = key
        say(f"{event.at:%Y-%m-%dT%H:%M:%SZ}  {event.image:<12} {event.stage:<10} {said}".rstrip())


class Board:
    """The newest event of each image, with the time that its stage and the whole have taken."""

    def __init__(self) -> None:
        self._rows: dict[str, Event] = {}
        self._since: dict[str, float] = {}
        self._stage_since: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take the event into the image's row."""
        with self._lock:
            now = time.monotonic()
            before = self._rows.get(event.image)
            if before is None or before.stage != event.stage:
                self._stage_since[event.image] = now
            self._ended.pop(event.image, None)
            if event.stage is Stage.DONE:
                self._ended[event.image] = now
            self._since.setdefault(event.image, now)
            self._rows[event.image] = event

    def table(self) -> Table:
        """What is shown now."""
        from rich import box
        from rich.table import Table

        table = Table("IMAGE", "STAGE", "FOR", "TOTAL", "NOW", box=box.SIMPLE, pad_edge=False, expand=True)
        table.columns[-1].ratio = 1
        table.columns[-1].no_wrap = True
        now = time.monotonic()
        with self._lock:
            for image, event in self._rows.items():
                end = self._ended.get(image, now)
                stage, total = end - self._stage_since[image], end - self._since[image]
                table.add_row(image, event.stage, _clock(stage), _clock(total), _what(event, task=True))
        return table


def _what(event: Event, *, task: bool) -> str:
    """One line that says where an image is; without single tasks unless `task`."""
    message = "" if event.task and not task else _first_line(event.message)
    parts = (event.layer, event.role, event.task if task else "", message)
    return " > ".join(part for part in parts if part)


def _first_line(text: str) -> str:
    line = next(iter(text.splitlines()), "")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
