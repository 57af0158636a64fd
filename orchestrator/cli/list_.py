"""`ami list`: the versions that the account holds."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import print_json, print_table, say


def list_(
    image: Annotated[str | None, typer.Argument(help="Only this image.", show_default=False)] = None,
    env: EnvironmentOption = None,
    shared: Annotated[bool, typer.Option("--shared", help="Also list the AMIs of layers that images share.")] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List the versions of all images, newest first."""
    from orchestrator.definition.workspace import load
    from orchestrator.registry import versions

    loaded = load(workspace)
    if image is not None:
        loaded.image(image)
    account = loaded.environment(env).account
    found = [one for one in versions(account, image=image) if one.is_image or shared]
    if as_json:
        fields = ("image", "version", "ami_id", "state", "fingerprint", "created", "region", "parent")
        keep = (*fields, "name", "layers", "source", "commit", "run", "owner", "tests", "reason", "purpose")
        print_json([{key: one.as_json()[key] for key in keep} for one in found])
        return
    if not found:
        say(f"no versions in {account.region}; `ami build` makes some")
        return
    columns = ("IMAGE", "VERSION", "AMI", "STATE", "LAYERS", "BUILT ON", "TESTS")
    print_table(
        columns,
        [
            (one.image, one.version, one.ami_id, str(one.state), " ".join(one.layers), one.parent, one.tests)
            for one in found
        ],
    )
