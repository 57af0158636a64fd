"""Calls to Systems Manager, of which an account can take only so many: each request takes a token, and is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError
from orchestrator.aws.retries import may_have_worked, pause_after
from orchestrator.errors import Interrupted
from orchestrator.validate.machine.token_bucket import bucket_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from orchestrator.aws.account import Account
    from orchestrator.validate.round import CallCount


#: What Interrupted says when a wait was stopped.
STOPPED = "nothing is asked of Systems Manager any more"


class SystemsManager:
    """Systems Manager of an account in a region. `stop`, once set, ends every wait with Interrupted.

    What may pass is asked for again by the policy of `aws/retries.py`, here and not in botocore: a repetition is a
    request like any other, and nobody who stops a validation waits for one.
    """

    def __init__(self, account: Account, stop: threading.Event) -> None:
        self._client = account.client("ssm", repeats=False)
        self._bucket = bucket_of(account)
        self._stop = stop

    def call(
        self, operation: str, tally: CallCount, *, doubtful: Callable[[], None] = lambda: None, **parameters: Any
    ) -> dict[str, Any]:
        """What an operation (as boto3 calls it: "send_command") answers. Raises AwsError and Interrupted.

        `doubtful` is called for each request that may have had its effect although it was not answered.
        """
        attempts = 0
        while True:
            self._bucket.take(self._stop)
            tally.call(operation)
            attempts += 1
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
            except AwsError as error:
                if may_have_worked(error):
                    doubtful()
                pause = pause_after(error, attempts)
                if pause is None:
                    raise
            else:
                return answer
            self.wait(pause)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises Interrupted."""
        if self._stop.wait(seconds):
            raise Interrupted(STOPPED)
