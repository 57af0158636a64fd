"""Calls to Systems Manager, against a server that counts requests and refuses some."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws import retries as aws_retries
from orchestrator.aws.account import Account, AwsError, error_code
from orchestrator.errors import Interrupted
from orchestrator.validate.errors import NoResponse
from orchestrator.validate.machine import token_bucket as buckets
from orchestrator.validate.machine.instance_loss import known
from orchestrator.validate.machine.systems_manager import SystemsManager
from orchestrator.validate.machine.token_bucket import TokenBucket
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = "11111111-1111-1111-1111-111111111111"
ANSWERS: dict[str, dict[str, Any]] = {
    "SendCommand": {"Command": {"CommandId": COMMAND}},
    "GetCommandInvocation": {"Status": "Success", "StandardOutputContent": "said\n"},
    "DescribeInstanceInformation": {"InstanceInformationList": [{"InstanceId": "i-1", "PingStatus": "Online"}]},
}


class Server(ThreadingHTTPServer):
    """Systems Manager that throttles the first `refused` requests. `requests`: when each came, and what it was."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.refused = 0
        self.requests: list[tuple[float, str]] = []
        self.lock = threading.Lock()


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        with self.server.lock:
            self.server.requests.append((time.monotonic(), operation))
            refused = len(self.server.requests) <= self.server.refused
        said = {"__type": "ThrottlingException"} if refused else ANSWERS[operation]
        body = json.dumps(said).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def account(server: Server) -> Account:
    endpoint = f"http://127.0.0.1:{server.server_port}"
    return Account("us-east-1", endpoint=endpoint, access_key="key", secret_key="secret")


@pytest.fixture
def bucket(account: Account, monkeypatch: pytest.MonkeyPatch) -> TokenBucket:
    """The account's, for which no time passes: what is missing was taken."""
    made = TokenBucket(100, 1, clock=lambda: 0.0)
    monkeypatch.setitem(buckets._BUCKETS, account, made)
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_retries, "_FIRST", 0.01)
    monkeypatch.setattr(aws_retries, "_LONGEST", 0.01)


@pytest.mark.usefixtures("quick")
def test_each_request_takes_a_token_and_is_counted(account: Account, bucket: TokenBucket, server: Server) -> None:
    server.refused, tally = 5, CallCount()
    assert RunCommandTransport(account, "i-1", stop=threading.Event()).run("true", 5, tally) == "said\n"
    assert tally.calls == {"send_command": 6, "get_command_invocation": 1}
    assert len(server.requests) == 7
    assert bucket._tokens == 100 - 7


@pytest.mark.usefixtures("quick")
def test_a_call_is_given_up_as_often_as_any_other(account: Account, bucket: TokenBucket, server: Server) -> None:
    """What it may have done is unknown then."""
    server.refused, tally = 1000, CallCount()
    with pytest.raises(AwsError) as caught:
        SystemsManager(account, threading.Event()).call(
            "get_command_invocation", tally, CommandId=COMMAND, InstanceId="i"
        )
    assert error_code(caught.value) == "ThrottlingException"
    assert len(server.requests) == tally.calls["get_command_invocation"] == 100 - bucket._tokens == aws_retries.ATTEMPTS
    with pytest.raises(NoResponse):
        RunCommandTransport(account, "i-1", stop=threading.Event()).run("true", 5, CallCount())


def test_looks_for_a_machine_take_tokens(account: Account, bucket: TokenBucket) -> None:
    tally = CallCount()
    assert known(SystemsManager(account, threading.Event()), "i-1", tally)["PingStatus"] == "Online"
    assert bucket._tokens == 100 - tally.calls["describe_instance_information"] == 100 - 1


@pytest.mark.usefixtures("bucket")
def test_a_stop_ends_the_pause_before_a_repetition(
    account: Account, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_retries, "_FIRST", 1e6)
    monkeypatch.setattr(aws_retries, "_LONGEST", 1e6)
    server.refused, stop = 1000, threading.Event()

    def once_refused() -> None:
        while not server.requests:
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=once_refused, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        RunCommandTransport(account, "i-1", stop=stop).run("true", 5, CallCount())
    assert time.monotonic() - began < 300
    assert len(server.requests) == 1


def test_all_machines_of_an_account_share_its_bucket(
    account: Account, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request comes before its token: first the burst, then one after the other at the rate."""
    size, rate = 4, 20
    monkeypatch.setitem(buckets._BUCKETS, account, TokenBucket(size, rate))
    stop = threading.Event()

    def ask(number: int) -> list[str]:
        machine = RunCommandTransport(account, f"i-{number}", stop=stop)
        return [machine.run("true", 5, CallCount()) for _ in range(3)]

    began = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [["said\n"] * 3] * 6
    came = sorted(when - began for when, _ in server.requests)
    assert len(came) == 6 * 3 * 2
    assert all(when >= (number - size) / rate for number, when in enumerate(came, start=1))
