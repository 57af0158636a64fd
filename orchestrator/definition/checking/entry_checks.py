"""Checks of what a layer says of single roles: variables that they alone get, and those that are left untested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.roles.role_tests import has_tests, test_folders
from orchestrator.definition.secret import written_in
from orchestrator.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from orchestrator.definition.draft import LayerDraft, WorkspaceDraft
    from orchestrator.errors import Problem


def problems_of_entries(workspace: WorkspaceDraft, layer: LayerDraft, roles: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the entries of a layer that applies `roles`, those included that others depend on."""
    yield from _variables(workspace, layer)
    yield from _untested(workspace, layer, roles)


def closure(workspace: WorkspaceDraft, names: Iterable[str]) -> set[str]:
    """Roles and all that they depend on."""
    entered: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in entered:
            entered.add(name)
            waiting += workspace.all_roles[name].dependencies if name in workspace.all_roles else ()
    return entered


def variables_of(workspace: WorkspaceDraft, names: Iterable[str]) -> set[str] | None:
    """The variables that roles take; None when one of them does not say what it takes."""
    known: set[str] = set()
    for name in names:
        role = workspace.all_roles.get(name)
        if role is None or role.variables is None:
            return None
        known |= role.variables
    return known


def _variables(workspace: WorkspaceDraft, layer: LayerDraft) -> Iterator[Problem]:
    for role, variables in layer.role_vars:
        known = variables_of(workspace, closure(workspace, [role]))
        for at, variable, value in variables:
            if known is not None and variable not in known:
                yield layer.problem(f"the role '{role}' takes no '{variable}'{did_you_mean(variable, known)}", at)
            if next(written_in(value), None):
                what = "a secret cannot stand here: set it in the layer's `vars`, or in encrypted group_vars"
                yield layer.problem(f"'{variable}': {what}", at)


def _untested(workspace: WorkspaceDraft, layer: LayerDraft, roles: Collection[str]) -> Iterator[Problem]:
    roots = [one.root for one in workspace.lineage]
    for at, name in layer.untested:
        if name not in roles:
            near = did_you_mean(name, roles)
            yield layer.problem(f"'untested' names '{name}', which the layer does not apply{near}", at)
        elif (role := workspace.all_roles.get(name)) and any(map(has_tests, folders := test_folders(role, roots))):
            where = next(folder for folder in folders if has_tests(folder))
            yield layer.problem(f"the role '{name}' has tests in {where}: remove it from 'untested'", at)
