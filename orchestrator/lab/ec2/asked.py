"""What a module of `actions/` gets to answer from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Asked:
    """A call of an action in `actions/`: its region, its parameters as botocore names them, and any region's tables."""

    region: str
    parameters: dict[str, Any]
    tables: Callable[[str], Any]
