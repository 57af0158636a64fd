"""`ami shell`: a shell on a machine of the factory, or on one that is launched from an AMI for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.options import HERE, EnvironmentOption, WorkspaceOption, YesOption
from orchestrator.cli.terminal import confirm, say
from orchestrator.validate.options import ConnectionKind

if TYPE_CHECKING:
    from orchestrator.progress import Event
    from orchestrator.registry import Version
    from orchestrator.run.shell.shell import ShellWish


def shell(
    name: Annotated[
        str,
        typer.Argument(
            metavar="AMI|INSTANCE|IMAGE",
            help="An instance, an AMI, or an image: its newest AMI.",
            autocompletion=names.image_or_ami,
        ),
    ],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND", help="Run this as root instead of a shell.")
    ] = None,
    env: EnvironmentOption = None,
    connection: Annotated[
        ConnectionKind | None,
        typer.Option(
            help="How a launched machine is reached. Default: podman in the lab, else ssm.", show_default=False
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the machine that was launched running.")] = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
) -> None:
    """Open a shell on a machine of the factory. An AMI is launched for it, and terminated afterwards.

    The exit code is that of the shell, or of COMMAND.
    """
    from orchestrator.cli.opened import opened
    from orchestrator.run.shell.shell import ShellWish, open_on_ami, open_on_instance, version_of

    loaded = opened(workspace, roles=False)
    wish = ShellWish(loaded, environment_of(loaded, env), name, tuple(command or ()), connection, keep)
    if wish.on_instance:
        raise typer.Exit(open_on_instance(wish))
    version = version_of(wish)
    say(_launch_of(wish, version))
    confirm("Go ahead?", yes=yes)
    raise typer.Exit(open_on_ami(wish, version, _Told().hear, tell=say))


def _launch_of(wish: ShellWish, version: Version) -> str:
    """What is launched, and what it costs."""
    from orchestrator.run.shell.shell_way import is_lab

    environment = wish.environment
    instance_type, _ = environment.placement.places[0]
    what = f"launch {version.image} {version.version} ({version.ami_id}, {version.state}) as {instance_type}"
    until = "until somebody terminates it" if wish.keep else "until the shell ends"
    cost = "it costs nothing in the lab" if is_lab(environment.account) else f"AWS bills a {instance_type} for it"
    return f"{what}, {until}: {cost}"


class _Told:
    """Says what happens to the machine, each thing once."""

    def __init__(self) -> None:
        self._last = ""

    def hear(self, event: Event) -> None:
        """Take an event of the launch."""
        said = event.message.partition(" (")[0] if event.seconds is not None else event.message
        if said != self._last:
            say(event.message)
        self._last = said


COMMAND = CliCommand("shell", 55, shell)
