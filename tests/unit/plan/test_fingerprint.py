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
    assert list(files_below(tmp_path)) == [("x files/run.sh", b"files/run.sh"), ("- tasks/main.yml", b"tasks/main.yml")]


def test_files_below_when_a_link_leads_out(tmp_path: Path) -> None:
    """A link to a file counts as that file, one to a folder by where it leads."""
    (tmp_path / "role").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("content")
    (tmp_path / "role/link").symlink_to(tmp_path / "file")
    (tmp_path / "role/folder").symlink_to("../there")
    assert list(files_below(tmp_path / "role")) == [("> folder", b"../there"), ("- link", b"content")]
