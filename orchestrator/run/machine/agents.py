"""The agent that Session Manager needs on a machine before anything is installed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.build import session_manager
from orchestrator.definition.known_owners import agentless
from orchestrator.definition.workspace import from_here
from orchestrator.errors import DefinitionError
from orchestrator.run.machine.written import problem_of, problem_of_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.errors import Problem
    from orchestrator.plan.segment import Segment


def check_agents(workspace: Workspace, environment: Environment, builds: Iterable[Segment]) -> None:
    """Raise DefinitionError for sources that are known to have no agent, when Session Manager is the way in.

    Packer would wait for the agent in vain. User data of an image may bring it, and is trusted to.
    """
    if not session_manager.is_used(environment.placement):
        return
    lacking = {}
    for segment in builds:
        source = segment.source
        system = agentless(source)
        if system and not (segment.parent or source.bootstrap_agent or segment.machine.user_data):
            lacking[source.name] = system
    if lacking:
        raise DefinitionError(
            from_here(problem_of_source(workspace, name, without_agent(name, system, environment)))
            for name, system in sorted(lacking.items())
        )


def user_data_for_agent(
    workspace: Workspace, environment: Environment, builds: Iterable[Segment]
) -> tuple[Problem, ...]:
    """User data that a machine gets in the place of the script of `bootstrap_agent`: EC2 takes one. It may do the same,
    which nobody can tell. Nothing is said where Session Manager is not the way in, and of what stands on another image.
    """
    if not session_manager.is_used(environment.placement):
        return ()
    what = "'user_data' takes the place of what 'bootstrap_agent' of the source runs: it has to install the SSM agent"
    replaced = {
        segment.image.name: segment.image
        for segment in builds
        if segment.source.bootstrap_agent and segment.machine.user_data and not segment.parent
    }
    return tuple(from_here(problem_of(workspace, image, what, "user_data")) for image in replaced.values())


def without_agent(source: str, system: str, environment: Environment) -> str:
    """What is wrong with a source whose AMI lacks the agent."""
    return (
        f"source '{source}': AMIs of {system} have no SSM agent, through which '{environment.name}' reaches machines "
        "(ssh_interface): add 'bootstrap_agent: true'"
    )
