"""A layer as one image has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from orchestrator.definition.layer import DEFAULT, fragment, in_variant, playbook
from orchestrator.definition.machine.block import Machine, stacked
from orchestrator.definition.roles.group_vars import FOLDER, groups_in
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.layer import LayerUse
    from orchestrator.definition.roles.entry import RoleEntry
    from orchestrator.definition.workspace import Workspace

#: The playbook that ends every build, and its role.
SEAL = "seal"
#: A machine block that says nothing.
_ANY_MACHINE = Machine()


@dataclass(frozen=True)
class PlannedLayer:
    """One layer as one image has it: the roles in order, the variables they get, and what it is built on."""

    name: str
    roles: tuple[str, ...]
    vars: Mapping[str, Any]
    playbook: Path
    machine: Machine = _ANY_MACHINE
    #: The entries of all roles when one of them says more than its name, else empty.
    entries: tuple[RoleEntry, ...] = ()
    #: The groups besides `all` that the machine is in and that `group_vars` has variables for, the weakest first.
    groups: tuple[str, ...] = ()
    #: The folders whose `group_vars` count, the weakest first. Ansible reads those beside the playbook by itself.
    group_folders: tuple[Path, ...] = ()
    #: Why roles have no tests.
    untested: Mapping[str, str] = field(default_factory=dict)
    #: The level of the workspace that it was resolved in; None for one that no image has.
    home: Workspace | None = field(default=None, compare=False, repr=False)

    @property
    def shared_vars(self) -> dict[str, Any]:
        """The variables that go to Ansible as extra variables: those that no entry replaces."""
        replaced = self._replaced
        return {name: value for name, value in self.vars.items() if name not in replaced}

    @property
    def role_tasks(self) -> list[dict[str, Any]]:
        """The tasks that apply the roles as their entries say; empty when the names of the roles say it all.

        Extra variables would go over an entry's. So what one entry replaces, every entry gets as a variable of its own.
        """
        given = {name: self.vars[name] for name in sorted(self._replaced)}
        return [_task(entry, {**given, **entry.vars}) for entry in self.entries]

    def vars_of(self, role: str) -> dict[str, Any]:
        """The variables that the layer and its entries give to a role."""
        own = (entry.vars for entry in self.entries if entry.role == role)
        return {**self.vars, **{name: value for given in own for name, value in given.items()}}

    @property
    def _replaced(self) -> set[str]:
        return {name for entry in self.entries for name in entry.vars if name in self.vars}


def _task(entry: RoleEntry, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The task that applies a role as its entry says."""
    apply = {"become": entry.become, "become_user": entry.become_user, "tags": list(entry.tags)}
    given = {name: value for name, value in apply.items() if value not in (None, [])}
    task: dict[str, Any] = {"name": f"Apply {entry.role}"}
    task["ansible.builtin.include_role"] = {"name": entry.role, **({"apply": given} if given else {})}
    more = {"vars": dict(variables), "when": list(entry.when), "tags": list(entry.tags)}
    return task | {name: value for name, value in more.items() if value}


@dataclass(frozen=True)
class ProvenBelow:
    """What another level proves of a stack: its lowest `layers`, by tests of the fingerprint `tests`."""

    layers: int
    tests: str


