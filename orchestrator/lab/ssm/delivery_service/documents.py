"""What is sent to an agent, and what its replies say: the payloads of both ways to it. Pure values.

Sources: amazon-ssm-agent, `agent/runcommand/contracts/model.go` and `agent/contracts`; the document AWS-RunShellScript.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.ssm import output as ssm_output
from orchestrator.lab.ssm.order import DOCUMENT
from orchestrator.lab.ssm.output import Result

if TYPE_CHECKING:
    from orchestrator.lab.ssm.record import Command

SEND, CANCEL = "aws.ssm.sendCommand", "aws.ssm.cancelCommand"

#: What of AWS-RunShellScript the agent reads.
_CONTENT: dict[str, Any] = {
    "schemaVersion": "1.2",
    "description": "Run a shell script or specify the commands to run.",
    "parameters": {
        "commands": {"type": "StringList", "description": "The commands to run."},
        "workingDirectory": {"type": "String", "default": "", "description": "The working directory."},
        "executionTimeout": {"type": "String", "default": "3600", "description": "Seconds that it may run."},
    },
    "runtimeConfig": {
        "aws:runShellScript": {
            "properties": [
                {
                    "id": "0.aws:runShellScript",
                    "runCommand": "{{ commands }}",
                    "workingDirectory": "{{ workingDirectory }}",
                    "timeoutSeconds": "{{ executionTimeout }}",
                }
            ]
        }
    },
}

#: DocumentStatus of a reply -> StatusDetails. One that is not here is no end.
_ENDS = {"Success": "Success", "Failed": "Failed", "Cancelled": "Cancelled", "TimedOut": "ExecutionTimedOut"}


@dataclass(frozen=True)
class InstanceMessage:
    """One message to an agent."""

    message_id: str
    """`aws.ssm.COMMAND.INSTANCE`: the agent calls it the job."""
    destination: str
    topic: str
    payload: str
    created: float
    """Epoch seconds."""

    def as_json(self) -> dict[str, Any]:
        """An entry of GetMessages' answer."""
        created = datetime.fromtimestamp(self.created, UTC).isoformat(timespec="milliseconds")
        return {
            "CreatedDate": created.replace("+00:00", "Z"),
            "Destination": self.destination,
            "MessageId": self.message_id,
            "Payload": self.payload,
            "Topic": self.topic,
        }

    def as_job(self) -> dict[str, Any]:
        """The content of an `agent_job`."""
        return {"Content": self.payload, "JobId": self.message_id, "Topic": self.topic, "SchemaVersion": 1}


def job_id(command_id: str, instance_id: str) -> str:
    """The name of a command on a node."""
    return f"aws.ssm.{command_id}.{instance_id}"


def sending(command: Command, instance_id: str) -> InstanceMessage:
    """The message that makes an agent run a command."""
    given = command.order.parameters
    payload = {
        "Parameters": {
            "commands": list(command.order.commands),
            "workingDirectory": given.get("workingDirectory", [""])[0],
            "executionTimeout": str(command.order.execution_timeout),
        },
        "DocumentContent": _CONTENT,
        "CommandId": command.command_id,
        "DocumentName": DOCUMENT,
        "OutputS3KeyPrefix": "",
        "OutputS3BucketName": "",
        "CloudWatchLogGroupName": "",
        "CloudWatchOutputEnabled": "false",
    }
    return _message(job_id(command.command_id, instance_id), instance_id, SEND, payload)


def cancelling(job: str, cancel_id: str, instance_id: str) -> InstanceMessage:
    """The message that makes an agent end a job; `cancel_id`: a UUID of its own."""
    return _message(job_id(cancel_id, instance_id), instance_id, CANCEL, {"CancelMessageId": job})


def _message(message_id: str, instance_id: str, topic: str, payload: dict[str, Any]) -> InstanceMessage:
    return InstanceMessage(message_id, instance_id, topic, json.dumps(payload), time.time())


@dataclass(frozen=True)
class AgentReply:
    """What an agent says of a command."""

    result: Result | None
    """None: it has not ended."""
    started: float | None = None
    """Epoch seconds, when the reply says so."""
    ended: float | None = None


def reply_of(payload: str) -> AgentReply:
    """The reply in a SendReply or an `agent_job_reply`. Raises ValueError or TypeError for what cannot be read."""
    told = json.loads(payload)
    if not isinstance(told, dict):
        raise TypeError(f"a reply is an object, not {payload[:80]}")
    details = _ENDS.get(str(told.get("documentStatus")))
    plugins = list((told.get("runtimeStatus") or {}).values())
    plugin = plugins[0] if plugins else {}
    if details is None:
        return AgentReply(None)
    result = Result(
        details,
        int(plugin.get("code", 1 if details == "Failed" else 0)),
        str(plugin.get("standardOutput") or "")[: ssm_output.AGENT_BYTES],
        str(plugin.get("standardError") or "")[: ssm_output.STDERR_CHARACTERS],
        str(plugin.get("output") or "")[: ssm_output.PLUGIN_BYTES],
    )
    return AgentReply(result, _moment(plugin.get("startDateTime")), _moment(plugin.get("endDateTime")))


def _moment(text: Any) -> float | None:
    """Epoch seconds of the agent's time; None for its zero, the year 1."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.timestamp() if found.year > 1 else None
