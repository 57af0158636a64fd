from __future__ import annotations

import io
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.dispatch import Calls, Dispatcher
from orchestrator.lab.api.fault_rules import FaultKind, Rule
from orchestrator.lab.api.faults import Faults
from orchestrator.lab.api.recent_ids import RecentIds
from orchestrator.lab.door import HEALTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.faults import Trouble

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ssm/aws4_request, SignedHeaders=host, Signature=00"


class Echo:
    """A handler that answers one action with what it was asked."""

    ACTIONS = frozenset({"Say", "Refuse", "Break"})

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        match call.action:
            case "Refuse":
                raise AwsFault("InvalidInstanceId", "no such machine", 404)
            case "Break":
                raise ZeroDivisionError
        return {"region": call.region, "body": body}


class Lab:
    """A dispatcher before a moto that answers with what it read, and what was seen of it."""

    def __init__(self) -> None:
        self.faults = Faults(RecentIds())
        self.calls = Calls()
        self.reached: list[bytes] = []
        self.content_type = ""
        doors = {HEALTH: lambda method, _: (200, {"lab": "x", "asked": method})}
        self.dispatcher = Dispatcher(self.moto, self.answering, {"ssm": Echo()}, doors, self.faults, self.calls)

    def moto(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.reached.append(environ["wsgi.input"].read())
        if self.reached[-1] == b"break":
            raise ZeroDivisionError
        if self.reached[-1] == b"lack":
            raise AwsFault("InsufficientInstanceCapacity", "none left", 500)
        start_response("200 OK", [])
        return [b'"moto read ' + self.reached[-1] + b'"']

    @contextmanager
    def answering(self, _: Trouble) -> Iterator[None]:
        yield

    def raw(self, action: str, body: bytes = b"{}", **environ: Any) -> tuple[str, bytes]:
        told: list[Any] = []
        headers = {"HTTP_AUTHORIZATION": SIGNED, "HTTP_X_AMZ_TARGET": f"AmazonSSM.{action}"}
        request = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)} | headers | environ
        answer = b"".join(self.dispatcher(request, lambda *given: told.extend(given)))
        self.content_type = dict(told[1]).get("Content-Type", "")
        return told[0].partition(" ")[0], answer

    def ask(self, action: str, body: bytes = b"{}", **environ: Any) -> tuple[str, Any]:
        status, answer = self.raw(action, body, **environ)
        return status, json.loads(answer)


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def ask(lab: Lab) -> Callable[..., tuple[str, Any]]:
    return lab.ask


def test_own_actions_are_answered_by_the_handler(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("Say", b'{"a": 1}') == ("200", {"region": "eu-west-1", "body": {"a": 1}})


def test_other_actions_go_to_moto_with_their_body(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("GetParameter", b"it") == ("200", "moto read it")


def test_a_fault_is_answered_as_aws_names_it(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("Refuse") == ("404", {"__type": "InvalidInstanceId", "message": "no such machine"})


@pytest.mark.parametrize(("action", "body"), [("Break", b"{}"), ("GetParameter", b"break")])
def test_a_bug_is_an_internal_error(ask: Callable[..., tuple[str, Any]], action: str, body: bytes) -> None:
    """In a handler and in moto alike; a page of HTML would be no answer that a client can read."""
    code, answer = ask(action, body)
    assert (code, answer["__type"]) == ("500", "InternalServerError")


def test_the_labs_own_paths_are_neither_counted_nor_faulty(lab: Lab) -> None:
    lab.faults.set(Rule(FaultKind.THROTTLE, 1))
    assert lab.ask("", PATH_INFO=HEALTH, REQUEST_METHOD="GET") == ("200", {"lab": "x", "asked": "GET"})
    assert lab.calls.counts() == {}


def test_calls_are_counted_by_operation_refused_ones_too(lab: Lab) -> None:
    for action in ("Say", "Refuse", "GetParameter", "Say"):
        lab.ask(action)
    assert lab.calls.counts() == {"ssm:GetParameter": 1, "ssm:Refuse": 1, "ssm:Say": 2}


@pytest.mark.parametrize("action", ["Say", "GetParameter"])
def test_a_throttled_call_reaches_nobody(lab: Lab, action: str) -> None:
    """The lab's own handlers and moto alike."""
    lab.faults.set(Rule(FaultKind.THROTTLE, 1, (f"ssm:{action}",)))
    assert lab.ask(action) == ("400", {"__type": "ThrottlingException", "message": "Rate exceeded"})
    assert lab.reached == []
    assert lab.content_type == "application/x-amz-json-1.1"


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [("ssm", "AccessDeniedException", "400"), ("ec2", "UnauthorizedOperation", "403"), ("iam", "AccessDenied", "403")],
)
def test_a_denied_call_reaches_nobody(lab: Lab, service: str, code: str, status: str) -> None:
    """Each service has its own word for it."""
    lab.faults.set(Rule(FaultKind.DENY))
    query = {} if service == "ssm" else {"HTTP_X_AMZ_TARGET": ""}
    signed = SIGNED.replace("/ssm/", f"/{service}/")
    told, answer = lab.raw("Say", b"Action=DescribeImages", HTTP_AUTHORIZATION=signed, PATH_INFO="/", **query)
    assert (told, code in answer.decode()) == (status, True)
    assert lab.reached == []


def test_of_calls_that_break_half_had_their_effect(lab: Lab) -> None:
    """An error may come before the effect or in the place of the answer: the caller cannot tell."""
    lab.faults.set(Rule(FaultKind.ERROR, 1))
    for _ in range(100):
        assert lab.ask("GetParameter") == ("500", {"__type": "InternalServerError", "message": "Internal server error"})
    assert 35 < len(lab.reached) < 65


def test_a_refusal_from_within_is_spoken_as_the_service_speaks(lab: Lab) -> None:
    status, answer = lab.raw(
        "", b"lack", HTTP_X_AMZ_TARGET="", HTTP_AUTHORIZATION=SIGNED.replace("/ssm/", "/ec2/"), PATH_INFO="/"
    )
    assert status == "500"
    assert b"<Errors><Error><Code>InsufficientInstanceCapacity</Code><Message>none left</Message></Error>" in answer


def test_latency_is_waited_before_the_tables_are_held(lab: Lab) -> None:
    held: list[float] = []

    @contextmanager
    def answering(_: Trouble) -> Iterator[None]:
        held.append(time.monotonic())
        yield

    lab.dispatcher._answering = answering
    lab.faults.set(Rule(FaultKind.LATENCY, 0.05))
    began = time.monotonic()
    lab.ask("GetParameter")
    assert held[0] - began >= 0.05