class LayerPlanner:
    """Plans the layers of one workspace; each playbook is looked for once, however many images use its layer.

    An image of a workspace that is extended is planned as that one has it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._below = LayerPlanner(workspace.extends) if workspace.extends else None
        self._playbooks: dict[str, Path] = {}
        self._folders: dict[str, tuple[Path, ...]] = {}
        self._groups: dict[str, set[str]] = {}
        self._stacked: dict[str, tuple[Machine, ...]] = {}

    def of_image(self, image: Image) -> tuple[PlannedLayer, ...]:
        """An image's own layers, the lowest first."""
        if self._below and self._workspace.home(image.name) is not self._workspace:
            return self._below.of_image(image)
        uses = zip(image.layers, self.machines_of(image), strict=True)
        return tuple(self.planned(use, image, machine) for use, machine in uses)

    def machines_of(self, image: Image) -> tuple[Machine, ...]:
        """What each of an image's own layers is built on: see `definition.machine`."""
        if self._below and self._workspace.home(image.name) is not self._workspace:
            return self._below.machines_of(image)
        if image.name not in self._stacked:
            self._stacked[image.name] = self._stack(image)
        return self._stacked[image.name]

    def _stack(self, image: Image) -> tuple[Machine, ...]:
        start = self._workspace.machine
        if (parent := self._workspace.images.get(image.from_)) is not None and (below := self.machines_of(parent)):
            start = below[-1].inherited(self._workspace.machine)
            if self._workspace.home(parent.name) is not self._workspace:
                for level in self._workspace.levels_above(parent.name):
                    start = level.own_machine.over(start)
        layers = (self._workspace.layers[use.name].machine for use in image.layers)
        return stacked(start, layers, image.machine)

    def planned(self, use: LayerUse, image: Image, machine: Machine = _ANY_MACHINE) -> PlannedLayer:
        """A layer as an image uses it: its roles and variables after and over those of the layer in its variant."""
        layer = in_variant(self._workspace.layers[use.name], image.variant)
        if use.name not in self._playbooks:
            self._playbooks[use.name] = playbook_of(self._workspace, use.name)
            self._folders[use.name] = _group_folders(self._workspace, use.name)
            beside = self._playbooks[use.name].parent
            self._groups[use.name] = {name for one in (*self._folders[use.name], beside) for name in groups_in(one)}
        path, folders = self._playbooks[use.name], self._folders[use.name]
        entries = (*layer.roles, *use.roles)
        wanted = (use.name,) if layer.protected else (use.name, image.variant, image.family)
        return PlannedLayer(
            name=use.name,
            roles=tuple(entry.role for entry in entries),
            vars={**layer.vars, **use.vars},
            playbook=path,
            machine=machine,
            entries=() if all(entry.is_plain for entry in entries) else entries,
            groups=tuple(name for name in dict.fromkeys(wanted) if name in self._groups[use.name]),
            group_folders=folders,
            untested={**layer.untested, **use.untested},
            home=self._workspace,
        )


def seal_of(workspace: Workspace) -> PlannedLayer:
    """What ends every build."""
    path = workspace.find(playbook(SEAL))
    folders = _with_group_vars(workspace, from_root=_owner_of_seal(workspace, path.parents[1]))
    return PlannedLayer(SEAL, (SEAL,), {}, path, group_folders=folders, home=workspace)


def _owner_of_seal(workspace: Workspace, root: Path) -> Path:
    """The folder of the workspace whose variables the seal gets: its own, or that which stands on the built-in one."""
    levels = list(workspace.chain())
    above = next((one for one, below in pairwise(levels) if below.root == root and below.origin.is_builtin), None)
    return above.root if above else root


def applied_roles(workspace: Workspace, layers: Iterable[PlannedLayer]) -> tuple[tuple[str, Workspace], ...]:
    """Each role of some layers once, with the level that it is looked for in, in the order in which they are applied:
    the roles that others depend on before them.

    `workspace` is that of layers which no image has. Two levels may each have a role of one name: then both are there.
    """
    stretches = ((home, [*some]) for home, some in groupby(layers, lambda layer: layer.home or workspace))
    found: dict[tuple[str, Path], Workspace] = {}
    for home, some in stretches:
        for role in home.roles_of([role for layer in some for role in layer.roles]):
            found.setdefault((role, home.role_path(role)), home)
    return tuple((role, home) for (role, _), home in found.items())


def _group_folders(workspace: Workspace, layer: str) -> tuple[Path, ...]:
    """The workspaces whose `group_vars` reach a layer: all, but of a protected layer its own and those below."""
    if not workspace.layers[layer].protected:
        return _with_group_vars(workspace)
    owners = [one.root for one in workspace.chain() if layer in one.layers]
    return _with_group_vars(workspace, from_root=owners[-1])


def _with_group_vars(workspace: Workspace, from_root: Path | None = None) -> tuple[Path, ...]:
    roots = [one.root for one in workspace.chain()]
    start = roots.index(from_root) if from_root in roots else 0
    return tuple(root for root in reversed(roots[start:]) if (root / FOLDER).is_dir())


def playbook_of(workspace: Workspace, layer: str) -> Path:
    """The playbook of a layer: its own, or the one of every layer that has none. Raises LackError without either."""
    return _own_or_default(workspace, playbook, layer)


def fragment_of(workspace: Workspace, layer: str) -> Path:
    """The Packer fragment of a layer: its own, or the one of every layer that has none."""
    return _own_or_default(workspace, fragment, layer)


def _own_or_default(workspace: Workspace, place: Callable[[str], str], layer: str) -> Path:
    try:
        return workspace.find(place(layer))
    except LackError:
        return workspace.find(place(DEFAULT))
