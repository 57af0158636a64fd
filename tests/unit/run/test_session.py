"""A session serves whatever works in an account, not builds alone."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from orchestrator.aws.account import Account
from orchestrator.progress import Event, Stage
from orchestrator.run.session.session import session

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="secret-that-nobody-sees")


def test_session_when_no_image_is_built(tmp_path: Path) -> None:
    """It has a folder with an owner, a journal, an ear for signals, and a summary of whoever began it."""
    heard: list[Event] = []
    told: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with session(tmp_path, NOWHERE, "", heard.append, tell=told.append) as begun:
        folder = begun.identity.folder
        assert folder.parent == tmp_path / ".ami/runs"
        assert json.loads((folder / "owner.json").read_text())["run"] == begun.identity.id
        begun.listener(Event("web", Stage.TAG, message="copied to eu-west-1"))
        os.kill(os.getpid(), signal.SIGINT)
        assert (begun.stop.is_set(), begun.urgent.is_set(), len(told)) == (True, False, 1)
        os.kill(os.getpid(), signal.SIGINT)
        assert begun.urgent.is_set()
        assert not (folder / "summary.json").exists()
    assert signal.getsignal(signal.SIGINT) is before
    begun.conclude({"copied": 1})
    assert json.loads((folder / "summary.json").read_text()) == {"copied": 1}
    assert [json.loads(line)["message"] for line in (folder / "events.jsonl").read_text().splitlines()] == [
        heard[0].message
    ]
