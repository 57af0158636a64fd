"""Folders of runs as runs leave them, and an account of moto's with an artifact bucket."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.definition.environment import Environment
from orchestrator.run.leases.owner import this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Runner = Callable[..., Path]

BUCKET = "artifacts"
RUN, LATER = "20301124T004200Z-0a1b2c", "20301125T004200Z-ffffff"
#: The end of a process that was never there.
GONE = "1"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    """An environment whose bucket is there."""
    with mock_aws():
        keys: dict[str, Any] = {"access_key": "test", "secret_key": "test-secret-that-is-long"}
        made = Environment(
            name="dev", path=tmp_path / "dev.pkrvars.hcl", region="us-east-1", artifact_bucket=BUCKET, **keys
        )
        made.account.client("s3").create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture
def leave(tmp_path: Path) -> Runner:
    """Leave the folder of a run in the workspace `tmp_path`: what its images came to, and how it ended."""

    def make(run: str = RUN, *, birth: str = GONE, environment: str = "dev", **summary: Any) -> Path:
        folder = tmp_path / ".ami/runs" / run
        for name in ("packer.log", "pytest.log", "report.json", "junit.xml", "web.pkr.hcl"):
            (folder / "web").mkdir(parents=True, exist_ok=True)
            (folder / "web" / name).write_text(f"{run} {name}\n")
        owner = this_process(run, "c0ffee")
        owner = replace(owner, birth=birth or owner.birth)
        told = {**owner.as_json(), "command": "ami build web", "environment": environment}
        (folder / "owner.json").write_text(json.dumps(told))
        (folder / "events.jsonl").write_text('{"stage": "done"}\n')
        if summary:
            (folder / "summary.json").write_text(json.dumps(summary))
        return folder

    return make


def web(status: str, ami_id: str = "ami-1") -> dict[str, Any]:
    """What the summary of a run says that came to this for `web`."""
    return {"seconds": 61.5, "images": [{"image": "web", "status": status, "ami_id": ami_id, "version": "v1"}]}
