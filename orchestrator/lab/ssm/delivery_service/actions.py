"""The calls that agents make for their messages: of ec2messages, and for a control channel."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ssm.delivery_service.documents import reply_of

if TYPE_CHECKING:
    from orchestrator.lab.api.call import Call
    from orchestrator.lab.ssm.delivery_service.channels import Channels
    from orchestrator.lab.ssm.delivery_service.delivery import AgentDelivery
    from orchestrator.lab.ssm.delivery_service.mailboxes import Mailboxes
    from orchestrator.lab.ssm.delivery_service.registry import Registry

LOG = logging.getLogger(__name__)

#: How long a poll waits for a message, seconds: the agent gives up after 20 (StopTimeoutMillis).
_POLL_SECONDS = 15.0


class MessageDelivery:
    """Answers as `ec2messages`: what an agent polls that has no control channel (ssmmds in amazon-ssm-agent)."""

    ACTIONS = frozenset({"GetMessages", "AcknowledgeMessage", "SendReply", "FailMessage", "DeleteMessage"})

    def __init__(self, registry: Registry, mailboxes: Mailboxes, delivery: AgentDelivery) -> None:
        self._registry = registry
        self._mailboxes = mailboxes
        self._delivery = delivery

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""
        if call.action == "GetMessages":
            return self._get(body)
        message_id = str(body.get("MessageId"))
        match call.action:
            case "AcknowledgeMessage":
                self._delivery.taken(message_id)
            case "SendReply":
                self._reply(message_id, str(body.get("Payload")))
            case "FailMessage":
                self._delivery.failed(message_id, str(body.get("FailureType")))
            case _:
                # DeleteMessage: what was acknowledged is no message any more.
                self._delivery.taken(message_id)
        return {}

    def _get(self, body: dict[str, Any]) -> dict[str, Any]:
        instance_id = str(body.get("Destination"))
        hidden = float(body.get("VisibilityTimeoutInSeconds") or 10)
        self._registry.connect(instance_id)
        try:
            found = self._mailboxes.poll(instance_id, hidden, _POLL_SECONDS)
        finally:
            self._registry.disconnect(instance_id)
        request = str(body.get("MessagesRequestId"))
        messages = [message.as_json() for message in found]
        return {"Destination": instance_id, "Messages": messages, "MessagesRequestId": request}

    def _reply(self, message_id: str, payload: str) -> None:
        try:
            reply = reply_of(payload)
        except (ValueError, TypeError) as error:
            raise AwsFault("ValidationException", f"Payload: {error}") from None
        self._delivery.replied(message_id, reply)


class MessageGateway:
    """Answers as `ssmmessages`: the token with which an agent opens its control channel."""

    ACTIONS = frozenset({"CreateControlChannel"})

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def handle(self, _call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""
        if not body.get("RequestId") or not body.get("MessageSchemaVersion"):
            raise AwsFault("ValidationException", "RequestId and MessageSchemaVersion are required.")
        token = self._channels.token(str(body.get("ChannelId")))
        return {"MessageSchemaVersion": body["MessageSchemaVersion"], "TokenValue": token}
