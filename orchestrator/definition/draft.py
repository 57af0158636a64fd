"""What the files of one workspace say as far as it can be understood.

The checks across files work on drafts, so that a mistake inside one file does not hide those between files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.brought import BROUGHT
from orchestrator.definition.environment import SUFFIX, read_environment
from orchestrator.definition.image import Image
from orchestrator.definition.levels.extended import extended
from orchestrator.definition.levels.origin import OWN, LevelOrigin
from orchestrator.definition.machine.checks import WrittenMachine
from orchestrator.definition.reading.document import Document, Keys, read
from orchestrator.definition.roles.folders import roles_of
from orchestrator.definition.variants.variant import variants_of
from orchestrator.definition.wording import validated
from orchestrator.definition.workspace_file import FILE, WorkspaceFile
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.roles.role import Role
    from orchestrator.definition.source import Source


@dataclass(frozen=True)
class LayerDraft:
    """One entry of a `layers:` list. Roles and variables come with the keys that lead to each."""

    document: Document
    #: The keys that lead to the entry.
    at: Keys
    name: str
    roles: tuple[tuple[Keys, str], ...] = ()
    vars: tuple[tuple[Keys, str], ...] = ()
    #: Of each role that has variables of its own: the keys that lead to them, and their values.
    role_vars: tuple[tuple[str, tuple[tuple[Keys, str, Any], ...]], ...] = ()
    untested: tuple[tuple[Keys, str], ...] = ()
    protected: bool = False
    #: What it has besides in each variant of an image, as a layer of the same name.
    variants: tuple[tuple[str, LayerDraft], ...] = ()

    @property
    def parts(self) -> tuple[LayerDraft, ...]:
        """What it has in every variant, and then what it has in some."""
        return (self, *(part for _, part in self.variants))

    def problem(self, what: str, at: Keys | None = None) -> Problem:
        """A problem at the line of the layer, or of one of its roles or vars."""
        return self.document.problem(what, *(at or self.at))


@dataclass(frozen=True)
class ImageDraft:
    """One file of `packer/images/` as it was read."""

    document: Document
    #: What the file says, or else what it is called.
    name: str
    from_: str
    layers: tuple[LayerDraft, ...]
    tags: dict[str, str]
    #: The variants that the file names, with their sources and the keys that lead to each.
    variants: dict[str, tuple[Keys, str]]
    #: None when the file has mistakes.
    image: Image | None


@dataclass(frozen=True)
class WorkspaceDraft:
    """The files below one `ami.yml`, and the draft of what it extends."""

    root: Path
    document: Document
    file: WorkspaceFile | None
    layers: tuple[LayerDraft, ...]
    images: tuple[ImageDraft, ...]
    own_environments: dict[str, Environment | None]
    own_roles: dict[str, Role]
    #: Those that `requirements.yml` brings.
    brought: dict[str, Role] = field(default_factory=dict)
    extends: WorkspaceDraft | None = None
    origin: LevelOrigin = OWN
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def lineage(self) -> tuple[WorkspaceDraft, ...]:
        """This workspace and those that it extends, this one first."""
        return (self, *(self.extends.lineage if self.extends else ()))

    @property
    def own_sources(self) -> list[str]:
        """The names of the sources that this `ami.yml` declares."""
        sources = self.document.value.get("sources")
        return list(sources) if isinstance(sources, dict) else []

    @cached_property
    def all_layers(self) -> dict[str, LayerDraft]:
        """Layers in order: those of what is extended first; a layer declared again keeps its place."""
        inherited = self.extends.all_layers if self.extends else {}
        return inherited | {layer.name: layer for layer in self.layers}

    @cached_property
    def machines_of_layers(self) -> dict[str, WrittenMachine]:
        """The machine block of each layer, of files without mistakes; a layer declared again has the nearest."""
        return {
            draft.name: WrittenMachine(draft.document, (*draft.at, "machine"), layer.machine)
            for one in reversed(self.lineage)
            if one.file
            for draft, layer in zip(one.layers, one.file.layers, strict=True)
        }

    @cached_property
    def machines_of_workspaces(self) -> tuple[WrittenMachine, ...]:
        """The machine block of each workspace whose file has no mistakes, that of what is extended first."""
        there = ((one.document, one.file) for one in reversed(self.lineage))
        return tuple(WrittenMachine(document, ("machine",), file.machine) for document, file in there if file)

    @cached_property
    def has_machines(self) -> bool:
        """Whether any machine block says anything. Without one there is nothing to check, in thousands of images."""
        written = (
            *self.machines_of_workspaces,
            *(one for level in self.lineage for one in level.machines_of_layers.values()),
        )
        images = (each.image.machine for each in self.all_images.values() if each.image)
        return any(one.model_fields_set for one in (*(each.machine for each in written), *images))

    @cached_property
    def sources(self) -> dict[str, Source] | None:
        """All sources by name; None when a file that declares some has mistakes."""
        found: dict[str, Source] = {}
        for one in reversed(self.lineage):
            if one.file is None:
                return None
            found |= one.file.sources
        return found

    @cached_property
    def all_images(self) -> dict[str, ImageDraft]:
        """Images by name; of two with one name the first."""
        inherited = self.extends.all_images if self.extends else {}
        return {image.name: image for image in reversed(self.images)} | inherited

    @cached_property
    def homes(self) -> dict[str, WorkspaceDraft]:
        """The workspace that defines each image; of two the one that is extended."""
        return dict.fromkeys((image.name for image in self.images), self) | (self.extends.homes if self.extends else {})

    @cached_property
    def _parents(self) -> dict[str, str]:
        """What each image is built on."""
        return {name: each.from_ for name, each in self.all_images.items()}

    def variants_of(self, image: str) -> Mapping[str, str]:
        """The variants that an image has, with the source of each; see `variant.variants_of`."""
        return variants_of(
            image,
            self._parents,
            lambda name: {variant: source for variant, (_, source) in self.all_images[name].variants.items()},
        )

    @cached_property
    def all_sources(self) -> set[str]:
        """The names of all sources."""
        return {name for one in self.lineage for name in one.own_sources}

    @cached_property
    def all_roles(self) -> dict[str, Role]:
        """Roles by name; those of this workspace go over those that it extends, and these over those from elsewhere."""
        return self.brought | {name: role for one in reversed(self.lineage) for name, role in one.own_roles.items()}

    @cached_property
    def environments(self) -> dict[str, Environment | None]:
        """Environments by name; None for one that has mistakes."""
        return {name: each for one in reversed(self.lineage) for name, each in one.own_environments.items()}

    @cached_property
    def default_environment(self) -> str:
        """The nearest default that is declared, or an empty string."""
        declared = (one.document.value.get("default_environment") for one in self.lineage)
        return next((name for name in declared if isinstance(name, str)), "")

    @cached_property
    def required_tags(self) -> tuple[str, ...]:
        """The required tags of this workspace and of what it extends."""
        required = (tag for one in reversed(self.lineage) for tag in _texts(one.document.value.get("required_tags")))
        return tuple(dict.fromkeys(required))

    def has(self, relative: str) -> bool:
        """Whether a file is here, or in what this workspace extends."""
        return self.path_of(relative) is not None

    def path_of(self, relative: str) -> Path | None:
        """Where a file is: here, or in what this workspace extends."""
        paths = (one.root / relative for one in self.lineage)
        return next((path for path in paths if os.path.exists(path)), None)  # noqa: PTH110 - any text is fine for it


def read_workspace(root: Path, trail: tuple[Path, ...] = (), origin: LevelOrigin = OWN) -> WorkspaceDraft:
    """Every file of the workspace at `root` and of what it extends. `trail` is the workspaces that extend this one,
    and `origin` says where the nearest of them has it from.
    """
    problems: list[Problem] = []
    document = read(root / FILE, problems)
    file = validated(WorkspaceFile, document, problems) if document else None
    if document is None:
        document = Document(root / FILE, {}, {})
    below = extended(document, (*trail, root), problems)
    return WorkspaceDraft(
        root=root,
        document=document,
        file=file,
        layers=_layers(document),
        images=tuple(_images(root / "packer" / "images", problems)),
        own_environments={
            path.name.removesuffix(SUFFIX): read_environment(path, problems)
            for path in sorted((root / "packer" / "environments").glob(f"*{SUFFIX}"))
        },
        own_roles=roles_of(root),
        brought=roles_of(root / BROUGHT),
        extends=read_workspace(below.root, (*trail, root), below.origin) if below else None,
        origin=origin,
        problems=problems,
    )


def _images(folder: Path, problems: list[Problem]) -> list[ImageDraft]:
    problems += [
        Problem(path, 0, f"is not read: rename it to {path.stem}.yml") for path in sorted(folder.glob("*.yaml"))
    ]
    documents = [read(path, problems) for path in sorted(folder.glob("*.yml"))]
    return [_image(document, problems) for document in documents if document]


def _image(document: Document, problems: list[Problem]) -> ImageDraft:
    name, from_, tags = (document.value.get(key) for key in ("name", "from", "tags"))
    return ImageDraft(
        document=document,
        name=name if isinstance(name, str) else document.path.stem,
        from_=from_ if isinstance(from_, str) else "",
        layers=_layers(document),
        tags={key: value for key, value in tags.items() if isinstance(value, str)} if isinstance(tags, dict) else {},
        variants=dict(_variants(document.value.get("variants"))),
        image=validated(Image, document, problems),
    )


def _variants(listed: Any) -> Iterator[tuple[str, tuple[Keys, str]]]:
    for place, entry in enumerate(listed if isinstance(listed, list) else []):
        named = {entry: {}} if isinstance(entry, str) else entry
        for name, rest in named.items() if isinstance(named, dict) and len(named) == 1 else ():
            source = rest.get("from") if isinstance(rest, dict) else None
            yield name, (("variants", place), source if isinstance(source, str) else name)


def _layers(document: Document) -> tuple[LayerDraft, ...]:
    listed = document.value.get("layers")
    entries = enumerate(listed if isinstance(listed, list) else [])
    return tuple(layer for place, entry in entries if (layer := _layer(document, place, entry)))


def _layer(document: Document, place: int, entry: Any) -> LayerDraft | None:
    at: Keys = ("layers", place)
    if isinstance(entry, str):
        return LayerDraft(document, at, entry)
    if not isinstance(entry, dict) or len(entry) != 1:
        return None
    ((name, rest),) = entry.items()
    at = (*at, name)
    if not isinstance(rest, dict):
        return LayerDraft(document, at, name)
    variants = rest.get("variants")
    more = variants.items() if isinstance(variants, dict) else ()
    parts = tuple((each, _part(document, (*at, "variants", each), name, added)) for each, added in more)
    return _part(document, at, name, rest, protected=rest.get("protected") is True, variants=parts)


def _part(document: Document, at: Keys, name: str, fields: Any, **more: Any) -> LayerDraft:
    """The roles and variables of a layer, or of one of its variants."""
    if not isinstance(fields, dict):
        return LayerDraft(document, at, name)
    roles = fields.get("roles")
    written = [((*at, "roles", index), role) for index, role in enumerate(roles if isinstance(roles, list) else [])]
    entries = [(keys, role if isinstance(role, dict) else {"role": role}) for keys, role in written]
    named = [(keys, entry["role"], entry) for keys, entry in entries if isinstance(entry.get("role"), str)]
    return LayerDraft(
        document,
        at,
        name,
        roles=tuple((keys, role) for keys, role, _ in named),
        vars=tuple((keys, key) for keys, key, _ in _within(fields, at, "vars")),
        role_vars=tuple((role, of) for keys, role, entry in named if (of := tuple(_within(entry, keys, "vars")))),
        untested=tuple((keys, role) for keys, role, _ in _within(fields, at, "untested")),
        **more,
    )


def _within(written: Any, at: Keys, name: str) -> Iterator[tuple[Keys, str, Any]]:
    """The keys and values of the mapping `name`, each with the keys that lead to it."""
    values = written.get(name)
    for key, value in values.items() if isinstance(values, dict) else ():
        yield (*at, name, key), key, value


def _texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
