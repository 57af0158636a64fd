"""The secret variables of each playbook of a build, as Ansible gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.build.ansible.secret_files import Verbatim
from orchestrator.build.ansible.vault import decrypted
from orchestrator.definition.roles.group_vars import FOLDER, files_of, is_read
from orchestrator.definition.secret import KEY, references_in
from orchestrator.definition.workspace_file import FILE
from orchestrator.plan.planned_layer import applied_roles, seal_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import Segment
    from orchestrator.secret_values import Secrets


def secret_vars(
    secrets: Secrets, layers: Iterable[PlannedLayer], environment: Environment
) -> dict[str, dict[str, Any]]:
    """By layer: its variables that hold a secret, and those of the environment, which go over the layer's.

    `environment` is the secrets' own as the level of the image meets it.
    """
    shared = {name: secrets.filled({KEY: written}, Verbatim) for name, written in environment.secret_vars.items()}
    return {layer.name: _of_layer(secrets, layer, environment) | shared for layer in layers}


def _of_layer(secrets: Secrets, layer: PlannedLayer, environment: Environment) -> dict[str, Any]:
    return {
        name: secrets.filled(value, Verbatim)
        for name, value in layer.shared_vars.items()
        if references_in(value) and name not in environment.extra_vars
    }


def hide_vaulted(secrets: Secrets, segments: Collection[Segment]) -> None:
    """Hide what Ansible Vault has encrypted in all that these segments apply. Raises DefinitionError for what it cannot
    decrypt.

    What another level applies that they stand on is left out: its passwords are its owner's.
    """
    workspace = secrets.workspace
    homes = {segment.name: segment.home(workspace) for segment in segments}
    stacks = [
        layer
        for segment in segments
        for layer in segment.stack
        if layer.home is None or layer.home.root == homes[segment.name].root
    ]
    own = {home.root for home in homes.values()}
    folders = [level.role_path(role) for role, level in applied_roles(workspace, (*stacks, seal_of(workspace)))]
    places = [place.root for place in workspace.chain()]
    groups = {group for layer in stacks for group in layer.groups}
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if "tests" not in path.parts[-3:]]
    files += [path for root in places for path in sorted((root / "playbooks").rglob("*")) if _is_applied(path, groups)]
    files += [path for root in places for path in files_of(root, groups)]
    files += [root / FILE for root in places]
    files += [path for root in own for path in sorted((root / "packer/images").glob("*.yml"))]
    secrets.hide(decrypted((path for path in files if path.is_file()), workspace.root))


def _is_applied(path: Path, groups: Iterable[str]) -> bool:
    """Whether Ansible reads a file beside the playbooks: of variables for groups those of the machine's groups."""
    inside = "/".join(path.parts[path.parts.index(FOLDER) :]) if FOLDER in path.parts else ""
    return not inside or is_read(inside, groups)
