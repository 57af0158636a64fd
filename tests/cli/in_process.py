"""Commands that are typed in this process: quicker than one of their own for each."""

from __future__ import annotations

import sys

import pytest

from orchestrator.cli.main import main


def typed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of `ami` with these arguments, in the folder that is the current one."""
    monkeypatch.setattr(sys, "argv", ["ami", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
