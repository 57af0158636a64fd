"""What people are told to type exists in the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_targets_when_docs_name_them() -> None:
    made = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    named = {(target, page.name) for page in pages for target in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert named
    assert [(target, page) for target, page in sorted(named) if target not in made] == []
