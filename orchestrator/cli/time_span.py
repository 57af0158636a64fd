"""Spans of time as people type them."""

from __future__ import annotations

import re
from datetime import timedelta

from orchestrator.errors import UsageError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def time_span(option: str, text: str) -> timedelta:
    """The time that `90m`, `24h`, `7d` or `2w` stands for. Raises UsageError, which names the option."""
    written = re.fullmatch(r"([0-9]{1,5})([mhdw])", text.strip())
    if written is None:
        raise UsageError(f"{option} '{text}' is not a time", hint="minutes, hours, days or weeks: 90m, 24h, 7d, 2w")
    return timedelta(**{_UNITS[written[2]]: int(written[1])})
