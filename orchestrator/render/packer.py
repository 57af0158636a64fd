"""A planned build as Packer HCL: what the frame prints, and the text that comes out."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from orchestrator import quiet
from orchestrator.brought import BROUGHT, COLLECTIONS, REQUIREMENTS
from orchestrator.definition.secret import references_in
from orchestrator.definition.variants.variant_name import SIGN
from orchestrator.errors import DefinitionError, LackError, Problem
from orchestrator.files.whole_file import write_whole
from orchestrator.plan.planned_layer import fragment_of, seal_of
from orchestrator.plan.reach.names import LAYER_TASKS
from orchestrator.plan.reach.settings import AnsibleCfg, collection_folders
from orchestrator.registry.states import FIRST, State
from orchestrator.render import bootstrap
from orchestrator.render.fragments import problems_of_fragment
from orchestrator.render.layout import laid_out
from orchestrator.render.levels import link_levels, seen_from
from orchestrator.render.machine import values_of, wanted_keys
from orchestrator.render.packer_set import PackerSet, packer_set
from orchestrator.render.template import FOLDER, Templates
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.planned_layer import PlannedLayer
    from orchestrator.plan.segment import SegmentOutline

__all__ = ["PackerSet", "Renderer", "packer_set", "render"]

FRAME = "image.pkr.hcl.j2"


#: Packer renders tags, descriptions and Ansible's environment as Go templates until nothing changes any more (Packer
#: plugin SDK, template/interpolate: Render). Whatever would come out as two braces is rendered again, so that there is
#: no way to write them. Ansible's variables pass as JSON, which has one.
_TEMPLATE = "{{"
_NOT_TEMPLATE = "Packer takes '{{' for a template of its own, and there is no way to write it otherwise"


def render(workspace: Workspace, segment: SegmentOutline, packers: PackerSet) -> str:
    """The Packer HCL of a build; see `Renderer.text`."""
    return Renderer(workspace, packers).text(segment)


class Renderer:
    """Renders the builds of one workspace, each as the level that defines its image has it, for one Packer.

    Templates are read once, and what a build's values have wrong is looked for once. A build that was rendered for its
    plan gets that text: it belongs to the fingerprints of the plan, whatever was edited since. May be shared between
    threads: two that render the same build at once write down the same text.
    """

    def __init__(self, workspace: Workspace, packers: PackerSet, texts: Mapping[str, str] | None = None) -> None:
        """`texts` are builds that were rendered before for the same Packer, by their names."""
        self.packers = packers
        self._workspace = workspace
        self._templates = Templates(workspace)
        self._checked: set[str] = set()
        self._texts = dict(texts or {})
        self._levels: dict[Path, Renderer] = {}

    def text(self, segment: SegmentOutline) -> str:
        """The Packer HCL of a build: the same for the same definitions, wherever the workspace lies.

        Raises DefinitionError, which says file and line, for a mistake in a template, and as `check` does, and
        LackError when the workspace pins plugins that this Packer cannot have.
        """
        if (level := self._of(segment)) is not self:
            return level.text(segment)
        if segment.name not in self._texts:
            self.check(segment)
            values = _values(self._workspace, segment, (*segment.layers, self._seal), self.packers)
            if problems := list(self._problems_of_fragments(values)):
                raise DefinitionError(problems)
            self._texts[segment.name] = laid_out(self._templates.rendered(FRAME, values))
        return self._texts[segment.name]

    def write(self, segment: SegmentOutline, folder: Path) -> Path:
        """Write the text of a build into `folder`, as `<image>.pkr.hcl`; the result is its path."""
        link_levels(segment.home(self._workspace))
        path = folder / f"{segment.name}.pkr.hcl"
        write_whole(path, self.text(segment))
        return path

    def check(self, segment: SegmentOutline) -> None:
        """Raise DefinitionError when Packer or the playbooks would not take what is written as it is."""
        if (level := self._of(segment)) is not self:
            level.check(segment)
            return
        if segment.name in self._checked:
            return
        layers = (*segment.layers, self._seal)
        if problems := [*_problems_of_image(self._workspace, segment.image, layers), *self._problems_of_paths]:
            raise DefinitionError(problems)
        _check_machine(segment, self.packers)
        self._checked.add(segment.name)

    def _problems_of_fragments(self, values: dict[str, Any]) -> Iterator[Problem]:
        """What fragments of people print and may not; that of the package is known."""
        named = [(layer["fragment"], {**values, "layer": layer}, True) for layer in values["layers"]]
        if values["machine"]["fragment"]:
            named.append((values["machine"]["fragment"], values, False))
        for name, given, of_layer in named:
            path = self._workspace.find(f"{FOLDER}/{name}")
            if not any(
                level.origin.is_builtin and path.is_relative_to(level.root) for level in self._workspace.chain()
            ):
                yield from problems_of_fragment(path, self._templates.rendered(name, given), of_layer=of_layer)

    def _of(self, segment: SegmentOutline) -> Renderer:
        """What renders the builds of the level that a segment is built in."""
        home = segment.home(self._workspace)
        if home is self._workspace:
            return self
        if home.root not in self._levels:
            self._levels[home.root] = Renderer(home, self.packers, self._texts)
        return self._levels[home.root]

    @cached_property
    def _seal(self) -> PlannedLayer:
        return seal_of(self._workspace)

    @cached_property
    def _problems_of_paths(self) -> tuple[Problem, ...]:
        return tuple(_problems_of_paths(self._workspace))


def _values(
    workspace: Workspace, segment: SegmentOutline, layers: Iterable[PlannedLayer], packers: PackerSet
) -> dict[str, Any]:
    image = segment.image
    plugins = packers.required_plugins(workspace.required_plugins)
    written = [_layer(workspace, layer) for layer in layers]
    return {
        "image": image.model_dump(mode="json", include={"name", "description", "owner", "tags"}),
        "label": image.name.replace(SIGN, "_"),  # names have no underscores
        "source": {"name": segment.source.name, "ssh_username": segment.source.ssh_username},
        "start": _start(segment),
        "first_state": str(FIRST),
        "tag_keys": {tag.name.lower(): tag for tag in Tag},
        "packers": str(packers),
        "known": packers.known,
        "plugins": plugins,
        # Their names are checked to be names in HCL, too, where no quotes may be.
        "required_plugins": [{"name": Markup(name), "asked": asked} for name, asked in plugins.items()],  # noqa: S704
        "machine": values_of(workspace, segment.machine),
        "stack": " ".join(layer.name for layer in segment.stack),
        "quiet": list(quiet.script(strict=True)),
        "agent": list(bootstrap.script()) if segment.source.bootstrap_agent else [],
        "layers": written,
        "secrets": sorted({name for layer in written for name in layer["secrets"]}),
        "roles_path": _roles_path(workspace),
        "requires": _requires(workspace),
        "collections_path": _collections_path(workspace),
        "groups": any(layer["groups"] for layer in written),
        "group_folders": any(layer["group_folders"] for layer in written),
    }


def _roles_path(workspace: Workspace) -> list[str]:
    """Where roles are, from the workspace's folder. What is brought comes last: it takes the place of nothing."""
    places = (place for place in workspace.chain() if not place.origin.is_builtin or (place.root / "roles").is_dir())
    own = [seen_from(workspace, place.root / "roles") for place in places]
    return [*own, *([f"{BROUGHT}/roles"] if _requires(workspace) else [])]


