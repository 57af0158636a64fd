"""The files of an adopted workspace as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.errors import DefinitionError, Problem
from orchestrator.render.layout import laid_out
from orchestrator.render.literal import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_WIDTH = 110
_KEY = re.compile(r"^[A-Za-z_]")


def image_text(fields: Mapping[str, Any], template: str) -> str:
    """An image's file."""
    return f"# Adopted from {template}.\n---\n" + "".join(
        _yaml({key: value}, flow=_flow(value)) for key, value in fields.items()
    )


def environment_text(values: Mapping[str, Any], template: str) -> str:
    """An environment's file."""
    lines = [f"{key} = {literal(value)}" for key, value in values.items()]
    return laid_out("\n".join([f"# Adopted from {template}.", *lines]))


def new_workspace(name: str, extends: str, environment: str) -> str:
    """An `ami.yml` without sources and layers."""
    fields = {"name": name, "extends": extends, "default_environment": environment}
    return "---\n" + "".join(_yaml({key: value}, flow=False) for key, value in fields.items() if value)


def extended(text: str, path: Path, sources: Mapping[str, Any], layers: Iterable[str]) -> str:
    """The text of an `ami.yml` with sources and layers added at the end of its own; all else stays as it is written.

    Raises DefinitionError when one of the two is written in a single line, to which nothing can be added.
    """
    entries = _yaml(dict(sources)).splitlines() if sources else []
    text = _added(text, path, "sources", entries)
    return _added(text, path, "layers", [f"- {name}" for name in layers])


def _added(text: str, path: Path, key: str, entries: list[str]) -> str:
    if not entries:
        return text
    lines = text.rstrip("\n").split("\n")
    start = next((number for number, line in enumerate(lines) if re.match(rf"{key}\s*:", line)), None)
    if start is None:
        return "\n".join([*lines, "", f"{key}:", *(f"  {entry}" for entry in entries), ""])
    if lines[start].split("#")[0].split(":", 1)[1].strip():
        what = f"`{key}` is written in one line: write each entry in a line of its own, so that more can be added"
        raise DefinitionError([Problem(path, start + 1, what)])
    after = (number for number in range(start + 1, len(lines)) if _KEY.match(lines[number]))
    end = next(after, len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    first = next((line for line in lines[start + 1 : end] if line.strip() and not line.lstrip().startswith("#")), "  x")
    indent = first[: len(first) - len(first.lstrip())]
    return "\n".join([*lines[:end], *(f"{indent}{entry}" for entry in entries), *lines[end:], ""])


def _flow(value: Any) -> bool | None:
    return None if isinstance(value, dict | list) else False


def _yaml(value: Any, *, flow: bool | None = None) -> str:
    """YAML; `flow` None writes what holds no further lists or mappings in one line."""
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=flow, width=_WIDTH, allow_unicode=True)
