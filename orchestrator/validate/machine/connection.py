"""The ways to a machine of a validation: what each has made before, how it knows that it is there, how it asks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.aws import session
from orchestrator.errors import LackError, UsageError
from orchestrator.process import find
from orchestrator.validate.errors import ConnectionFault
from orchestrator.validate.machine.instance_loss import known, lost
from orchestrator.validate.machine.over_ssh import OverSsh
from orchestrator.validate.machine.piped import HELLO
from orchestrator.validate.machine.podman_exec import PodmanExec, container_of
from orchestrator.validate.machine.systems_manager import SystemsManager
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.machine.waiting import since
from orchestrator.validate.options import ConnectionKind
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from orchestrator.aws.account import Account
    from orchestrator.validate.errors import MachineLost
    from orchestrator.validate.machine.transport import Transport
    from orchestrator.validate.request import ValidateRequest


class MachineConnection(Protocol):
    """One way to one machine. `ssh`: whether port 22 must be open; `tally`: what it took until the machine answered.

    `lack`: what a person's machine lacks for `way_in`, in words that go behind the command; empty when nothing.
    """

    ssh: bool
    tally: CallCount
    lack: str

    def prepared(self, kept: Callable[[], bool]) -> AbstractContextManager[str]:
        """What the way needs, while it lasts: the name of the key pair with which the machine is launched, or "".

        `kept` tells at the end whether the machine stays, and a person will want to get in.
        """

    def answers(self, instance_id: str, found: Mapping[str, Any]) -> bool:
        """Whether the machine (as EC2 showed it when it ran) can be asked; `silence` says later why not."""

    def awaited(self, instance_id: str, waited: float) -> str:
        """What is told of a machine that has not answered for so many seconds."""

    def silence(self, instance_id: str, seconds: float) -> tuple[str, str]:
        """What is told, with a hint, of a machine that did not answer for so long."""

    def lost(self, instance_id: str) -> MachineLost | None:
        """The loss of the machine, if it is one; see instance_loss.py."""

    def transport(self, instance_id: str, stop: threading.Event) -> Transport:
        """How scripts get there, once it has answered. `stop`, once set, ends every wait for them."""

    def way_in(self, instance_id: str) -> str:
        """The command with which a person gets a shell on it."""


def connection_of(request: ValidateRequest, number: int = 1) -> MachineConnection:
    """The way to the machine `number` of a validation."""
    match request.connection:
        case ConnectionKind.SSM:
            return OverSsm(request)
        case ConnectionKind.PODMAN:
            return OverPodman(request)
        case ConnectionKind.SSH:
            return OverSsh(request, number)


def check(connection: ConnectionKind, account: Account, ssh_interface: str = "") -> None:
    """Raise UsageError or LackError when a connection cannot be had, whatever the machine."""
    if connection is ConnectionKind.PODMAN:
        if not account.endpoint:
            raise UsageError(
                "--connection podman reaches machines of the lab alone", hint="name its environment: --env"
            )
        find("podman")
    if connection is ConnectionKind.SSH:
        find("ssh")
        if ssh_interface == "session_manager":
            raise LackError(
                "the environment's `ssh_interface` is session_manager: there is no address that SSH could reach",
                hint="validate with --connection ssm",
            )


class OverSsm:
    """Run Command: no port is open, and the machine's agent asks for its work."""

    ssh = False

    def __init__(self, request: ValidateRequest) -> None:
        self.tally = CallCount()
        self.lack = "" if request.account.endpoint else session.lack()
        self._request = request
        self._manager = SystemsManager(request.account, request.stop)

    def prepared(self, kept: Callable[[], bool]) -> AbstractContextManager[str]:  # noqa: ARG002 - see MachineConnection
        """Nothing has to be made."""
        return nullcontext("")

    def answers(self, instance_id: str, found: Mapping[str, Any]) -> bool:  # noqa: ARG002 - see MachineConnection
        """Whether Systems Manager hears of its agent."""
        return bool(known(self._manager, instance_id, self.tally).get("PingStatus") == "Online")

    def awaited(self, instance_id: str, waited: float) -> str:
        """Name the agent, and why it may take minutes."""
        hint = ": it tries again 5 min after a refused call" if since(waited) else ""
        return f"waiting for the SSM agent of {instance_id}{since(waited)}{hint}"

    def silence(self, instance_id: str, seconds: float) -> tuple[str, str]:
        """Name the agent, the instance profile and the route."""
        hint = (
            "check that the image has amazon-ssm-agent enabled, that the instance profile "
            f"'{self._request.placement.profile}' allows AmazonSSMManagedInstanceCore, and that the subnet has a "
            "route to Systems Manager. The agent's log says what was refused; when that is the token of the profile's "
            "role, the agent tries again only after 25 to 30 min"
        )
        return f"{instance_id} did not come online in Systems Manager within {seconds:g} s", hint

    def lost(self, instance_id: str) -> MachineLost | None:
        """EC2 says that it ended, or Systems Manager has not heard of its agent for a while."""
        return lost(self._request.account, instance_id, self._manager)

    def transport(self, instance_id: str, stop: threading.Event) -> Transport:
        """Run Command, one command for each script."""
        return RunCommandTransport(self._request.account, instance_id, stop=stop)

    def way_in(self, instance_id: str) -> str:
        """A shell by Session Manager; in the lab, which has no sessions, by podman."""
        return self._request.shell_command(instance_id)


class OverPodman:
    """`podman exec`, for the lab on this host."""

    ssh = False
    lack = ""

    def __init__(self, request: ValidateRequest) -> None:
        self.tally = CallCount()
        self._request = request
        self._why = ""

    def prepared(self, kept: Callable[[], bool]) -> AbstractContextManager[str]:  # noqa: ARG002 - see MachineConnection
        """Nothing has to be made."""
        return nullcontext("")

    def answers(self, instance_id: str, found: Mapping[str, Any]) -> bool:  # noqa: ARG002 - see MachineConnection
        """Whether the container is there and its init has begun to boot: before that nothing can be waited for."""
        if not container_of(instance_id):
            return False
        try:
            way = self.transport(instance_id, self._request.stop)
            said = way.run("systemctl is-system-running\nexit 0\n", HELLO, self.tally)
        except ConnectionFault as fault:
            self._why = f": {fault.message}"
            return False
        return said.strip() not in {"", "offline", "unknown"}

    def awaited(self, instance_id: str, waited: float) -> str:
        """Say which container is waited for."""
        return f"waiting for the container of {instance_id}{since(waited)}"

    def silence(self, instance_id: str, seconds: float) -> tuple[str, str]:
        """Name the container, and what may hide it."""
        return (
            f"no container of {instance_id} answered within {seconds:g} s{self._why}",
            "check with `podman ps` that the lab's machines run on this host and belong to this user",
        )

    def lost(self, instance_id: str) -> MachineLost | None:
        """EC2 says that it ended."""
        return lost(self._request.account, instance_id)

    def transport(self, instance_id: str, stop: threading.Event) -> Transport:
        """`podman exec` into the container."""
        return PodmanExec(container_of(instance_id), stop=stop)

    def way_in(self, instance_id: str) -> str:
        """A shell in the container."""
        return f"podman exec -it {container_of(instance_id)} bash"
