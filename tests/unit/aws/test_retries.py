"""Which answers are asked for again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from orchestrator.aws.retries import ATTEMPTS, pause_before_retry


def pause(status: int, code: str, attempts: int = 1) -> float | None:
    response: tuple[Any, dict[str, Any]] = (SimpleNamespace(status_code=status), {"Error": {"Code": code}})
    return pause_before_retry(response=response, attempts=attempts, caught_exception=None, dice=lambda: 1.0)


def pause_after(error: Exception, attempts: int) -> float | None:
    return pause_before_retry(response=None, attempts=attempts, caught_exception=error, dice=lambda: 1.0)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "RequestLimitExceeded"),
        (500, "InternalError"),
        (400, "ThrottlingException"),
        (429, "Whatever"),
        (503, "SlowDown"),
    ],
)
def test_what_passes_is_asked_again(status: int, code: str) -> None:
    assert pause(status, code) == 0.5


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "InsufficientInstanceCapacity"),
        (503, "InsufficientHostCapacity"),
        (400, "Unsupported"),
        (403, "UnauthorizedOperation"),
        (400, "InvalidAMIID.NotFound"),
        (412, "PreconditionFailed"),
    ],
)
def test_an_answer_is_taken_as_it_is(status: int, code: str) -> None:
    """EC2 says with a server error that it is full: another place helps, waiting does not."""
    assert pause(status, code) is None


def test_an_answer_without_an_error_is_not_asked_again() -> None:
    response: tuple[Any, dict[str, Any]] = (SimpleNamespace(status_code=200), {})
    assert pause_before_retry(response=response, attempts=1, caught_exception=None) is None


def test_pauses_double_up_to_a_longest_and_end() -> None:
    """All of them together last for a minute and a half at most."""
    pauses = [pause(503, "RequestLimitExceeded", attempts) for attempts in range(1, ATTEMPTS + 1)]
    assert pauses[:6] == [0.5, 1, 2, 4, 8, 8]
    assert pauses[-1] is None
    assert sum(one or 0 for one in pauses) < 90


def test_a_lost_connection_is_made_anew() -> None:
    assert pause_after(ReadTimeoutError(endpoint_url="http://x"), 5) == 8
    assert pause_after(NoCredentialsError(), 1) is None


def test_a_server_that_does_not_listen_is_called_three_times() -> None:
    down = EndpointConnectionError(endpoint_url="http://x")
    assert [pause_after(down, attempts) is None for attempts in (1, 2, 3)] == [False, False, True]
