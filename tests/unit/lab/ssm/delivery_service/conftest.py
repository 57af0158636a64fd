"""A delivery service in this process, on the loopback interface, with an agent that talks to it."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab.api.call import Call
from orchestrator.lab.api.dispatch import Calls, Dispatcher, Handler
from orchestrator.lab.api.faults import Faults, Trouble
from orchestrator.lab.api.recent_ids import RecentIds
from orchestrator.lab.host.machine import LabMachine, Place
from orchestrator.lab.ssm.agent_calls import AgentCalls
from orchestrator.lab.ssm.delivery_service import endpoint
from orchestrator.lab.ssm.delivery_service.actions import MessageDelivery, MessageGateway
from orchestrator.lab.ssm.delivery_service.authority import Authority
from orchestrator.lab.ssm.delivery_service.channels import Channels
from orchestrator.lab.ssm.delivery_service.delivery import AgentDelivery
from orchestrator.lab.ssm.delivery_service.mailboxes import Mailboxes
from orchestrator.lab.ssm.delivery_service.registry import Registry
from orchestrator.lab.ssm.registration import AgentRegistration
from orchestrator.lab.ssm.run_command import RunCommandApi
from tests.agent.small_agent import Agent, Connection
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

INSTANCE = "i-0123456789abcdef0"
HERE = Place("123456789012", "us-east-1")
ENDED = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})


@dataclass
class OneMachine:
    """A lab with one machine."""

    state: str = "running"

    def machines(self, _place: Place) -> list[LabMachine]:
        return [LabMachine(INSTANCE, "c", HERE, "127.0.0.1", "ip-1", self.state, True, datetime.now(UTC), ())]

    def find(self, place: Place, instance_id: str) -> LabMachine | None:
        return next((each for each in self.machines(place) if each.instance_id == instance_id), None)


class Service:
    """All of a delivery service, and Run Command on it."""

    def __init__(self) -> None:
        self.machine = OneMachine()
        self.faults = Faults(RecentIds())
        self.registry, self.mailboxes = Registry(self.machine), Mailboxes()
        self.delivery = AgentDelivery(self.registry, self.mailboxes, 0.0)
        self.channels = Channels(self.registry, self.mailboxes, self.delivery)
        commands = RunCommandApi(self.registry, self.delivery, 0.0, RecentIds())
        self.ssm = AgentRegistration(self.registry, AgentCalls(self.faults, 1.0), commands)
        self.handlers: dict[str, Handler] = {
            "ssm": self.ssm,
            "ec2messages": MessageDelivery(self.registry, self.mailboxes, self.delivery),
            "ssmmessages": MessageGateway(self.channels),
        }

    def ask(self, action: str, **body: Any) -> Any:
        """Call Systems Manager as a client does. Raises AwsFault."""
        return self.ssm.handle(Call("ssm", "us-east-1", action), body)

    def send(self, *lines: str, **parameters: str) -> str:
        """Send lines; returns the command's id."""
        given = {"commands": list(lines)} | {name: [value] for name, value in parameters.items()}
        sent = self.ask("SendCommand", DocumentName="AWS-RunShellScript", InstanceIds=[INSTANCE], Parameters=given)
        return str(sent["Command"]["CommandId"])

    def result(self, command: str) -> Any:
        """The invocation as it is now."""
        return self.ask("GetCommandInvocation", CommandId=command, InstanceId=INSTANCE)

    def ended(self, command: str) -> Any:
        """The invocation once it has ended."""
        return until(lambda: (found := self.result(command))["Status"] in ENDED and found, command)

    def ping(self) -> str | None:
        """The node's PingStatus."""
        listed = self.ask("DescribeInstanceInformation")["InstanceInformationList"]
        return str(listed[0]["PingStatus"]) if listed else None


@dataclass
class NoTables:
    """moto's tables, which no call here needs."""

    def __call__(self, _trouble: Trouble) -> AbstractContextManager[None]:
        raise AssertionError("a call went to moto")


@pytest.fixture
def service() -> Iterator[Service]:
    """A service without an endpoint."""
    made = Service()
    yield made
    made.delivery.close()


@pytest.fixture
def connection(service: Service) -> Iterator[Connection]:
    """How an agent reaches the service: over TLS, by the names that it has on AWS."""
    authority = Authority("tests")
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    application = Dispatcher(None, NoTables(), service.handlers, {}, service.faults, Calls())
    context = authority.server(["*.us-east-1.amazonaws.com"])
    server = endpoint.serve(endpoint.ControlChannelPath(application), service.channels, context, listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    trusting = ssl.create_default_context(cadata=authority.pem)
    yield Connection(INSTANCE, "us-east-1", trusting, address=address)
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["channel", "poll"])
def way(request: pytest.FixtureRequest) -> str:
    """By which protocol the agent gets its commands."""
    return str(request.param)


@pytest.fixture
def agent(service: Service, connection: Connection, way: str) -> Iterator[Agent]:
    """An agent that is Online."""
    made = Agent(connection)
    made.register()
    talking = threading.Thread(target=made.listen if way == "channel" else made.poll, daemon=True)
    talking.start()
    until(lambda: service.ping() == "Online", "Online")
    yield made
    made.stopping.set()
    service.mailboxes.close()
    talking.join(5)
