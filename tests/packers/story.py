"""What Ansible did, as Packer's lines tell it: the task events that `ami-ansible-playbook` would have written."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.ansible.task_writer import message_of
from orchestrator.build.ansible.tasks import TaskEvent, TaskOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?:(?P<role>[^:\]]+?) : )?(?P<task>.+)\] \*+$")
_PLAYBOOK = re.compile(r"^Executing Ansible: .* (\S+)$", re.DOTALL)
_FATAL = re.compile(r"^fatal: \[[^\]]+\]: (FAILED|UNREACHABLE)! => (.*)$", re.DOTALL)
_OUTCOMES = {
    "ok: [": TaskOutcome.OK,
    "changed: [": TaskOutcome.CHANGED,
    "skipping: [": TaskOutcome.SKIPPED,
}


class Story:
    """Follows the lines of one build, and turns those of Ansible into events."""

    def __init__(self) -> None:
        self._playbook = ""
        self._role, self._task = "", ""

    def events(self, text: str) -> Iterator[TaskEvent]:
        """The events of one line."""
        if playbook := _PLAYBOOK.match(text):
            self._playbook = playbook[1]
        elif task := _TASK.match(text):
            self._role, self._task = task["role"] or "", task["task"]
            yield self._event(TaskOutcome.START)
        elif fatal := _FATAL.match(text):
            outcome = TaskOutcome.FAILED if fatal[1] == "FAILED" else TaskOutcome.UNREACHABLE
            yield self._event(outcome, message_of(json.loads(fatal[2])))
        else:
            for beginning, outcome in _OUTCOMES.items():
                if self._task and text.startswith(beginning):
                    yield self._event(outcome)

    def _event(self, outcome: TaskOutcome, message: str = "") -> TaskEvent:
        return TaskEvent(
            at=datetime.now(UTC).isoformat(),
            layer=Path(self._playbook).stem,
            playbook=self._playbook,
            role=self._role,
            task=self._task,
            event=outcome,
            seconds=None if outcome is TaskOutcome.START else 0.1,
            message=message,
        )
