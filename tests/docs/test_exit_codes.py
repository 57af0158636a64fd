"""docs/exit-codes.md lists every error that there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import orchestrator
from orchestrator.errors import AmiError
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/exit-codes.md").read_text(encoding="utf-8")


def below(error: type[AmiError]) -> Iterator[type[AmiError]]:
    for one in error.__subclasses__():
        if one.__module__.startswith("orchestrator."):
            yield one
            yield from below(one)


def test_every_error_has_its_row() -> None:
    """With its name in JSON and its exit code, and no row for an error that is gone."""
    for _ in modules_of(orchestrator):
        pass  # importing a module defines its errors
    rows = re.findall(r"^\| `([a-z-]+)` +\| (\d+) +\| \S", PAGE, flags=re.MULTILINE)
    assert {name: int(code) for name, code in rows} == {one.kind(): one.exit_code for one in below(AmiError)}


def test_every_exit_code_is_explained() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) +\|", PAGE, flags=re.MULTILINE)}
    assert codes == {0} | {one.exit_code for one in below(AmiError)}
