"""What decides a fingerprint, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.fingerprint import canonical, digest, files_below

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=4)


@given(ENTRIES, ENTRIES)
def test_digest_when_entries_differ(left: list[tuple[str, bytes]], right: list[tuple[str, bytes]]) -> None:
    """Two lists have one digest exactly when they are equal, however their bytes would join."""
    assert (digest("x", left) == digest("x", right)) == (left == right)


def test_canonical_when_keys_come_in_any_order() -> None:
    """Order of writing does not matter; values do."""
    assert canonical({"b": 1, "a": [True]}) == canonical({"a": [True], "b": 1}) == b'{"a":[true],"b":1}'


def test_files_below_when_tests_and_readme_are_there(tmp_path: Path) -> None:
    """What never reaches a machine is left out; an executable bit counts, a time does not."""
    for name in ("tasks/main.yml", "tests/test_role.py", "README.md", "files/run.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "files/run.sh").chmod(0o755)
    counted = [entry.counted() for entry in files_below(str(tmp_path))]
    assert counted == [("x files/run.sh", b"files/run.sh"), ("- tasks/main.yml", b"tasks/main.yml")]


def test_files_below_when_a_link_leads_out(tmp_path: Path) -> None:
    """A link counts by its text and by what it leads to; one that leads to a folder above it ends there."""
    for name in ("role", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "there/file").write_text("content")
    for name, to in (("link", "../there/file"), ("folder", "../there"), ("loop", "."), ("nowhere", "../no")):
        (tmp_path / "role" / name).symlink_to(to)
    assert [entry.counted() for entry in files_below(str(tmp_path / "role"))] == [
        ("> folder", b"../there"),
        ("- folder/file", b"content"),
        ("- link -> ../there/file", b"content"),
        ("> loop", b"."),
        ("> nowhere", b"../no"),
    ]


def test_files_below_when_something_is_left_or_ignored(tmp_path: Path) -> None:
    """Leftovers and what `.gitignore` names are set aside; the nearest `.gitignore` has the last word."""
    written = {".gitignore": "*.log\nbuild/\n", "sub/.gitignore": "!kept.log\n"}
    aside = {"a.log", "sub/build/x", "sub/b.log", ".DS_Store", "x.yml~", "sub/.x.yml.swp", "#x#", "__pycache__/m.pyc"}
    for name in (*written, *aside, "sub/kept.log", "x.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(written.get(name, ""))
    entries = files_below(str(tmp_path))
    assert {entry.name for entry in entries if entry.aside} == aside
    assert {entry.name for entry in entries if not entry.aside} == {"sub/.gitignore", "sub/kept.log", "x.yml"}
