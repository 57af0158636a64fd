"""`ami show`: what an image is made of, or what an AMI carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.evidence.report_facts import report_facts
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.contract.show import (
        AmiJson,
        ImageJson,
        StackLayerJson,
        StatementJson,
        UnprovenAmiJson,
        VariantJson,
    )
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment
    from orchestrator.registry import Version
    from orchestrator.validate.request import RoleTests


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE|VERSION|AMI",
            help="An image of the workspace, a version, or an AMI id.",
            autocompletion=names.image_or_ami,
        ),
    ],
    env: EnvironmentOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show layers, roles, tests, parents and tags of an image, of a version or of an AMI."""
    from orchestrator.cli.opened import opened
    from orchestrator.registry import find_version, is_version, versions

    loaded = opened(workspace, images=[name], env=env)
    environment = environment_of(loaded, env)
    if name.startswith("ami-") or is_version(name):
        ami_id = find_version(environment.account, name).ami_id if is_version(name) else name
        ami = _facts_of_ami(loaded, environment, ami_id)
        if as_json:
            print_json(ami)
        else:
            _print_facts({key: value for key, value in ami.items() if key != "schema"})
        return
    each = [
        _image_facts(loaded, environment, one, list(versions(environment.account, image=one)))
        for one in loaded.selected([name])
    ]
    if as_json:
        print_json(_as_json(name, each))
        return
    for place, one in enumerate(each):
        if place:
            print_text()
        _print_facts(one)


def _as_json(name: str, variants: list[VariantJson]) -> ImageJson:
    return {"schema": "ami/image/1", "image": name, "variants": variants}


def _facts_of_ami(workspace: Workspace, environment: Environment, ami_id: str) -> AmiJson | UnprovenAmiJson:
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


def _image_facts(workspace: Workspace, environment: Environment, name: str, found: list[Version]) -> VariantJson:
    from orchestrator.registry import counted, newest_validated
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
        "built_on": segment.image.from_,
        "parents": [image.name for image in workspace.ancestors(segment.image)],
        "source": segment.source.name,
        "fingerprint": segment.fingerprint,
        "tags": dict(segment.image.tags),
        "layers": [one.name for one in segment.stack],
        "stack": _stack(segment),
        "test_files": _files_of(tests),
        "untested": dict(untested_of(segment)),
        "versions": [
            {
                "version": one.version,
                "ami_id": one.ami_id,
                "state": str(one.state),
                "current": one is current,
                "as_defined": one.fingerprint == segment.fingerprint,
                "tests": counted(one.tests),
            }
            for one in found
        ],
        "unproven": [
            {"ami_id": one.ami.id, "run": one.run or None, "reason": one.how}
            for one in unproven(look(environment.account))
            if one.image == name
        ],
    }


def _files_of(tests: Iterable[RoleTests]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in tests:
        found.setdefault(one.role, []).extend(sorted(path.name for path in one.folder.glob("test_*.py")))
    return found


def _ami_facts(workspace: Workspace, environment: Environment, version: Version, lineage: list[Version]) -> AmiJson:
    from orchestrator.registry.record import history

    recorded = history(environment.account, environment.artifact_bucket, version.ami_id)
    stated = [_statement(one) for one in recorded]
    stack = _stack_as_defined(workspace, environment, version)
    return {
        **version.as_json(),
        "schema": "ami/ami/1",
        "tags": dict(sorted(version.tags.items())),
        "lineage": [{"image": one.image, "version": one.version, "ami_id": one.ami_id} for one in lineage],
        "definition": (
            "not in this workspace"
            if version.image not in workspace.images
            else "changed since it was built"
            if stack is None
            else "as in this workspace"
        ),
        "stack": stack or [],
        "programs": next((one["programs"] for one in stated if one["programs"]), {}),
        "untested": stated[-1]["untested"] if stated else {},
        "protected": next((entry["protected"] for entry in recorded if entry.get("protected")), []),
        "history": stated,
        **report_facts(workspace.root, environment, version.ami_id),
    }


def _statement(recorded: Mapping[str, Any]) -> StatementJson:
    """What the record says of one state; versions of this program that wrote less leave fields empty."""
    took = {what: round(seconds, 3) for what, seconds in (recorded.get("seconds") or {}).items()}
    return {
        "state": str(recorded.get("state", "")),
        "at": str(recorded.get("at", "")).replace("+00:00", "Z"),
        "run": recorded.get("run") or None,
        "reason": recorded.get("reason") or None,
        "tests": dict(recorded.get("tests") or {}),
        "tests_fingerprint": recorded.get("proof") or None,
        "build_seconds": took.get("build"),
        "validate_seconds": took.get("validate"),
        "programs": dict(recorded.get("programs") or {}),
        "untested": dict(recorded.get("untested") or {}),
    }


def _stack_as_defined(workspace: Workspace, environment: Environment, version: Version) -> list[StackLayerJson] | None:
    """The layers of an AMI, known when the workspace still defines its image as it was built."""
    from orchestrator.run.image_segment import segment_of

    if version.image not in workspace.images:
        return None
    segment = segment_of(workspace, environment, version.image)
    if segment.fingerprint != version.fingerprint:
        return None
    return _stack(segment)


def _stack(segment: Segment) -> list[StackLayerJson]:
    return [{"layer": one.name, "roles": list(one.roles), "vars": dict(one.vars)} for one in segment.stack]


def _lineage(version: Version, known: Mapping[str, Version]) -> list[Version]:
    """The versions that this one stands on, nearest first."""
    found: list[Version] = []
    while version.parent in known and known[version.parent] not in found:
        version = known[version.parent]
        found.append(version)
    return found


def _print_facts(facts: Mapping[str, Any]) -> None:
    if facts.get("stack"):  # which has the layers
        facts = {key: value for key, value in facts.items() if key != "layers"}
    width = max(map(len, facts)) + 2
    for key, value in facts.items():
        lines = _lines(value) or ["-"]
        print_text(f"{key.replace('_', ' '):<{width}}{lines[0]}")
        for line in lines[1:]:
            print_text(" " * width + line)


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}: {_inline(one)}" for key, one in value.items()]
    if value is None:
        return []
    if isinstance(value, list):
        return [_entry(one) if isinstance(one, dict) else _inline(one) for one in value]
    return str(value).splitlines()


def _entry(value: dict[str, Any]) -> str:
    """One entry of a list: what it is called, and what else is known of it."""
    (_, name), *rest = value.items()
    return "  ".join(
        [str(name), *(f"{key}={_inline(one)}" for key, one in rest if one not in ({}, [], "", False, None))]
    )


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}:{_inline(one)}" for key, one in value.items() if one not in ({}, None))
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value)


COMMAND = CliCommand("show", 70, show, prints=("ami/image/1", "ami/ami/1", "ami/unproven-ami/1"))