def _collections_path(workspace: Workspace) -> list[str]:
    """Where collections are besides those of the machine, from the workspace's folder; empty when it has none.

    What `ansible.cfg` says is among them, as Ansible prefers the environment to it.
    """
    settings = AnsibleCfg(workspace.root)
    roots = tuple(place.root for place in workspace.chain())
    brought = f"{workspace.root}/{BROUGHT}/{COLLECTIONS}"  # it may not be there yet
    there = {path for path in collection_folders(roots, settings) if os.path.isdir(path)}  # noqa: PTH112 - a text
    there |= {brought} if _requires(workspace) else set()
    return [seen_from(workspace, path) for path in collection_folders(roots, settings) if path in there]


def _requires(workspace: Workspace) -> bool:
    """Whether a workspace, or one that it extends, has requirements."""
    return any((place.root / REQUIREMENTS).is_file() for place in workspace.chain())


def _check_machine(segment: SegmentOutline, packers: PackerSet) -> None:
    """Raise LackError for what a machine block wants and the Packer that is there does not know."""
    unknown = {field: key for field, key in wanted_keys(segment.machine).items() if not packers.knows(key)}
    if unknown:
        fields = ", ".join(f"`{field}`" for field in unknown)
        raise LackError(
            f"{segment.name}: {packers} cannot do what {fields} of the machine block asks for: it does not know "
            f"{', '.join(unknown.values())}",
            hint="install Packer 1.7 or newer with the Amazon plugin 1.2.1 or newer",
        )


