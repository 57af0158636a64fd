"""Which files a layer can reach: what Ansible may read while it applies the layer's playbook and roles.

The search paths are those of ansible-core (`DataLoader.path_dwim_relative_stack`, `RoleDefinition._load_role_path`) as
a build sets them: `roles/` of the workspace and of what it extends, and what lies beside the playbook. Roles count
whole. Everything else counts when something that is reached names it. See docs/decisions/0019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.plan.fingerprint import canonical
from orchestrator.plan.reach import collections
from orchestrator.plan.reach.closing import Closing, given_to
from orchestrator.plan.reach.files import WorkspaceFiles
from orchestrator.plan.reach.names import Names, names_of, pieces
from orchestrator.plan.reach.waiting import leads_out

if TYPE_CHECKING:
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.reach.folder import Reached


class FileSearch:
    """Finds what the layers of a workspace reach."""

    def __init__(self, workspace: Workspace, environment: Environment) -> None:
        self.files = WorkspaceFiles(workspace, environment)
        self._known: dict[tuple[Any, ...], Reached] = {}
        #: By the identity of a layer, which is kept: a plan asks twice, and what a layer names takes time to find.
        self._of: dict[int, tuple[PlannedLayer, Reached]] = {}

    def of(self, layer: PlannedLayer) -> Reached:
        """What a layer reaches. Layers that differ in variables only, and name nothing there, share the answer."""
        if id(layer) not in self._of:
            self._of[id(layer)] = layer, self._found(layer)
        return self._of[id(layer)][1]

    def _found(self, layer: PlannedLayer) -> Reached:
        key: tuple[Any, ...] = (layer.playbook, layer.roles, layer.groups, layer.group_folders)
        if key not in self._known:
            self._known[key] = Closing(self.files, layer, Names()).reached()
        plain = self._known[key]
        given = given_to(layer)
        names, written = names_of(given), canonical(given)
        used = any(collections.uses(written, name) for name in self.files.collections(str(layer.playbook.parent)))
        told = {text for text in pieces(names) if text in plain.watched or leads_out(text)}
        if not (plain.asked or told or used or names.patterns or names.anything):
            return plain
        key = (*key, written)
        if key not in self._known:
            self._known[key] = Closing(self.files, layer, names).reached()
        return self._known[key]
