"""Client tokens: a call that is repeated with the token of an earlier one gets that one's answer, and changes nothing.

Amazon EC2 API Reference, "Ensuring idempotency in Amazon EC2 API requests".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.asked import Asked


class ClientTokens:
    """The tokens of calls so far, each with what was asked for and the answer."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], tuple[str, dict[str, Any]]] = {}

    def once(self, asked: Asked, answer: Callable[[Asked], dict[str, Any]]) -> dict[str, Any]:
        """The answer to a call; the earlier one when its token was used before.

        Raises AwsFault when the token was used with other parameters.
        """
        token = str(asked.parameters.get("ClientToken") or "")
        if not token:
            return answer(asked)
        key = (asked.account, asked.region, asked.action, token)
        given = json.dumps(asked.parameters, sort_keys=True, default=str)
        if key not in self._answers:
            self._answers[key] = (given, answer(asked))
        earlier, told = self._answers[key]
        if earlier != given:
            what = "The request uses the same client token as a previous, but non-identical request."
            raise AwsFault("IdempotentParameterMismatch", what)
        return told
