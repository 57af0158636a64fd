from __future__ import annotations

import io
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab.dispatch import HEALTH, Call, Dispatcher, call_of
from orchestrator.lab.faults import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ssm/aws4_request, SignedHeaders=host, Signature=00"


class Echo:
    """A handler that answers one action with what it was asked."""

    ACTIONS = frozenset({"Say", "Refuse", "Break"})

    def handle(self, action: str, region: str, body: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "Refuse":
                raise AwsFault("InvalidInstanceId", "no such machine", 404)
            case "Break":
                raise ZeroDivisionError
        return {"region": region, "body": body}


@pytest.fixture
def ask() -> Callable[..., tuple[str, Any]]:
    def moto(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b'"moto read ' + environ["wsgi.input"].read() + b'"']

    dispatcher = Dispatcher(moto, threading.RLock(), {"ssm": Echo()}, lambda: {"lab": "x"})

    def send(action: str, body: bytes = b"{}", **environ: Any) -> tuple[str, Any]:
        told: list[str] = []
        headers = {"HTTP_AUTHORIZATION": SIGNED, "HTTP_X_AMZ_TARGET": f"AmazonSSM.{action}"}
        request = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)} | headers | environ
        answer = b"".join(dispatcher(request, lambda status, _: told.append(status)))
        return told[0].partition(" ")[0], json.loads(answer)

    return send


def test_call_is_read_from_the_headers() -> None:
    headers = {"HTTP_AUTHORIZATION": SIGNED, "HTTP_X_AMZ_TARGET": "AmazonSSM.SendCommand"}
    assert call_of(headers) == Call("ssm", "eu-west-1", "SendCommand")


def test_an_unsigned_call_is_nobodys() -> None:
    assert call_of({}) == Call("", "us-east-1", "")


def test_own_actions_are_answered_by_the_handler(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("Say", b'{"a": 1}') == ("200", {"region": "eu-west-1", "body": {"a": 1}})


def test_other_actions_go_to_moto_with_their_body(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("GetParameter", b"it") == ("200", "moto read it")


def test_a_fault_is_answered_as_aws_names_it(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("Refuse") == ("404", {"__type": "InvalidInstanceId", "message": "no such machine"})


def test_a_bug_is_an_internal_error(ask: Callable[..., tuple[str, Any]]) -> None:
    code, answer = ask("Break")
    assert (code, answer["__type"]) == ("500", "InternalServerError")


def test_health(ask: Callable[..., tuple[str, Any]]) -> None:
    assert ask("", PATH_INFO=HEALTH) == ("200", {"lab": "x"})
