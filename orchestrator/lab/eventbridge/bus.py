"""EventBridge's rules: moto's, whose targets may be topics, and whose failures do not reach who sends an event.

Sources: Amazon EventBridge User Guide, "Event bus targets in Amazon EventBridge", "Using resource-based policies for
Amazon EventBridge", "AWS service event metadata".
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

from moto.events import models
from moto.events.exceptions import ValidationException
from moto.events.utils import EventTemplateParser
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.api.events import AwsEvent

LOG = logging.getLogger(__name__)

#: The services whose resources may be targets of a rule here.
TARGETS = ("events", "logs", "sns", "sqs")
_SERVICE = "events.amazonaws.com"


class LabRule(models.Rule):
    """A rule that sends to queues and topics that let EventBridge in. A target that fails is written to the log."""

    def put_targets(self, targets: list[dict[str, Any]]) -> None:
        """Refuses targets that would get nothing."""
        for target in targets:
            service = parse_arn(target["Arn"]).service
            if service not in TARGETS:
                what = f"the lab sends no events to {service}; targets may be of {', '.join(TARGETS)}"
                raise ValidationException(what)
        super().put_targets(targets)

    def send_to_targets(self, original_event: Any, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002 - moto's
        """Send what the pattern of an enabled rule matches."""
        if self.state != "ENABLED" or not self.event_pattern.matches_event(original_event):
            return
        for target in list(self.targets):
            try:
                self._send(target, dict(original_event), transform=transform_input)
            except Exception:
                LOG.exception("the rule %s sent nothing to %s", self.name, target["Arn"])

    def _send(self, target: dict[str, Any], event: dict[str, Any], *, transform: bool) -> None:
        arn = parse_arn(target["Arn"])
        if arn.service not in ("sqs", "sns"):
            everything, self.targets = self.targets, [target]
            try:
                super().send_to_targets(cast("Any", event), transform)
            finally:
                self.targets = everything
            return
        text = _text(target, event, transform=transform)
        if arn.service == "sqs":
            queue = sqs_backends[arn.account][arn.region].get_queue(arn.resource_id)
            if _admits(queue.policy, "sqs:SendMessage", target["Arn"]):
                group = target.get("SqsParameters", {}).get("MessageGroupId")
                sqs_backends[arn.account][arn.region].send_message(arn.resource_id, text, group_id=group)
            return
        topic = sns_backends[arn.account][arn.region].topics[target["Arn"]]
        if _admits(topic.policy, "sns:Publish", target["Arn"]):
            topic.publish(text)


def _text(target: Mapping[str, Any], event: dict[str, Any], *, transform: bool) -> str:
    """What a target gets: the event, or what its Input, InputPath or InputTransformer make of it."""
    told = {key: value for key, value in event.items() if key != "ingestion-time"}
    if not isinstance(told["time"], str):
        told["time"] = datetime.fromtimestamp(float(told["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        found: Any = told
        for name in str(target["InputPath"]).removeprefix("$").strip(".").split("."):
            found = found[name] if name else found
        return json.dumps(found)
    transformer = target.get("InputTransformer", {})
    if not (transform and transformer):
        return json.dumps(told)
    made = EventTemplateParser.parse(
        input_template=transformer.get("InputTemplate"),
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=cast("Any", told),
    )
    return made if isinstance(made, str) else json.dumps(made)


def _admits(policy: Any, action: str, arn: str) -> bool:
    """Whether a resource's policy lets EventBridge in; conditions are not looked at. Says it in the log when not."""
    document = json.loads(policy) if isinstance(policy, str) and policy else policy or {}
    if any(_allows(statement, action) for statement in _many(document.get("Statement", []))):
        return True
    LOG.warning("%s gets no event: its policy does not allow %s to %s", arn, action, _SERVICE)
    return False


def _allows(statement: Mapping[str, Any], action: str) -> bool:
    principal = statement.get("Principal", {})
    services = _many(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
    allowed = any(fnmatchcase(action.lower(), str(each).lower()) for each in _many(statement.get("Action", [])))
    everybody = principal == "*" and not statement.get("Condition")
    return statement.get("Effect") == "Allow" and allowed and (everybody or _SERVICE in services)


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def install() -> None:
    """Put the lab's rule in the place of moto's. To be called before the first rule is made."""
    models.Rule = LabRule  # type: ignore[misc]


def deliver(event: AwsEvent) -> None:
    """Send an event of a service of AWS to the default bus of its account and region; the caller holds the tables."""
    for account, regions in list(models.events_backends.items()):
        backend = dict(regions).get(event.region) if account == event.account else None
        if backend is not None:
            message = _message(event)
            for rule in list(backend.event_buses["default"].rules.values()):
                rule.send_to_targets(message)


def _message(event: AwsEvent) -> Any:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": event.kind,
        "source": event.source,
        "account": event.account,
        "time": time.time(),
        "region": event.region,
        "resources": list(event.resources),
        "detail": dict(event.detail),
    }
