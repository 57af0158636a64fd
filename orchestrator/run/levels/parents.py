"""What a plan says of images that another level owns, and that this one is built on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.workspace import from_here
from orchestrator.errors import LackError, Problem, UsageError
from orchestrator.plan.explaining.short_digests import in_tags
from orchestrator.plan.standing import foreign, newest_of, owner_of, place_of
from orchestrator.run.image_segment import standing_images

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Inputs
    from orchestrator.plan.standing import StandingImage
    from orchestrator.registry import Version

#: How many changed inputs a warning names.
_NAMED = 3


def concerned(workspace: Workspace, names: Iterable[str]) -> set[str]:
    """The names of all that a plan may reuse, for `versions_of`: the workspace's images, what the named ones are built
    on, and the layers that images share. What others have in the account is not among them.
    """
    below = {image.name for image in workspace.with_ancestors(names)}
    return {*workspace.own_images, *below, *(f"stack-{layer}-*" for layer in workspace.layers)}


def standing_parents(
    workspace: Workspace,
    environment: Environment,
    names: Sequence[str],
    versions: Iterable[Version],
    asked: Collection[str],
) -> dict[str, StandingImage]:
    """Each image of another level that the named ones are built on, as it stands.

    Raises LackError for an image that has none which is validated, and UsageError when one of another level is `asked`
    to be built or tested again.
    """
    others = foreign(workspace, names)
    for image in others:
        if image.name in asked:
            what = f"'{image.name}' belongs to the workspace {owner_of(workspace, image)}, and is not built here"
            raise UsageError(what, hint="--with-parents builds it all the same")
    newest = newest_of(workspace, names, versions)
    for image in others:
        if image.name not in newest:
            raise _missing(workspace, environment, image, names)
    return standing_images(workspace, environment, newest)


def _missing(workspace: Workspace, environment: Environment, image: Image, names: Iterable[str]) -> LackError:
    on = [name for name in names if image in workspace.ancestors(workspace.images[name])]
    stands = f", which '{on[0]}' is built on" if on else ""
    wanted = " ".join(on or [image.name])
    return LackError(
        f"there is no validated version of '{image.name}' in {environment.region}{stands}: it belongs to the workspace "
        f"{owner_of(workspace, image)}",
        hint=f"let them build it, or build it here: ami build --with-parents {wanted}",
    )


def out_of_date(workspace: Workspace, standing: Mapping[str, StandingImage]) -> tuple[Problem, ...]:
    """A warning for each image of another level whose definition is not what its version was built from."""
    found: list[Problem] = []
    for name, image in standing.items():
        definition, what = workspace.images[name], ""
        if image.defined and image.is_out_of_date:
            changed = f"{_changed(image.defined, image.version)} since {image.version.version}"
            how = f"the workspace {owner_of(workspace, definition)} builds it, or --with-parents here"
            what = f"'{name}' is out of date: {changed}; {how}"
        elif image.unknown:
            what = f"whether '{name}' is out of date is not known here: {image.unknown}"
        if what:
            found.append(from_here(Problem(place_of(workspace, definition), 0, what)))
    return tuple(found)


def _changed(inputs: Inputs, version: Version) -> str:
    changed = in_tags(inputs, version.tags)
    if not changed:
        return "something changed"
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return ", ".join(map(str, changed[:_NAMED])) + more
