"""Why an AMI is unproven, what became of its run, and what can be done about it: for a person who asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.run.sweep.find import place_of
from orchestrator.run.sweep.inventory import look
from orchestrator.run.sweep.orphans import fates_of, is_lost
from orchestrator.run.sweep.run_evidence import evidence_of, read_leases
from orchestrator.run.sweep.unproven import unproven

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.contract.show import UnprovenAmiJson
    from orchestrator.definition.environment import Environment
    from orchestrator.run.sweep.liveness import Liveness
    from orchestrator.run.sweep.unproven import Unproven

#: A run counts as dead after this long without a sign of life: the default of `ami sweep --older-than`.
_AGE = timedelta(hours=24)


def explained(environment: Environment, root: Path, ami_id: str) -> UnprovenAmiJson | None:
    """What is known of an unproven AMI, by what it is called; None when the AMI is not unproven, or not ours."""
    place = place_of(environment, root)
    seen = look(environment.account)  # before leases, as the sweep does
    ami = next((one for one in unproven(seen) if one.ami.id == ami_id), None)
    if ami is None:
        return None
    fates = fates_of(
        seen, evidence_of(seen, read_leases(place.leases), root, bucket=place.bucket), datetime.now(UTC), _AGE
    )
    return {
        **ami.as_json(),
        "schema": "ami/unproven-ami/1",
        "reason": f"no build finished it: {ami.how}",
        "ec2_state": ami.ami.state,
        "run_state": "; ".join(fates[run].why for run in sorted(ami.runs)),
        "next": what_next(ami, fates),
        "tags": dict(sorted(ami.ami.tags.items())),
    }


def what_next(ami: Unproven, fates: Mapping[str, Liveness]) -> str:
    """What becomes of an unproven AMI, or who has to decide it."""
    if is_lost(ami, {run for run, fate in fates.items() if fate.dead}):
        return "`ami sweep` removes it"
    if ami.certain and ami.runs:
        return "nothing, while its run may live; when that is dead, `ami sweep` removes it"
    return "nothing proves that nobody needs it: `aws ec2 deregister-image` removes it, and then its snapshots"
