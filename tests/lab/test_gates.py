"""A gate that is added as one file looks at the machine of a build, and its failure rejects the AMI."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(60)

TINY = """
from orchestrator.validate.gate import Finding
from orchestrator.validate.machine_gate import MachineGate, at_once

def run(context):
    (mark,) = context.answers("cat /etc/marked")
    context.say("it is marked")
    return Finding(passed=False, summary="there is a mark", evidence={"mark": mark.stdout.decode()})

GATE = MachineGate("mark", "Nobody has left a mark.", at_once(run))
"""
#: `ami`, with the files of one more folder among the gates.
AMI = """
import sys
from orchestrator.validate import gates
gates.__path__.append(sys.argv.pop(1))
from orchestrator.cli.main import main
main()
"""


def test_ami_when_a_gate_of_one_file_fails(small: Small, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is rejected although its tests passed; the report has the gate's section, and every field that it had."""
    folder = tmp_path_factory.mktemp("gates")
    (folder / "mark.py").write_text(TINY)
    done = ami(small, folder, "build", "--yes")
    assert done.returncode == 1
    assert "gate mark failed: there is a mark" in done.stderr
    (image,) = small.listed().values()
    assert image["state"] == "rejected"
    report = json.loads((small.last_run() / "tiny/report.json").read_text())
    assert (report["passed"], report["counts"]["failed"]) == (False, 0)
    boot, machine, mark, tests = report["gates"]
    assert (mark["gate"], mark["passed"], mark["evidence"]) == ("mark", False, {"mark": "marked\n"})
    assert (machine["gate"], machine["passed"]) == ("machine", True)
    assert (boot["gate"], boot["passed"], boot["evidence"]["unit"]) == ("boot", True, "amazon-ssm-agent")
    assert (tests["gate"], tests["passed"], tests["evidence"]["counts"]) == ("tests", True, report["counts"])
    assert {"ami_id", "calls", "image", "instance_id", "rounds", "seconds", "suite_seconds", "tests", "way_in"} < {
        *report
    }
    events = (small.last_run() / "events.jsonl").read_text()
    assert events.index("it is marked") < events.index(" tests of ")


def ami(small: Small, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `ami` does when `folder` has further gates."""
    return subprocess.run(
        [sys.executable, "-c", AMI, folder, *arguments],
        cwd=small.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
