"""docs/tags.md has the table of the code."""

from __future__ import annotations

from pathlib import Path

from orchestrator.tags import RESERVED, Tag, TaggedKind

PAGE = Path(__file__).parents[2] / "docs/tags.md"


def row(tag: Tag) -> str:
    """The line of one tag."""
    on = "all" if tag.on == frozenset(TaggedKind) else ", ".join(kind for kind in TaggedKind if kind in tag.on)
    return f"| `{tag}` | {tag.meaning} | {tag.value_form} | {tag.writer} | {on} |"


def test_the_page_has_a_row_for_each_tag_as_the_code_says_it() -> None:
    """The rows, in the order of the code; when this fails, the page takes them from here."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("| `ami:", "| `Name`"))] == [row(tag) for tag in Tag]


def test_the_page_says_what_definitions_leave_to_the_factory() -> None:
    assert f"keeps {RESERVED} of EC2's 50" in PAGE.read_text(encoding="utf-8")
