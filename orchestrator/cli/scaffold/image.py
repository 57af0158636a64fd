"""The file of a new image, like those that the workspace has already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from orchestrator.cli.scaffold import schemas
from orchestrator.errors import UsageError, did_you_mean
from orchestrator.tags import AMI_TAGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.definition.image import Image, Owner
    from orchestrator.definition.workspace import Workspace

#: Where yamllint's default ends a line.
_WIDTH = 80
#: The value of a tag that the workspace requires, and nobody knows yet.
UNKNOWN = "to-be-named"
_NO_FREE = "add a layer first: ami new layer NAME"


@dataclass(frozen=True)
class NewImage:
    """What a new image's file says. Of `roles`, all are in the last layer."""

    name: str
    owner: Owner
    start: str
    layers: Sequence[str]
    roles: Sequence[str] = ()
    tags: Mapping[str, str] | None = None

    @property
    def path(self) -> str:
        """Its file, from the workspace's folder."""
        return f"packer/images/{self.name}.yml"

    def text(self) -> str:
        """The text of its file, which yamllint's default rules take."""
        *before, last = self.layers
        lines = [
            schemas.comment(schemas.IMAGE, depth=2),
            "---",
            f"name: {self.name}",
            f"description: What {self.name} runs on",
            *_mapping("owner", {"team": self.owner.team, "email": self.owner.email}),
            f"from: {self.start}",
            "layers:",
            *(f"  - {layer}" for layer in before),
            f"  - {last}: {{roles: [{', '.join(self.roles)}]}}" if self.roles else f"  - {last}",
            *(_mapping("tags", self.tags) if self.tags else ()),
        ]
        return "\n".join([*lines, ""])


def image_like(
    workspace: Workspace, name: str, *, owner: Owner | None, start: str, layers: Sequence[str], roles: Sequence[str]
) -> NewImage:
    """A new image of a workspace; what is not said is as the first of its own images has it.

    Raises UsageError, which offers the nearest name, for an image, a source, a layer or a role that is not there.
    """
    if name in workspace.images or name in workspace.broken_images or name in workspace.sources:
        raise UsageError(f"there is an image or a source '{name}' already", hint="choose another name")
    like = _first(workspace)
    start = start or (like.from_ if like else next(iter(workspace.sources), ""))
    if not start:
        raise UsageError("the workspace has no source to start from", hint="declare one below `sources` of ami.yml")
    starts = [*sorted({each.family for each in workspace.images.values()}), *workspace.sources]
    _refuse_unknown("image or source", [start], starts)
    _refuse_unknown("layer", layers, list(workspace.layers))
    _refuse_unknown("role", roles, sorted(workspace.roles))
    return NewImage(
        name=name,
        owner=owner or (like.owner if like else _owner_of(name)),
        start=start,
        layers=_layers(workspace, start, layers or (_used(like) if like and like.from_ == start else ())),
        roles=roles,
        tags=_tags(workspace, like),
    )


def _refuse_unknown(kind: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError, which offers the nearest name, for a name that is not known."""
    for one in wanted:
        if one not in known:
            there = f"there are: {', '.join(known)}" if known else "there is none"
            raise UsageError(f"no {kind} '{one}'{did_you_mean(one, known)}", hint=there)


def _first(workspace: Workspace) -> Image | None:
    """The first image whose file is in the workspace itself, and which has a single start."""
    own = sorted(path.stem for path in (workspace.root / "packer/images").glob("*.yml"))
    return next((workspace.images[name] for name in own if name in workspace.images), None)


def _used(like: Image) -> list[str]:
    return [layer.name for layer in like.layers]


def _owner_of(name: str) -> Owner:
    from orchestrator.definition.image import Owner

    return Owner(team=name, email=f"{name}@example.com")


def _layers(workspace: Workspace, start: str, wanted: Sequence[str]) -> list[str]:
    """The layers of an image on `start`, in order: those that are wanted, else on a source all, on an image the last.

    Raises UsageError for one that `start` has already, or that comes before one of its layers.
    """
    order = list(workspace.layers)
    below = next((image for image in workspace.images.values() if image.family == start), None)
    stack = [*workspace.ancestors(below), below] if below else []
    applied = [layer.name for image in stack for layer in image.layers if layer.name in order]
    free = order[max(map(order.index, applied), default=-1) + 1 :]
    if taken := [layer for layer in wanted if layer not in free]:
        of = f"'{start}' has the layers {' '.join(applied)}"
        hint = f"free above them: {' '.join(free)}" if free else _NO_FREE
        raise UsageError(f"the layer '{taken[0]}' cannot be applied: {of}", hint=hint)
    if not free:
        raise UsageError(f"'{start}' has the last layer of ami.yml already", hint=_NO_FREE)
    return sorted(set(wanted), key=order.index) or (free[-1:] if below else free)


def _tags(workspace: Workspace, like: Image | None) -> dict[str, str]:
    """The tags that every image must have, besides those that the factory sets."""
    given = like.tags if like else {}
    return {tag: given.get(tag, UNKNOWN) for tag in workspace.required_tags if tag not in AMI_TAGS}


def _mapping(key: str, values: Mapping[str, str]) -> list[str]:
    """A mapping of YAML in one line when it fits, else in several."""
    written = {
        name: yaml.safe_dump(value, width=_WIDTH * 8).removesuffix("\n...\n").strip() for name, value in values.items()
    }
    line = f"{key}: {{{', '.join(f'{_key(name)}: {value}' for name, value in written.items())}}}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{key}:", *(f"  {_key(name)}: {value}" for name, value in written.items())]


def _key(name: str) -> str:
    return yaml.safe_dump(name).removesuffix("\n...\n").strip()
