"""Progress of long work: a table that moves on a terminal, plain timestamped lines elsewhere and with `--verbose`.

What is shown comes from tests, machines and Packer. All of it is plain text: never markup, never a control character.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.cli.ci import spoken
from orchestrator.cli.loudness import quiet, verbose
from orchestrator.cli.terminal import duration, plain, say
from orchestrator.progress import Event, Stage, ignore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Group
    from rich.table import Table

    from orchestrator.progress import Listener


#: Stages in which Packer says more than a log of a CI job needs; all of it is in packer.log.
_PACKERS = frozenset({Stage.RESOLVE, Stage.LAUNCH, Stage.CONNECT, Stage.PROVISION, Stage.SNAPSHOT, Stage.CLEAN})

#: What a task says when it begins.
_BEGUN = "start"

#: Characters of a message that fit a line.
_LONGEST = 120

#: Seconds after which a log without news gets a sign of life: CI systems end jobs that say nothing for minutes.
QUIET = 30.0


@contextmanager
def shown(names: Iterable[str] = (), seconds: float | None = None) -> Iterator[Listener]:
    """A listener that shows events to whoever watches standard error.

    `names` are the images that the work will be about, `seconds` what it may take; None when that is not known.
    """
    if quiet():
        yield ignore
        return
    if verbose() or spoken.service() or not sys.stderr.isatty():
        lines = Lines(every=verbose())
        with spoken.group(f"Progress of {', '.join(named)}" if (named := list(names)) else "Progress"), lines.alive():
            yield lines
        return
    from rich.console import Console
    from rich.live import Live

    board = Board(names, seconds)
    with Live(console=Console(stderr=True), refresh_per_second=4, get_renderable=board.shown):
        yield board


class Lines:
    """One line per stage, role, and message; with `every` also one for each task, and each test that passed."""

    def __init__(self, quiet: float = QUIET, *, every: bool = False) -> None:
        self._last: dict[str, tuple[str, ...]] = {}
        self._newest: dict[str, Event] = {}
        self._lock = threading.Lock()
        self._quiet = quiet
        self._every = every
        self._spoke = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Print a line, unless the last one of the image said as much."""
        said = _what(event, task=self._every)
        with self._lock:
            self._newest[event.image] = event
            begun = bool(event.task) and event.message == _BEGUN  # how it ended follows
            if begun if self._every else event.detail:
                return
            key = (event.stage, event.layer, event.role, "" if event.stage in _PACKERS and not self._every else said)
            if self._last.get(event.image) == key:
                return
            self._last[event.image] = key
            self._spoke = time.monotonic()
        say(f"{event.at:%Y-%m-%dT%H:%M:%SZ}  {plain(event.image):<12} {event.stage:<10} {said}".rstrip())

    @contextmanager
    def alive(self) -> Iterator[None]:
        """While it lasts, say every `quiet` seconds without a line which images are worked on."""
        ended = threading.Event()
        thread = threading.Thread(target=self._give_signs, args=(ended,), name="sign of life", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _give_signs(self, ended: threading.Event) -> None:
        while not ended.wait(self._quiet / 10):
            with self._lock:
                if time.monotonic() - self._spoke < self._quiet:
                    continue
                self._spoke = time.monotonic()
                at_work = [one for one in self._newest.values() if one.stage is not Stage.DONE]
            what = ", ".join(f"{plain(one.image)} ({one.stage})" for one in at_work) or "nothing yet"
            say(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}  at work: {what}")


class Board:
    """The newest event of each image, with the time that its stage and the whole have taken."""

    def __init__(self, names: Iterable[str] = (), seconds: float | None = None) -> None:
        self._rows: dict[str, Event | None] = dict.fromkeys(names)
        self._since: dict[str, float] = {}
        self._stage_since: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._lock = threading.Lock()
        self._seconds = seconds
        self._began = time.monotonic()

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

    def shown(self) -> Group:
        """What is shown now: the table, and below it how far the whole is."""
        from rich.console import Group
        from rich.text import Text

        return Group(self.table(), Text(self._whole()))

    def table(self) -> Table:
        """A row for each image, those that wait included."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table("IMAGE", "STAGE", "FOR", "TOTAL", "NOW", box=box.SIMPLE, pad_edge=False, expand=True)
        for column in table.columns[:-1]:
            column.no_wrap, column.overflow = True, "fold"
        table.columns[0].min_width = max((len(plain(name)) for name in self._rows), default=0)
        table.columns[-1].ratio, table.columns[-1].no_wrap = 1, True
        with self._lock:
            for cells in map(self._cells, self._rows):
                table.add_row(*(Text(plain(cell)) for cell in cells))
        return table

    def _cells(self, image: str) -> tuple[str, ...]:
        event = self._rows[image]
        if event is None:
            return (image, Stage.WAIT, "", "", "")
        end = self._ended.get(image, time.monotonic())
        stage, total = end - self._stage_since[image], end - self._since[image]
        return (image, event.stage, _clock(stage), _clock(total), _what(event, task=True, since=stage))

    def _whole(self) -> str:
        """How many are done, and how long the rest may take as far as earlier runs tell."""
        with self._lock:
            done, all_ = len(self._ended), len(self._rows)
        took = time.monotonic() - self._began
        if self._seconds is None:
            left = ""
        elif took < self._seconds:
            left = f", about {duration(self._seconds - took)} left"
        else:
            left = ", longer than the last time"
        return f"{done} of {all_} done after {duration(took)}{left}"


def _what(event: Event, *, task: bool, since: float = 0.0) -> str:
    """One line that says where an image is, seconds `since` it got there; without single tasks unless `task`."""
    message = "" if event.task and not task else _first_line(event.message)
    if event.stage is Stage.WAIT and event.seconds is not None:
        message += f" for {duration(event.seconds + since)}"
    parts = (event.layer, event.role, event.task if task else "", message)
    return " > ".join(plain(part) for part in parts if part)


def _first_line(text: str) -> str:
    line = next(iter(text.splitlines()), "")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
