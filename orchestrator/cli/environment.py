"""The environment that a command was asked for, and a word about variables that do not count for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import say

if TYPE_CHECKING:
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


def environment_of(workspace: Workspace, name: str | None) -> Environment:
    """The environment of that name, or the workspace's default. Raises UsageError.

    Says so when a variable names an endpoint and the environment none: `ami lab up` prints one to export, and whoever
    did that and then asks for an environment on AWS would otherwise not know which of the two answers.
    """
    from orchestrator.build.launch.outside import endpoints_without_effect

    found = workspace.environment(name)
    if ignored := endpoints_without_effect(os.environ, found.account):
        say(f"note: {', '.join(ignored)} does not count: '{found.name}' names no endpoint, and so means AWS itself")
    return found
