"""docs/reference says of every key, command and option what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import TypeAdapter

from orchestrator.cli.documents.reference import pages
from orchestrator.definition import reference
from orchestrator.definition.environment import NOT_WRITTEN, Environment
from orchestrator.definition.image import Image
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.workspace_file import WorkspaceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

REPOSITORY = Path(__file__).parents[2]
PAGES = REPOSITORY / "docs/reference"
PROGRAMS = Path(sys.executable).parent


def models() -> set[type[Frozen]]:
    """Every model of what people write."""
    found: set[type[Frozen]] = set()
    waiting: list[type[Frozen]] = [Frozen]
    while waiting:
        waiting += (below := set(waiting.pop().__subclasses__()) - found)
        found |= below
    return {model for model in found if model.__module__.startswith("orchestrator.definition.")}


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Every field that people write, with its name."""
    for model in sorted(models(), key=lambda model: model.__name__):
        for name, field in model.model_fields.items():
            if model is not Environment or name not in NOT_WRITTEN:
                yield f"{model.__name__}.{name}", field


def test_models_when_they_are_found() -> None:
    """The walk finds what it must."""
    assert {WorkspaceFile, Image, Environment} < models()


@pytest.mark.parametrize(("name", "field"), [pytest.param(*each, id=each[0]) for each in fields()])
def test_field_when_people_write_it(name: str, field: FieldInfo) -> None:
    """It says what it is, and has examples that the factory takes."""
    assert field.description, f"{name} needs Field(description=...)"
    assert field.examples, f"{name} needs Field(examples=[...])"
    written: Any = Annotated[field.annotation, name, *field.metadata]
    adapter = TypeAdapter(written)
    for example in field.examples:
        if name != "WorkspaceFile.sources":  # a validator of the whole file gives sources their names
            adapter.validate_python(example)


def test_sources_when_they_are_an_example() -> None:
    for example in WorkspaceFile.model_fields["sources"].examples or ():
        assert WorkspaceFile.model_validate({"name": "w", "sources": example}).sources


def test_tables_when_every_key_has_a_row() -> None:
    """No key is without an example, without what it takes, or without a word about it."""
    tables = (*reference.tables_of_workspace(), *reference.tables_of_image(), *reference.tables_of_environment())
    keys = [(table.title, key) for table in tables for key in table.keys]
    assert len(keys) > 80
    assert [(title, key.name) for title, key in keys if not (key.takes and key.example and key.description)] == []


def test_pages_when_committed(tmp_path: Path) -> None:
    """`make reference` would change nothing."""
    made = dict(pages())
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    shutil.copy(REPOSITORY / ".mdformat.toml", tmp_path)
    subprocess.run([PROGRAMS / "mdformat", *made], cwd=tmp_path, check=True)
    assert sorted(made) == sorted(path.name for path in PAGES.glob("*.md"))
    for name in made:
        assert (tmp_path / name).read_text() == (PAGES / name).read_text(), f"{name}: make reference"


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda path: path.name)
def test_links_when_followed(page: Path) -> None:
    """Each leads to a page, and to a heading of this one."""
    text = page.read_text()
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (page.parent / target).is_file()
