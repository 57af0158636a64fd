"""How long the Ansible of the shipped golden stack takes: with Ansible's own settings, and as a build runs it.

Both sides apply the same playbooks, as Packer calls them, to a fresh machine of the same AMI, one after the other in
each round. Stock is ansible-playbook as Packer's provisioner starts it: no pipelining, the linear strategy, nothing
kept between playbooks. Ours is what the build driver gives Packer, and what the rendered file adds to it.

    ami lab up
    python tests/bench/bench_ansible.py --endpoint http://127.0.0.1:4999
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import Account
from orchestrator.build.ansible import mitogen
from orchestrator.build.ansible.tasks import Follower
from orchestrator.build.launch.environment import packer_environment, private_folder
from orchestrator.build.launch.variables import ansible_command
from orchestrator.build.request import BuildRequest
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.definition.workspace import load
from orchestrator.plan.stack import outlines
from orchestrator.render.packer import PackerSet, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import SegmentOutline

REPOSITORY = Path(__file__).parents[2]
AIM = 0.4
SSH = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


@dataclass(frozen=True)
class Stack:
    """The golden stack as Packer would apply it: playbooks with their variables, and the rendered environment."""

    workspace: Workspace
    plays: tuple[tuple[Path, dict[str, Any]], ...]
    rendered: Mapping[str, str]
    network: Mapping[str, str]


@dataclass(frozen=True)
class Machine:
    """A running machine, and the key that opens it."""

    address: str
    user: str
    key: Path


def run(endpoint: str, rounds: int = 3) -> dict[str, Any]:
    """Measure both sides in turns against the lab at `endpoint`; seconds are medians over the rounds."""
    stack, account = golden(), Account("us-east-1", "", endpoint, "lab", "lab")
    sides = {"stock": apply_stock, "ours": apply_ours}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    slowest: list[tuple[float, str]] = []
    for number in range(rounds):
        for name in sorted(sides, reverse=number % 2 == 0):
            with tempfile.TemporaryDirectory() as folder, fresh_machine(account, stack, Path(folder)) as machine:
                seconds[name].append(sides[name](stack, machine, Path(folder)))
                slowest = tasks_of(Path(folder)) or slowest
            tell(f"round {number + 1}: {name} {seconds[name][-1]:.1f} s")
    stock, ours = median(seconds["stock"]), median(seconds["ours"])
    return {
        "name": "ansible",
        "stock_seconds": round(stock, 2),
        "ours_seconds": round(ours, 2),
        "ratio": round(ours / stock, 3),
        "aim": AIM,
        "rounds": seconds,
        "mitogen": mitogen.why_not(wanted=True) or mitogen.installed(),
        "slowest_tasks": slowest[:10],
    }


def golden() -> Stack:
    """The stack of the image `golden`, from the repository's own definitions."""
    workspace = load(REPOSITORY)
    segment: SegmentOutline = outlines(workspace, ["golden"])[-1]
    layers = [(layer.playbook, layer.name, layer.roles, layer.vars) for layer in segment.layers]
    layers.append((BUILTIN_ROOT / "playbooks/seal.yml", "seal", ("seal",), {}))
    plays = tuple(
        (playbook, {**given, "image_name": "golden", "layer_name": name, "layer_roles": roles})
        for playbook, name, roles, given in layers
    )
    text = render(workspace, segment, PackerSet("1.6.6"))
    rendered = dict(re.findall(r'^    "(ANSIBLE_\w+)=(.*)",$', text, flags=re.MULTILINE))
    return Stack(workspace, plays, rendered, workspace.environment("lab").extra_vars)


@contextmanager
def fresh_machine(account: Account, stack: Stack, folder: Path) -> Iterator[Machine]:
    """A machine of the source's AMI whose first boot is over; terminated at the end, and its key deleted."""
    ec2, name = account.client("ec2"), f"bench-{folder.name}"
    source = stack.workspace.sources["debian-12"]
    assert source.filter is not None
    key = folder / "key"
    key.write_text(ec2.create_key_pair(KeyName=name, KeyType="ed25519")["KeyMaterial"])
    key.chmod(0o600)
    wanted = [{"Name": "name", "Values": [source.filter.name]}]
    images = ec2.describe_images(Owners=[source.filter.owner], Filters=wanted)["Images"]
    newest = max(images, key=lambda image: image["CreationDate"])["ImageId"]
    asked = {"ImageId": newest, "InstanceType": "t3.small", "KeyName": name, "MinCount": 1, "MaxCount": 1}
    made = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
    try:
        ec2.get_waiter("instance_running").wait(InstanceIds=[made], WaiterConfig={"Delay": 1})
        found = ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]
        machine = Machine(found["PrivateIpAddress"], source.ssh_username, key)
        await_boot(machine)
        yield machine
    finally:
        ec2.terminate_instances(InstanceIds=[made])
        ec2.get_waiter("instance_terminated").wait(InstanceIds=[made], WaiterConfig={"Delay": 1})
        ec2.delete_key_pair(KeyName=name)


