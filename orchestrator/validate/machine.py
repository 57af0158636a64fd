"""A fresh machine of an AMI while a `with` block lasts: booted, known to Systems Manager, and gone afterwards."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.aws import AwsError, error_code
from orchestrator.capacity import FULL, Place, named, remaining
from orchestrator.errors import Interrupted
from orchestrator.network import security_group, vpc_of
from orchestrator.process import masked
from orchestrator.progress import Event, Stage
from orchestrator.validate.errors import BootFailed, MachineLost, NeverOnline, ValidationError
from orchestrator.validate.launch import launch_refused, launch_request, places_of, security_group_request
from orchestrator.validate.loss import described, ended, known, lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.progress import Listener
    from orchestrator.validate.request import ValidateRequest

#: Seconds for which EC2 may not know an AMI, a group or an instance that was just made.
_CONSISTENCY = 60
#: Seconds that an instance may take to run, and to be gone.
_BOOT, _GONE = 300, 300


@dataclass(frozen=True)
class Machine:
    """A booted instance that Systems Manager reaches."""

    instance_id: str

    @property
    def way_in(self) -> str:
        """The command with which a person gets a shell on it."""
        return f"aws ssm start-session --target {self.instance_id}"


class Boot:
    """Boots, awaits and removes a machine of a validation, its `number`-th. `stop` ends a wait with Interrupted."""

    def __init__(self, request: ValidateRequest, listener: Listener, number: int = 1) -> None:
        self._request = request
        self._number = number
        self._keep = request.keep
        self._listener = listener
        self._stop = request.stop
        self._ec2 = request.account.client("ec2")

    @contextmanager
    def machine(self) -> Iterator[Machine]:
        """The machine, online in Systems Manager; terminated whatever happens, unless it is to be kept.

        Raises BootFailed, NeverOnline, LackError when the account refuses, Interrupted when `stop` was set, and
        MachineLost when it ended early, also in the place of a ValidationError of the `with` block.
        """
        with self._group() as group, self._instance(group) as machine:
            try:
                self._await_running(machine.instance_id)
                self._await_online(machine.instance_id)
                yield machine
            except ValidationError as error:
                loss = error if isinstance(error, MachineLost) else lost(self._request.account, machine.instance_id)
                if loss is None:
                    raise
                self._keep = False
                raise loss from error

    @contextmanager
    def _group(self) -> Iterator[str]:
        """A security group of this machine's own, that lets nothing in."""
        subnets = [subnet for _, subnet in places_of(self._request)]
        wanted = security_group_request(
            self._request, vpc_of(self._ec2, subnets, self._request.vpc_id), number=self._number
        )
        with _remembered(lambda: security_group(self._ec2, wanted)) as made:
            try:
                yield str(made.result())
            finally:
                if made.exception() is None and not self._keep:
                    self._remove_group(made.result())

    @contextmanager
    def _instance(self, group: str) -> Iterator[Machine]:
        with _remembered(lambda: self._launch(group)) as made:
            try:
                yield _launched(made)
            finally:
                if made.exception() is None:
                    self._leave(_launched(made))

    def _launch(self, group: str) -> Any:
        """RunInstances in the first place that has room."""
        left, tried = places_of(self._request), list[Place]()
        while True:
            tried.append(left[0])
            self._say(Stage.BOOT, f"{self._request.ami_id} as {named(left[0])}")
            try:
                return self._launch_in(launch_request(self._request, group, left[0], token=uuid.uuid4().hex))
            except AwsError as error:
                code = error_code(error)
                left = remaining(left, code) if code in FULL else ()
                if not left:
                    raise launch_refused(error, self._request, tried) from error
                self._say(Stage.BOOT, f"EC2 has no {named(tried[-1])} to give ({code})")

    def _launch_in(self, wanted: dict[str, Any]) -> Any:
        """RunInstances; what EC2 does not know yet is asked for again for a while."""
        for waited in self._waiting(_CONSISTENCY):
            try:
                return self._ec2.run_instances(**wanted)
            except AwsError as error:
                if error_code(error) not in {"InvalidAMIID.NotFound", "InvalidGroup.NotFound"} or waited is None:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _await_running(self, instance_id: str) -> None:
        for waited in self._waiting(_BOOT):
            found = described(self._ec2, instance_id)
            state = found.get("State", {}).get("Name", "pending")
            if state == "running":
                return
            if state != "pending":
                raise ended(found, "before it was tested")
            if waited is None:
                raise BootFailed(f"{instance_id} is not running after {_BOOT} s", hint="see its console output in EC2")

    def _await_online(self, instance_id: str) -> None:
        for waited in self._waiting(self._request.online_timeout):
            if known(self._request.account, instance_id).get("PingStatus") == "Online":
                return
            found = described(self._ec2, instance_id)
            state = found.get("State", {}).get("Name", "running")
            if state not in {"pending", "running"}:
                raise ended(found, "before it was tested")
            if waited is None:
                raise self._never_online(instance_id)
            self._say(Stage.AWAIT, f"{instance_id} is {state}", seconds=waited)

    def _never_online(self, instance_id: str) -> NeverOnline:
        console = self._console(instance_id)
        path = self._request.folder / "console.log"
        path.write_text(masked(console, self._request.masks), encoding="utf-8")
        profile = self._request.iam_instance_profile
        return NeverOnline(
            f"{instance_id} did not come online in Systems Manager within {self._request.online_timeout:g} s",
            hint=f"check that the image has amazon-ssm-agent enabled, that the instance profile '{profile}' allows "
            f"AmazonSSMManagedInstanceCore, and that the subnet has a route to Systems Manager; console: {path}",
        )

    def _console(self, instance_id: str) -> str:
        try:
            return str(self._ec2.get_console_output(InstanceId=instance_id).get("Output", ""))
        except AwsError as error:
            return f"the console could not be read: {error}\n"

    def _leave(self, machine: Machine) -> None:
        """Terminate, and wait until the instance is gone: its security group cannot be removed earlier."""
        instance_id = machine.instance_id
        if self._keep:
            self._say(Stage.CLEAN, f"{instance_id} is kept: {machine.way_in}")
            return
        self._ec2.terminate_instances(InstanceIds=[instance_id])
        self._say(Stage.CLEAN, f"{instance_id} is terminating")
        for _ in _ticks(_GONE):
            if described(self._ec2, instance_id).get("State", {}).get("Name", "terminated") == "terminated":
                return

    def _remove_group(self, group: str) -> None:
        for waited in _ticks(_CONSISTENCY):
            try:
                self._ec2.delete_security_group(GroupId=group)
            except AwsError as error:
                code = error_code(error)
                if code == "InvalidGroup.NotFound":
                    return
                if code != "DependencyViolation":
                    raise
                if waited is None:
                    self._say(Stage.CLEAN, f"security group {group} is still in use and stays")
            else:
                return

    def _waiting(self, seconds: float) -> Iterator[float | None]:
        """As `_ticks`; raises Interrupted as soon as `stop` is set."""
        for waited in _ticks(seconds, self._stop.wait):
            if self._stop.is_set():
                raise Interrupted(f"the validation of {self._request.ami_id} was stopped")
            yield waited

    def _say(self, stage: Stage, message: str, *, seconds: float | None = None) -> None:
        self._listener(Event(self._request.image.name, stage, message=message, seconds=seconds))


def _ticks(seconds: float, pause: Callable[[float], object] = time.sleep) -> Iterator[float | None]:
    """Seconds waited so far, at growing intervals from 0.5 s to 5 s; None once, at the end, when time is up."""
    began = time.monotonic()
    interval = 0.5
    while (waited := time.monotonic() - began) < seconds:
        yield waited
        pause(interval)
        interval = min(interval * 1.3, 5.0)
    yield None


@contextmanager
def _remembered(make: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Something being made in a thread of its own, so that Ctrl-C cannot lose the answer that names it.

    `Future.exception()` waits for it, and tells at the end whether there is something to remove.
    """
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(make)


def _launched(made: Future[Any]) -> Machine:
    return Machine(str(made.result()["Instances"][0]["InstanceId"]))
