"""`ami latest`: the AMI of an image that is to be used now, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.loudness import quiet
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import print_json, print_text
from orchestrator.errors import StageError, UsageError, did_you_mean

if TYPE_CHECKING:
    from orchestrator.contract.version import LatestJson
    from orchestrator.registry import Version


def latest(
    image: Annotated[str, typer.Argument(help="An image of the workspace.", autocompletion=names.image)],
    env: EnvironmentOption = None,
    alone: Annotated[bool, typer.Option("--quiet", "-q", help="Print the AMI id alone.")] = False,
    form: Annotated[
        str, typer.Option("--format", help="Print this, with fields in braces: '{ami_id} {version}'.")
    ] = "",
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Print the newest validated AMI of an image. Exit code 1 when there is none."""
    from orchestrator.cli.job.report import report_version
    from orchestrator.cli.opened import opened
    from orchestrator.registry import newest_validated, versions

    loaded = opened(workspace, images=[image], env=env)
    loaded.image(image)
    environment = environment_of(loaded, env)
    found = newest_validated(versions(environment.account, image=image))
    if found is None:
        raise StageError(f"no AMI of '{image}' is validated in {environment.region}", hint=f"ami build {image}")
    report_version(loaded.root, found.image, found.ami_id, found.version)
    if as_json:
        print_json(_as_json(found))
    elif form:
        print_text(_filled(form, found))
    elif alone or quiet():
        print_text(found.ami_id)
    else:
        print_text(f"{found.ami_id}  {found.image} {found.version}, built {found.copy.created}")


def _as_json(version: Version) -> LatestJson:
    return {**version.as_json(), "schema": "ami/latest/1"}


def _filled(form: str, version: Version) -> str:
    """The text with the fields of a version. Raises UsageError for a field that there is not."""
    told = version.as_json().items()
    fields = {key: "" if value is None else value for key, value in told if not isinstance(value, dict | list)}
    try:
        return form.format_map(fields)
    except KeyError as wrong:
        near = did_you_mean(str(wrong.args[0]), fields)
        there = f"there are: {', '.join(fields)}"
        raise UsageError(f"a version has no field '{wrong.args[0]}'{near}", hint=there) from wrong
    except (ValueError, IndexError, AttributeError) as wrong:
        raise UsageError(f"--format '{form}': {wrong}", hint="fields stand in braces: '{ami_id} {version}'") from wrong


COMMAND = CliCommand("latest", 65, latest, prints=("ami/latest/1",))
