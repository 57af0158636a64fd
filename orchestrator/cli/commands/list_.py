"""`ami list`: the versions that the account holds, and the AMIs that no build finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.completion.records import remember
from orchestrator.cli.environment import environment_of
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import print_json, say

if TYPE_CHECKING:
    from orchestrator.contract.version import ListJson
    from orchestrator.registry import Version
    from orchestrator.run.sweep.unproven import Unproven

COLUMNS = (
    *(Column(title) for title in ("IMAGE", "VERSION", "AMI", "STATE")),
    Column("LAYERS", gives_way=2),
    Column("BUILT ON", gives_way=3, whole=True),
    Column("TESTS", gives_way=1),
)


def list_(
    image: Annotated[
        str | None, typer.Argument(help="Only this image.", show_default=False, autocompletion=names.image)
    ] = None,
    env: EnvironmentOption = None,
    shared: Annotated[bool, typer.Option("--shared", help="Also list the AMIs of layers that images share.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List the versions of all images, newest first, and then the AMIs that no build finished."""
    from orchestrator.cli.opened import opened
    from orchestrator.definition.variants.variant_name import family_of
    from orchestrator.registry import versions
    from orchestrator.run.sweep.inventory import look
    from orchestrator.run.sweep.unproven import unproven

    loaded = opened(workspace, roles=False)
    if image is not None and family_of(image) not in loaded.broken_images:
        loaded.selected([image])
    account = environment_of(loaded, env).account
    seen = look(account)  # before the versions: an AMI that is finished in between is one of both
    found = [one for one in versions(account, image=image, variants=True) if one.is_image or shared]
    if image is None:
        remember(loaded.root, ((one.ami_id, f"{one.image} {one.version} {one.state}") for one in found))
    known = {one.ami_id for one in found}
    amis = [
        one for one in unproven(seen) if image in (None, one.image, family_of(one.image)) and one.ami.id not in known
    ]
    if as_json:
        print_json(_as_json(account.region, found, amis))
        return
    _print(account.region, found, amis)


def _as_json(region: str, found: list[Version], amis: list[Unproven]) -> ListJson:
    return {
        "schema": "ami/list/1",
        "region": region,
        "versions": [one.as_json() for one in found],
        "unproven": [one.as_json() for one in amis],
    }


def _print(region: str, found: list[Version], amis: list[Unproven]) -> None:
    from orchestrator.registry import UNPROVEN

    if not found and not amis:
        say(f"no versions in {region}; `ami build` makes some")
        return
    rows = [
        (one.image, one.version, one.ami_id, str(one.state), " ".join(one.layers), one.parent, one.tests)
        for one in found
    ]
    print_table(COLUMNS, rows + [(one.image, "", one.ami.id, UNPROVEN, "", "", "") for one in amis])
    for one in amis:
        whose = f"run {one.run}" if one.run else "no known run"
        say(f"{one.ami.id} of {whose} is {UNPROVEN}: `ami show {one.ami.id}` tells more")


COMMAND = CliCommand("list", 60, list_, prints=("ami/list/1",))
