"""What completion offers for the lab: names of labs, systems, faults and their rules."""

from __future__ import annotations

import typer


def name(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001 - Typer goes by the name
    """Labs that are up, or that a killed one left."""
    from orchestrator.lab.settings import STATE

    return sorted(path.parent.name for path in STATE.glob("*/lab.json"))


def system(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001 - Typer goes by the name
    """Operating systems that a lab can have AMIs of."""
    from orchestrator.lab.systems import SYSTEMS

    return list(SYSTEMS)


def fault(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:  # noqa: ARG001 - Typer goes by the name
    """Kinds of faults."""
    from orchestrator.lab.api.fault_rules import FaultKind

    return [(str(kind), kind.sentence) for kind in FaultKind]


def rule(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:  # noqa: ARG001 - Typer goes by the name
    """Rules in force in the lab that `--name` names, if it is up."""
    from orchestrator.errors import AmiError
    from orchestrator.lab import door, lifecycle

    try:
        rules = door.faults(lifecycle.present(str(ctx.params.get("name") or "default")))
    except AmiError:
        return []
    return [(str(one["id"]), f"{one['kind']} of {', '.join(one['operations'])}") for one in rules]
