"""`ami show`: what an image is made of, or what an AMI carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.registry import Version
    from orchestrator.validate.request import RoleTests


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE|AMI", help="An image of the workspace, or an AMI id.", autocompletion=names.image_or_ami
        ),
    ],
    env: EnvironmentOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show layers, roles, tests, parents and tags of an image or of an AMI."""
    from orchestrator.cli.opened import opened
    from orchestrator.registry import versions

    loaded = opened(workspace)
    environment = environment_of(loaded, env)
    if name.startswith("ami-"):
        facts = _facts_of_ami(loaded, environment, name)
    else:
        each = [
            _image_facts(loaded, environment, one, list(versions(environment.account, image=one)))
            for one in loaded.selected([name])
        ]
        facts = each[0] if len(each) == 1 else {"image": name, "variants": each}
    if as_json:
        print_json(facts)
        return
    for place, one in enumerate(facts.get("variants", [facts])):
        print_text("\n" if place else "", newline=False)
        _print_facts(one)


def _facts_of_ami(workspace: Workspace, environment: Environment, ami_id: str) -> dict[str, Any]:
    """What is known of a version, or of an AMI of ours that is none. Raises UsageError for any other."""
    from orchestrator.errors import UsageError
    from orchestrator.registry import find, versions
    from orchestrator.run.sweep.unproven_ami import explained

    account = environment.account
    try:
        version = find(account, ami_id)
    except UsageError:
        if (ami := explained(environment, workspace.root, ami_id)) is None:
            raise
        return ami
    return _ami_facts(
        workspace, environment, version, _lineage(version, {one.ami_id: one for one in versions(account)})
    )


def _image_facts(workspace: Workspace, environment: Environment, name: str, found: list[Version]) -> dict[str, Any]:
    from orchestrator.registry import newest_validated
    from orchestrator.run.image_segment import segment_of
    from orchestrator.run.sweep.inventory import look
    from orchestrator.run.sweep.unproven import unproven
    from orchestrator.run.tests import tests_of, untested_of

    segment = segment_of(workspace, environment, name)
    tests = tests_of(workspace, segment)
    current = newest_validated(found)
    return {
        "image": name,
        "description": segment.image.description,
        "owner": f"{segment.image.owner.team} <{segment.image.owner.email}>",
        "from": segment.image.from_,
        "parents": [image.name for image in workspace.ancestors(segment.image)],
        "source": segment.source.name,
        "fingerprint": segment.fingerprint,
        "tags": dict(segment.image.tags),
        "layers": [{"name": one.name, "roles": list(one.roles), "vars": dict(one.vars)} for one in segment.stack],
        "tests": _files_of(tests),
        "untested": untested_of(segment),
        "versions": [
            {
                "version": one.version,
                "ami_id": one.ami_id,
                "state": str(one.state),
                "current": one is current,
                "as_defined": one.fingerprint == segment.fingerprint,
                "tests": one.tests,
            }
            for one in found
        ],
        "unproven": [
            {"ami_id": one.ami.id, "run": one.run, "why": one.how}
            for one in unproven(look(environment.account))
            if one.image == name
        ],
    }


def _files_of(tests: Iterable[RoleTests]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in tests:
        found.setdefault(one.role, []).extend(sorted(path.name for path in one.folder.glob("test_*.py")))
    return found


def _ami_facts(
    workspace: Workspace, environment: Environment, version: Version, lineage: list[Version]
) -> dict[str, Any]:
    from orchestrator.registry.record import history

    facts = version.as_json()
    facts["tags"] = dict(sorted(version.tags.items()))
    facts["state"] = str(version.state)
    facts["layers"] = list(version.layers)
    facts["parents"] = [{"image": one.image, "version": one.version, "ami_id": one.ami_id} for one in lineage]
    if told := history(environment.account, environment.artifact_bucket, version.ami_id):
        facts["built_with"] = next((one["programs"] for one in told if one.get("programs")), {})
        facts["history"] = told
        if untested := told[-1].get("untested"):
            facts["untested"] = untested
    return facts | _as_defined(workspace, environment, version)


def _as_defined(workspace: Workspace, environment: Environment, version: Version) -> dict[str, Any]:
    """Roles and tests of an AMI, known when the workspace still defines its image as it was built."""
    from orchestrator.run.image_segment import segment_of

    if version.image not in workspace.images:
        return {"definition": "not in this workspace"}
    segment = segment_of(workspace, environment, version.image)
    if segment.fingerprint != version.fingerprint:
        return {"definition": "changed since it was built"}
    return {"definition": "as in this workspace", "roles": {one.name: list(one.roles) for one in segment.stack}}


def _lineage(version: Version, known: Mapping[str, Version]) -> list[Version]:
    """The versions that this one stands on, nearest first."""
    found: list[Version] = []
    while version.parent in known and known[version.parent] not in found:
        version = known[version.parent]
        found.append(version)
    return found


def _print_facts(facts: Mapping[str, Any]) -> None:
    width = max(map(len, facts)) + 2
    for key, value in facts.items():
        lines = _lines(value) or ["-"]
        print_text(f"{key:<{width}}{lines[0]}")
        for line in lines[1:]:
            print_text(" " * width + line)


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}: {_inline(one)}" for key, one in value.items()]
    if isinstance(value, list):
        return [_entry(one) if isinstance(one, dict) else _inline(one) for one in value]
    return str(value).splitlines()


def _entry(value: dict[str, Any]) -> str:
    """One entry of a list: what it is called, and what else is known of it."""
    (_, name), *rest = value.items()
    return "  ".join([str(name), *(f"{key}={_inline(one)}" for key, one in rest if one not in ({}, [], "", False))])


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}:{_inline(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value)


COMMAND = CliCommand("show", 70, show)
