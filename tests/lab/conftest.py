"""A running lab for the session, and what tests do with it: launch, wait, look into a machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.lab import door, lifecycle, settings
from orchestrator.lab.api.fault_rules import Rule, kind_named
from orchestrator.lab.settings import Settings
from tests.lab.small import LIGHT, small
from tests.lab.swept import bucket, swept
from tests.ports import free_port as port_that_is_free
from tests.waiting import until

__all__ = ["bucket", "small", "swept"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.packers.option import Given

DEBIAN = "136693071363"
#: A minute of the agent takes two seconds.
AGENT_WAITS = 1 / 30
#: User data that installs the lab's agent.
AGENT = """#!/bin/sh
curl -sfo /tmp/agent.deb http://169.254.169.254/ami-lab/amazon-ssm-agent.deb && dpkg -i /tmp/agent.deb
rm /tmp/agent.deb
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/lab/" in str(item.path):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(autouse=True)
def packer_on_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test with the mark `packers` run with the Packer that it is its turn of."""
    given: Given | None = getattr(request, "param", None)
    if given is not None:
        if given.plays:
            pytest.skip("this Packer plays recordings: it does no task of a test's own")
        monkeypatch.setenv("PATH", f"{given.folder}:{os.environ['PATH']}")
        monkeypatch.setenv("PACKER_PLUGIN_PATH", str(given.folder / "plugins"))


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port of the loopback interface that nothing uses."""
    return port_that_is_free


@pytest.fixture(scope="session")
def lab(free_port: Callable[[], int], request: pytest.FixtureRequest) -> Iterator[Settings]:
    """A lab of this session's own, with no delays and an agent that waits a 30th of its time; gone at the end.

    With `--enforce-iam` it enforces rights, under an administrator.
    Labs of sessions that were killed go first.
    """
    for folder in settings.STATE.glob("test-*"):
        if not Path("/proc", folder.name.rpartition("-")[2]).exists():
            lifecycle.down(folder.name, print)
    name = f"test-{os.getpid()}"
    enforced = bool(request.config.getoption("--enforce-iam"))
    made = lifecycle.up(Settings(name, free_port(), 0.0, 0.0, AGENT_WAITS, enforce_iam=enforced), print)
    make_one_host_key(made)
    yield made
    lifecycle.down(name, print)


def make_one_host_key(lab: Settings) -> None:
    """Let machines make only an Ed25519 host key at their first boot: RSA and DSA take a second of a core each time."""
    name = f"ami-lab-{lab.name}-host-key"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "20_tests.cfg").write_text("ssh_genkeytypes: [ed25519]\n")
        podman("create", f"--name={name}", lab.disk, "true")
        podman("cp", f"{folder}/20_tests.cfg", f"{name}:/etc/cloud/cloud.cfg.d/")
        podman("commit", "--quiet", name, lab.disk)
        podman("rm", name)


