"""What becomes of a command that is left for an agent."""

from __future__ import annotations

import time

import pytest

from orchestrator.lab.ssm.delivery_service.documents import AgentReply, job_id
from orchestrator.lab.ssm.order import order
from orchestrator.lab.ssm.output import Result, failed
from orchestrator.lab.ssm.record import Command, Invocation
from tests.unit.lab.ssm.delivery_service.conftest import HERE, INSTANCE, Service
from tests.waiting import until

DONE = Result("Success", 0, "out\n", "", "out\n")


def one(invocation: Invocation, *, ago: float = 0.0) -> Command:
    asked = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [INSTANCE], "TimeoutSeconds": 30}
    checked = order(asked | {"Parameters": {"commands": ["true"]}})
    return Command("c0ffee", HERE, checked, time.time() - ago, [invocation])


def sent(service: Service, *, ago: float = 0.0) -> tuple[Invocation, str]:
    """Send a command, as if it had been asked for some seconds ago; returns its invocation and its job."""
    command = one(Invocation(INSTANCE, "ip-1"), ago=ago)
    service.delivery.send(command)
    return command.invocations[0], job_id("c0ffee", INSTANCE)


def offered(service: Service) -> list[str]:
    return [message.message_id for message in service.mailboxes.take(INSTANCE, 0)]


def test_what_no_agent_takes_in_time_is_taken_back(service: Service) -> None:
    invocation, job = sent(service, ago=29.8)
    until(lambda: job in offered(service), "the message")
    until(lambda: invocation.details == "DeliveryTimedOut", "the end")
    assert offered(service) == []


def test_what_is_for_a_machine_that_is_gone_is_undeliverable(service: Service) -> None:
    invocation, job = sent(service)
    until(lambda: job in offered(service), "the message")
    service.machine.state = "terminated"
    until(lambda: invocation.details == "Undeliverable", "the end")


def test_the_first_reply_that_tells_of_an_end_counts(service: Service) -> None:
    """Replies overtake each other."""
    invocation, job = sent(service)
    until(lambda: job in offered(service), "the message")
    service.delivery.replied(job, AgentReply(DONE, 1.0, 2.0))
    service.delivery.replied(job, AgentReply(None))
    service.delivery.replied(job, AgentReply(failed(1)))
    assert (invocation.details, invocation.result, invocation.started) == ("Success", DONE, 1.0)


def test_a_reply_acknowledges_a_message(service: Service) -> None:
    invocation, job = sent(service)
    until(lambda: job in offered(service), "the message")
    service.delivery.replied(job, AgentReply(None))
    assert offered(service) == []
    assert invocation.ended is None
    assert invocation.started is not None


def test_a_command_that_an_agent_cannot_do_has_failed(service: Service) -> None:
    invocation, job = sent(service)
    until(lambda: job in offered(service), "the message")
    service.delivery.failed(job, "InternalHandlerException")
    assert (invocation.details, offered(service)) == ("Failed", [])


def test_a_running_command_is_cancelled_by_a_message(service: Service) -> None:
    invocation, job = sent(service)
    until(lambda: job in offered(service), "the message")
    service.delivery.taken(job)
    service.delivery.cancel(one(invocation), invocation)
    (message,) = service.mailboxes.take(INSTANCE, 0)
    assert (message.topic, job in message.payload) == ("aws.ssm.cancelCommand", True)
    assert (invocation.ended, invocation.cancelling) == (None, True)


@pytest.mark.parametrize("was_offered", [False, True])
def test_what_no_agent_has_taken_is_cancelled_at_once(service: Service, *, was_offered: bool) -> None:
    """An agent that was offered it may have it: it is told, too."""
    invocation, job = sent(service)
    until(lambda: job in service.mailboxes._posts, "the message")
    if was_offered:
        offered(service)
    service.delivery.cancel(one(invocation), invocation)
    assert invocation.details == "Cancelled"
    assert len(offered(service)) == was_offered
