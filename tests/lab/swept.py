"""A workspace to sweep from, and what runs of its account have left: made by hand, without Packer."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.security_group import KIND as SECURITY_GROUP
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.aws.resources.volume import KIND as VOLUME
from orchestrator.run.leases.lease import run_key
from orchestrator.run.leases.lease_record import Records
from orchestrator.run.leases.owner import LeaseOwner, this_process
from tests.cli.contract import kept
from tests.lab.account import present, restore
from tests.lab.forked import forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.aws.resource_kind import ResourceKind
    from orchestrator.lab.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
BUCKET = "test-sweep"

AMI_YML = """
name: swept
default_environment: lab
layers: []
"""


@dataclass
class Swept:
    """A workspace, and what its runs made in the account."""

    root: Path
    account: Account
    base: str
    """What machines are launched from."""
    made: dict[str, set[tuple[ResourceKind, str]]] = field(default_factory=dict)

    @property
    def ec2(self) -> Any:
        return self.account.client("ec2")

    def ami(self, *arguments: str, command: str = "sweep", code: int = 0) -> str:
        """What `ami sweep` says (on standard output alone with --json); it must end with `code`."""
        done = forked(command, *arguments, cwd=self.root, env=os.environ)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        kept(arguments, done.stdout, done.stderr, code)
        return done.stdout + done.stderr if "--json" not in arguments else done.stdout

    def launch(self, made: dict[str, str]) -> str:
        """A running machine with these tags."""
        wanted = {"ImageId": self.base, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
        (machine,) = self.ec2.run_instances(**wanted, TagSpecifications=spec("instance", made))["Instances"]
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[machine["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        return str(machine["InstanceId"])

    def stop(self, *machines: str) -> None:
        """Stop machines, as Packer does before it makes AMIs of them."""
        self.ec2.stop_instances(InstanceIds=list(machines))
        waiter = self.ec2.get_waiter("instance_stopped")
        waiter.wait(InstanceIds=list(machines), WaiterConfig={"Delay": 1, "MaxAttempts": 300})

    def leave_all(self, run: str) -> None:
        """What a build has when it is killed between the AMI and its tags, and leftovers of every other kind."""
        name = f"tiny-{run[-6:]}"
        machine = self.launch(tags(run, name=name))
        ec2 = self.ec2
        ec2.create_key_pair(KeyName=f"build-{run}", TagSpecifications=spec("key-pair", tags(run, name=name)))
        group = ec2.create_security_group(
            GroupName=f"build-{run}", Description="x", TagSpecifications=spec("security-group", tags(run, name=name))
        )["GroupId"]
        specs = spec("volume", tags(run))
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1, TagSpecifications=specs)["VolumeId"]
        half = self.image(machine, name)
        loose = self.image(machine, f"{name}-loose", snapshot=tags(run))
        ec2.deregister_image(ImageId=loose[0])
        self.made[run] = {
            (INSTANCE, machine),
            (KEY_PAIR, f"build-{run}"),
            (SECURITY_GROUP, group),
            (VOLUME, volume),
            (IMAGE, half[0]),
            (SNAPSHOT, half[1]),
            (SNAPSHOT, loose[1]),
        }

    def image(self, machine: str, name: str, **made: dict[str, str]) -> tuple[str, str]:
        """An AMI of a machine and its snapshot, with the tags that are given for `image` and `snapshot`."""
        image = self.begun(machine, name, **made)
        self.ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 300})
        (told,) = self.ec2.describe_images(ImageIds=[image])["Images"]
        return image, str(told["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])

    def begun(self, machine: str, name: str, **made: dict[str, str]) -> str:
        """An AMI of a machine that EC2 may still be making."""
        specs = [one for kind, given in made.items() for one in spec(kind, given)]
        created = self.ec2.create_image(InstanceId=machine, Name=name, NoReboot=True, TagSpecifications=specs)
        return str(created["ImageId"])

    def key(self, run: str, ami_name: str) -> str:
        """A key pair that says that the run makes the AMI of that name."""
        name = f"build-{ami_name}"
        self.ec2.create_key_pair(KeyName=name, TagSpecifications=spec("key-pair", tags(run, name=ami_name)))
        return name

    def present(self) -> set[tuple[ResourceKind, str]]:
        """Everything in the account that can be left behind."""
        return present(self.ec2)


def tags(run: str, purpose: str = "build", name: str = "", **more: str) -> dict[str, str]:
    named = {"ami:name": name} if name else {}
    return {"ami:run": run, "ami:image": "tiny", "ami:purpose": purpose, **named, **more}


def spec(kind: str, made: dict[str, str]) -> Any:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in made.items()]}]


@pytest.fixture(scope="session")
def bucket(client: Callable[..., Any]) -> str:
    client("s3").create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.fixture
def swept(tmp_path: Path, lab: Settings, idle_ami: str, bucket: str) -> Iterator[Swept]:
    (tmp_path / "ami.yml").write_text(AMI_YML)
    (tmp_path / "packer/environments").mkdir(parents=True)
    for name in ("lab", "bare"):
        variables = (REPOSITORY / "packer/environments/lab.pkrvars.hcl").read_text().splitlines()
        kept = [line for line in variables if not line.startswith(("endpoint", "artifact_bucket"))]
        kept += [f'endpoint = "{lab.endpoint}"', f'artifact_bucket = "{bucket if name == "lab" else ""}"', ""]
        (tmp_path / f"packer/environments/{name}.pkrvars.hcl").write_text("\n".join(kept))
    made = Swept(tmp_path, Account("us-east-1", endpoint=lab.endpoint, access_key="lab", secret_key="lab"), idle_ami)
    before = made.present()
    yield made
    restore(made.account, before)


def run_id(number: int, day: str = "20261125") -> str:
    return f"{day}T004200Z-{os.getpid() % 4096:03x}{number:03x}"


def lease(swept: Swept, owner: LeaseOwner, key: str = "") -> None:
    records = Records(swept.account.client("s3"), BUCKET, "us-east-1")
    assert records.write(key or run_key(owner.run), owner, token="x", ttl=60)


def leases(swept: Swept) -> set[str]:
    return set(Records(swept.account.client("s3"), BUCKET, "us-east-1").keys())


def dead_here(run: str) -> LeaseOwner:
    """A process that was on this machine, and is gone."""
    return replace(this_process(run), birth="1")
