"""The roles that tasks apply by name: `include_role`, `import_role`, and those of imported playbooks."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT, folders_in
from orchestrator.plan.reach.names import LAYER_ROLES, known_text, pattern_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.reach.counted import Counted


@dataclass
class NamedRoles:
    """Looks for named roles where Ansible does, and counts them."""

    counted: Counted
    layer: PlannedLayer
    #: Whether the values of variables decide which roles count.
    asked: bool = False
    _done: set[str] = field(default_factory=set)

    def follow(self, name: str, where: str) -> None:
        """Count the role of a name, or all that it could be when it is computed at run time."""
        given = self.counted.files.given
        if name == LAYER_ROLES and "layer_roles" not in given:
            return  # the layer's own
        if "{{" not in name and "{%" not in name:
            self._literal(name)
            return
        self.asked = True
        for variables in (given, self.layer.shared_vars):
            if (value := known_text(name, variables)) is not None:
                self._literal(value)
                return
        self.counted.note(f"{where} computes the name of a role ('{name}'): every role counts that it could be")
        self._fitting(pattern_of(name))

    def everywhere(self) -> Iterable[tuple[str, str]]:
        """Every role that there is, with its folder; of two of one name that which Ansible takes."""
        found: dict[str, str] = {}
        for place in self._places():
            for name in folders_in(place):
                if not name.startswith("."):
                    found.setdefault(name, f"{place}/{name}")
        return found.items()

    def _fitting(self, shape: str) -> None:
        for name, path in self.everywhere():
            if fnmatch.fnmatchcase(name, shape):
                self.counted.role(name, path)
        for name, path in self.counted.files.collections(self._beside).items():
            roles = folders_in(f"{path}/roles")
            if name not in self.counted.folders and any(fnmatch.fnmatchcase(f"{name}.{role}", shape) for role in roles):
                self.counted.collection(name, path)

    def _literal(self, name: str) -> None:
        if not name or name in self._done:
            return
        for base in (*self._places(), *map(os.path.dirname, self.counted.roles), self._beside):
            path = os.path.normpath(os.path.join(base, name))
            if os.path.isdir(path):
                self._done.add(name)
                self.counted.role(os.path.basename(path), path)
                return

    def _places(self) -> list[str]:
        roots = self.counted.files.roots
        return [f"{self._beside}/roles", *(f"{root}/roles" for root in roots), f"{roots[0]}/{BROUGHT}/roles"]

    @property
    def _beside(self) -> str:
        return str(self.layer.playbook.parent)
