"""On a full disk a file is whole or not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.files.whole_file import RecordFile, write_whole
from orchestrator.system_refusal import system_refusal
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB."""
    with small_disk(tmp_path / "tiny", "16k") as folder:
        yield folder


def test_write_whole_when_the_disk_is_full(tiny: Path) -> None:
    """What was there stays, nothing else does, and the error names the file."""
    path = tiny / "report.json"
    write_whole(path, "before")
    with pytest.raises(OSError, match="No space left") as raised:
        write_whole(path, "x" * 20_000)
    assert raised.value.filename == str(path)
    assert [one.name for one in tiny.iterdir()] == ["report.json"]
    assert path.read_text() == "before"
    lack = system_refusal(raised.value)
    assert lack is not None
    assert lack.message == f"this machine cannot write ({path}): No space left on device"


def test_record_file_when_the_disk_is_full(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever writes goes on; half a record is no record; it is told once."""
    path = tiny / "events.jsonl"
    with RecordFile(path) as record:
        record.write("first\n")
        assert path.read_text() == "first\n"
        for _ in range(3):
            record.write("x" * 20_000)
    assert not path.exists()
    assert [one.message for one in caplog.records] == [f"{path} is not kept: No space left on device"]
    with RecordFile(path) as record:
        record.write("of another run\n")
    assert path.read_text() == "of another run\n"


def test_system_refusal_when_an_error_is_a_bug() -> None:
    """It stays one, also when it came while a refusal was handled."""
    assert system_refusal(ValueError()) is None
    assert system_refusal(FileNotFoundError(2, "No such file")) is None
    error = KeyError()
    error.__context__ = PermissionError(13, "Permission denied")
    assert system_refusal(error) is None
