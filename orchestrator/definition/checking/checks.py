"""Checks across the files of a workspace: every name means something, and nothing protected is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.checking.entry_checks import closure, problems_of_entries, variables_of
from orchestrator.definition.checking.machine_stacks import lineage_of, machines_of
from orchestrator.definition.checking.plugin_checks import problems_of_plugins
from orchestrator.definition.checking.policy_checks import problems_of_policies
from orchestrator.definition.checking.protection_checks import (
    SEAL,
    problems_of_protection,
    protected_roles,
    standing_at,
)
from orchestrator.definition.checking.secret_checks import problems_of_secrets
from orchestrator.definition.checking.variant_checks import problems_of_layer_variants, problems_of_variants
from orchestrator.definition.layer import DEFAULT, fragment, playbook
from orchestrator.definition.reading.tag_rules import refusals
from orchestrator.definition.roles.folders import role_places
from orchestrator.definition.roles.group_vars import ENDINGS as GROUP_VARS_ENDINGS
from orchestrator.definition.roles.group_vars import FOLDER as GROUP_VARS
from orchestrator.errors import Problem, did_you_mean
from orchestrator.tags import AMI_TAGS, LONGEST_VALUE, PREFIX, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.definition.draft import ImageDraft, LayerDraft, WorkspaceDraft
    from orchestrator.definition.reading.document import Document


def problems_of(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Every problem of a workspace and of what it extends."""
    if workspace.extends:
        yield from problems_of(workspace.extends)
        if not workspace.extends.origin.is_builtin:  # what it brings is a start, and its user's from then on
            yield from _shadowed(workspace, workspace.extends)
    yield from workspace.problems
    unread = not workspace.document.places
    if unread or (workspace.extends is None and workspace.document.value.get("extends") is not None):
        return  # without these names every use of one would be reported, and none of it helps
    yield from _of_file(workspace)
    yield from problems_of_plugins(workspace)
    yield from problems_of_policies(workspace)
    yield from problems_of_protection(workspace)
    yield from problems_of_secrets(workspace)
    yield from problems_of_layer_variants(workspace)
    yield from _of_roles(workspace)
    yield from _duplicates(workspace)
    yield from _loops(workspace)
    for image in workspace.images:
        yield from _of_image(workspace, image)


def _of_file(workspace: WorkspaceDraft) -> Iterator[Problem]:
    document = workspace.document
    default = document.value.get("default_environment")
    if isinstance(default, str) and default not in workspace.environments:
        near = did_you_mean(default, workspace.environments)
        yield document.problem(f"no environment '{default}' in packer/environments{near}", "default_environment")
    required = document.value.get("required_tags")
    for place, tag in enumerate(required if isinstance(required, list) else []):
        if isinstance(tag, str) and tag.startswith(PREFIX) and tag not in AMI_TAGS:
            near = did_you_mean(tag, AMI_TAGS)
            yield document.problem(f"the factory sets no tag '{tag}'{near}", "required_tags", place)
    declared: set[str] = set()
    for layer in workspace.layers:
        if layer.name in declared:
            yield layer.problem(f"layer '{layer.name}' is declared twice")
        declared.add(layer.name)
        if layer.name == SEAL:
            yield layer.problem(f"no layer may be called '{SEAL}': it ends each build by itself")
        elif layer.name == DEFAULT:
            yield layer.problem(f"no layer may be called '{DEFAULT}': its playbook is that of layers without one")
        for part in layer.parts:
            roles = [role for _, role in (*layer.roles, *part.roles)]
            yield from _roles_known(workspace, part)
            yield from _variables_known(workspace, part, roles)
            yield from problems_of_entries(workspace, part, closure(workspace, roles))


