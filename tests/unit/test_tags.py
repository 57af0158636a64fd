"""The vocabulary of tags: one table, and nothing that writes a key beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.tags import AMI_TAGS, LONGEST_KEY, PREFIX, RESERVED, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
#: A key of ours, also as the name of a filter.
KEY = re.compile(rf"(tag:)?{PREFIX}[a-z0-9-]+")
#: The lab speaks for AWS and knows no tag of ours.
CODE = [
    path
    for path in sorted((REPOSITORY / "orchestrator").rglob("*.py"))
    if path != REPOSITORY / "orchestrator/tags.py" and REPOSITORY / "orchestrator/lab" not in path.parents
]
TEMPLATES = sorted(BUILTIN_ROOT.rglob("*.hcl.j2"))


def texts(path: Path) -> Iterator[str]:
    """The texts in a module but for those that only explain it, and the fixed parts of f-strings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    explaining = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explaining:
            yield node.value


def keys_in(text: str) -> list[str]:
    known = [str(key) for key in Tag if key.startswith(PREFIX) and re.search(rf"{key}(?![a-z0-9-])", text)]
    return [text] if KEY.fullmatch(text) else known


def test_keys_in_texts_when_there_are_some() -> None:
    assert keys_in("tag:ami:new-one") == ["tag:ami:new-one"]
    assert keys_in("look for ami:run=") == ["ami:run"]
    assert keys_in("ami:(?P<token>[0-9a-f]+)") == []


def test_no_module_spells_a_key() -> None:
    """Keys come from the table, so that it has all of them."""
    assert len(CODE) > 100
    assert {(path.name, key) for path in CODE for text in texts(path) for key in keys_in(text)} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_spells_a_key(path: Path) -> None:
    """They get the keys when they are rendered."""
    assert re.findall(rf"{PREFIX}[a-z0-9-]+", path.read_text(encoding="utf-8")) == []


def test_rows_are_what_ec2_takes() -> None:
    assert len({tag.lower() for tag in Tag}) == len(Tag)
    assert all(tag.startswith(PREFIX) for tag in Tag if tag is not Tag.DISPLAY_NAME)
    assert max(map(len, Tag)) <= LONGEST_KEY
    assert all(tag.on and tag.meaning and tag.writer and tag.value_form for tag in Tag)


def test_the_reserve_has_room_for_all_that_an_ami_carries_at_once() -> None:
    """It has a parent or the AMI of a source, never both: one place of the reserve is free."""
    at_once = AMI_TAGS - {Tag.SOURCE_AMI}
    assert len(at_once) < RESERVED
