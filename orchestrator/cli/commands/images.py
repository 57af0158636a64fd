"""`ami images`: the images that the workspace defines, and the newest AMI of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.command import CliCommand
from orchestrator.cli.environment import environment_of
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.contract.version import DefinedImageJson, ImagesJson
    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace
    from orchestrator.registry import Version

_COLUMNS = (
    Column("IMAGE"),
    Column("FROM", gives_way=2),
    Column("LAYERS", gives_way=4),
    Column("NEWEST"),
    Column("STATE"),
    Column("AMI"),
    Column("DESCRIPTION", gives_way=5),
)
#: Which workspace defines an image, where several do.
_WORKSPACE = Column("WORKSPACE", gives_way=3)


def images(env: EnvironmentOption = None, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """List the images that the workspace and those it extends define, with the newest AMI of each."""
    from orchestrator.cli.opened import opened

    loaded = opened(workspace)
    newest = _newest(loaded, env)
    own, below = loaded.own_images, loaded.images
    each = [*own.values(), *(image for name, image in below.items() if name not in own)]
    told = [_told(loaded, image, (newest or {}).get(image.name)) for image in each]
    if as_json:
        print_json(_as_json(told, answered=newest is not None))
    elif told and loaded.is_extending:
        print_table((*_COLUMNS, _WORKSPACE), [(*_row(one), one["workspace"]) for one in told])
    elif told:
        print_table(_COLUMNS, [_row(one) for one in told])
    else:
        say(f"{loaded.root} defines no images: each is a file in packer/images/")


def _as_json(told: list[DefinedImageJson], *, answered: bool) -> ImagesJson:
    return {"schema": "ami/images/1", "account_answered": answered, "images": told}


def _newest(workspace: Workspace, env: str | None) -> Mapping[str, Version] | None:
    """The newest version of each image; None, with a note, where the account cannot be asked."""
    from orchestrator.aws.account import AwsError, refusal
    from orchestrator.errors import LackError
    from orchestrator.registry import versions_of

    account = environment_of(workspace, env).account
    try:
        found = versions_of(account, workspace.images)
    except (LackError, *AwsError) as error:
        lack = error if isinstance(error, LackError) else refusal(error)
        say(f"note: what exists of them is not known: {lack.message if lack else error}")
        return None
    return {one.image: one for one in reversed(found)}


def _told(workspace: Workspace, image: Image, newest: Version | None) -> DefinedImageJson:
    return {
        "image": image.name,
        "workspace": workspace.home(image.name).name,
        "description": image.description,
        "owner": f"{image.owner.team} <{image.owner.email}>",
        "built_on": image.from_,
        "layers": [layer.name for layer in image.layers],
        "version": newest.version if newest else None,
        "state": str(newest.state) if newest else None,
        "ami_id": newest.ami_id if newest else None,
    }


def _row(told: DefinedImageJson) -> tuple[str, ...]:
    newest = (told["version"] or "not built", told["state"] or "", told["ami_id"] or "")
    return (told["image"], told["built_on"], " ".join(told["layers"]), *newest, told["description"])


COMMAND = CliCommand("images", 15, images, prints=("ami/images/1",))
