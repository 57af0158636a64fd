"""`ami lab up | status | faults | down`: a local AWS with real machines."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import lab_faults
from orchestrator.cli.command import CliGroup, WholeHelp
from orchestrator.cli.completion import labs
from orchestrator.cli.loudness import quiet
from orchestrator.cli.options import JsonOption, LabOption
from orchestrator.cli.terminal import print_json, print_text, say
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = typer.Typer(no_args_is_help=True)
app.add_typer(lab_faults.app, name="faults", help="Make the lab misbehave, as the real AWS does.", cls=WholeHelp)


PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")]
CommandDelayOption = Annotated[
    float, typer.Option("--command-delay", min=0, help="Seconds a Systems Manager command costs, as on AWS.")
]
ImageDelayOption = Annotated[
    float, typer.Option("--image-delay", min=0, help="Seconds an image stays pending after its disk is saved.")
]
AgentWaitsOption = Annotated[
    float,
    typer.Option(
        "--agent-waits",
        min=0.001,
        help="Scales the SSM agent's own waits, as the 5 min after a refused call; 1: as on AWS.",
    ),
]
RealisticOption = Annotated[
    bool, typer.Option("--realistic", help="Let boots, snapshots, copies and parameters take as long as on AWS.")
]
LenientOption = Annotated[
    bool,
    typer.Option("--lenient", help="Write to the log what a call asks for and the lab ignores; else it is refused."),
]
AccountsOption = Annotated[
    str,
    typer.Option(
        "--accounts",
        metavar="NUMBER|FILE",
        help="An organisation of so many accounts, or of those that a YAML file names.",
    ),
]
AgentOption = Annotated[
    Path | None,
    typer.Option(
        "--agent",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="A package (.deb) of the real amazon-ssm-agent: machines install it instead of the lab's stand-in, "
        "and the lab speaks its protocols.",
    ),
]
EnforceIamOption = Annotated[
    bool, typer.Option("--enforce-iam", help="Let callers do only what policies allow, as on AWS.")
]
SystemsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="SYSTEM",
        autocompletion=labs.system,
        help="Also have AMIs of debian-13, debian-12-arm64 or debian-13-arm64; again for each, or with commas. "
        "A lab that is up gets them, too.",
    ),
]


@app.command("up")
def up(  # noqa: PLR0917  a command has as many parameters as options
    name: LabOption = "default",
    port: PortOption = 4999,
    command_delay: CommandDelayOption = 1.0,
    image_delay: ImageDelayOption = 0.0,
    agent_waits: AgentWaitsOption = 1.0,
    realistic: RealisticOption = False,
    lenient: LenientOption = False,
    accounts: AccountsOption = "1",
    agent: AgentOption = None,
    enforce_iam: EnforceIamOption = False,
    systems: SystemsOption = None,
) -> None:
    """Start the lab and wait until it answers. Prints what to export for other tools."""
    from orchestrator.lab import lifecycle
    from orchestrator.lab.accounts.settings_file import asked as asked_accounts
    from orchestrator.lab.settings import Settings
    from orchestrator.lab.systems import named

    wanted = [named(each.strip()).name for given in systems or () for each in given.split(",")]
    organisation = asked_accounts(accounts)
    began = time.monotonic()
    with progress() as tell:
        asked = Settings(
            name,
            port,
            command_delay,
            image_delay,
            agent_waits,
            lenient=lenient,
            realistic=realistic,
            organisation=organisation,
            enforce_iam=enforce_iam,
        )
        lab = lifecycle.up(asked, tell, agent)
        lifecycle.add_systems(lab, wanted, tell)
    say(f"the lab '{name}' answers at {lab.endpoint} ({time.monotonic() - began:.0f} s)")
    for variable, value in lifecycle.exports(lab).items():
        print_text(f"export {variable}={shlex.quote(value)}")


@app.command("status")
def status(name: LabOption = "default", as_json: JsonOption = False) -> None:
    """Say whether the lab is up, and where. Exit code 0 when it is, 3 when not."""
    from orchestrator.lab import lifecycle
    from orchestrator.lab.lab_status import Condition

    found = lifecycle.status(name)
    if as_json:
        print_json(found.as_json())
    elif found.condition is Condition.UP:
        print_text(f"the lab '{name}' is up at {found.endpoint} (process {found.pid}, {found.machines} machines)")
        print_text(f"its server holds {found.memory} MiB of memory")
        for way in found.ways:
            print_text(way)
        print_text(f"it has AMIs of {', '.join(found.systems)}; `ami lab up --with SYSTEM` makes others")
        for account in found.accounts if len(found.accounts) > 1 else ():
            print_text(f"account {account.account_id} {account.name} in {account.unit or 'the root'}: {account.key_id}")
        print_text("its machines are containers with this host's kernel: docs/lab.md says what does not work there")
    elif found.condition is Condition.SILENT:
        print_text(f"the lab '{name}' runs (process {found.pid}) and does not answer; wait, or `ami lab down`")
    elif found.condition is Condition.DEAD:
        print_text(f"the lab '{name}' is dead; `ami lab up` or `ami lab down` clears what is left of it")
    else:
        print_text(f"the lab '{name}' is down")
    if found.condition is not Condition.UP:
        if as_json:
            raise LackError(f"the lab '{name}' is {found.condition}", hint=f"ami lab up --name {name}")
        raise typer.Exit(3)


@app.command("down")
def down(
    name: LabOption = "default",
    cache: Annotated[
        bool, typer.Option("--cache", help="Also remove the Debian roots that labs share (/var/cache/ami-lab).")
    ] = False,
) -> None:
    """Stop the lab and remove every process, machine, image, network and file of it."""
    from orchestrator.lab import lifecycle
    from orchestrator.lab.settings import CACHE

    with progress() as tell:
        found = lifecycle.down(name, tell, cache=cache)
    say(f"the lab '{name}' is gone" if found else f"there was no lab '{name}'")
    if not cache and CACHE.exists():
        say(f"kept for the next one: {CACHE} (`ami lab down --cache` removes it)")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Says what is being done: a line that changes on a terminal, timestamped lines elsewhere."""
    if quiet() or not sys.stderr.isatty():
        yield lambda text: say(f"{time.strftime('%H:%M:%S')} {text}")
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("looking around") as line:
        yield lambda text: line.update(text.replace("[", "\\["))


COMMAND = CliGroup(
    "lab",
    100,
    app,
    "A local AWS with real machines: everything works without an account.",
    prints=("ami/lab/1", "ami/lab-faults/1"),
)
