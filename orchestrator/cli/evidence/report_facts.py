"""What the report of an AMI's verdict says: from this disk, or else from the artifact bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.cli.terminal import say

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.contract.show import FailedTestJson, ReportJson
    from orchestrator.definition.environment import Environment

_BAD = ("failed", "error")


def report_facts(root: Path, environment: Environment, ami_id: str) -> ReportJson:
    """Where the report is, and its failed tests; null and empty when none can be read."""
    from orchestrator.aws.account import AwsError
    from orchestrator.run.evidence.find_run import report_of
    from orchestrator.run.evidence.run_history import RunHistory

    found = report_of(RunHistory(root, environment, say), environment, ami_id)
    if found is None:
        return {"report": None, "failed_tests": []}
    run, path = found
    failed: list[FailedTestJson] = []
    try:
        tests = json.loads(run.read(path))["tests"]
        failed += [{"test": _name(one), "message": _first_line(one)} for one in tests if one["outcome"] in _BAD]
    except (OSError, ValueError, KeyError, TypeError, *AwsError) as error:
        say(f"note: {run.place(path)} cannot be read: {error}")
    return {"report": run.place(path), "failed_tests": failed}


def _name(test: dict[str, Any]) -> str:
    """`nginx: test_config`."""
    return f"{test['role']}: {str(test['nodeid']).partition('::')[2]}"


def _first_line(test: dict[str, Any]) -> str:
    return next(iter(str(test.get("message", "")).strip().splitlines()), "")
