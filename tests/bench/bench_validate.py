"""Asking a machine: `ami validate`, against a Run Command for each question, and Testinfra's own ways.

The same generated tests on machines of the same AMI. Ours is the time and the calls that the report of `ami validate`
says its tests took, from the start of pytest to its end; of the others it is the process `pytest`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import assertions
from tests.bench.assertions import KINDS, PREFIX, Facts
from tests.bench.far_away import far_away
from tests.bench.lab import lab
from tests.bench.program import Command, Failed, environment, timed
from tests.bench.row import Row
from tests.bench.setting import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.lab import Lab
    from tests.bench.setting import Setting

_FEW, _MANY = 150, 1_500
_DELAY = 1.0
#: Seconds that a far machine is away, in each direction.
_FAR = 0.025
_PATIENCE = 120
_IMAGE = "asked"

_AMI = f"""\
name: bench
default_environment: lab
sources:
  debian-12:
    filter: {{name: "debian-12-amd64-*", owner: "136693071363"}}
    ssh_username: admin
layers:
  - base: {{roles: [ssm_agent, {", ".join(KINDS)}]}}
"""
_DEFINITION = f"""\
name: {_IMAGE}
description: An image that is asked much
owner: {{team: bench, email: bench@example.com}}
from: debian-12
layers: [base]
"""
_NOTHING = "- name: Nothing\n  ansible.builtin.command: 'true'\n  changed_when: false\n"


@dataclass(frozen=True)
class Took:
    """One run of a suite: seconds, calls to the API, and the rounds of ours."""

    seconds: float
    calls: int
    rounds: int = 0


@dataclass(frozen=True)
class Side:
    """A machine of the bench's AMI for Testinfra's own ways, in one lab."""

    lab: Lab
    instance_id: str
    address: str
    container: str
    key: Path


def run(setting: Setting) -> list[Row]:
    """Both sides at both delays, and growth."""
    with ExitStack() as stack:
        slow = stack.enter_context(lab(setting.tell, _DELAY, "bench-slow"))
        spaces = {one: _workspace(setting, one) for one in (setting.lab, slow)}
        near = stack.enter_context(_side(setting, setting.lab))
        far = stack.enter_context(_side(setting, slow))
        facts = Facts.read(_inside(near, assertions.FACTS))
        few, many = (assertions.suite(facts, count) for count in (_FEW, _MANY))
        at_once = [_rounds(setting, spaces[setting.lab], few, _FEW) for _ in range(setting.rounds)]
        delayed = [_rounds(setting, spaces[slow], few, _FEW) for _ in range(setting.rounds)]
        grown = _rounds(setting, spaces[slow], many, _MANY)
        plain = _Plain(setting, setting.folder / "plain", few)
        others = {
            "alone, slow": [plain.alone(far)],
            "alone": [plain.alone(near)],
            "podman": [plain.podman(near) for _ in range(setting.rounds)],
            "ssh": [plain.ssh(near) for _ in range(setting.rounds)],
            "far": [plain.ssh(near, far=True) for _ in range(setting.rounds)],
        }
    return _rows(at_once, delayed, grown, others)


def _rows(at_once: list[Took], delayed: list[Took], grown: Took, others: dict[str, list[Took]]) -> list[Row]:
    def seconds(some: list[Took]) -> float:
        return median(one.seconds for one in some)

    def calls(some: list[Took]) -> float:
        return median(one.calls for one in some)

    def row(compared: str, ours: float, other: float, aim: float | None = None, **more: Any) -> Row:
        return Row("validate", compared, ours, other, aim=aim, **more)

    rounds = f"{_FEW} assertions: {delayed[0].rounds} rounds; {_MANY:,}: {grown.rounds}"
    alone, slow, far = others["alone"], others["alone, slow"], others["far"]
    return [
        row("delay 1 s: calls : one per question", calls(delayed), calls(slow), 1 / 20, unit="calls", note=rounds),
        row("delay 1 s: wall : one per question", seconds(delayed), seconds(slow), 1 / 15),
        row("delay 1 s: wall : ssh, 50 ms farther", seconds(delayed), seconds(far), 1.0),
        row("delay 1 s: wall : ssh", seconds(delayed), seconds(others["ssh"])),
        row("delay 0 s: wall : podman", seconds(at_once), seconds(others["podman"]), 2.0),
        row("delay 0 s: wall : one per question", seconds(at_once), seconds(alone)),
        row("delay 0 s: wall : ssh", seconds(at_once), seconds(others["ssh"])),
        row(f"calls of {_MANY:,} : of {_FEW}", grown.calls, calls(delayed), _MANY / _FEW / 2, unit="calls"),
        row(f"wall of {_MANY:,} : of {_FEW}, delay 1 s", grown.seconds, seconds(delayed)),
    ]


def _workspace(setting: Setting, where: Lab) -> Path:
    """A workspace of one image, built and validated with tests that ask next to nothing."""
    root = setting.folder / f"asked-{where.name}"
    setting.tell(f"validate: ami build in the lab '{where.name}'")
    setting.loaded()
    _copy(setting.workspace / "packer/environments", root / "packer/environments")
    variables = root / "packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text().replace(setting.lab.endpoint, where.endpoint))
    (root / "packer/images").mkdir()
    (root / "ami.yml").write_text(_AMI)
    (root / f"packer/images/{_IMAGE}.yml").write_text(_DEFINITION)
    for kind in KINDS:
        (root / "roles" / kind / "tasks").mkdir(parents=True)
        (root / "roles" / kind / "tasks/main.yml").write_text(_NOTHING)
    assertions.write(root / "roles", {})
    setting.ami("build", "--yes", workspace=root)
    return root


def _copy(there: Path, here: Path) -> None:
    here.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-r", there, here], check=True)


def _rounds(setting: Setting, root: Path, texts: dict[str, str], count: int) -> Took:
    """`ami validate` of the generated tests alone."""
    setting.tell(f"validate: ami validate, {count:,} assertions")
    assertions.write(root / "roles", texts)
    ended = setting.ami("validate", _IMAGE, "-k", PREFIX, "--yes", "--json", workspace=root)
    summary = json.loads(ended.out)
    report = json.loads((Path(summary["folder"]) / _IMAGE / "report.json").read_text())
    expected = sum(text.count(f"def {PREFIX}") for text in texts.values())
    if report["counts"] != {"passed": expected, "failed": 0}:
        raise Failed(f"{expected} tests should have passed, and {report['counts']} did")
    rounds = report["rounds"]  # `calls` of the report also has those that await the machine
    return Took(report["suite_seconds"], sum(one["calls"] for one in rounds), len(rounds))


@contextmanager
def _side(setting: Setting, where: Lab) -> Iterator[Side]:
    """A machine of the AMI, with its agent online and a key."""
    (image,) = where.ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [f"{_IMAGE}-*"]}])[
        "Images"
    ]
    key = setting.folder / f"key-{where.name}"
    key.write_text(where.ec2.create_key_pair(KeyName="bench", KeyType="ed25519")["KeyMaterial"])
    key.chmod(0o600)
    (made,) = where.ec2.run_instances(
        ImageId=image["ImageId"],
        InstanceType="t3.small",
        KeyName="bench",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "ami-lab"},
    )["Instances"]
    instance_id = str(made["InstanceId"])
    try:
        found = _until(lambda: _online(where, instance_id), f"{instance_id} to come online")
        yield Side(where, instance_id, found["PrivateIpAddress"], f"ami-lab-{where.name}-{instance_id}", key)
    finally:
        where.ec2.terminate_instances(InstanceIds=[instance_id])


def _online(where: Lab, instance_id: str) -> Any:
    """The instance when it can be asked in every way."""
    (group,) = where.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    (found,) = group["Instances"]
    known = where.ssm.describe_instance_information()["InstanceInformationList"]
    if not any(one["InstanceId"] == instance_id for one in known):
        return None
    container = f"ami-lab-{where.name}-{instance_id}"
    argv = ["podman", "exec", container, "sh", "-c", "cloud-init status --wait >/dev/null && systemctl is-active ssh"]
    return found if subprocess.run(argv, capture_output=True, check=False).returncode == 0 else None


def _inside(side: Side, script: str) -> str:
    argv = ["podman", "exec", "--interactive", side.container, "sh"]
    return subprocess.run(argv, input=script, capture_output=True, text=True, check=True).stdout


def _until(ask: Any, what: str) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.5)
    raise Failed(f"waited {_PATIENCE} s in vain for {what}")


class _Plain:
    """The generated tests as anybody runs them: one pytest, Testinfra's own host."""

    def __init__(self, setting: Setting, root: Path, texts: dict[str, str]) -> None:
        self._setting = setting
        self._root = root
        assertions.write(root / "roles", texts)
        (root / "pytest.ini").write_text("[pytest]\n")

    def alone(self, side: Side) -> Took:
        """A Run Command for each question."""
        return self._run("alone", side, hostspec=f"alone://{side.instance_id}", endpoint=side.lab.endpoint)

    def podman(self, side: Side) -> Took:
        """Testinfra's podman backend."""
        return self._run("podman", side, hostspec=f"podman://{side.container}")

    def ssh(self, side: Side, *, far: bool = False) -> Took:
        """Testinfra's ssh backend with the connection that it keeps open; it becomes root with sudo."""
        with ExitStack() as stack:
            address, port = side.address, 22
            if far:
                address, port = "127.0.0.1", stack.enter_context(far_away(side.address, 22, _FAR))
            config = self._root / "ssh_config"
            config.write_text(
                "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n"
                f"  IdentitiesOnly yes\n  ControlPath {self._root}/%p\n"
            )
            stack.callback(self._hang_up, config, address, port)
            return self._run(
                "ssh-far" if far else "ssh",
                side,
                hostspec=f"ssh://admin@{address}:{port}",
                ssh_config=str(config),
                ssh_identity_file=str(side.key),
                sudo=True,
            )

    @staticmethod
    def _hang_up(config: Path, address: str, port: int) -> None:
        argv = ["ssh", "-F", str(config), "-p", str(port), "-O", "exit", address]
        subprocess.run(argv, capture_output=True, check=False)

    def _run(self, name: str, side: Side, **host: Any) -> Took:
        self._setting.tell(f"validate: pytest with Testinfra, {name}")
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.bench.plain_host",
            "--import-mode=importlib",
            "-k",
            PREFIX,
        ]
        env = {
            **environment(),
            "PYTHONPATH": str(REPOSITORY),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "BENCH_HOST": json.dumps(host),
        }
        log = self._setting.logs / f"validate-{name}"
        before = side.lab.calls() or 0
        ended = timed(Command([sys.executable, "-m", "pytest", *options, str(self._root)], self._root, log, env))
        return Took(ended.seconds, (side.lab.calls() or 0) - before)
