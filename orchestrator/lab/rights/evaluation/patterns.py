"""Texts of policies that stand for others: `*`, `?` and policy variables.

Source: IAM User Guide, "IAM policy elements: Variables and tags", "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`, `${$}`, which stand for themselves.
_VARIABLE = re.compile(r"\$\{([*?$]|[^}',]+)(?:\s*,\s*'([^']*)')?\}")
_ARN_PARTS = 6


class NoValueError(LookupError):
    """A variable has no value in this request, and no default: what it stands in matches nothing."""


def expanded(text: str, context: Mapping[str, tuple[str, ...]]) -> str:
    """A pattern with the values of its variables, which stand for themselves alone. Raises NoValueError."""

    def value(found: re.Match[str]) -> str:
        name, default = found[1].strip(), found[2]
        if name in ("*", "?", "$"):
            return _literal(name)
        values = context.get(name.lower(), ())
        if len(values) != 1 and default is None:
            raise NoValueError(name)
        return _literal(values[0] if len(values) == 1 else default)

    return _VARIABLE.sub(value, text)


def like(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a text is one that an expanded pattern stands for."""
    return _compiled(pattern, ignore_case=ignore_case).fullmatch(text) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """Whether each of the six parts of an ARN is one that the pattern's stands for (condition operator ArnLike)."""
    wanted, parts = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    if len(wanted) < _ARN_PARTS:
        return pattern == "*"
    return len(wanted) == len(parts) and all(map(like, wanted, parts))


#: A character that stands for itself follows this one, which no policy can have.
_ESCAPE = "\0"


def _literal(text: str) -> str:
    return "".join(f"{_ESCAPE}{each}" if each in "*?" else each for each in text)


def plain(pattern: str) -> str:
    """An expanded pattern as a text that is compared as it stands."""
    return pattern.replace(_ESCAPE, "")


@lru_cache(maxsize=4096)
def _compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    parts = re.findall(f"{_ESCAPE}.|[*?]|[^*?{_ESCAPE}]+", pattern, re.DOTALL)
    stands = {"*": ".*", "?": "."}
    text = "".join(stands.get(part) or re.escape(plain(part)) for part in parts)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
