"""What new things may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class NameRule:
    """How a kind of thing may be called. `examples` are two good names."""

    kind: str
    pattern: str
    longest: int
    wording: str
    examples: tuple[str, str]

    def check(self, name: str) -> None:
        """Raise UsageError, which offers the nearest good name, for one that breaks the rule."""
        if re.fullmatch(self.pattern, name) and len(name) <= self.longest:
            return
        near = self.nearest(name)
        what = f"'{name}' cannot be the name of {self.kind}" + (f" (did you mean '{near}'?)" if near else "")
        raise UsageError(what, hint=f"{self.wording}, {self.longest} at most, such as {' or '.join(self.examples)}")

    def nearest(self, name: str) -> str:
        """A good name that is written alike, or an empty string."""
        joint = "_" if "_" in self.examples[1] else "-"
        near = re.sub(r"[^a-z0-9]+", joint, name.lower()).strip(joint).lstrip("0123456789" + joint)[: self.longest]
        return near.rstrip(joint) if re.fullmatch(self.pattern, near.rstrip(joint)) else ""


_HYPHENS = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_LETTERS = "lower-case letters, digits and single hyphens"

#: Short enough to be a layer's name and a workspace's, too. `definition.image.ImageName` allows more.
IMAGE = NameRule("an image", _HYPHENS, 40, _LETTERS, ("web", "customer-portal"))
LAYER = NameRule("a layer", _HYPHENS, 40, _LETTERS, ("app", "customer-portal"))
#: The seal ends each build, and the default playbook is that of layers without one (`definition.checking.checks`).
NO_LAYERS = ("seal", "default")
ENVIRONMENT = NameRule("an environment", _HYPHENS, 40, _LETTERS, ("dev", "prod-eu"))
#: As ansible-lint wants it (its rule `role-name`).
ROLE = NameRule("a role", r"[a-z][a-z0-9_]*", 40, "lower-case letters, digits and _", ("nginx", "customer_portal"))


def name_of(folder: Path) -> str:
    """The name that a workspace in a folder gets, and its image. Raises UsageError when the folder's is no name."""
    name = folder.resolve().name
    IMAGE.check(name)
    return name


def role_of(image: str) -> str:
    """The name of the role that a new image gets."""
    return image.replace("-", "_")
