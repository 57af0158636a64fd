"""A written file as plain values, with the line of every key and value.

YAML is read as Ansible reads it (version 1.1: `yes` and `on` are true), with three differences that keep values what
they look like: dates stay text, numbers fit 64 bits, and tags such as `!!python/object` are refused. What
`!vault` marks stays encrypted. The tree is built from the parser's events and not by PyYAML's composer, so that nesting
and aliases are bounded before they cost anything.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader
from yaml.resolver import Resolver

from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Keys = tuple[str | int, ...]

DEEPEST = 40
#: Values in one file, what aliases repeat included: far above any definition, far below what an alias bomb needs.
MOST_VALUES = 100_000

#: Stands for the key of what is read and thrown away.
_DISCARDED = -1
#: Characters of a wrong value that a message repeats.
_SHOWN = 40

_TEXT = "tag:yaml.org,2002:str"
#: The tag of a value that Ansible Vault has encrypted, and the key under which JSON holds one for Ansible.
_VAULT, VAULTED = "!vault", "__ansible_vault"
_RESOLVER = Resolver()
_CONSTRUCTOR = SafeConstructor()
#: Plain scalars that stay the text they look like: YAML 1.1 dates, and the `=` and `<<` of its never used types.
_STILL_TEXT = {_TEXT, *(f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "value", "merge"))}


@dataclass(frozen=True)
class Position:
    """The lines, counted from 1, where a key and its value begin; the same one for an entry of a list."""

    key: int
    value: int


@dataclass(frozen=True)
class Document:
    """A file's value (mappings with text keys, lists, text, numbers, booleans, None) and where each is written."""

    path: Path
    value: Any
    places: Mapping[Keys, Position]

    def place(self, *keys: str | int) -> Position:
        """Where `keys` lead, or the nearest written value above.

        A mapping of one name to its fields, such as a layer with its roles, is stepped into unasked.
        """
        at: Keys = ()
        node = self.value
        for key in keys:
            if isinstance(node, dict) and len(node) == 1 and key not in node:
                ((only, inner),) = node.items()
                if isinstance(inner, dict):
                    at, node = (*at, only), inner
            if not _has(node, key):
                break
            at, node = (*at, key), node[key]
        while at and at not in self.places:
            at = at[:-1]
        return self.places.get(at, Position(0, 0))

    def problem(self, what: str, *keys: str | int) -> Problem:
        """A problem at the line of the key that `keys` lead to."""
        return Problem(self.path, self.place(*keys).key, what)


class Unreadable(Exception):
    """The file has no value at all; carries the one problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def text_of(path: Path) -> str:
    """A file's text. Raises Unreadable when it is no file, or not UTF-8, or holds control characters."""
    if not path.is_file():
        raise Unreadable(Problem(path, 0, "is not a file" if path.exists() else "is missing"))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(Problem(path, 0, f"cannot be read: {error.strerror}")) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(Problem(path, line, f"is not UTF-8 text (byte 0x{content[error.start]:02x})")) from error
    if found := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(Problem(path, line, f"holds a control character (U+{ord(found.group()):04X})"))
    return text


def read(path: Path, problems: list[Problem]) -> Document | None:
    """A YAML file that holds one mapping. What is wrong is added to `problems`; None when nothing could be read."""
    try:
        document = _Builder(path, text_of(path), problems).document()
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
        return None
    if isinstance(document.value, dict):
        return document
    problems.append(
        document.problem("is empty" if document.value is None else "must be a mapping (`key: value` lines)")
    )
    return None


def read_any(path: Path, problems: list[Problem]) -> Document | None:
    """A YAML file that holds any one value. What is wrong is added to `problems`; None when nothing could be read."""
    try:
        return _Builder(path, text_of(path), problems).document()
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
        return None


def read_foreign(path: Path, problems: list[Problem]) -> Document | None:
    """A YAML file that others wrote for Ansible, as Ansible takes it: of a key that stands twice the last value counts,
    tags such as `!unsafe` mean nothing here, and an empty file is an empty mapping.

    Only what Ansible cannot read is added to `problems`; the result is None then.
    """
    try:
        document = _Builder(path, text_of(path), [], last_wins=True).document()
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
        return None
    if isinstance(document.value, dict):
        return document
    if document.value:
        problems.append(document.problem("must be a mapping (`key: value` lines)"))
        return None
    return Document(path, {}, document.places)


def read_json(path: Path, problems: list[Problem]) -> Document | None:
    """A JSON file that holds one mapping. What is wrong is added to `problems`; None when nothing could be read."""
    try:
        text = text_of(path)
        value = json.loads(text)
        # Its lines are found by reading it as YAML, which JSON is, but for tabs. Tabs stand between values only.
        document = _Builder(path, text.replace("\t", " "), [], last_wins=True).document()
    except json.JSONDecodeError as error:
        problems.append(Problem(path, error.lineno, f"is not JSON: {error.msg}"))
        return None
    except RecursionError:
        problems.append(Problem(path, 0, "is nested too deep"))
        return None
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
        return None
    if isinstance(value, dict):
        return Document(path, value, document.places)
    problems.append(document.problem('must be a mapping ({ "key": value })'))
    return None


