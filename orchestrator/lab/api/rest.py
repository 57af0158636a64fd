"""Actions of services that are spoken to by method and path (the protocol `rest-json` of botocore's models)."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote

from moto.core.utils import get_service_model

#: Those that the lab answers for itself; moto finds the way to its own.
SERVICES = frozenset({"rbin"})


def action_of(service: str, method: str, path: str) -> tuple[str, dict[str, str]]:
    """The action that a method and a path mean, and the parameters that stand in the path; empty when there is none."""
    for verb, pattern, action in _routes(service):
        found = pattern.fullmatch(path)
        if found and verb == method:
            return action, {name: unquote(value) for name, value in found.groupdict().items()}
    return "", {}


@cache
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    model = get_service_model(service)
    return tuple(
        (each.http["method"], _pattern(each), action)
        for action in model.operation_names
        for each in [model.operation_model(action)]
    )


def _pattern(operation: object) -> re.Pattern[str]:
    """Paths of an operation, with a group for each parameter, named as the model names it."""
    shape = operation.input_shape  # type: ignore[attr-defined] # botocore has no types
    members = shape.members.items() if shape is not None else ()
    named = {member.serialization.get("name"): name for name, member in members}
    uri = operation.http["requestUri"].partition("?")[0]  # type: ignore[attr-defined]
    return re.compile(re.sub(r"\{(\w+)\+?\}", lambda found: f"(?P<{named[found[1]]}>[^/]+)", uri))
