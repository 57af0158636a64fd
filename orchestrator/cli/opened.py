"""The workspace that a command works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.terminal import say
from orchestrator.errors import DefinitionError, LackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace
    from orchestrator.errors import Problem


#: Hidden names that are told; of more, their number.
_TOLD = 5


def opened(
    folder: Path,
    *,
    fetch: bool = False,
    roles: bool = True,
    images: Sequence[str] | None = (),
    env: str | None = "",
) -> Workspace:
    """The workspace of a folder, with everything hidden from now on that its `masks` name.

    It has what its `requirements.lock` pins. With `fetch`, what is not installed is installed; without, LackError says
    so. A command that works with no roles (`roles=False`) warns of that, and of a lock that does not fit.

    An image or an environment with mistakes gets a warning, but for the `images` (None: all) and the environment that
    the command is about (`env`; None: the default one): whoever then asks for these gets the mistakes.

    Raises as `bring` and `load` do, and DefinitionError for a value that is too short to be hidden.
    """
    from orchestrator.definition.workspace import load
    from orchestrator.lock_update import unfetched
    from orchestrator.requirements.bring import bring
    from orchestrator.secret_values import learn_masks

    if place := unfetched(folder):
        say(f"fetching {place}")
    try:
        bring(folder, fetch=fetch, tell=say)
    except (DefinitionError, LackError) as error:
        if roles:
            raise
        say(f"warning: {error.message}")
    loaded = load(folder, whole=False)
    _warn("environment", loaded.broken_environments, () if env == "" else [env or loaded.default_environment])
    _warn("image", loaded.broken_images, images)
    learn_masks(loaded)
    return loaded


def named(images: Sequence[str] | None) -> list[str] | None:
    """The images that were typed. An argument may have several with spaces between them, as `ami plan --matrix` hands
    them on; one of nothing but spaces stays, and is no image.
    """
    return [name for one in images for name in one.split() or [one]] if images else None


def chosen(workspace: Workspace, images: Sequence[str] | None) -> list[str]:
    """The images that a plan or a build is about: the named ones, or all of the workspace itself.

    A line for each name here that hides one of what the workspace extends, as far as people read them. Raises as
    `Workspace.selected` does.
    """
    from orchestrator.definition.workspace import from_here
    from orchestrator.plan.hiding import hiding

    names = workspace.selected(images)
    if not names:
        say(f"note: {workspace.root} defines no images of its own: each is a file in packer/images/")
    hidden = hiding(workspace)
    for one in hidden[:_TOLD]:
        say(f"note: {from_here(one)}")
    if len(hidden) > _TOLD:
        say(f"note: and {len(hidden) - _TOLD} more names go before those of what this workspace extends")
    return names


def _warn(kind: str, broken: Mapping[str, Sequence[Problem]], asked: Sequence[str] | None) -> None:
    """A line for each thing with mistakes, but for those whose mistakes are shown anyway."""
    shown = {problem for name, problems in broken.items() if asked is None or name in asked for problem in problems}
    for name, problems in broken.items():
        if not shown.issuperset(problems):
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            say(f"warning: the {kind} '{name}' is left out: {problems[0]}{more}")
