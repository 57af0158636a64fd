"""Each way to a machine: it boots, a script runs there as root, and nothing is left of it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws import Account
from orchestrator.progress import ignore
from orchestrator.validate.machine import Boot
from orchestrator.validate.reach import transport_to
from orchestrator.validate.request import ConnectionKind, ImageFacts, ValidateRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.settings import Settings

AGENT = """#!/bin/sh
curl -sfo /tmp/agent.deb http://169.254.169.254/ami-lab/amazon-ssm-agent.deb && dpkg -i /tmp/agent.deb
rm /tmp/agent.deb
"""
PIPED = [ConnectionKind.SSH, ConnectionKind.PODMAN]


@pytest.fixture(scope="module")
def with_agent(shared_bench: Any, eventually: Callable[..., Any]) -> Iterator[str]:
    """An AMI whose machines have the agent."""
    instance = shared_bench.launch(UserData=AGENT, IamInstanceProfile={"Name": "ami-lab"})
    shared_bench.booted(instance)
    eventually(
        lambda: "active" in shared_bench.shell(instance, "systemctl is-active amazon-ssm-agent", check=False), "agent"
    )
    shared_bench.shell(instance, "cloud-init clean")
    made = shared_bench.image(instance, "reach-with-agent")
    yield made
    shared_bench.discard(made)


@pytest.fixture
def request_of(lab: Settings, debian: str, tmp_path: Path) -> Callable[[ConnectionKind], ValidateRequest]:
    """A request to validate Debian's own AMI, which has no agent."""

    def make(connection: ConnectionKind) -> ValidateRequest:
        return ValidateRequest(
            account=Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test"),
            ami_id=debian,
            image=ImageFacts("web", "v1", ("base",), ()),
            tests=(),
            run="run-1",
            folder=tmp_path,
            instance_type="t3.small",
            iam_instance_profile="ami-lab",
            connection=connection,
            ssh_username="admin",
            ssh_interface="private_ip",
        )

    return make


@pytest.fixture(autouse=True)
def nothing_left(ec2: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No machine, no group, no key pair, no private folder, no connection."""
    folder = Path(f"/tmp/reach-{tmp_path.name[-20:]}")
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert held(ec2) == {"machines": [], "groups": [], "keys": []}
    assert list(folder.iterdir()) == []
    assert str(folder) not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    folder.rmdir()


def held(ec2: Any) -> dict[str, list[Any]]:
    """What validations have in the account."""
    ours = {"Name": "tag:ami:purpose", "Values": ["validate"]}
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped", "shutting-down"]}
    reservations = ec2.describe_instances(Filters=[ours, states])["Reservations"]
    return {
        "machines": [one for some in reservations for one in some["Instances"]],
        "groups": ec2.describe_security_groups(Filters=[ours])["SecurityGroups"],
        "keys": ec2.describe_key_pairs(Filters=[ours])["KeyPairs"],
    }


SCRIPT = r"""id -un
printf '%s\n' "it's (braces) \$x  \"two\"" 'ünï 世界'
printf '%s\n' 'a\nb' | base64
cat
[ -t 0 ] || echo 'no terminal'
(sleep 600 >/dev/null 2>&1 &)
echo "ends here"
exit 0
"""
SAID = 'root\nit\'s (braces) $x  "two"\nünï 世界\nYVxuYgo=\nno terminal\nends here\n'


@pytest.mark.parametrize("connection", ConnectionKind)
def test_script_when_a_machine_is_booted(
    connection: ConnectionKind, request_of: Callable[..., ValidateRequest], with_agent: str, ec2: Any
) -> None:
    """It runs as root, reads nothing, and what it prints comes back byte for byte; what it leaves running does not hold it."""
    request = request_of(connection)
    if connection is ConnectionKind.SSM:
        request = replace(request, ami_id=with_agent)
    with Boot(request, ignore).machine() as machine:
        transport = transport_to(request, machine)
        assert transport.run(SCRIPT, 20) == SAID
        assert transport.run("for i in $(seq 3000); do echo 12345; done\nexit 0\n", 20) == "12345\n" * 3000
        found = held(ec2)
    assert [len(found[kind]) for kind in ("machines", "groups", "keys")] == [1, 1, connection is ConnectionKind.SSH]
    (instance,), (group,) = found["machines"], found["groups"]
    ports = [rule["FromPort"] for rule in group["IpPermissions"]]
    assert ports == ([22] if connection is ConnectionKind.SSH else [])
    assert ("KeyName" in instance) == (connection is ConnectionKind.SSH)
    for one in (*found["machines"], *found["groups"], *found["keys"]):
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        assert (tags["ami:run"], tags["ami:purpose"]) == ("run-1", "validate")