def await_boot(machine: Machine, seconds: float = 120) -> None:
    """Wait until cloud-init is done. 2: it ended with something to warn of."""
    argv = ["ssh", "-i", str(machine.key), *SSH, f"{machine.user}@{machine.address}", "cloud-init status --wait"]
    deadline = time.monotonic() + seconds
    while subprocess.run(argv, capture_output=True, check=False).returncode not in (0, 2):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{machine.address} did not boot in {seconds} s")
        time.sleep(0.5)


def apply_stock(stack: Stack, machine: Machine, folder: Path) -> float:
    """Seconds of the playbooks with Ansible's own settings, and none of ours but where roles are."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MITOGEN_"))}
    own = {"ANSIBLE_HOME": str(folder / "ansible"), "ANSIBLE_HOST_KEY_CHECKING": "False"}
    program = str(Path(ansible_command()).with_name("ansible-playbook"))
    return play(program, stack, machine, folder, {**inherited, **own, **roles_path()})


def apply_ours(stack: Stack, machine: Machine, folder: Path) -> float:
    """Seconds of the playbooks as a build runs them: the driver's environment, the rendered one, and our command."""
    request = BuildRequest(
        image="golden",
        version="bench",
        run="bench",
        template=folder,
        var_file=folder,
        folder=folder,
        workspace=REPOSITORY,
        account=Account("us-east-1"),
        mitogen=stack.workspace.mitogen,
    )
    with_mitogen = not mitogen.why_not(wanted=request.mitogen)
    with private_folder() as private:
        driver = packer_environment(request, private, os.environ, mitogen=with_mitogen)
        environment = {name: value for name, value in {**os.environ, **driver}.items() if value is not None}
        return play(ansible_command(), stack, machine, folder, {**environment, **stack.rendered, **roles_path()})


def roles_path() -> dict[str, str]:
    """What the rendered file computes while Packer runs."""
    return {"ANSIBLE_ROLES_PATH": f"{REPOSITORY / 'roles'}:{BUILTIN_ROOT / 'roles'}"}


def play(program: str, stack: Stack, machine: Machine, folder: Path, environment: dict[str, str]) -> float:
    """Seconds that all playbooks took, one after the other with the arguments that Packer 1.6 gives."""
    inventory = folder / "inventory"
    inventory.write_text(f"default ansible_host={machine.address} ansible_user={machine.user} ansible_port=22\n")
    began = time.monotonic()
    for playbook, given in stack.plays:
        argv = [program, "-e", "packer_build_name=golden", "-e", "packer_builder_type=amazon-ebs"]
        argv += ["--ssh-extra-args", "-o IdentitiesOnly=yes", "-e", f"ansible_ssh_private_key_file={machine.key}"]
        argv += ["--extra-vars", json.dumps(given), "--extra-vars", json.dumps(dict(stack.network))]
        argv += ["-i", str(inventory), str(playbook)]
        done = subprocess.run(argv, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{playbook.name} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return time.monotonic() - began


def tasks_of(folder: Path) -> list[tuple[float, str]]:
    """The tasks that our side wrote down, the slowest first."""
    events = list(Follower(folder / "tasks.jsonl").read())
    timed = [(event.seconds, f"{event.role or event.layer}: {event.task}") for event in events if event.seconds]
    return sorted(timed, reverse=True)


def tell(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> int:
    """Print a table and the result as JSON; 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="http://127.0.0.1:4999", help="where the lab answers")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is measured")
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    chosen = parser.parse_args()
    if shutil.which("ssh") is None:
        parser.error("the program 'ssh' is not installed (apt-get install openssh-client)")
    result = run(chosen.endpoint, chosen.rounds)
    lines = [f"{'Ansible of the golden stack':30} {'stock':>8} {'ours':>8} {'ratio':>7} {'aim':>5}"]
    row = f"{result['stock_seconds']:>6.1f} s {result['ours_seconds']:>6.1f} s {result['ratio']:>7.3f} {AIM:>5}"
    lines.append(f"{'median of ' + str(chosen.rounds):30} {row}")
    lines += [f"  {seconds:6.2f} s  {task}" for seconds, task in result["slowest_tasks"]]
    text = json.dumps(result)
    sys.stdout.write("\n".join([*lines, text]) + "\n")
    if chosen.out:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    return 0 if result["ratio"] <= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
