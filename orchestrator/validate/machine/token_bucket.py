"""How fast an account's Systems Manager is called: one token bucket for everything that this process does there."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from orchestrator.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.aws.account import Account

#: Tokens, and tokens per second. Systems Manager lets an account call Get* 40 times a second in a region (AWS General
#: Reference, "AWS Systems Manager endpoints and quotas"); others of the account have the other half.
_SIZE, _RATE = 20, 20.0


class TokenBucket:
    """`size` tokens, of which `rate` come back per second. Whoever comes first is served first."""

    def __init__(self, size: int = _SIZE, rate: float = _RATE, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._rate = rate
        self._clock = clock
        self._tokens = float(size)
        self._counted = clock()
        self._lock = threading.Lock()

    def taken(self) -> float:
        """Take a token, which may be one that is still to come: the seconds to wait for it."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._size, self._tokens + (now - self._counted) * self._rate)
            self._counted = now
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)

    def take(self, stop: threading.Event) -> None:
        """Take a token, and wait for it. Raises Interrupted when `stop` is set."""
        if stop.wait(self.taken()):
            raise Interrupted("nothing is asked of Systems Manager any more")


_BUCKETS: defaultdict[Account, TokenBucket] = defaultdict(TokenBucket)
_MAKING = threading.Lock()


def bucket_of(account: Account) -> TokenBucket:
    """The bucket of an account in a region."""
    with _MAKING:
        return _BUCKETS[account]
