"""Pages of a list: MaxResults and NextToken, as Systems Manager's list operations take and give them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def page(
    items: Sequence[T], key: Callable[[T], str], body: dict[str, Any], *, sizes: range, default: int
) -> tuple[list[T], dict[str, str]]:
    """One page of `items` and the rest of the answer: `{"NextToken": ...}`, or nothing on the last page.

    The token names the last item shown, so that items which appear in front of it meanwhile shift nothing.
    """
    size = body.get("MaxResults") or default
    if size not in sizes:
        raise AwsFault("ValidationException", f"MaxResults must be between {sizes[0]} and {sizes[-1]}, not {size}.")
    start = _start([key(item) for item in items], body.get("NextToken"))
    shown = list(items[start : start + size])
    last = start + size >= len(items)
    return shown, {} if last else {"NextToken": base64.urlsafe_b64encode(key(shown[-1]).encode()).decode()}


def _start(keys: list[str], token: str | None) -> int:
    if not token:
        return 0
    try:
        return keys.index(base64.urlsafe_b64decode(token).decode()) + 1
    except (binascii.Error, ValueError):
        raise AwsFault("InvalidNextToken", "The specified token isn't valid.") from None