def _of_roles(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """What is wrong with roles that a layer or an image uses; others may be whatever they are."""
    extended = _used(workspace.extends) if workspace.extends else set()
    for role in (workspace.all_roles[name] for name in sorted(_used(workspace)) if name in workspace.all_roles):
        if role.name in extended and role.name not in workspace.own_roles:
            continue  # it is reported with the workspace that is extended
        yield from role.problems
        for name, line in role.dependencies.items():
            if name not in workspace.all_roles:
                near = did_you_mean(name, workspace.all_roles)
                yield Problem(role.meta, line, f"depends on an unknown role '{name}'{near}")


def _used(workspace: WorkspaceDraft) -> set[str]:
    """The roles that are applied: those of layers and images, the seal, and all that they depend on."""
    layers = [*workspace.all_layers.values(), *(one for image in workspace.all_images.values() for one in image.layers)]
    return closure(workspace, [SEAL, *(role for layer in layers for part in layer.parts for _, role in part.roles)])


def _duplicates(workspace: WorkspaceDraft) -> Iterator[Problem]:
    inherited = workspace.extends
    first = {name: image.document for name, image in (inherited.all_images if inherited else {}).items()}
    for image in workspace.images:
        document = first.setdefault(image.name, image.document)
        if document is not image.document:
            yield image.document.problem(f"image '{image.name}' is already defined in {document.path}", "name")
        if image.name in workspace.all_sources:
            yield image.document.problem(f"'{image.name}' is the name of a source: an image needs another one", "name")
    name = workspace.document.value.get("name")
    if any(level.document.value.get("name") == name for level in workspace.lineage[1:]):
        what = f"a workspace that this one extends is called '{name}', too: each needs a name of its own"
        yield workspace.document.problem(what, "name")
    for name in workspace.own_sources:
        if inherited and name in inherited.all_sources:
            what = f"source '{name}' is already declared by what this workspace extends"
            yield workspace.document.problem(what, "sources", name)


def _loops(workspace: WorkspaceDraft) -> Iterator[Problem]:
    """Each loop once, at the first of its images by name."""
    images = workspace.all_images
    seen: set[str] = set()
    for start in sorted(images):
        path: list[str] = []
        name = start
        while name in images and name not in path and name not in seen:
            path.append(name)
            name = images[name].from_
        if name in path:
            loop = path[path.index(name) :]
            turn = loop.index(min(loop))
            loop = [*loop[turn:], *loop[:turn], min(loop)]
            yield images[loop[0]].document.problem(f"loop in 'from': {' -> '.join(loop)}", "from")
        seen.update(path)


def _of_image(workspace: WorkspaceDraft, image: ImageDraft) -> Iterator[Problem]:
    document = image.document
    # One name in both places, so that a name in a message, a tag or a history leads straight to its file.
    if image.name != document.path.stem:
        what = f"image '{image.name}' must stand in {image.name}.yml, and this is {document.path.name}"
        yield document.problem(what, "name")
    if image.from_ and image.from_ not in workspace.all_images and image.from_ not in workspace.all_sources:
        near = did_you_mean(image.from_, {*workspace.all_images, *workspace.all_sources})
        yield document.problem(f"no image or source '{image.from_}'{near}", "from")
    yield from problems_of_variants(workspace, image)
    for key, why in refusals(image.tags):
        yield document.problem(why, "tags", key)
    yield from _templates(document)
    for tag in workspace.required_tags:
        if tag not in image.tags and tag not in AMI_TAGS:
            yield document.problem(f"tag '{tag}' is required, and missing", "tags")
    yield from _stack(workspace, image)
    if machines := machines_of(workspace, image):
        yield from machines.problems(workspace.path_of)
    for layer in image.layers:
        if layer.name in workspace.all_layers:
            yield from _use(workspace, workspace.all_layers[layer.name], layer)
        else:
            yield layer.problem(f"unknown layer '{layer.name}'{did_you_mean(layer.name, workspace.all_layers)}")


def _templates(document: Document) -> Iterator[Problem]:
    """Texts that Packer would render: of what an image says, these two may have braces at all."""
    owner = document.value.get("owner")
    email = owner.get("email") if isinstance(owner, dict) else ""
    for text, *keys in ((document.value.get("description"), "description"), (email, "owner", "email")):
        if "{{" in str(text):
            what = "Packer takes '{{' for a template of its own, and there is no way to write it otherwise"
            yield document.problem(f"'{keys[-1]}': {what}", *keys)


def _stack(workspace: WorkspaceDraft, image: ImageDraft) -> Iterator[Problem]:
    """The order of an image's layers on top of those that its parents apply."""
    order = list(workspace.all_layers)
    inherited = _inherited(workspace, image)
    applied = {layer.name: name for name, layer in inherited}
    for layer in image.layers:
        if layer.name in applied:
            by = "this image" if applied[layer.name] == image.name else f"'{applied[layer.name]}', which it is built on"
            yield layer.problem(f"layer '{layer.name}' is already applied by {by}")
        elif layer.name in order:
            after = [name for name in applied if name in order and order.index(name) > order.index(layer.name)]
            if after:
                yield layer.problem(f"layer '{layer.name}' comes before '{after[0]}' in the order of ami.yml")
        applied.setdefault(layer.name, image.name)
    if len(" ".join(applied)) > LONGEST_VALUE and image.layers:
        tag = f"the tag {Tag.LAYERS} of {LONGEST_VALUE} characters"
        what = f"the names of its {len(applied)} layers do not fit into {tag}"
        yield image.document.problem(what, "layers")


def _inherited(workspace: WorkspaceDraft, image: ImageDraft) -> list[tuple[str, LayerDraft]]:
    """(image, layer) of all that `image` is built on, the lowest first; a loop is left where it closes."""
    return [(each.name, layer) for each in lineage_of(workspace, image)[:-1] for layer in each.layers]


def _use(workspace: WorkspaceDraft, layer: LayerDraft, use: LayerDraft) -> Iterator[Problem]:
    """What an image adds to a layer."""
    if layer.protected:
        for part in use.parts:
            added_to = {"add roles to": part.roles, "set vars on": part.vars, "leave roles untested in": part.untested}
            for what, added in added_to.items():
                if added:
                    yield use.problem(f"layer '{layer.name}' is protected: an image may not {what} it", added[0][0])
        return
    for part in use.parts:
        roles = [role for one in (layer, use, part) for _, role in one.roles]
        yield from _roles_known(workspace, part)
        yield from _variables_known(workspace, part, roles)
        yield from problems_of_entries(workspace, part, closure(workspace, roles))
    yield from _roles_new(workspace, layer, use, ())
    for _, part in use.variants:
        yield from _roles_new(workspace, layer, part, [role for _, role in use.roles])


def _roles_new(
    workspace: WorkspaceDraft, layer: LayerDraft, use: LayerDraft, already: Iterable[str]
) -> Iterator[Problem]:
    """Roles that an image adds to a layer which has them, or which belong to a protected one."""
    own = {*(role for _, role in layer.roles), *already}
    guarded = protected_roles(workspace)
    for at, role in use.roles:
        if role in own:
            yield use.problem(f"role '{role}' is in layer '{layer.name}' already", at)
        elif role in guarded:
            yield use.problem(
                f"role '{role}' belongs to the protected layer '{guarded[role]}': it is not used again", at
            )
        own.add(role)


def _roles_known(workspace: WorkspaceDraft, layer: LayerDraft) -> Iterator[Problem]:
    for at, role in layer.roles:
        if role not in workspace.all_roles:
            yield layer.problem(f"unknown role '{role}'{_missing(workspace, role)}", at)


def _missing(workspace: WorkspaceDraft, role: str) -> str:
    """Where a role is not, and what it may have been."""
    near = did_you_mean(role, workspace.all_roles)
    return f": there is no folder {' or '.join(role_places(role)[-2:])}{near}"


def _variables_known(workspace: WorkspaceDraft, layer: LayerDraft, names: Iterable[str]) -> Iterator[Problem]:
    """Variables that none of the roles takes; nothing is said when one of the roles does not say what it takes."""
    if not layer.vars:
        return
    roles = closure(workspace, names)
    known = variables_of(workspace, roles)
    for at, variable in layer.vars if roles and known is not None else ():
        if variable not in (known or ()):
            yield layer.problem(f"no role of the layer takes '{variable}'{did_you_mean(variable, known or ())}", at)


def _shadowed(workspace: WorkspaceDraft, extended: WorkspaceDraft) -> Iterator[Problem]:
    """What stands here in the place of something protected that this workspace extends."""
    protected = {name: layer for name, layer in extended.all_layers.items() if layer.protected}
    for layer in workspace.layers:
        if layer.name in protected:
            where = protected[layer.name].document.path
            yield layer.problem(f"layer '{layer.name}' is protected by {where}: it cannot be declared again")
    guarded = [(playbook(SEAL), "the seal"), (f"roles/{SEAL}", "the seal"), ("packer/image.pkr.hcl.j2", "every image")]
    guarded.append((fragment(SEAL if extended.has(fragment(SEAL)) else DEFAULT), "the seal"))
    if extended.origin.is_builtin:
        guarded = []  # a workspace that extends nobody's may end its builds in a way of its own
    elif not extended.has(fragment(SEAL)) and (path := standing_at(workspace.root, fragment(SEAL))):
        yield Problem(path, 0, "the seal has the fragment of layers without one, and gets none here")
    for name, layer in protected.items():
        owner = f"the protected layer '{name}'"
        guarded += [(place(name if extended.has(place(name)) else DEFAULT), owner) for place in (playbook, fragment)]
        roles = sorted(closure(extended, (role for part in layer.parts for _, role in part.roles)))
        guarded += [(place, owner) for role in roles for place in role_places(role)]
        yield from _added(workspace, extended, layer)
    for relative, owner in dict(guarded).items():
        theirs = next((one.root / relative for one in extended.lineage if (one.root / relative).exists()), None)
        if theirs and (mine := standing_at(workspace.root, relative)):
            yield Problem(mine, 0, f"cannot take the place of {theirs}, which belongs to {owner}")


def _added(workspace: WorkspaceDraft, extended: WorkspaceDraft, layer: LayerDraft) -> Iterator[Problem]:
    """What stands here beside a protected layer, and would count for it."""
    protected = f"layer '{layer.name}' is protected by {layer.document.path}"
    for ending in GROUP_VARS_ENDINGS:
        if path := standing_at(workspace.root, f"{GROUP_VARS}/{layer.name}{ending}"):
            yield Problem(path, 0, f"{protected}: its variables cannot be set here")
    for place in (playbook, fragment):
        path = standing_at(workspace.root, place(layer.name))
        if path and not extended.has(place(layer.name)):
            yield Problem(
                path, 0, f"{protected}: it has the {place.__name__} of layers without one, and gets none here"
            )
