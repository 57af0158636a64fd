"""What docs/architecture.md and the README say about the code is where they say."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
#: A path in code quotes: with a folder, or with the end of a file's name.
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]*)+|[\w.-]+\.(?:py|sh|md|toml|yml))`")

#: What runs write.
OF_RUNS = ("summary.json",)


def named(document: str) -> list[str]:
    return sorted(set(PATH.findall((REPOSITORY / document).read_text(encoding="utf-8"))))


def exists(path: str) -> bool:
    roots = [REPOSITORY, REPOSITORY / "orchestrator"]
    rooms = [room for room in (REPOSITORY / "orchestrator").iterdir() if room.is_dir()]
    return any((root / path).exists() for root in [*roots, *rooms])


@pytest.mark.parametrize("path", [path for path in named("docs/architecture.md") if path not in OF_RUNS])
def test_path_of_the_architecture_when_named(path: str) -> None:
    assert exists(path)


def test_every_room_is_named() -> None:
    """A folder that is added is added to the page as well."""
    page = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    packages = (path.parent for path in (REPOSITORY / "orchestrator").rglob("__init__.py"))
    rooms = {path.name for path in packages if path.name not in {"orchestrator", "strategy"}}
    assert {room for room in rooms if f"{room}/`" not in page} == set()


def test_no_folder_has_more_than_sixteen_files() -> None:
    """What is more is a room of its own."""
    folders = (path.parent for path in (REPOSITORY / "orchestrator").rglob("__init__.py"))
    assert {folder.name: count for folder in folders if (count := len(list(folder.glob("*.py")))) > 16} == {}


def test_no_two_classes_share_a_name() -> None:
    """Else a name says what a thing is only to those who know the file."""
    places = defaultdict(list)
    for path in (REPOSITORY / "orchestrator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(REPOSITORY)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