def _has(node: Any, key: str | int) -> bool:
    if isinstance(node, dict):
        return key in node
    return isinstance(node, list) and isinstance(key, int) and key < len(node)


class _Builder:
    """Builds a Document from the events of one text."""

    def __init__(self, path: Path, text: str, problems: list[Problem], *, last_wins: bool = False) -> None:
        self.path = path
        self.last_wins = last_wins
        self.lines = text.splitlines() or [""]
        self.problems = problems
        self.places: dict[Keys, Position] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.values = 0
        self.events = yaml.CSafeLoader(text)

    def document(self) -> Document:
        """The one document of the text; an empty text is None."""
        value = None
        self.places[()] = Position(1, 1)
        self._next()
        event = self._next()
        if isinstance(event, yaml.DocumentStartEvent):
            first = self._next()
            line = min(_line(first), len(self.lines))
            self.places[()] = Position(line, line)
            value = self._node(first, ())
            self._next()
            event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "a second document (`---`): a file holds one")
        return Document(self.path, value, self.places)

    def _next(self) -> Any:
        try:
            return self.events.get_event()
        except yaml.MarkedYAMLError as error:
            raise Unreadable(self._syntax(error)) from error
        except yaml.YAMLError as error:
            raise Unreadable(Problem(self.path, 0, "is not YAML")) from error

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, len(self.lines)) if mark else 0
        if line and re.match(r" *\t", self.lines[line - 1]):
            return Problem(self.path, line, "a tab indents this line: YAML takes spaces only")
        return Problem(self.path, line, f"is not YAML: {error.problem or error.context}")

    def _refuse(self, event: Any, what: str) -> None:
        raise Unreadable(Problem(self.path, _line(event), what))

    def _count(self, event: Any, size: int) -> None:
        self.values += size
        if self.values > MOST_VALUES:
            self._refuse(event, f"holds more than {MOST_VALUES} values")

    def _node(self, event: Any, keys: Keys) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self.values
        self._count(event, 1)
        if len(keys) > DEEPEST:
            self._refuse(event, f"is nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        else:
            if event.tag is not None:
                self._bad_tag(event)
            value = self._sequence(keys) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(keys)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.values - before)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            self._refuse(event, f"nothing is called '&{event.anchor}' above, or it holds itself")
        value, size = self.anchors[event.anchor]
        self._count(event, size)
        return value

    def _sequence(self, keys: Keys) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            at = (*keys, len(values))
            self.places[at] = Position(_line(event), _line(event))
            values.append(self._node(event, at))
        return values

    def _mapping(self, keys: Keys) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, keys)
            following = self._next()
            if key is None or (key in values and not self.last_wins):
                if key is not None:
                    first = self.places[(*keys, key)].key
                    what = f"'{key}' stands twice, first in line {first}"
                    self.problems.append(Problem(self.path, _line(event), what))
                self._node(following, (*keys, _DISCARDED))
                continue
            self.places[(*keys, key)] = Position(_line(event), _line(following))
            values[key] = self._node(following, (*keys, key))
        return values

    def _key(self, event: Any, keys: Keys) -> str | None:
        """A key's text; None when it is not text, which is a problem."""
        key = self._node(event, (*keys, _DISCARDED))
        if isinstance(key, str):
            return key
        written = f" ('{event.value}')" if isinstance(event, yaml.ScalarEvent) and event.value else ""
        self.problems.append(Problem(self.path, _line(event), f"a key must be text{written}: put it in quotes"))
        return None

    def _scalar(self, event: Any) -> Any:
        text = str(event.value)
        if event.tag == _VAULT:
            return {VAULTED: text}
        if event.tag is not None and event.tag not in (_TEXT, "!"):
            self._bad_tag(event)
        if event.tag is not None or not event.implicit[0]:
            return text
        tag = _tag_of(text)
        if tag in _STILL_TEXT:
            return text
        try:
            value = _CONSTRUCTOR.yaml_constructors[tag](_CONSTRUCTOR, yaml.ScalarNode(tag, text))
        except (ValueError, OverflowError):
            value = math.nan
        if isinstance(value, int | float) and not -(2**63) <= value < 2**64:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            self.problems.append(
                Problem(self.path, _line(event), f"{shown} is no number of 64 bits: put text in quotes")
            )
            return 0
        return value

    def _bad_tag(self, event: Any) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self.problems.append(Problem(self.path, _line(event), f"tag {tag} is not allowed: write the plain value"))


@lru_cache(maxsize=4096)  # the files of a workspace say the same words again and again
def _tag_of(text: str) -> str:
    """The tag of a plain scalar, by what it looks like."""
    return str(_RESOLVER.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