@pytest.fixture(scope="session")
def client(lab: Settings) -> Callable[..., Any]:
    """boto3 clients of the lab: `client("ec2")`, `client("ec2", "eu-west-1")`."""
    made: dict[tuple[str, str], Any] = {}

    def get(service: str, region: str = "us-east-1") -> Any:
        if (service, region) not in made:
            made[service, region] = boto3.client(  # type: ignore[call-overload] # of any service
                service,
                region_name=region,
                endpoint_url=lab.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return made[service, region]

    return get


@pytest.fixture(scope="session")
def ec2(client: Callable[..., Any]) -> Any:
    return client("ec2")


@pytest.fixture(scope="session")
def ssm(client: Callable[..., Any]) -> Any:
    return client("ssm")


@pytest.fixture(scope="session")
def debian(ec2: Any) -> str:
    """The id of the Debian AMI in us-east-1."""
    return str(newest_debian(ec2)["ImageId"])


def newest_debian(ec2: Any) -> Any:
    filters = {"name": "debian-12-amd64-*", "virtualization-type": "hvm", "root-device-type": "ebs"}
    asked = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    (image,) = ec2.describe_images(Owners=[DEBIAN], Filters=asked)["Images"]
    return image


@pytest.fixture(scope="session")
def key(ec2: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private half of a key pair called `tests`."""
    path = tmp_path_factory.mktemp("key") / "tests"
    path.write_text(ec2.create_key_pair(KeyName="tests", KeyType="ed25519")["KeyMaterial"])
    path.chmod(0o600)
    return path


@dataclass
class Bench:
    """What tests do with instances. Everything launched here is terminated at the end of the test."""

    lab: Settings
    client: Callable[..., Any]
    debian: str
    key: Path
    light: str = ""
    """The AMI of nodes: see `light_ami`."""
    launched: list[tuple[str, str]] = field(default_factory=list)

    def launch(self, region: str = "us-east-1", **arguments: Any) -> str:
        """Launch one instance, of Debian with the key and a profile unless told otherwise, and wait until it runs."""
        defaults = {"ImageId": self.debian, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
        if region == "us-east-1":
            defaults |= {"KeyName": "tests"}
        (made,) = self.client("ec2", region).run_instances(**defaults | arguments)["Instances"]
        instance_id = str(made["InstanceId"])
        self.launched.append((region, instance_id))
        self.wait(instance_id, "running", region)
        return instance_id

    def node(self) -> str:
        """Launch an instance with an agent and a profile, and wait until Systems Manager reaches it."""
        ami = self.light or self.debian
        instance_id = self.launch(ImageId=ami, UserData=AGENT, IamInstanceProfile={"Name": "ami-lab"})
        until(lambda: self.ping(instance_id) == "Online", f"{instance_id} Online")
        return instance_id

    def ping(self, instance_id: str) -> str | None:
        """The node's PingStatus; None when Systems Manager does not list it."""
        wanted = [{"Key": "InstanceIds", "Values": [instance_id]}]
        listed = self.client("ssm").describe_instance_information(Filters=wanted)["InstanceInformationList"]
        return str(listed[0]["PingStatus"]) if listed else None

    def describe(self, instance_id: str, region: str = "us-east-1") -> Any:
        """The instance as DescribeInstances tells it."""
        answer = self.client("ec2", region).describe_instances(InstanceIds=[instance_id])
        return answer["Reservations"][0]["Instances"][0]

    def wait(self, instance_id: str, state: str, region: str = "us-east-1", seconds: float = 300) -> Any:
        """Wait for a state."""
        return until(
            lambda: (found := self.describe(instance_id, region))["State"]["Name"] == state and found,
            f"{instance_id} {state}",
            seconds,
        )

    def container(self, instance_id: str) -> str:
        """The name of the machine's container."""
        return f"ami-lab-{self.lab.name}-{instance_id}"

    def shell(self, instance_id: str, command: str, *, check: bool = True) -> str:
        """What a command prints in the machine, run as root behind AWS's back."""
        return podman("exec", self.container(instance_id), "sh", "-c", command, check=check)

    def booted(self, instance_id: str) -> str:
        """Wait until cloud-init is done; returns its status."""
        # Each start of cloud-init takes half a second of a core: it is asked when its result is there.
        wait = "for i in $(seq 3000); do [ -e /run/cloud-init/result.json ] && break; sleep 0.1; done"
        ask = "for i in $(seq 100); do cloud-init status --wait && exit; sleep 0.1; done 2>&1; exit 1"
        return self.shell(instance_id, f"{wait}; {ask}").strip(". \n")

    def ssh(self, instance_id: str, command: str) -> str:
        """What a command prints that is run over SSH as admin."""
        address = self.describe(instance_id)["PrivateIpAddress"]
        argv = ["ssh", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        argv += ["-o", "LogLevel=ERROR", "-o", "ConnectTimeout=2", f"admin@{address}", command]

        def answer() -> str | None:
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            return done.stdout if done.returncode == 0 else None

        return str(until(answer, f"ssh to {address}"))

    def image(self, instance_id: str, name: str, **arguments: Any) -> str:
        """Make an image of an instance, and wait until it is available."""
        ec2 = self.client("ec2")
        image_id = str(ec2.create_image(InstanceId=instance_id, Name=name, **arguments)["ImageId"])

        def saved() -> bool:
            state = ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"]
            assert state != "failed", f"{image_id} was not saved; the lab's log tells why"
            return bool(state == "available")

        until(saved, image_id)
        return image_id

    def discard(self, image_id: str, region: str = "us-east-1") -> None:
        """Deregister an image and delete its snapshot."""
        ec2 = self.client("ec2", region)
        (image,) = ec2.describe_images(ImageIds=[image_id])["Images"]
        ec2.deregister_image(ImageId=image_id)
        ec2.delete_snapshot(SnapshotId=image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])

    def close(self) -> None:
        """Terminate what was launched."""
        for region, instance_id in self.launched:
            self.client("ec2", region).terminate_instances(InstanceIds=[instance_id])
        for region, instance_id in self.launched:
            self.wait(instance_id, "terminated", region)


@pytest.fixture
def bench(lab: Settings, client: Callable[..., Any], debian: str, key: Path, light_ami: str) -> Iterator[Bench]:
    made = Bench(lab, client, debian, key, light_ami)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_bench(lab: Settings, client: Callable[..., Any], debian: str, key: Path, light_ami: str) -> Iterator[Bench]:
    """For tests that look at one machine without changing it."""
    made = Bench(lab, client, debian, key, light_ami)
    yield made
    made.close()


#: What makes a Debian light. No package lists are fetched at the start of a build, which takes seconds of a core and a
#: network. Half of cloud-init's starts go: they have nothing to do here (it finds EC2 when the network is up). The
#: others do what builds and tests ask of a machine: its name, the user with the key, host keys, user data.
LIGHTEN = """\
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
cat >/etc/cloud/cloud.cfg.d/30_light.cfg <<END
cloud_init_modules: [write-files, set_hostname, update_hostname, update_etc_hosts, users-groups, ssh]
cloud_final_modules: [scripts-user]
END
systemctl -q mask cloud-init-local cloud-config
systemctl -q disable unattended-upgrades cron
rm -f /root/.ssh/authorized_keys /home/admin/.ssh/authorized_keys
cloud-init clean
"""


@pytest.fixture(scope="session")
def light_ami(lab: Settings, client: Callable[..., Any], debian: str, key: Path) -> str:
    """A Debian that boots and is built on with half the work, and has no packages to install. It goes with the lab.

    For tests that are about neither: of builds and tests, not of machines and packages.
    """
    made = Bench(lab, client, debian, key)
    instance_id = made.launch()
    made.booted(instance_id)
    made.shell(instance_id, LIGHTEN)
    image_id = made.image(instance_id, LIGHT)
    made.close()
    return image_id


@pytest.fixture(scope="session")
def ami_with_agent(lab: Settings, client: Callable[..., Any], debian: str, key: Path, light_ami: str) -> str:
    """An AMI whose machines have the agent. It goes with the lab."""
    made = Bench(lab, client, debian, key, light_ami)
    instance_id = made.node()
    made.booted(instance_id)
    made.shell(instance_id, "cloud-init clean")
    image_id = made.image(instance_id, "with-agent")
    made.close()
    return image_id


#: An init that does nothing, and ends when it is told to (37 is systemd's SIGRTMIN+3).
IDLE = """#!/bin/sh
trap 'exit 0' TERM 37
while :; do sleep 60 & wait; done
"""


@pytest.fixture(scope="session")
def idle_ami(lab: Settings, client: Callable[..., Any], debian: str, key: Path) -> str:
    """An AMI whose machines do nothing at all: for tests that need many, and look into none. It goes with the lab."""
    made = Bench(lab, client, debian, key)
    instance_id = made.launch()
    made.shell(instance_id, f"cat > /sbin/idle <<'END'\n{IDLE}END\nchmod +x /sbin/idle && ln -sf /sbin/idle /sbin/init")
    image_id = made.image(instance_id, "does-nothing")
    made.close()
    return image_id


@dataclass
class FaultControl:
    """What tests do to make the lab misbehave: by the same door as `ami lab faults`."""

    lab: Settings

    def set(self, kind: str, value: float = 0.0, *operations: str, **more: Any) -> int:
        """Put a rule in force; returns its number: `faults.set("throttle", 0.3, "ec2:*", seed=7)`."""
        rule = Rule(kind_named(kind), value, operations, **more)
        return int(door.set_fault(self.lab, rule)["id"])

    def hits(self, number: int) -> int:
        """How often a rule has hit."""
        return next(int(told["hits"]) for told in door.faults(self.lab) if told["id"] == number)

    def clear(self) -> None:
        """End every rule."""
        door.clear_faults(self.lab)


@pytest.fixture
def faults(lab: Settings) -> Iterator[FaultControl]:
    """Faults that end with the test."""
    control = FaultControl(lab)
    control.clear()
    yield control
    control.clear()


@pytest.fixture
def calls(lab: Settings) -> Callable[[], dict[str, int]]:
    """How many API calls the lab has answered so far, by `service:Action`."""
    return lambda: door.calls(lab)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    return until


def podman(*arguments: str, check: bool = True) -> str:
    """What a podman command prints. A list of images fails when one of another lab's goes meanwhile: once more then."""
    for _ in range(20):
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
        if arguments[0] != "images" or "image not known" not in done.stderr:
            break
    if check and done.returncode:
        pytest.fail(f"podman {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


@pytest.fixture(scope="session", name="podman")
def podman_fixture() -> Callable[..., str]:
    return podman
