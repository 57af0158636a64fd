"""What is known of a Packer build while it runs: its stage, the task that failed, its errors, the AMI it made.

Takes lines of Packer and events of Ansible, tells a listener, and writes the log. Starts nothing.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator import quiet
from orchestrator.build.packer.machine_readable import PackerLine, parse
from orchestrator.build.request import Built
from orchestrator.build.stages import is_creation, is_packers, stage_after
from orchestrator.process import masked
from orchestrator.progress import Event, Listener, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from orchestrator.build.ansible.tasks import TaskEvent
    from orchestrator.files.whole_file import TextSink


#: What Packer says when EC2 has given it a machine.
_MACHINE = re.compile(r"Instance ID: i-[0-9a-f]+")
#: Ansible's variables in the command that Packer says it executes: they are in the rendered file, and nowhere else.
_VARIABLES = re.compile(r"(?<=--extra-vars )\{.*\}")
#: How messages begin that tell a person nothing: there is one for each tag of each thing.
_NOISE = "Adding tag: "
#: Stages in which Packer works on a machine.
_WITH_A_MACHINE = frozenset({Stage.CONNECT, Stage.PROVISION, Stage.SNAPSHOT})


class Watch:
    """One Packer build as it is seen from outside. `masks` are secrets that no log and no message may show.

    `on_trouble` is called at once when something goes wrong. `end_began` is when Packer itself began to stop or to
    terminate its machine, by Packer's clock: whole seconds since 1970, never later than it did. `asked_for_ami`: it was
    about to ask EC2 for the AMI. `finished`: it said that it was at its end; one that was killed did not.

    Masking is done here because Packer 1.6.6 itself does not mask sensitive variables in its machine-readable output.
    """

    def __init__(
        self,
        image: str,
        listener: Listener,
        log: TextSink,
        *,
        masks: Sequence[str] = (),
    ) -> None:
        self.image = image
        self.end_began: int | None = None
        self.finished = False
        self.connected = False
        self.asked_for_ami = False
        self.on_trouble: Callable[[], object] = lambda: None
        self.stage = Stage.RESOLVE
        self.built: Built | None = None
        self.errors: list[str] = []
        self.failed_task: TaskEvent | None = None
        self._launching: float | None = None
        self._layer = ""
        self._listener = listener
        self._log = log
        self._masks = masks

    def take_line(self, raw: str) -> None:
        """One line of Packer's output."""
        line = parse(raw)  # masked afterwards: a secret with a comma is escaped in Packer's output
        line = replace(line, data=tuple(map(self._shown, line.data)))
        self._write(line)
        if line.is_error:
            self.errors.append(line.text)
            self.on_trouble()
        if line.artifact_id and self.built is None:
            self.built = _built(line.artifact_id)
        self.finished = self.finished or "Builds finished" in line.text
        if line.type == "ui" and not line.is_error and line.text:
            self._hear(line)

    def _shown(self, said: str) -> str:
        without = masked(said, self._masks)
        return _VARIABLES.sub("{...}", without) if "Executing Ansible: " in without else without

    def _hear(self, line: PackerLine) -> None:
        """A message for people. Older Packers say some as `message`, newer ones all as `say`."""
        if line.data[0] == "say":
            self._enter(stage_after(self.stage, line.text), line.timestamp)
        if _MACHINE.fullmatch(line.text):
            self._launching = None
        self.asked_for_ami = self.asked_for_ami or is_creation(line.text)
        packers = is_packers(line.text, self.stage) and not line.text.startswith(_NOISE)
        if packers or line.text.startswith(quiet.PREFIX):
            self.tell(line.text)

    @property
    def launching(self) -> float:
        """Seconds for which Packer has been asking EC2 for its machine; 0 when it does not."""
        return 0.0 if self._launching is None else time.monotonic() - self._launching

    def take_tasks(self, events: Iterable[TaskEvent]) -> None:
        """Events of Ansible. A failure counts until Packer goes on all the same: then the playbook had rescued it."""
        for told in events:
            event = replace(told, message=masked(told.message, self._masks))
            if event.layer != self._layer:
                self._layer, self.failed_task = event.layer, None
            if event.event.ends_build:
                self.failed_task = event
                self.on_trouble()
            self._listener(
                Event(
                    self.image,
                    Stage.PROVISION,
                    message=f"{event.event}: {event.message}" if event.message else event.event,
                    layer=event.layer,
                    role=event.role,
                    task=event.task,
                    seconds=event.seconds,
                )
            )

    def tell(self, message: str) -> None:
        """Tell the listener something about the current stage."""
        self._listener(Event(self.image, self.stage, message))

    def note(self, text: str) -> None:
        """Write a line of our own into the log."""
        self._write(PackerLine(int(datetime.now(UTC).timestamp()), "", "text", (text,)))

    def _enter(self, stage: Stage, timestamp: int) -> None:
        self.connected = self.connected or stage in _WITH_A_MACHINE
        if stage is Stage.SNAPSHOT:
            self.failed_task = None
        if stage in (Stage.SNAPSHOT, Stage.CLEAN) and self.end_began is None:
            self.end_began = timestamp
        if stage is not self.stage:
            self._launching = time.monotonic() if stage is Stage.LAUNCH else None
        self.stage = stage

    def _write(self, line: PackerLine) -> None:
        text = line.text or f"[{line.type}] {' '.join(line.data)}"
        at = datetime.fromtimestamp(line.timestamp, UTC) if line.timestamp else datetime.now(UTC)
        for part in text.splitlines():
            self._log.write(f"{at:%Y-%m-%dT%H:%M:%SZ} {part}\n")


def _built(artifact_id: str) -> Built | None:
    """The AMI of `us-east-1:ami-1234`; of several regions the first, where it was built. None for another artifact."""
    region, colon, ami_id = artifact_id.split(",", maxsplit=1)[0].partition(":")
    return Built(ami_id, region) if colon and ami_id.startswith("ami-") else None
