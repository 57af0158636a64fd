"""How a module of `services` says that `ami ci` can write the pipeline of its service: `PIPELINE`.

The files stand in `texts`. In them `@@NAME@@` is a fact, a line that is nothing but a list of facts is repeated, and
what stands between lines `#[NAME]` and `#[end]` is left out where it does not hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.cli.pipelines.facts import PipelineFacts

_TEXTS = Path(__file__).parent / "texts"
_FACT = re.compile(r"@@(\w+)@@")
_ALONE = re.compile(r"(?P<before>[ -]*)@@(?P<name>\w+)@@")
_BEGIN = re.compile(r" *(?:#|//)\[(?P<condition>[\w-]+)\]")
_END = re.compile(r" *(?:#|//)\[end\]")


@dataclass(frozen=True)
class PipelineFile:
    """A file of a pipeline."""

    #: Its path in the repository.
    path: str
    #: Its path in `texts`.
    text: str
    #: Whether it is there only for a workspace with an environment on AWS.
    for_account: bool = False


@dataclass(frozen=True)
class Pipeline:
    """The pipeline of a service."""

    #: As people type it.
    service: str
    files: tuple[PipelineFile, ...]
    #: What to do once its files are there.
    then: str
    #: Facts of this service alone, by their names: the actions that it uses.
    facts: tuple[tuple[str, str], ...] = ()
    #: What begins a comment.
    comment: str = "#"

    def texts(self, facts: PipelineFacts) -> Mapping[str, str]:
        """The files by their paths in the repository."""
        known = {**facts.values(), **dict(self.facts), "install": _text("install.sh").splitlines()}
        wanted = [file for file in self.files if facts.account or not file.for_account]
        return {file.path: _filled(_text(file.text), known, facts.conditions()) for file in wanted}


def _text(path: str) -> str:
    return (_TEXTS / path).read_text(encoding="utf-8")


def _filled(text: str, facts: Mapping[str, str | list[str]], conditions: Mapping[str, bool]) -> str:
    """A text with its facts, without the parts whose condition does not hold."""
    lines: list[str] = []
    kept = True
    for line in text.splitlines():
        if _END.fullmatch(line):
            kept = True
        elif begin := _BEGIN.fullmatch(line):
            kept = conditions[begin["condition"]]
        elif kept:
            lines += _line(line, facts)
    return "\n".join(lines) + "\n"


def _line(line: str, facts: Mapping[str, str | list[str]]) -> list[str]:
    alone = _ALONE.fullmatch(line)
    several = facts[alone["name"]] if alone else ""
    if alone and isinstance(several, list):
        return [f"{alone['before']}{each}".rstrip() for each in several]
    return [_FACT.sub(lambda fact: str(facts[fact[1]]), line)]
