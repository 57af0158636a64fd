"""What each call that changes something named, and the tags that it brought: by these a policy tells it from others."""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.texts import texts_in

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How many calls are remembered.
_MOST = 10_000
#: Ids of what may have tags and an owner of its own.
_ID = re.compile(r"(i|ami|snap|vol|sg|key|subnet|vpc)-[0-9a-f]{8,17}")
_READ = ("Describe", "Get")
#: These bring a name that is new.
_MAKES_KEY = ("CreateKeyPair", "ImportKeyPair")


class Changes:
    """The calls in their order. Safe to share between threads."""

    def __init__(self) -> None:
        self._calls: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self._lock = threading.Lock()

    def note(self, action: str, parameters: dict[str, Any], tables: Any) -> None:
        """Remember a call that is about to have its effect, with the tags that things have now."""
        if action.startswith(_READ):
            return
        named = {each: sorted(tables.tags.get(each, {})) for each in _ids(action, parameters, tables)}
        brought = {one.get("ResourceType", ""): _keys(one) for one in parameters.get("TagSpecifications", [])}
        if action == "CreateTags":
            brought[""] = _keys(parameters)
        with self._lock:
            self._calls.append({"operation": f"ec2:{action}", "named": named, "brought": brought})

    def __call__(self, _method: str, _body: bytes) -> tuple[int, Any]:
        """What the lab answers at its path."""
        with self._lock:
            return 200, list(self._calls)


def _keys(tagged: dict[str, Any]) -> list[str]:
    return sorted(str(tag["Key"]) for tag in tagged.get("Tags", []))


def _ids(action: str, parameters: dict[str, Any], tables: Any) -> Iterator[str]:
    for value in texts_in(
        {key: value for key, value in parameters.items() if key not in ("TagSpecifications", "Tags")}
    ):
        if _ID.fullmatch(value):
            yield value
    pair = tables.key_pairs.get(parameters.get("KeyName", "")) if action not in _MAKES_KEY else None
    if pair is not None:
        yield str(pair.id)
