"""Instances of the lab: moto's, with states that follow machines that exist."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import instances

from orchestrator.lab.api.events import AwsEvent

if TYPE_CHECKING:
    from orchestrator.lab.ec2.ami import LabAmi, Watermark
    from orchestrator.lab.tables import Tables

#: EC2's instance states and their codes (API reference, "InstanceState").
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

#: The detail type of their events (EC2 User Guide, "State change events for your instances").
STATE_CHANGE = "EC2 Instance State-change Notification"


class LabInstance(instances.Instance):
    """An instance that is pending, stopping or shutting down until its machine has followed."""

    tables: Tables

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.reboots = 0
        self.container_expected = True
        self.profiled = False
        self.made = False
        self.dies: float | None = None
        self._told = ""
        self.refused = ""
        """Why it will never have a machine, after EC2 has answered: `Client.InvalidKMSKey.InvalidState: ...`."""
        super().__init__(*args, **kwargs)
        image = self.ec2_backend.image(self.image_id)
        self.disk: str = image.disk if image else ""
        self.image: LabAmi | None = image
        """The AMI as it was and is, also when it is no longer there for the account."""
        self.volumes: dict[str, str] = {}
        """The volumes besides the root that its machine has, with the device of each."""
        self.report("pending")

    @property
    def watermarks(self) -> tuple[Watermark, ...]:
        """Those of the AMI that it was launched from."""
        return self.image.watermarks if self.image else ()

    @property
    def target_state(self) -> str:
        """The state that the machine shall reach: running, stopped or terminated."""
        name = self._state.name
        return {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}.get(name, name)

    def report(self, state: str) -> None:
        """Show a state in every answer from now on, and tell of it when it is new."""
        self._state = instances.InstanceState(state, STATES[state])
        if state == self._told:
            return
        self._told = state
        account, region = self.ec2_backend.account_id, self.region_name
        arn = f"arn:aws:ec2:{region}:{account}:instance/{self.id}"
        detail = {"instance-id": self.id, "state": state}
        self.tables.events.tell(AwsEvent("aws.ec2", STATE_CHANGE, account, region, detail, (arn,)))

    def fail_after(self, seconds: float | None) -> None:
        """The machine dies after so many seconds, as when its host is lost; None: it does not."""
        self.dies = None if seconds is None else time.monotonic() + seconds

    @property
    def lost(self) -> bool:
        """Whether the time of its machine has come."""
        return self.dies is not None and time.monotonic() >= self.dies

    def prep_nics(self, *args: Any, **kwargs: Any) -> None:
        """The primary interface has the machine's address on the lab's network, whatever the subnet's range is."""
        address = self.tables.free_address()
        if address is None:
            what = "There are not enough free addresses in the lab's network"
            raise EC2ClientError("InsufficientFreeAddressesInSubnet", what)
        super().prep_nics(*args, **kwargs)
        primary = self.nics[0]
        primary.private_ip_address = address
        primary.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]

    def start(self) -> instances.InstanceState:
        """Begin to start; a running instance stays as it is."""
        if self._state.name in ("running", "pending"):
            return copy.copy(self._state)
        self._require("start", "stopped")
        previous = super().start()
        self.launch_time = utcnow()
        self.fail_after(None)
        self._begin("pending")
        return previous

    def stop(self) -> instances.InstanceState:
        """Begin to stop; a stopped instance stays as it is."""
        if self._state.name in ("stopped", "stopping"):
            return copy.copy(self._state)
        self._require("stop", "running", "pending")
        previous = super().stop()
        self._begin("stopping")
        return previous

    def terminate(self) -> instances.InstanceState:
        """Begin to shut down for good."""
        if self._state.name in ("terminated", "shutting-down"):
            return copy.copy(self._state)
        previous = super().terminate()
        self._begin("shutting-down")
        return previous

    def reboot(self) -> None:
        """Ask for a reboot; the state stays running meanwhile."""
        self._require("reboot", "running")
        self.reboots += 1
        self.tables.wake()

    def _begin(self, state: str) -> None:
        self.report(state)
        self.tables.wake()

    def _require(self, verb: str, *states: str) -> None:
        if self._state.name not in states:
            what = f"This instance '{self.id}' is not in a state from which it can be {verb}ed."
            raise EC2ClientError("IncorrectInstanceState", what)
