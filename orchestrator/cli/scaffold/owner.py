"""Who answers for an image, as it is typed: `TEAM <EMAIL>`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.definition.image import Owner

_OWNER = re.compile(r"\s*(?P<team>[^<>]+?)\s*<(?P<email>[^<>]+)>\s*")


def owner_of(written: str) -> Owner:
    """The owner that somebody typed. Raises UsageError."""
    from pydantic import ValidationError

    from orchestrator.definition.image import Owner

    found = _OWNER.fullmatch(written)
    try:
        return Owner.model_validate(found.groupdict() if found else {})
    except ValidationError:
        raise UsageError(
            f"--owner {written!r}: write a team and an address, as 'portal <portal@example.com>'"
        ) from None


def as_typed(owner: Owner) -> str:
    """The owner as somebody would type it."""
    return f"{owner.team} <{owner.email}>"
