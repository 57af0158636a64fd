"""What completion offers for arguments and options: functions for Typer's `autocompletion`.

Each gets the words typed so far as a context, and the beginning of the word to complete; names that begin otherwise are
left out by whoever asks.
"""

from __future__ import annotations

from pathlib import Path

import typer

from orchestrator.cli.completion import definitions, records

#: A name, or a name and what it is.
Offered = list[str | tuple[str, str]]


def _roots(context: typer.Context) -> tuple[Path, ...]:
    """The workspace that `-C` names, or that of this folder, and those that it extends."""
    return definitions.roots_above(Path(context.params.get("workspace") or "."))


def image(ctx: typer.Context, incomplete: str) -> Offered:
    """Images, each variant too."""
    return list(definitions.images(_roots(ctx), incomplete))


def image_or_ami(ctx: typer.Context, incomplete: str) -> Offered:
    """Images and AMIs. AMIs are many: they come once somebody types `ami-`."""
    if incomplete.startswith("ami-"):
        return list(ami(ctx, incomplete))
    return [*image(ctx, incomplete), *([("ami-", "the id of an AMI")] if "ami-".startswith(incomplete) else [])]


def ami(ctx: typer.Context, incomplete: str) -> Offered:  # noqa: ARG001 - Typer goes by the name
    """AMIs that this machine knows of."""
    return [found for root in _roots(ctx)[:1] for found in records.amis(root).items()]


def run(ctx: typer.Context, incomplete: str) -> Offered:  # noqa: ARG001 - Typer goes by the name
    """Runs that this machine knows of."""
    return [found for root in _roots(ctx)[:1] for found in records.runs(root)]


def run_or_image(ctx: typer.Context, incomplete: str) -> Offered:
    """Runs, the newest first, then images, and AMIs as `image_or_ami` has them."""
    return [*run(ctx, incomplete), *image_or_ami(ctx, incomplete)]


def environment(ctx: typer.Context, incomplete: str) -> Offered:  # noqa: ARG001 - Typer goes by the name
    """Environments of the workspace."""
    return list(definitions.environments(_roots(ctx)))


def role(ctx: typer.Context, incomplete: str) -> Offered:  # noqa: ARG001 - Typer goes by the name
    """Roles of the workspace and of what it extends."""
    return list(definitions.roles(_roots(ctx)))


def command(ctx: typer.Context, incomplete: str) -> Offered:  # noqa: ARG001 - Typer goes by the name
    """Commands, and those of a group after its name."""
    from orchestrator.cli.completion.reply import commands_of

    return list(commands_of(ctx.find_root().command, ctx.params.get("command") or ()))


def shell(ctx: typer.Context, incomplete: str) -> Offered:  # noqa: ARG001 - Typer goes by the name
    """Shells that have a completion."""
    from orchestrator.cli.completion.shells import Shell

    return [str(one) for one in Shell]
