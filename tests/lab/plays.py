"""Playbooks applied to a machine of the lab as a build applies them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.build.launch.environment import STRATEGY
from orchestrator.definition.levels.extended import BUILTIN_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


def play(playbook: Path, address: str, key: Path, variables: Mapping[str, Any]) -> dict[str, int]:
    """Apply a playbook to the machine with that address; returns the numbers of Ansible's recap."""
    argv = [str(PROGRAMS / "ansible-playbook"), "-i", f"{address},", "-u", "admin", "--private-key", str(key)]
    argv += ["-e", json.dumps(variables)]
    env = {
        **os.environ,
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "ANSIBLE_HOST_KEY_CHECKING": "0",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_ROLES_PATH": f"{REPOSITORY}/roles:{BUILTIN_ROOT}/roles",
        **STRATEGY,
    }
    done = subprocess.run([*argv, str(playbook)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(count) for name, count in re.findall(r"(ok|changed|failed)=(\d+)", done.stdout)}
