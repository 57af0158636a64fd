"""A workspace: the folder with `ami.yml`, what it defines, and the workspace that it extends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT
from orchestrator.definition.checking.ansible_cfg_checks import problems_of_ansible_cfg
from orchestrator.definition.checking.broken import Broken
from orchestrator.definition.checking.checks import problems_of
from orchestrator.definition.draft import read_workspace
from orchestrator.definition.expansion import expanded
from orchestrator.definition.levels.extended import extended
from orchestrator.definition.levels.origin import OWN, LevelOrigin
from orchestrator.definition.machine.block import Machine
from orchestrator.definition.policy.rules import Require
from orchestrator.definition.reading.document import read
from orchestrator.definition.roles.role_tests import has_tests, test_folders
from orchestrator.definition.variants.variant_name import family_of
from orchestrator.definition.workspace_file import FILE, PluginPin
from orchestrator.errors import DefinitionError, LackError, Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from orchestrator.definition.draft import WorkspaceDraft
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.image import Image
    from orchestrator.definition.layer import Layer
    from orchestrator.definition.roles.role import Role
    from orchestrator.definition.source import Source


@dataclass(frozen=True)
class Workspace:
    """What a workspace and those that it extends define together; loaded whole and checked, see `load`.

    It is one level of a chain: each level is a workspace of its own, which sees itself and what is below. The last one
    is the built-in workspace of the package. An image is resolved in the level that defines it: see `home`.

    `layers` is in the order in which they are applied. `images` has an image once for each of its variants, as
    `web@debian-13`. `masks` names environment variables that hold secrets. `required_plugins` are the pins of Packer's
    plugins by name.
    """

    root: Path
    name: str
    extends: Workspace | None = None
    #: Where the workspace that extends this one has it from.
    origin: LevelOrigin = OWN
    sources: Mapping[str, Source] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    required_tags: tuple[str, ...] = ()
    default_environment: str = ""
    mitogen: bool = True
    #: Which facts a build gathers; empty: all that Ansible gathers by default.
    gather_subset: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    required_plugins: Mapping[str, PluginPin] = field(default_factory=dict)
    #: The problems of images and environments that were left out, by name; see `load`.
    broken_images: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    broken_environments: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    machine: Machine = field(default_factory=Machine)
    #: What this level alone says of machines; `machine` has what it extends besides.
    own_machine: Machine = field(default_factory=Machine)
    #: What this workspace itself requires of images; what it extends has requirements of its own.
    require: Require = field(default_factory=Require)

    def image(self, name: str) -> Image:
        """The image of that name. Raises UsageError, which names the nearest one, and DefinitionError for its file."""
        if name in self.images:
            return self.images[name]
        if problems := self.broken_images.get(family_of(name)):
            raise DefinitionError(problems)
        if of_family := self._families.get(name):
            raise UsageError(f"'{name}' has several variants", hint=f"name one: {', '.join(of_family)}")
        near = did_you_mean(name, {*self.images, *self._families})
        raise UsageError(f"no image '{name}' in {self.root}{near}", hint="ami images")

    def selected(self, names: Iterable[str] | None) -> list[str]:
        """The images that are meant by names: `web` by `web`, all its variants if it has some. Without names those of
        this workspace, and not those that it extends.

        Raises UsageError, which names the nearest one, and DefinitionError for a file with mistakes.
        """
        if not names:
            own = {path.stem for path in (self.root / "packer" / "images").glob("*.yml")}
            if broken := [problem for name in own for problem in self.broken_images.get(name, ())]:
                raise DefinitionError(broken)
            return list(self.own_images)
        each = (self._families.get(name) or (self.image(name).name,) for name in names)
        return list(dict.fromkeys(one for some in each for one in some))

    @cached_property
    def own_images(self) -> Mapping[str, Image]:
        """The images that this workspace defines itself."""
        below = self.extends.images if self.extends else {}
        return {name: image for name, image in self.images.items() if name not in below}

    def home(self, image: str) -> Workspace:
        """The level that defines an image: what the image is made of is looked for there, and below.

        A name that none of them knows is taken for one of this workspace.
        """
        return self.extends.home(image) if self.extends and image in self.extends.images else self

    @cached_property
    def _families(self) -> Mapping[str, tuple[str, ...]]:
        """The images that have variants, each with its names in `images`."""
        found: dict[str, tuple[str, ...]] = {}
        for image in self.images.values():
            if image.variant:
                found[image.family] = (*found.get(image.family, ()), image.name)
        return found

    def environment(self, name: str | None = None) -> Environment:
        """The environment of that name, or else the default one. Raises UsageError, or DefinitionError for its file."""
        wanted = name or self.default_environment
        if not wanted:
            raise UsageError(f"{self.root} has no default environment", hint="say which one: --env NAME")
        if problems := self.broken_environments.get(wanted):
            raise DefinitionError(problems)
        if wanted not in self.environments:
            near = did_you_mean(wanted, self.environments)
            there = f"there are: {', '.join(self.environments)}" if self.environments else "there is none"
            raise UsageError(f"no environment '{wanted}' in {self.root}/packer/environments{near}", hint=there)
        return self.environments[wanted]

    def levels_above(self, image: str) -> tuple[Workspace, ...]:
        """The levels from this one down to the one that defines an image, without that: the lowest first."""
        home = self.home(image)
        return tuple(reversed([level for level in self.chain() if home in level.chain() and level is not home]))

    def met(self, environment: Environment) -> Environment:
        """An environment as images of this level meet it: with the variables that this level gives an environment of
        that name, or with none.

        What enters the images of a level is what that level says, wherever they are built.
        """
        known = self.environments.get(environment.name)
        given = {"extra_vars": known.extra_vars, "secret_vars": known.secret_vars} if known else {}
        return environment.model_copy(update={"extra_vars": {}, "secret_vars": {}, **given})

    def ancestors(self, image: Image, standing: Collection[str] = ()) -> tuple[Image, ...]:
        """The images that `image` is built on, the one on the source first. Of `standing` images nothing below."""
        parent = self.images.get(image.from_) if image.name not in standing else None
        return (*self.ancestors(parent, standing), parent) if parent else ()

    def with_ancestors(self, names: Iterable[str], standing: Collection[str] = ()) -> tuple[Image, ...]:
        """The named images and all that they are built on, once each; what an image is built on comes before it.

        Of `standing` images nothing below is there. Raises UsageError for a name that the workspace does not know.
        """
        images = (self.image(name) for name in names)
        return tuple({one.name: one for image in images for one in (*self.ancestors(image, standing), image)}.values())

    def chain(self) -> Iterator[Workspace]:
        """This workspace and those that it extends, the nearest first."""
        within: Workspace | None = self
        while within:
            yield within
            within = within.extends

    @property
    def is_extending(self) -> bool:
        """Whether it extends a workspace that somebody wrote, and not the built-in one alone."""
        return self.extends is not None and not self.extends.origin.is_builtin

    def find(self, relative: str) -> Path:
        """The path of a file or folder ("playbooks/base.yml", "roles/nginx"): here, else in what this one extends, else
        in what `requirements.yml` brings.

        Raises LackError when neither has it.
        """
        for within in self.chain():
            if (path := within.root / relative).exists():
                return path
        if (path := self.root / BROUGHT / relative).exists():
            return path
        below = " and in what it extends" if self.is_extending else ""
        raise LackError(f"{relative} is missing in {self.root}{below}")

    def role_path(self, name: str) -> Path:
        """The folder of a role that one of these workspaces has. Raises LackError."""
        if name not in self.roles:
            raise LackError(f"the role '{name}' is missing in {self.root}{did_you_mean(name, self.roles)}")
        return self.roles[name].path

    def tests_of_role(self, name: str) -> tuple[Path, ...]:
        """The folders that hold tests of a role; of a role without any the one that could."""
        folders = test_folders(self.roles[name], [one.root for one in self.chain()])
        return tuple(filter(has_tests, folders)) or folders[:1]

    def roles_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """The named roles and all that they depend on, once each, in the order in which Ansible applies them."""
        entered: set[str] = set()
        return tuple(role for name in names for role in self._with_dependencies(name, entered))

    def _with_dependencies(self, name: str, entered: set[str]) -> Iterator[str]:
        if name in entered:
            return
        entered.add(name)
        if name not in self.roles:
            raise UsageError(f"no role '{name}' in {self.root}{did_you_mean(name, self.roles)}")
        for other in self.roles[name].dependencies:
            yield from self._with_dependencies(other, entered)
        yield name


def load(start: Path, *, whole: bool = True) -> Workspace:
    """The workspace of the folder `start`, or of the nearest folder above it that has an `ami.yml`.

    Unless `whole`, environments and images with mistakes are left out, and what stands on such images: whoever asks the
    workspace for one of them gets the mistakes then.

    Raises UsageError when there is none, and DefinitionError with every problem that its files have.
    """
    draft = read_workspace(root_of(start))
    ansible = [one for level in draft.lineage for one in problems_of_ansible_cfg(level.root)]
    apart = Broken(draft, [_whose(draft, one) for one in (*problems_of(draft), *ansible)])
    if apart.elsewhere or (whole and apart.problems):
        raise DefinitionError(apart.problems)
    return _workspace(draft, apart)


def root_of(start: Path) -> Path:
    """The folder `start`, or the nearest one above it, that has an `ami.yml`. Raises UsageError when there is none."""
    folder = start.resolve()
    root = next((one for one in (folder, *folder.parents) if (one / FILE).is_file()), None)
    if root is None:
        raise UsageError(f"no {FILE} in {folder} or above it", hint="go to a workspace, or name one: --workspace DIR")
    return root


def roots_of(root: Path) -> tuple[Path, ...]:
    """The folder of a workspace and of those that it extends, the nearest first, as far as their files can be read.

    The built-in workspace is not among them.
    """
    found = [root]
    while document := read(found[-1] / FILE, []):
        below = extended(document, tuple(found), [])
        if below is None or below.origin.is_builtin:
            break
        found.append(below.root)
    return tuple(found)


def from_here(problem: Problem) -> Problem:
    """The problem with a path that is short to read and right to click: relative when it is below this folder."""
    here = Path.cwd()
    return replace(problem, path=problem.path.relative_to(here)) if problem.path.is_relative_to(here) else problem


def _whose(draft: WorkspaceDraft, problem: Problem) -> Problem:
    """The problem as people here read it: one in a workspace that is extended says whose it is."""
    there = [one for one in draft.lineage if problem.path.is_relative_to(one.root)]
    level = max(there, key=lambda one: len(one.root.parts), default=draft)  # one may lie in the folder of another
    if level is not draft:
        name = level.document.value.get("name")
        whose = f"in the workspace '{name}' that this one extends, from {level.origin}"
        problem = replace(problem, what=f"{problem.what} ({whose})")
    return from_here(problem)


def _workspace(draft: WorkspaceDraft, apart: Broken) -> Workspace:
    """The values of a draft whose problems, if any, are all in images and environments."""
    extends = _workspace(draft.extends, apart) if draft.extends else None
    file = draft.file
    if file is None:
        raise AssertionError("a draft without problems has its file")
    return Workspace(
        root=draft.root,
        name=file.name,
        extends=extends,
        origin=draft.origin,
        sources={**(extends.sources if extends else {}), **file.sources},
        layers={**(extends.layers if extends else {}), **{layer.name: layer for layer in file.layers}},
        images=expanded(
            {
                name: each.image
                for name, each in sorted(draft.all_images.items())
                if each.image and name not in apart.images
            }
        ),
        environments={
            name: each for name, each in sorted(draft.environments.items()) if each and name not in apart.environments
        },
        broken_images=apart.images,
        broken_environments=apart.environments,
        roles=draft.all_roles,
        required_tags=draft.required_tags,
        default_environment=draft.default_environment,
        mitogen=extends is None or extends.mitogen if file.ansible.mitogen is None else file.ansible.mitogen,
        gather_subset=file.ansible.gather_subset or (extends.gather_subset if extends else ()),
        masks=tuple(dict.fromkeys((*(extends.masks if extends else ()), *file.masks))),
        required_plugins=_pinned(extends.required_plugins if extends else {}, file.packer.required_plugins),
        machine=file.machine.over(extends.machine) if extends else file.machine,
        own_machine=file.machine,
        require=file.require,
    )


def _pinned(inherited: Mapping[str, PluginPin], own: Mapping[str, PluginPin]) -> dict[str, PluginPin]:
    """The pins of a workspace and of what it extends; of a plugin that both pin, both constraints hold."""
    pins = dict(inherited)
    for name, pin in own.items():
        before = inherited.get(name)
        both = (
            PluginPin(version=f"{before.version}, {pin.version}", source=pin.source or before.source) if before else pin
        )
        pins[name] = both
    return pins
