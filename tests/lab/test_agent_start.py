"""An agent that has trouble when its machine starts: its image is validated all the same, and a broken agent is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.progress import Stage
from orchestrator.validate.request import ImageFacts, RoleTests, ValidateRequest
from orchestrator.validate.validate import validate
from tests.lab.conftest import AGENT_WAITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.lab.settings import Settings
    from orchestrator.progress import Event

pytestmark = pytest.mark.long(90)

ROLE = BUILTIN_ROOT / "roles/ssm_agent/tests"
LOG = "/var/log/amazon/ssm/amazon-ssm-agent.log"


def test_an_image_whose_agent_is_refused_at_first_is_validated(
    lab: Settings, ami_with_agent: str, faults: Any, bench: Any, tmp_path: Path
) -> None:
    """Refused for 16 s, and online 309 s after its first call; an agent's second takes a 30th of one here."""
    faults.set("agent-late", 309)
    refused = faults.set("agent-refused", 16)
    events: list[Event] = []
    logs: list[str] = []

    def hear(event: Event) -> None:
        events.append(event)
        if event.stage is Stage.TEST and not logs:
            found = re.search(r"\bi-[0-9a-f]{17}", " ".join(one.message for one in events))
            assert found is not None
            logs.append(bench.shell(found[0], f"cat {LOG}"))

    request = ValidateRequest(
        account=Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test"),
        ami_id=ami_with_agent,
        image=ImageFacts("web", "v1", ("base",), ("ssm_agent",)),
        tests=(RoleTests("ssm_agent", ROLE),),
        run="run-1",
        folder=tmp_path,
        placement=Placement((("t3.small", ""),), profile="ami-lab"),
    )
    assert validate(request, hear).passed
    assert faults.hits(refused) == 1
    first, online = (_last(line, logs[0]) for line in ("Agent will take identity", "Agent is online"))
    assert (online - first).total_seconds() >= 309 * AGENT_WAITS - 1
    assert "UpdateInstanceInformation was refused with status 400; sleeping for 10 seconds" in logs[0]
    assert "waiting for the SSM agent of i-" in " ".join(one.message for one in events if one.stage is Stage.AWAIT)


def _last(said: str, log: str) -> datetime:
    """When the agent has said something last."""
    line = [line for line in log.splitlines() if said in line][-1]
    return datetime.fromisoformat(line.partition(" INFO")[0])


def test_one_restart_of_the_agent_is_no_fault_and_a_loop_is(
    bench: Any, ami_with_agent: str, faults: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    """The first start finds no metadata service, and systemd starts the agent once more."""
    faults.set("agent-no-metadata", times=1)
    instance = bench.launch(ImageId=ami_with_agent, IamInstanceProfile={"Name": "ami-lab"})
    eventually(lambda: bench.ping(instance) == "Online", "the agent online")
    assert bench.shell(instance, "systemctl show --property=NRestarts --value amazon-ssm-agent") == "1\n"
    assert role_tests(bench.container(instance), tmp_path) == set()
    place = "/etc/systemd/system/amazon-ssm-agent.service.d"
    settings = "[Service]\\nRuntimeMaxSec=4\\nRestartSec=1\\n"
    bench.shell(instance, f"mkdir -p {place} && printf '{settings}' >{place}/loop.conf && systemctl daemon-reload")
    bench.shell(instance, "systemctl restart amazon-ssm-agent")
    restarts = "systemctl show --property=NRestarts --value amazon-ssm-agent"
    eventually(lambda: bench.shell(instance, restarts) == "1\n", "the first restart")
    assert "test_agent_runs_from_boot_on" in role_tests(bench.container(instance), tmp_path)


def role_tests(container: str, folder: Path) -> set[str]:
    """Which of the role's own tests fail on a machine."""
    argv = [sys.executable, "-m", "pytest", "-q", "-rf", "-c", os.devnull, "-p", "no:cacheprovider"]
    argv += [f"--hosts=podman://{container}", f"--rootdir={folder}", str(ROLE)]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    failed = set(re.findall(r"^FAILED .*::(\w+)", done.stdout, re.MULTILINE))
    assert done.returncode == bool(failed), done.stdout + done.stderr
    assert re.search(r"^=*.*\b[123] (passed|failed)", done.stdout, re.MULTILINE)
    return failed