def _problems_of_image(workspace: Workspace, image: Image, layers: Iterable[PlannedLayer]) -> Iterator[Problem]:
    """What Packer or the playbooks would not take as it is written."""
    texts = {"description": image.description, "owner.team": image.owner.team, "owner.email": image.owner.email}
    for key, value in image.tags.items():
        texts[f"tags.{key}"] = key + value
    for place, text in texts.items():
        if _TEMPLATE in text:
            yield Problem(_file_of(workspace, image), 0, f"{place}: {_NOT_TEMPLATE}")
    for layer in layers:
        for name in _ours(workspace, layer).keys() & layer.vars.keys():
            what = f"layer '{layer.name}': the variable '{name}' is set by the factory"
            yield Problem(_file_of(workspace, image), 0, what)
        yield from _problems_of_entries(workspace, image, layer)


def _problems_of_entries(workspace: Workspace, image: Image, layer: PlannedLayer) -> Iterator[Problem]:
    """What keeps role entries from being applied."""
    for name in sorted(layer.vars.keys() - layer.shared_vars.keys()):
        if references_in(layer.vars[name]):
            what = f"layer '{layer.name}': '{name}' holds a secret, and no single role can have another value for it"
            yield Problem(_file_of(workspace, image), 0, what)
    if layer.role_tasks and LAYER_TASKS not in layer.playbook.read_text(encoding="utf-8"):
        what = f"layer '{layer.name}' says more of single roles than their names, and this playbook does not apply it"
        how = f'add `ansible.builtin.include_tasks: "{LAYER_TASKS}"` as docs/roles.md shows'
        yield Problem(layer.playbook, 0, f"{what}: {how}")


def _problems_of_paths(workspace: Workspace) -> Iterator[Problem]:
    for place in workspace.chain():
        if _TEMPLATE in str(place.root):
            yield Problem(place.root, 0, f"a workspace's path: {_NOT_TEMPLATE}")
        if os.pathsep in str(place.root):
            yield Problem(place.root, 0, f"a workspace's path: '{os.pathsep}' ends the name of a folder for Ansible")


def _start(segment: SegmentOutline) -> dict[str, Any]:
    """Where the build starts when nobody pins an AMI; `tag` is the one that holds the id of the AMI it started from."""
    if segment.parent is not None:
        filters = {f"tag:{Tag.IMAGE}": segment.parent, f"tag:{Tag.STATE}": str(State.VALIDATED)}
        return {"ami": "", "filters": filters, "owners": ["self"], "parameter": "", "tag": Tag.PARENT}
    return {**_source(segment.source), "tag": Tag.SOURCE_AMI}


def _source(source: Source) -> dict[str, Any]:
    nothing: dict[str, Any] = {"ami": "", "filters": {}, "owners": [], "parameter": ""}
    if source.filter is None:
        return nothing | {"ami": source.ami_id or "", "parameter": source.ssm_parameter or ""}
    filters = {"name": source.filter.name, "architecture": source.filter.architecture}
    if source.filter.product_code is not None:
        filters["product-code"] = source.filter.product_code
    return nothing | {"filters": filters, "owners": [source.filter.owner]}


def _layer(workspace: Workspace, layer: PlannedLayer) -> dict[str, Any]:
    given = layer.shared_vars
    public = {name: value for name, value in given.items() if not references_in(value)}
    return {
        "name": layer.name,
        "playbook": seen_from(workspace, layer.playbook),
        "fragment": f"layers/{fragment_of(workspace, layer.name).name}",
        "vars": {**public, **_ours(workspace, layer)},
        "secrets": sorted(given.keys() - public.keys()),
        "role_tasks": layer.role_tasks,
        "groups": "".join(map(_group, layer.groups, range(1, 1 + len(layer.groups)))),
        "group_folders": [seen_from(workspace, folder) for folder in layer.group_folders],
    }


def _group(name: str, priority: int) -> str:
    """A group of the inventory with the machine in it. Of groups with one depth Ansible takes them in order of name."""
    return f"[{name}]\n{{{{ .HostAlias }}}}\n[{name}:vars]\nansible_group_priority={priority}\n"


def _ours(workspace: Workspace, layer: PlannedLayer) -> dict[str, Any]:
    """The variables that every playbook gets. None of them says which image it is: images share what layers make."""
    ours: dict[str, Any] = {"layer_name": layer.name, "layer_roles": layer.roles}
    return ours | ({"seal_gather_subset": subset} if (subset := list(workspace.gather_subset)) else {})


def _file_of(workspace: Workspace, image: Image) -> Path:
    """The file of an image; of one that stands for several, where it would be."""
    relative = f"{FOLDER}/images/{image.family}.yml"
    return next(
        (path for place in workspace.chain() if (path := place.root / relative).exists()), workspace.root / relative
    )
