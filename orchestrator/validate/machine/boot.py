"""A fresh machine of an AMI while a `with` block lasts: booted, within reach, and gone afterwards."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.aws import ssh_access
from orchestrator.aws.account import AwsError, error_code
from orchestrator.aws.capacity import FULL, Place, named, remaining
from orchestrator.aws.network import security_group, vpc_of
from orchestrator.polling import Attempt, attempts, growing, poll
from orchestrator.process import masked
from orchestrator.progress import Event, Stage
from orchestrator.validate.errors import BootFailed, MachineLost, NeverOnline, ValidationError
from orchestrator.validate.machine.connection import check, connection_of
from orchestrator.validate.machine.instance_loss import described, ended
from orchestrator.validate.machine.launch import launch_refused, launch_request, security_group_request
from orchestrator.validate.machine.remembered import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from orchestrator.progress import Listener
    from orchestrator.validate.machine.connection import MachineConnection
    from orchestrator.validate.request import ValidateRequest

#: Seconds for which EC2 may not know an AMI, a group or an instance that was just made.
_CONSISTENCY = 60
#: Seconds that an instance may take to run, and to be gone.
_BOOT, _GONE = 300, 300


@dataclass(frozen=True)
class BootedMachine:
    """A booted instance, and the way to it."""

    instance_id: str
    connection: MachineConnection

    @property
    def way_in(self) -> str:
        """The command with which a person gets a shell on it."""
        return self.connection.way_in(self.instance_id)


class Boot:
    """Boots, awaits and removes a machine of a validation, its `number`-th. `stop` ends a wait with Interrupted."""

    def __init__(self, request: ValidateRequest, listener: Listener, number: int = 1) -> None:
        self._request = request
        self._number = number
        self._keep = request.keep
        self._listener = listener
        self._stop = request.stop
        self._ec2 = request.account.client("ec2")
        self._connection = connection_of(request, number)
        self._stays = False

    @contextmanager
    def machine(self) -> Iterator[BootedMachine]:
        """The machine, once it can be asked; terminated whatever happens, unless it is to be kept.

        Raises BootFailed, NeverOnline, LackError when the account refuses, Interrupted when `stop` was set, and
        MachineLost when it ended early, also in the place of a ValidationError of the `with` block.
        """
        check(self._request.connection, self._request.account, self._request.placement.ssh_interface)
        with (
            self._connection.prepared(lambda: self._stays) as key_name,
            self._group() as group,
            self._instance(group, key_name) as machine,
        ):
            try:
                self._await_online(machine.instance_id, self._await_running(machine.instance_id))
                yield machine
            except ValidationError as error:
                loss = error if isinstance(error, MachineLost) else self._connection.lost(machine.instance_id)
                if loss is None:
                    raise
                self._keep = False
                raise loss from error

    @contextmanager
    def _group(self) -> Iterator[str]:
        """A security group of this machine's own, that lets nothing in but what its way needs."""
        where = self._request.placement
        wanted = security_group_request(
            self._request, vpc_of(self._ec2, where.subnets, where.vpc_id), number=self._number
        )
        with remembered(lambda: security_group(self._ec2, wanted)) as made:
            try:
                if self._connection.ssh:
                    ssh_access.let_in(self._ec2, str(made.result()))
                yield str(made.result())
            finally:
                if made.exception() is None and not self._stays:
                    self._remove_group(made.result())

    @contextmanager
    def _instance(self, group: str, key_name: str) -> Iterator[BootedMachine]:
        with remembered(lambda: self._launch(group, key_name)) as made:
            try:
                yield _launched(made, self._connection)
            finally:
                if made.exception() is None:
                    self._leave(_launched(made, self._connection))

    def _launch(self, group: str, key_name: str = "") -> Any:
        """RunInstances in the first place that has room."""
        left, tried = self._request.placement.places, list[Place]()
        while True:
            tried.append(left[0])
            self._say(Stage.BOOT, f"{self._request.ami_id} as {named(left[0])}")
            try:
                wanted = launch_request(self._request, group, left[0], token=uuid.uuid4().hex, key_name=key_name)
                return self._launch_in(wanted)
            except AwsError as error:
                code = error_code(error)
                left = remaining(left, code) if code in FULL else ()
                if not left:
                    raise launch_refused(error, self._request, tried) from error
                self._say(Stage.BOOT, f"EC2 has no {named(tried[-1])} to give ({code})")

    def _launch_in(self, wanted: dict[str, Any]) -> Any:
        """RunInstances; what EC2 does not know yet is asked for again for a while."""
        for attempt in self._attempts(_CONSISTENCY):
            try:
                return self._ec2.run_instances(**wanted)
            except AwsError as error:
                if error_code(error) not in {"InvalidAMIID.NotFound", "InvalidGroup.NotFound"} or attempt.last:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _await_running(self, instance_id: str) -> dict[str, Any]:
        """The instance as EC2 shows it when it runs."""
        for attempt in self._attempts(_BOOT):
            found = described(self._ec2, instance_id)
            state = found.get("State", {}).get("Name", "pending")
            if state == "running":
                return found
            if state != "pending":
                raise ended(found, "before it was tested")
            if attempt.last:
                raise BootFailed(f"{instance_id} is not running after {_BOOT} s", hint="see its console output in EC2")
        raise AssertionError("the last attempt returns or raises")

    def _await_online(self, instance_id: str, running: dict[str, Any]) -> None:
        for attempt in self._attempts(self._request.online_timeout):
            if self._connection.answers(instance_id, running):
                return
            found = described(self._ec2, instance_id)
            state = found.get("State", {}).get("Name", "running")
            if state not in {"pending", "running"}:
                raise ended(found, "before it was tested")
            if attempt.last:
                raise self._never_online(instance_id)
            waited = attempt.waited
            self._say(Stage.AWAIT, self._connection.awaited(instance_id, waited), seconds=waited)

    def _never_online(self, instance_id: str) -> NeverOnline:
        console = self._console(instance_id)
        path = self._request.folder / "console.log"
        path.write_text(masked(console, self._request.masks), encoding="utf-8")
        said, hint = self._connection.silence(instance_id, self._request.online_timeout)
        return NeverOnline(said, hint=f"{hint}; console: {path}")

    def _console(self, instance_id: str) -> str:
        try:
            return str(self._ec2.get_console_output(InstanceId=instance_id).get("Output", ""))
        except AwsError as error:
            return f"the console could not be read: {error}\n"

    def _leave(self, machine: BootedMachine) -> None:
        """Terminate, and wait until the instance is gone: its security group cannot be removed earlier."""
        instance_id = machine.instance_id
        if self._keep:
            self._stays = True
            self._say(Stage.CLEAN, f"{instance_id} is kept: {machine.way_in}{machine.connection.lack}")
            return
        self._ec2.terminate_instances(InstanceIds=[instance_id])
        self._say(Stage.CLEAN, f"{instance_id} is terminating")
        poll(
            lambda: described(self._ec2, instance_id).get("State", {}).get("Name", "terminated"),
            until=lambda state: state == "terminated",
            pauses=_pauses(),
            within=_GONE,
        )

    def _remove_group(self, group: str) -> None:
        for attempt in attempts(_pauses(), within=_CONSISTENCY):
            try:
                self._ec2.delete_security_group(GroupId=group)
            except AwsError as error:
                code = error_code(error)
                if code == "InvalidGroup.NotFound":
                    return
                if code != "DependencyViolation":
                    raise
                if attempt.last:
                    self._say(Stage.CLEAN, f"security group {group} is still in use and stays")
            else:
                return

    def _attempts(self, seconds: float) -> Iterator[Attempt]:
        """Attempts for so long. Raises Interrupted as soon as `stop` is set."""
        stopped = f"the validation of {self._request.ami_id} was stopped"
        return attempts(_pauses(), within=seconds, stop=self._stop, stopped=stopped)

    def _say(self, stage: Stage, message: str, *, seconds: float | None = None) -> None:
        self._listener(Event(self._request.image.name, stage, message=message, seconds=seconds))


def _pauses() -> Iterator[float]:
    """Seconds between two questions to EC2 about a machine."""
    return growing(0.5, factor=1.3, longest=5.0)


def _launched(made: Future[Any], connection: MachineConnection) -> BootedMachine:
    return BootedMachine(str(made.result()["Instances"][0]["InstanceId"]), connection)
