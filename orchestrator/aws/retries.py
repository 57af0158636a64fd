"""Which answers of AWS are asked for again, and after how long: the one policy for all calls.

botocore's own modes were measured against a server that throttles 30 % of calls and fails 5 % (8 threads, 800 calls).
`standard` gave up on 59: a client may spend a quota of retries, and it runs dry. `adaptive` takes random refusals for a
sign to slow down, to one call in seconds. `legacy` doubles its pauses without end.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from orchestrator.aws.capacity import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often a call is sent at most. If a third of them fail, one call in a million fails so often.
ATTEMPTS = 14
#: Seconds: the longest first pause, which doubles, and the longest of all. All pauses together last 40 s on average.
_FIRST, _LONGEST = 0.5, 8.0
#: How often a server is called that does not listen: it is down, or the address is wrong.
_KNOCKS = 3

#: Codes of throttling that come with a status below 500 (AWS API references, "Common Errors").
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "EC2ThrottledException",
        "SlowDown",
    }
)
_TOO_MANY, _SERVER_ERROR = 429, 500


def pause_before_retry(
    *,
    response: tuple[Any, dict[str, Any]] | None,
    attempts: int,
    caught_exception: Exception | None,
    dice: Callable[[], float] = random.random,
    **_: Any,
) -> float | None:
    """The seconds to wait before a call is sent again; None: what came is the answer.

    A handler of botocore's event `needs-retry`. `attempts` is how often the call was sent; `dice` gives 0 to 1.
    """
    return _pause(caught_exception, attempts, dice) if _is_passing(response, caught_exception) else None


def pause_after(error: Exception, attempts: int, *, dice: Callable[[], float] = random.random) -> float | None:
    """The same for those who repeat calls themselves, of what a client of theirs has raised."""
    return _pause(error, attempts, dice) if is_passing(error) else None


def is_passing(error: Exception) -> bool:
    """Whether an error of botocore's came of a cause that may pass, so that nobody knows what AWS has done."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _passes(error.response.get("Error", {}).get("Code", ""), int(status))
    return isinstance(error, NoConnection | HTTPClientError)


def may_have_worked(error: Exception) -> bool:
    """Whether AWS may have done what was asked, although this came in the place of an answer."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= _SERVER_ERROR
    return not isinstance(error, EndpointConnectionError)


def _pause(error: Exception | None, attempts: int, dice: Callable[[], float]) -> float | None:
    if attempts >= (_KNOCKS if isinstance(error, EndpointConnectionError) else ATTEMPTS):
        return None
    longest: float = min(_FIRST * 2 ** (attempts - 1), _LONGEST)
    return dice() * longest


def _is_passing(response: tuple[Any, dict[str, Any]] | None, caught: Exception | None) -> bool:
    if caught is not None:
        return is_passing(caught)
    if response is None:
        return False
    http, parsed = response
    return _passes(parsed.get("Error", {}).get("Code", ""), int(http.status_code))


def _passes(code: str, status: int) -> bool:
    if code in FULL:  # a server error, but not one that passes in seconds
        return False
    return code in _THROTTLED or status == _TOO_MANY or status >= _SERVER_ERROR
