"""From ansible-runner's events to task events: which of them count, and what a failed task said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.build.ansible.tasks import TaskEvent, TaskOutcome
from orchestrator.masks import hide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.files.whole_file import TextSink

_OUTCOMES = {
    "playbook_on_task_start": TaskOutcome.START,
    "playbook_on_handler_task_start": TaskOutcome.START,
    "runner_on_ok": TaskOutcome.OK,
    "runner_on_failed": TaskOutcome.FAILED,
    "runner_on_skipped": TaskOutcome.SKIPPED,
    "runner_on_unreachable": TaskOutcome.UNREACHABLE,
}

#: Characters that are kept of a program's output in a message; the log has all of it.
_TAIL = 2000


class TaskWriter:
    """Appends the task events of one ansible-playbook, which applies a layer, to a file."""

    def __init__(self, file: TextSink, playbook: str, layer: str) -> None:
        self.pid = 0  # ansible-playbook's, once its first event came
        self._file = file
        self._playbook = playbook
        self._layer = layer
        self._failed = False
        self._complaints = ""

    def take(self, event: Mapping[str, Any]) -> bool:
        """An event of ansible-runner. False: it need not be kept in the private folder."""
        data = event.get("event_data") or {}
        self.pid = self.pid or int(event.get("pid") or 0)
        outcome = _outcome(event.get("event", ""), data)
        if outcome is not None:
            self._failed = self._failed or outcome.ends_build
            self._write(
                outcome,
                at=event.get("created"),
                role=data.get("resolved_role") or data.get("role") or "",
                task=_task_name(data),
                seconds=data.get("duration"),
                message=message_of(data.get("res") or {})
                if outcome.ends_build or outcome is TaskOutcome.IGNORED
                else "",
            )
        return False

    def complain(self, text: str) -> None:
        """What ansible-playbook wrote to standard error."""
        self._complaints = (self._complaints + text)[-_TAIL:]

    def end(self, code: int) -> None:
        """The end of ansible-playbook. One that failed without a failed task left its reason on standard error."""
        if code != 0 and not self._failed:
            said = self._complaints.strip() or f"ansible-playbook ended with exit code {code}"
            self._write(TaskOutcome.FAILED, message=said)

    def _write(
        self,
        outcome: TaskOutcome,
        *,
        at: str | None = None,
        role: str = "",
        task: str = "",
        seconds: float | None = None,
        message: str = "",
    ) -> None:
        event = TaskEvent(
            at=at or datetime.now(UTC).isoformat(),
            layer=self._layer,
            playbook=self._playbook,
            role=role,
            task=hide(task),
            event=outcome,
            seconds=None if seconds is None else round(seconds, 3),
            message=hide(message),
        )
        self._file.write(event.as_line())


def _outcome(name: str, data: Mapping[str, Any]) -> TaskOutcome | None:
    outcome = _OUTCOMES.get(name)
    if outcome is TaskOutcome.FAILED and data.get("ignore_errors"):
        return TaskOutcome.IGNORED
    if outcome is TaskOutcome.OK and (data.get("res") or {}).get("changed"):
        return TaskOutcome.CHANGED
    return outcome


def _task_name(data: Mapping[str, Any]) -> str:
    """The task's name without the role that Ansible puts in front of it; a task without a name has its module's."""
    name = str(data.get("task") or data.get("task_action") or "")
    return name.removeprefix(f"{data.get('role')} : ")


def message_of(result: Mapping[str, Any]) -> str:
    """What a failed result says: its message, and the end of what its program printed. `no_log` stays hidden."""
    if "censored" in result:
        return str(result["censored"])
    for item in result.get("results") or ():
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            label = item.get("_ansible_item_label", item.get("item", ""))
            return f"(item={label}) {message_of(item)}"
    parts = [hide(str(result.get("msg") or "").strip())]
    for stream in ("module_stderr", "stderr", "stdout"):
        said = hide(str(result.get(stream) or "").strip())  # before it is cut: half a secret is found by nobody
        if said and said not in parts[0]:
            parts.append(said[-_TAIL:])
            break
    return "\n".join(part for part in parts if part) or "failed without a message"
