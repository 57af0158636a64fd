"""How a machine that was kept is reached."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.run.outcome import SegmentOutcome, SegmentStatus, Summary
from orchestrator.run.session.identity import SUMMARY_FILE, runs_folder
from orchestrator.run.shell.shell_machine import ShellMachine, ssh_command

if TYPE_CHECKING:
    from pathlib import Path

SSH = "ssh -i /home/me/key admin@10.0.0.7"


def test_ssh_command_when_the_machine_was_kept_over_ssh(tmp_path: Path) -> None:
    """The summary of its run has the command; other images, runs and ways do not count."""
    folder = runs_folder(tmp_path) / "run-1"
    folder.mkdir(parents=True)
    kept = (
        SegmentOutcome("web", SegmentStatus.VALIDATED, kept=SSH),
        SegmentOutcome("golden", SegmentStatus.VALIDATED, kept="ami shell i-0123456789abcdef0"),
    )
    (folder / SUMMARY_FILE).write_text(json.dumps(Summary("run-1", str(folder), kept).as_json()))
    assert ssh_command(tmp_path, ShellMachine("i-1", "web", "run-1")) == SSH
    assert ssh_command(tmp_path, ShellMachine("i-2", "golden", "run-1")) == ""
    assert ssh_command(tmp_path, ShellMachine("i-1", "web", "run-2")) == ""
