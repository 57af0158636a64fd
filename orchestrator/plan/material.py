"""What the roles of a build need and is not there, and what is written in vain, as far as files tell.

Modules of collections that are missing, and variables that nothing names. Both show without a machine.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.definition.places import place_of_variable
from orchestrator.definition.roles.folders import collection_folders, collections_below
from orchestrator.definition.roles.modules import missing, modules_of_playbook, modules_of_role
from orchestrator.definition.workspace import from_here
from orchestrator.errors import DefinitionError, Problem, did_you_mean
from orchestrator.plan.planned_layer import SEAL
from orchestrator.plan.settings import AnsibleCfg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Collector
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import Segment

#: Where Ansible looks for collections unless an ansible.cfg says otherwise.
_OF_MACHINE = Path("/usr/share/ansible/collections")
#: Variables that tell Ansible itself something.
_OF_ANSIBLE = "ansible_"


def checked(workspace: Workspace, collector: Collector, segments: Iterable[Segment]) -> tuple[Problem, ...]:
    """What to be warned of in the layers of some builds.

    Raises DefinitionError with every module that each build would miss.
    """
    planned = tuple(segments)
    layers = {layer.name: layer for segment in planned for layer in segment.layers}
    roles = workspace.roles_of([*(role for segment in planned for one in segment.layers for role in one.roles), SEAL])
    named = chain(
        *(modules_of_role(workspace.role_path(role)) for role in roles),
        *(modules_of_playbook(layer.playbook) for layer in layers.values()),
    )
    found = list(missing(named, _Collections(workspace)))
    if certain := [from_here(problem) for problem, always in found if always]:
        raise DefinitionError(certain)
    return tuple(map(from_here, (*(problem for problem, _ in found), *_in_vain(workspace, collector, planned))))


class _Collections(dict[str, Path]):
    """The collections that a build can use, by name; looked for when the first module of one is met."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace: Workspace | None = workspace

    def __contains__(self, name: object) -> bool:
        self._look()
        return super().__contains__(name)

    def _look(self) -> None:
        if self._workspace is None:
            return
        workspace, self._workspace = self._workspace, None
        for place in _of_machine():
            self.update(collections_below(place))
        for within in reversed([*workspace.chain()]):
            self.update(collection_folders(within.root))
        settings = AnsibleCfg(workspace.root).collections(str(workspace.root / "playbooks"))
        self.update({name: Path(folder) for name, folder in settings})


def _of_machine() -> tuple[Path, ...]:
    """Where this machine has collections: beside Ansible itself, and in the system's folder."""
    spec = find_spec("ansible")
    beside = [Path(spec.origin).parents[1]] if spec and spec.origin else []
    return (_OF_MACHINE, *beside)


def _in_vain(workspace: Workspace, collector: Collector, segments: Iterable[Segment]) -> Iterator[Problem]:
    """Variables that no file names which the layer reaches. Names can be computed, so that this is no mistake."""
    told: set[Problem] = set()
    for segment in segments:
        for layer in segment.layers:
            for variable, near in _unnamed(collector, layer):
                path, line = place_of_variable(workspace, segment.image.family, layer.name, variable)
                what = f"nothing in the roles of layer '{layer.name}' names the variable '{variable}'{near}"
                problem = Problem(path, line, what)
                if problem not in told:
                    told.add(problem)
                    yield problem


def _unnamed(collector: Collector, layer: PlannedLayer) -> Iterator[tuple[str, str]]:
    """(variable, the nearest word of the roles' defaults) of each variable that nothing names."""
    given = {*layer.vars, *(name for entry in layer.entries for name in entry.vars)}
    if not given:
        return
    reached = collector.reached(layer)
    contents = [*(one for folder in reached.folders.values() for one in folder.contents), *reached.files.values()]
    for variable in sorted(given):
        word = re.compile(rb"(?<!\w)" + variable.encode() + rb"(?!\w)")
        if variable.startswith(_OF_ANSIBLE) or any(word.search(one) for one in contents if variable.encode() in one):
            continue
        counted = [item for folder in reached.folders.values() for item in folder.counted.items()]
        defaults = b"\n".join(content for name, content in counted if "defaults/" in name)
        words = {found.decode() for found in re.findall(rb"^(\w+):", defaults, re.MULTILINE)}
        yield variable, did_you_mean(variable, words)
