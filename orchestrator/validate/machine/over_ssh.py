"""The way to a machine over SSH: a key pair of its own, the user of the image, one connection (see connection.py)."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.aws import ssh_access
from orchestrator.files.held_folder import held_folder
from orchestrator.validate.errors import ConnectionFault
from orchestrator.validate.machine.instance_loss import lost
from orchestrator.validate.machine.launch import name_of, tagged
from orchestrator.validate.machine.piped import HELLO
from orchestrator.validate.machine.remembered import remembered
from orchestrator.validate.machine.ssh import Login, SharedConnection, Ssh
from orchestrator.validate.machine.waiting import since
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.validate.errors import MachineLost
    from orchestrator.validate.machine.transport import Transport
    from orchestrator.validate.request import ValidateRequest


class OverSsh:
    """SSH with a key pair of this machine's own, and one shared connection."""

    ssh = True
    lack = ""

    def __init__(self, request: ValidateRequest, number: int) -> None:
        self.tally = CallCount()
        self._request = request
        self._number = number
        self._why = ""
        self._login: Login | None = None
        self._shared: SharedConnection | None = None
        self._folder = Path()

    @contextmanager
    def prepared(self, kept: Callable[[], bool]) -> Iterator[str]:
        """A key pair in the account, and its private half in a folder that goes with the machine."""
        # Not below the run's folder: a socket's path may have 107 bytes, and a key is nothing for a CI job to collect.
        with held_folder(kept=kept) as self._folder:
            try:
                with self._key_pair() as name:
                    yield name
            finally:
                if self._shared is not None:
                    self._shared.close()

    @contextmanager
    def _key_pair(self) -> Iterator[str]:
        ec2, name = self._request.account.client("ec2"), name_of(self._request, self._number)
        wanted = tagged(self._request, "key-pair")
        with remembered(lambda: ssh_access.key_pair(ec2, name, wanted, self._folder / "key")) as made:
            try:
                made.result()
                yield name
            finally:
                # Whatever became of it: a machine that was launched with it has it, and needs it no more.
                made.exception()
                ec2.delete_key_pair(KeyName=name)

    def answers(self, instance_id: str, found: Mapping[str, Any]) -> bool:
        """Whether the user gets in, and is root without a password."""
        address = address_of(found, self._request.placement.ssh_interface)
        if not address:
            self._why = f"EC2 gave it no {self._request.placement.ssh_interface or 'address'}"
            return False
        if self._login is None or self._shared is None:
            self._login = Login(self._request.ssh_username, address, self._folder / "key", self._folder)
            self._shared = SharedConnection(self._login)
        self._why = self._shared.open() or self._not_root(instance_id)
        return not self._why

    def _not_root(self, instance_id: str) -> str:
        try:
            self.transport(instance_id, self._request.stop).run("exit 0\n", HELLO, self.tally)
        except ConnectionFault as fault:
            return fault.message
        return ""

    def awaited(self, instance_id: str, waited: float) -> str:
        """Say which machine SSH waits for."""
        return f"waiting for SSH on {instance_id}{since(waited)}"

    def silence(self, instance_id: str, seconds: float) -> tuple[str, str]:
        """Name the route, the user and sudo, and what SSH said last."""
        user = self._request.ssh_username
        hint = (
            f"check that this host has a route to port 22 of the subnet, that '{user}' (`ssh_username` of the source) "
            "is the user that the image lets in by key, and that sudo asks it for no password and no terminal "
            "(`requiretty` in sudoers)"
        )
        return f"{instance_id} could not be reached over SSH within {seconds:g} s: {self._why}", hint

    def lost(self, instance_id: str) -> MachineLost | None:
        """EC2 says that it ended."""
        return lost(self._request.account, instance_id)

    def transport(self, instance_id: str, stop: threading.Event) -> Transport:
        """Sessions of the one SSH connection."""
        if self._login is None:
            raise AssertionError(f"{instance_id} has not answered yet")
        return Ssh(self._login, stop=stop)

    def way_in(self, instance_id: str) -> str:
        """SSH with the key of this validation."""
        return (
            self._login.by_hand if self._login else f"ssh -i {self._folder / 'key'} (no address of {instance_id} yet)"
        )


def address_of(found: Mapping[str, Any], interface: str) -> str:
    """Where SSH finds an instance, as Packer's `ssh_interface` says; empty when EC2 gave it no such address.

    As Packer does when it says nothing: the public address, or else the private one.
    """
    keys = {
        "public_ip": "PublicIpAddress",
        "private_ip": "PrivateIpAddress",
        "public_dns": "PublicDnsName",
        "private_dns": "PrivateDnsName",
    }
    if interface:
        return str(found.get(keys[interface]) or "")
    return str(found.get("PublicIpAddress") or found.get("PrivateIpAddress") or "")
