"""How long things take in a lab: nothing by default, as on AWS with `ami lab up --realistic`.

AWS promises few of these times. `SOURCES` says where each figure comes from, and which is an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.settings import Settings

#: Megabytes of a GiB, as throughput is told in MiB/s.
_MIB = 1024


@dataclass(frozen=True)
class Times:
    """Seconds, unless a name says otherwise. What the lab really does, as to boot, comes on top."""

    boot: float = 0.0
    """From RunInstances to `running`."""
    agent: float = 0.0
    """From an agent's start to its first registration with Systems Manager."""
    snapshot: float = 0.0
    """A snapshot or an AMI at least."""
    snapshot_rate: float = 0.0
    """MiB/s at which a volume becomes a snapshot; 0: at once."""
    copy: float = 0.0
    """A copy of a snapshot or an AMI at least."""
    copy_rate: float = 0.0
    """MiB/s at which a snapshot is copied; 0: at once."""
    parameter: float = 0.0
    """Until the value of a parameter of type `aws:ec2:image` is validated and visible."""
    last_launched: float = 0.0
    """Until an AMI's lastLaunchedTime tells of a launch."""
    usage_report: float = 0.0
    """How late the content of an image usage report is."""
    target_health: float = 0.0
    """From RegisterTargets to the first health check of a target."""
    stack_resource: float = 0.0
    """A resource of a CloudFormation stack; without it, a stack is done when the call for it is answered."""

    def of_snapshot(self, gib: float) -> float:
        """How long a volume of this size takes to become a snapshot, or an AMI."""
        return self.snapshot + _transfer(gib, self.snapshot_rate)

    def of_copy(self, gib: float) -> float:
        """How long the copy of a snapshot, or an AMI, of this size takes."""
        return self.copy + _transfer(gib, self.copy_rate)


def _transfer(gib: float, rate: float) -> float:
    return gib * _MIB / rate if rate else 0.0


QUICK = Times()

REALISTIC = Times(
    boot=15.0,
    agent=30.0,
    snapshot=60.0,
    snapshot_rate=50.0,
    copy=120.0,
    copy_rate=50.0,
    parameter=5.0,
    last_launched=24 * 3600.0,
    usage_report=24 * 3600.0,
    target_health=5.0,
    stack_resource=2.0,
)

#: Where each figure of `REALISTIC` comes from.
SOURCES: Mapping[str, str] = {
    "boot": "estimate; botocore's waiter InstanceRunning asks every 15 s (ec2 waiters-2.json)",
    "agent": "estimate: agents are reported online tens of seconds to minutes after the launch",
    "snapshot": "estimate; botocore's waiters ImageAvailable and SnapshotCompleted ask every 15 s for up to 10 min",
    "snapshot_rate": "estimate: 8 GiB in under 4 min, 100 GiB in half an hour",
    "copy": "estimate: CopyImage is best effort unless it names a duration, of 15 min at least "
    "(EC2 API Reference, CopyImage, SnapshotCopyCompletionDurationMinutes)",
    "copy_rate": "estimate, as snapshot_rate",
    "parameter": "estimate: the validation is asynchronous (Systems Manager API Reference, PutParameter, DataType)",
    "last_launched": "24 hours (EC2 API Reference, DescribeImageAttribute, lastLaunchedTime)",
    "usage_report": "instances 24 hours, launch templates days (EC2 User Guide, View your AMI usage)",
    "target_health": "the least interval of health checks (Elastic Load Balancing API Reference, CreateTargetGroup)",
    "stack_resource": "estimate: CloudFormation asks a service again until it is consistent; IAM takes longer",
}


def times_of(lab: Settings) -> Times:
    """The times that a lab keeps to."""
    return REALISTIC if lab.realistic else QUICK
