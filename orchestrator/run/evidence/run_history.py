"""The runs of one environment: those of this workspace, and those whose evidence is in the artifact bucket."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, refusal
from orchestrator.errors import LackError
from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.local_runs import local_run, local_runs
from orchestrator.run.session.identity import runs_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.evidence_store import EvidenceStore
    from orchestrator.run.evidence.run_index import RunIndex


@dataclass(frozen=True)
class KnownRun:
    """A run, and where its evidence is."""

    index: RunIndex
    #: Its folder in this workspace; None when that is not there.
    folder: Path | None
    #: The bucket that has it whole; None when none has.
    store: EvidenceStore | None

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is: `here`, `bucket`."""
        return (*(("here",) if self.folder else ()), *(("bucket",) if self.store else ()))

    def place(self, path: str = "") -> str:
        """Where a file of the run is, or all of them: a path, or `s3://...`."""
        if self.folder is not None:
            return str(self.folder / path)
        return self.store.place(self.index.run, path) if self.store else ""

    def read(self, path: str) -> bytes:
        """One of its files. Raises OSError, or AwsError."""
        if self.folder is not None:
            return (self.folder / path).read_bytes()
        if self.store is None:
            raise FileNotFoundError(path)
        return self.store.read(self.index.run, path)


class RunHistory:
    """What is known of runs of an environment. Runs here that do not tell their environment count as its own.

    The bucket is asked only for what is not here. When it does not answer, `tell` gets a note, once, and only the runs
    that are here are known.
    """

    def __init__(self, root: Path, environment: Environment, tell: Callable[[str], None]) -> None:
        self._root = root
        self._environment = environment
        self._tell = tell
        self._silent = False

    @cached_property
    def here(self) -> Mapping[str, RunIndex]:
        """The runs of this workspace by their ids, the newest first; they do not tell of their files."""
        mine = ("", self._environment.name)
        return {one.run: one for one in self._folders if one.environment in mine}

    @cached_property
    def store(self) -> EvidenceStore | None:
        """The environment's bucket. Raises LackError when a client for it cannot be made."""
        try:
            return store_of(self._environment)
        except AwsError as error:
            raise refusal(error) or error from error

    @cached_property
    def elsewhere(self) -> int:
        """How many runs here are of other environments."""
        return len(self._folders) - len(self.here)

    @cached_property
    def _folders(self) -> tuple[RunIndex, ...]:
        return local_runs(self._root, files=False)

    def newest(self, count: int = 0) -> tuple[KnownRun, ...]:
        """The newest runs, or all of them (0), the newest first."""
        there = self._asked(lambda store: store.runs(), ())
        chosen = sorted({*self.here, *there}, reverse=True)[: count or None]
        kept = self._asked(lambda store: store.indices(set(chosen) & set(there)), {})
        return tuple(self._known(run, kept) for run in chosen if run in self.here or run in kept)

    def run(self, name: str) -> KnownRun | None:
        """The run with an id; None when there is none."""
        if name in self.here:
            return self._known(name, {})
        index = self._asked(lambda store: store.index(name), None)
        return self._known(name, {name: index}) if index else None

    def ending(self, digits: str) -> KnownRun | None:
        """The one run whose id ends with `-<digits>`, here or else in the bucket; None when there is not just one."""
        ids = [run for run in self.here if run.endswith(f"-{digits}")]
        ids = ids or [run for run in self._asked(lambda store: store.runs(), ()) if run.endswith(f"-{digits}")]
        return self.run(ids[0]) if len(ids) == 1 else None

    def newest_of(self, image: str) -> KnownRun | None:
        """The newest run that had an image."""
        return next((run for run in self._of(image) if run is not None), None)

    def names(self) -> tuple[str, ...]:
        """What runs and their images are called, as far as that is known here."""
        return (*self.here, *{image.image for run in self.here.values() for image in run.images})

    def _of(self, image: str) -> tuple[KnownRun | None, ...]:
        """The newest run here that had an image; and when the bucket knows of a newer one, that one first."""
        mine = [run for run, index in self.here.items() if image in {one.image for one in index.images}]
        theirs = self._asked(lambda store: store.runs_of(image), ())
        return tuple(self.run(run) for run in sorted({*mine[:1], *theirs[:1]}, reverse=True))

    def _known(self, run: str, kept: Mapping[str, RunIndex]) -> KnownRun:
        store = self.store if run in kept else None
        if (index := self.here.get(run)) is None:
            return KnownRun(kept[run], None, store)
        folder = runs_folder(self._root) / run
        return KnownRun(local_run(folder) or index, folder, store)

    def _asked(self, ask: Callable[[EvidenceStore], Any], otherwise: Any) -> Any:
        """What the bucket answers; `otherwise` without one, and when it does not answer."""
        if self._silent:
            return otherwise
        try:
            return otherwise if self.store is None else ask(self.store)
        except (LackError, *AwsError) as error:
            lack = error if isinstance(error, LackError) else refusal(error)
            self._tell(f"note: only runs of this workspace are known: {lack.message if lack else error}")
            self._silent = True
            return otherwise
