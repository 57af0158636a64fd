"""`requirements.lock`: what a workspace's requirements were resolved to. `ami deps` writes it, and people commit it.

Each pin has the digest of its content (see `content.py`), so that a build is given the same bytes everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.brought import REQUIREMENTS
from orchestrator.definition.reading.document import Document, read
from orchestrator.errors import Problem
from orchestrator.requirements.written import Kind, RequirementEntry, Way

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: The file beside `requirements.yml`.
LOCK = "requirements.lock"
#: Raised when the file changes its shape.
FORMAT = 1

_HEAD = "# What requirements.yml was resolved to. `ami deps` writes this file; commit it.\n---\n"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LISTS = {Kind.ROLE: "roles", Kind.COLLECTION: "collections"}


@dataclass(frozen=True)
class Pin:
    """One role or collection as it was resolved."""

    kind: Kind
    name: str
    way: Way
    #: As the requirement has it.
    source: str
    #: What it calls itself, or the version of Galaxy; of git what was asked for.
    version: str
    #: Digest of the content.
    sha256: str
    #: The version as the requirement has it.
    wanted: str = ""
    #: The Galaxy server that the requirement names.
    server: str = ""
    #: Of git, 40 digits.
    commit: str = ""
    #: SHA-256 of the archive that it was in.
    archive: str = ""
    #: Who depends on it, when the workspace does not ask itself.
    by: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"

    @property
    def link(self) -> str:
        """Where it is below the folder of all that is brought."""
        if self.kind is Kind.ROLE:
            return f"roles/{self.name}"
        return f"collections/ansible_collections/{self.name.replace('.', '/')}"

    def answers(self, requirement: RequirementEntry) -> bool:
        """Whether it was resolved from this requirement as it is written."""
        asked = (requirement.kind, requirement.way, requirement.source, requirement.version, requirement.server)
        named = requirement.name in ("", self.name)
        return named and not self.by and asked == (self.kind, self.way, self.source, self.wanted, self.server)

    def requirement(self, path: Path) -> RequirementEntry:
        """The requirement that brings exactly this again."""
        version = self.commit or (self.version if self.way is Way.GALAXY else self.wanted)
        name = self.name
        return RequirementEntry(self.kind, self.way, name, self.source, version, self.server, path, self.line)

    def as_json(self) -> dict[str, str]:
        """What the file has of it."""
        texts = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {name: text for name, text in texts.items() if text and name not in ("kind", "line")}


@dataclass(frozen=True)
class Lock:
    """The pins of one workspace, roles first."""

    path: Path
    pins: tuple[Pin, ...] = ()

    def text(self) -> str:
        """The file's content."""
        pins = sorted(self.pins, key=lambda pin: (pin.kind, pin.name))
        listed = {
            _LISTS[kind]: [pin.as_json() for pin in pins if pin.kind is kind] for kind in (Kind.ROLE, Kind.COLLECTION)
        }
        return _HEAD + yaml.safe_dump({"format": FORMAT, **listed}, sort_keys=False, width=10_000)

    def problem(self, pin: Pin, what: str) -> Problem:
        """A problem at a pin."""
        return Problem(self.path, pin.line, what)

    def of(self, requirement: RequirementEntry) -> tuple[Pin, ...]:
        """The pins that were resolved from a requirement as it is written: several when a source has several."""
        return tuple(pin for pin in self.pins if pin.answers(requirement))


def read_lock(root: Path, problems: list[Problem]) -> Lock:
    """The lock of the workspace at `root`, without pins when there is none. What is wrong goes to `problems`."""
    path = root / LOCK
    document = read(path, problems) if path.is_file() else None
    if document is None:
        return Lock(path)
    if document.value.get("format") != FORMAT:
        problems.append(document.problem(f"its format is not {FORMAT}: another release of ami wrote it", "format"))
        return Lock(path)
    return Lock(path, tuple(pin for kind in Kind for pin in _pins(document, kind, problems)))


def _pins(document: Document, kind: Kind, problems: list[Problem]) -> Iterator[Pin]:
    key = _LISTS[kind]
    listed = document.value.get(key)
    for index, written in enumerate(listed if isinstance(listed, list) else []):
        line = document.place(key, index).key
        pin = _pin(kind, written, line)
        if pin is None:
            what = f"this is no pin of a {kind}: `ami deps` writes this file, and nobody edits it"
            problems.append(Problem(document.path, line, what))
        else:
            yield pin


def _pin(kind: Kind, written: Any, line: int) -> Pin | None:
    known = {field.name for field in fields(Pin)} - {"kind", "line"}
    if not isinstance(written, dict) or not {"name", "way", "source", "version", "sha256"} <= written.keys() <= known:
        return None
    texts = {name: str(value) for name, value in written.items()}
    if texts["way"] not in list(Way) or not _SHA256.fullmatch(texts["sha256"]):
        return None
    if "/" in texts["name"] or texts["name"].startswith("."):
        return None
    return Pin(kind, way=Way(texts.pop("way")), line=line, **texts)


def misfits(lock: Lock, requirements: Iterable[RequirementEntry]) -> Iterator[Problem]:
    """Where a lock does not say what a `requirements.yml` asks for."""
    asked = tuple(requirements)
    known = {(pin.kind, pin.name): pin for pin in lock.pins}
    for one in asked:
        if lock.of(one):
            continue
        pin = known.get((one.kind, one.name)) or next((pin for pin in lock.pins if pin.source == one.source), None)
        if pin is None:
            yield one.problem(f"{one} is not in {LOCK}")
        elif pin.wanted != one.version:
            yield one.problem(f"{one} asks for version {_shown(one.version)}, and {LOCK}:{pin.line} has {_of(pin)}")
        else:
            yield one.problem(f"{one} comes from '{one.source}', and {LOCK}:{pin.line} has '{pin.source}'")
    for pin in lock.pins:
        if not pin.by and not any(pin.answers(one) for one in asked) and not _is_told(pin, asked):
            yield lock.problem(pin, f"{pin} is in no entry of {REQUIREMENTS}")


def _is_told(pin: Pin, asked: tuple[RequirementEntry, ...]) -> bool:
    """Whether it is told at its entry in `requirements.yml` already."""
    return any(one.kind is pin.kind and (one.name == pin.name or one.source == pin.source) for one in asked)


def _shown(version: str) -> str:
    return f"'{version}'" if version else "of its source's own choice"


def _of(pin: Pin) -> str:
    return f"'{pin.wanted}'" if pin.wanted else f"none in particular ({pin.version})"
