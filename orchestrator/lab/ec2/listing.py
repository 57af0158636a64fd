"""Lists of EC2: filters by name and values, and pages."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from moto.ec2.utils import simple_aws_filter_to_re

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    #: What an item has for a filter: one value or several.
    Reader = Callable[[Any], object]


def matching(items: Sequence[Any], filters: Sequence[Mapping[str, Any]], readers: Mapping[str, Reader]) -> list[Any]:
    """The items that match all filters; `*` and `?` in a value stand for any characters, as in all of EC2.

    Raises AwsFault for a filter that has no reader.
    """
    kept = list(items)
    for each in filters:
        name, patterns = str(each["Name"]), [re.compile(simple_aws_filter_to_re(value)) for value in each["Values"]]
        if name not in readers:
            raise AwsFault("InvalidParameterValue", f"The filter '{name}' is invalid")
        kept = [item for item in kept if any(p.match(text) for p in patterns for text in _texts(readers[name](item)))]
    return kept


def _texts(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [] if value is None else [str(value)]


def page(items: Sequence[Any], parameters: Mapping[str, Any], most: int) -> tuple[list[Any], str | None]:
    """The page of a list that a call asks for, at most `most` items, and the token of the next one.

    Raises AwsFault for a token that the lab did not give, and for a number out of range.
    """
    size = int(parameters.get("MaxResults") or most)
    if not 1 <= size <= most:
        what = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between 1 and {most}."
        raise AwsFault("InvalidParameterValue", what)
    begin = _begin(str(parameters.get("NextToken") or ""))
    rest = begin + size
    return list(items[begin:rest]), base64.b64encode(str(rest).encode()).decode() if rest < len(items) else None


def part(items: Sequence[Any], parameters: Mapping[str, Any], most: int = 1_000) -> tuple[list[Any], dict[str, str]]:
    """All items of a call that asks for no page, else its page; and what the answer says of the next one.

    Raises AwsFault as `page` does.
    """
    shown, token = page(items, parameters, most if parameters.get("MaxResults") else max(len(items), 1))
    return shown, {"NextToken": token} if token else {}


def _begin(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise AwsFault("InvalidNextToken", "The token is invalid") from None
