from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import UsageError
from orchestrator.lab import settings
from orchestrator.lab.settings import Settings, check_name, load

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_saved_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STATE", tmp_path)
    lab = Settings("one", 4999, 0.5, 0.0, limits=("--ulimit=nofile=4096:4096",), subnet="10.89.0.0/24")
    lab.save()
    assert load(lab.file) == lab


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', '{"podman_options": 1}', '{"unknown": 1}'])
def test_settings_that_cannot_be_read_are_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "lab.json"
    file.write_text(content)
    assert load(file) is None


def test_no_settings_are_none(tmp_path: Path) -> None:
    assert load(tmp_path / "lab.json") is None


@pytest.mark.parametrize("name", ["default", "a", "test-1", "x" * 32])
def test_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "../a", "x" * 33, "a b"])
def test_names_that_would_break_something(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a lab's name"):
        check_name(name)
