"""The workspace that a command works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.terminal import say
from orchestrator.errors import DefinitionError, LackError

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace


def opened(folder: Path, *, fetch: bool = False, roles: bool = True) -> Workspace:
    """The workspace of a folder, with everything hidden from now on that its `masks` name.

    It has what its `requirements.lock` pins. With `fetch`, what is not installed is installed; without, LackError says
    so. A command that works with no roles (`roles=False`) warns of that, and of a lock that does not fit.

    An image or an environment with mistakes gets a warning; whoever then asks for it gets the mistakes.

    Raises as `bring` and `load` do, and DefinitionError for a value that is too short to be hidden.
    """
    from orchestrator.definition.workspace import load
    from orchestrator.requirements.bring import bring
    from orchestrator.secret_values import learn_masks

    try:
        bring(folder, fetch=fetch, tell=say)
    except (DefinitionError, LackError) as error:
        if roles:
            raise
        say(f"warning: {error.message}")
    loaded = load(folder, whole=False)
    for kind, broken in (("environment", loaded.broken_environments), ("image", loaded.broken_images)):
        for name, problems in broken.items():
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            say(f"warning: the {kind} '{name}' is left out: {problems[0]}{more}")
    learn_masks(loaded)
    return loaded
