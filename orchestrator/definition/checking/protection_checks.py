"""What a workspace may not do with what it extends protects: apply it again, leave it out, or come in its place.

Protected layers are applied by images of the workspace that protects them, where nothing of those who extend it counts.
Others get them by standing on such an image: see ADR 47.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.definition.reading.variables_file import read_variables
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.definition.draft import ImageDraft, LayerDraft, WorkspaceDraft

#: The playbook and the role that end every build; no layer is called so, and no workspace replaces them.
SEAL = "seal"


def protected_layers(workspace: WorkspaceDraft) -> dict[str, tuple[WorkspaceDraft, LayerDraft]]:
    """The layers that a workspace and what it extends protect, each with the workspace that does."""
    found: dict[str, tuple[WorkspaceDraft, LayerDraft]] = {}
    for level in workspace.lineage:
        found |= {layer.name: (level, layer) for layer in level.layers if layer.protected}
    return found


def protected_roles(workspace: WorkspaceDraft) -> dict[str, str]:
    """The roles of protected layers, each with its layer. Those that they depend on may serve other layers, too."""
    return {
        role: name
        for name, (_, layer) in protected_layers(workspace).items()
        for part in layer.parts
        for _, role in part.roles
    }


def standing_at(root: Path, relative: str) -> Path | None:
    """What stands at a place in a workspace: also in other letter case, and as a link that leads nowhere yet.

    Some file systems do not tell `roles/System` from `roles/system`. What is refused there is refused everywhere.
    """
    first, _, rest = relative.partition("/")
    try:
        there = os.listdir(root)  # noqa: PTH208 - names are compared, and a workspace has many places
    except OSError:
        return None
    for name in sorted((one for one in there if one.casefold() == first.casefold()), key=lambda one: one != first):
        found = standing_at(root / name, rest) if rest else root / name
        if found:
            return found
    return None


def problems_of_protection(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """What a workspace's own images do with layers that another level protects."""
    if workspace.extends is None:
        return
    below = protected_layers(workspace.extends)
    for image in workspace.images:
        if image.name in workspace.extends.all_images:
            continue  # one name cannot have two images, and is told already
        applied = [use for use in image.layers if use.name in below]
        for use in applied:
            where = below[use.name][0].document.path
            yield use.problem(f"layer '{use.name}' is protected by {where}: {_instead(workspace, 'it')}")
        if not applied:
            yield from _start(workspace, image, below)
    for name in workspace.own_sources:
        if name in workspace.extends.all_images:
            what = f"'{name}' is the name of an image of {workspace.extends.all_images[name].document.path}"
            yield workspace.document.problem(f"{what}: a source needs another one", "sources", name)
    yield from _dependencies(workspace)
    yield from _variables(workspace, workspace.extends)


def _start(
    workspace: WorkspaceDraft, image: ImageDraft, below: Mapping[str, tuple[WorkspaceDraft, LayerDraft]]
) -> Iterator[Problem]:
    """An image that starts from a source has no protected layer. Who protects some can allow that, source by source."""
    sources = [(("from",), image.from_)] if image.from_ else []
    for keys, source in [*sources, *image.variants.values()]:
        if image.from_ in workspace.all_images or source not in workspace.all_sources:
            continue
        for level in {id(level): level for level, _ in below.values()}.values():
            if level.file is None or level.file.allow.sources is not None:
                continue  # `policy_checks` has what is allowed
            layers = ", ".join(f"'{name}'" for name, (by, _) in below.items() if by is level)
            what = f"an image that starts from the source '{source}' has no protected layers ({layers})"
            yield image.document.problem(f"{what} of {level.document.path}: {_instead(workspace, 'them')}", *keys)


def _instead(workspace: WorkspaceDraft, what: str) -> str:
    """What to do instead, with the images that there are to stand on."""
    most = 3
    images = sorted(workspace.extends.all_images) if workspace.extends else []
    named = f" ({', '.join(images[:most])}{', ...' if len(images) > most else ''})" if images else ""
    return f"start from an image that has {what}{named}"


def _dependencies(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Roles of this workspace that would apply a protected role once more, with variables of their own."""
    protected = protected_roles(workspace.extends) if workspace.extends else {}
    for role in workspace.own_roles.values():
        for name, line in role.dependencies.items():
            if name in protected:
                what = f"depends on '{name}', a role of the protected layer '{protected[name]}': it is not used again"
                yield Problem(role.meta, line, what)


def _variables(workspace: WorkspaceDraft, extended: WorkspaceDraft) -> Iterator[Problem]:
    """Ansible variables of this workspace's environments that the seal takes, which ends this workspace's builds, too.

    Those of roles in protected layers have no effect: see `Workspace.met`.
    """
    seal = extended.all_roles.get(SEAL)
    taken = seal.variables or frozenset() if seal else frozenset()
    for environment in filter(None, workspace.own_environments.values()):
        for key, names in (("extra_vars", environment.extra_vars), ("secret_vars", environment.secret_vars)):
            for name in (one for one in names if one in taken):
                if document := read_variables(environment.path, []):
                    yield document.problem(f"'{name}' is a variable of the seal: it cannot be set here", key, name)
