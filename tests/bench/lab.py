"""A lab of the benches' own, and what its account tells: machines, how long they lived, calls."""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from orchestrator.lab import settings
from tests.bench.program import PROGRAMS, Failed
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGION = "us-east-1"

#: `User initiated (2026-11-25 01:13:00 GMT)`: when an instance was told to end (EC2 API Reference, Instance:
#: `reason`). The lab says UTC.
_ENDED = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:UTC|GMT)\)")


@dataclass(frozen=True)
class Lab:
    """A lab that is up."""

    name: str
    endpoint: str
    ec2: Any
    s3: Any
    ssm: Any

    def calls(self) -> int | None:
        """API calls that it answered since it began; None when it does not count them."""
        found = json.loads(_ami("lab", "status", "--name", self.name, "--json").stdout).get("calls")
        return sum(found.values()) if isinstance(found, dict) else None

    def machines(self) -> dict[str, float]:
        """The seconds that each machine lived, by instance id, from launch to the call that terminated it."""
        pages = self.ec2.get_paginator("describe_instances").paginate()
        instances = [one for page in pages for group in page["Reservations"] for one in group["Instances"]]
        return {one["InstanceId"]: _lived(one) for one in instances}

    def discard_images(self, prefix: str = "", *, but: str = "") -> None:
        """Remove the account's own AMIs whose names begin so, with their snapshots; not the one with the name `but`."""
        for image in self.ec2.describe_images(Owners=["self"])["Images"]:
            if image["Name"].startswith(prefix) and image["Name"] != but:
                self.ec2.deregister_image(ImageId=image["ImageId"])
                for mapping in image["BlockDeviceMappings"]:
                    self.ec2.delete_snapshot(SnapshotId=mapping["Ebs"]["SnapshotId"])

    def empty(self, *, but: str = "") -> None:
        """Make the account as it was at first: nothing in its buckets, and no AMIs of its own but the one named so."""
        self.discard_images(but=but)
        for bucket in self.s3.list_buckets()["Buckets"]:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
            for one in (one for page in pages for one in page.get("Contents", ())):
                self.s3.delete_object(Bucket=bucket["Name"], Key=one["Key"])


@contextmanager
def lab(tell: Callable[[str], None], command_delay: float = 0.0, prefix: str = "bench") -> Iterator[Lab]:
    """A lab whose commands take so many seconds; gone at the end. Labs of benches that were killed go first."""
    for folder in settings.STATE.glob("bench-*"):
        if not Path("/proc", folder.name.rpartition("-")[2]).exists():
            _ami("lab", "down", "--name", folder.name)
    name, port = f"{prefix}-{os.getpid()}", free_port()
    tell(f"starting the lab '{name}'")
    try:
        _ami("lab", "up", "--name", name, "--port", str(port), "--command-delay", str(command_delay))
        yield Lab(name, f"http://127.0.0.1:{port}", *(_client(service, port) for service in ("ec2", "s3", "ssm")))
    finally:
        tell(f"removing the lab '{name}'")
        _ami("lab", "down", "--name", name)


def _lived(instance: Any) -> float:
    """Seconds until now for a machine that was not terminated."""
    found = _ENDED.search(instance.get("StateTransitionReason", ""))
    ended = datetime.now(UTC)
    if found and instance["State"]["Name"] in ("shutting-down", "terminated"):
        ended = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return (ended - instance["LaunchTime"]).total_seconds()


def _client(service: str, port: int) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="lab",
        aws_secret_access_key="lab-secret-key",
    )


def _ami(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([PROGRAMS / "ami", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"ami {' '.join(arguments)}: {done.stderr.strip()}")
    return done
