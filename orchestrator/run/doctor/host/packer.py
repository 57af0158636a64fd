"""What a build needs of Packer: a program that runs, and its plugins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.build.packer import installed
from orchestrator.build.packer.plugin_folders import check_workspace, folders, loose
from orchestrator.errors import AmiError
from orchestrator.run.doctor.check_result import CheckResult
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.build.packer.plugin_folders import Packer
    from orchestrator.build.packer.plugins import Found
    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace


def _examine(workspace: Workspace, _environment: Environment) -> Iterator[CheckResult]:
    """Packer and each plugin."""
    try:
        there = installed.packer()
        required = installed.asked_by_frame(there, workspace.required_plugins)
    except AmiError as error:
        yield _lack("packer", error)
        return
    yield CheckResult("packer", ok=True, said=f"Packer {there.version}, {there.program}")
    try:
        check_workspace(workspace, there)
        places = folders(there, workspace.root, os.environ)
        found = installed.search(there, required, places)
    except AmiError as error:
        yield _lack("packer plugins", error)
    else:
        yield from (_plugin(there, one, places) for one in found)
    yield from _beside(there)


def _lack(what: str, error: AmiError) -> CheckResult:
    return CheckResult(what, ok=False, said=error.message, mend=error.hint)


def _plugin(there: Packer, found: Found, places: tuple[Path, ...]) -> CheckResult:
    what = f"packer plugin {found.requirement.name}"
    unfit = "".join(f"; not used: {one}" for one in found.unfit)
    if found.plugin is not None:
        return CheckResult(what, ok=True, said=f"{found.plugin.version}, {found.plugin.path}{unfit}")
    wanted = f"{found.requirement.source} {found.requirement.versions}".strip()
    said = f"{wanted} is not in {', '.join(map(str, places))}{unfit}"
    return CheckResult(what, ok=False, said=said, mend=installed.getting(there, found.requirement))


def _beside(there: Packer) -> Iterator[CheckResult]:
    """Plugins that lie beside an old Packer: it runs them in every build."""
    if there.search.runs_loose_files and (names := [path.name for path in loose(there.program.resolve().parent)]):
        yield CheckResult("packer's own folder", ok=True, said=f"Packer runs what lies beside it: {', '.join(names)}")


CHECK = DoctorCheck(20, "it builds every image (docs/packer.md)", _examine)
