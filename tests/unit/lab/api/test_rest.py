"""Actions by method and path."""

from __future__ import annotations

import pytest

from orchestrator.lab.api.rest import action_of


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/rules", ("CreateRule", {})),
        ("GET", "/rules/abc", ("GetRule", {"Identifier": "abc"})),
        ("PATCH", "/rules/abc", ("UpdateRule", {"Identifier": "abc"})),
        ("PATCH", "/rules/abc/lock", ("LockRule", {"Identifier": "abc"})),
        ("PUT", "/rules/abc", ("", {})),
        ("GET", "/elsewhere", ("", {})),
    ],
)
def test_which_action_a_request_is(method: str, path: str, expected: tuple[str, dict[str, str]]) -> None:
    assert action_of("rbin", method, path) == expected
