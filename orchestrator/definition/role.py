"""What the factory needs to know of a role: what it depends on, and which variables it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Role:
    """One folder of `roles/`. `variables` is None when the role has no `meta/argument_specs.yml`."""

    name: str
    path: Path
    dependencies: tuple[str, ...] = ()
    variables: frozenset[str] | None = None
