"""Names that a workspace takes, made from those of a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

#: The shortest of the limits for images, layers and sources (see `definition/`).
LONGEST = 40


def legal_name(written: str) -> str:
    """The name with lower-case letters, digits and single hyphens, a letter first, that is nearest to a text."""
    name = re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")
    name = name if name[:1].isalpha() else f"image-{name}".strip("-")
    return name[:LONGEST].strip("-")


def free_name(name: str, taken: Container[str]) -> str:
    """The name itself, or with the first number from 2 on that makes it free."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name[: LONGEST - 3]}-{number}"
    return free
