"""Which rights sessions of roles have used: by these a policy is found to allow what nobody asks for."""

from __future__ import annotations

import threading
from typing import Any


class UsedRights:
    """Each right once. Safe to share between threads."""

    def __init__(self) -> None:
        self._used: set[tuple[str, str, str, tuple[str, ...]]] = set()
        self._lock = threading.Lock()

    def note(self, role: str, action: str, kind: str, statements: tuple[str, ...]) -> None:
        """Remember a right: the ARN of the role, the action, the type of the resource, and what has allowed it."""
        with self._lock:
            self._used.add((role, action, kind, statements))

    def __call__(self, _method: str, _body: bytes) -> tuple[int, Any]:
        """What the lab answers at its path."""
        with self._lock:
            used = sorted(self._used)
        keys = ("role", "action", "resource_type", "statements")
        return 200, [dict(zip(keys, each, strict=True)) for each in used]
