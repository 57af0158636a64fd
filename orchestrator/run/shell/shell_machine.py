"""A machine of the factory that somebody wants to look into: an instance that a run made, and still has its tags."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code
from orchestrator.errors import UsageError
from orchestrator.registry import tags_of
from orchestrator.run.session.identity import SUMMARY_FILE, runs_folder
from orchestrator.tags import Tag
from orchestrator.validate.machine.instance_loss import described

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.aws.account import Account

#: What runs make machines for.
_PURPOSES = ("build", "validate")


@dataclass(frozen=True)
class ShellMachine:
    """An instance that runs."""

    instance_id: str
    image: str
    run: str


def machine(account: Account, instance_id: str) -> ShellMachine:
    """The factory's own instance of that id. Raises UsageError for any other, and for one that does not run."""
    try:
        found = described(account.client("ec2"), instance_id)
    except AwsError as error:
        if not error_code(error).startswith("InvalidInstanceID"):
            raise
        found = {}
    if not found:
        raise UsageError(f"there is no instance {instance_id} in {account.region}", hint=_others(account))
    tags = tags_of(found)
    if not tags.get(Tag.RUN) or tags.get(Tag.PURPOSE) not in _PURPOSES:
        what = f"{instance_id} is no machine of this factory: it has no tags {Tag.RUN} and {Tag.PURPOSE}"
        raise UsageError(what, hint=_others(account))
    state = found.get("State", {}).get("Name", "")
    if state != "running":
        raise UsageError(f"{instance_id} is {state}", hint=_others(account))
    return ShellMachine(instance_id, tags.get(Tag.IMAGE, ""), tags[Tag.RUN])


def _others(account: Account) -> str:
    """Which machines a person may mean."""
    filters = [
        {"Name": f"tag:{Tag.PURPOSE}", "Values": list(_PURPOSES)},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    pages = account.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)  # type: ignore[arg-type]
    found = [one for page in pages for each in page["Reservations"] for one in each["Instances"]]
    named = [f"{one['InstanceId']} ({tags_of(one).get(Tag.IMAGE, '')})" for one in found]
    return f"machines of the factory that run: {', '.join(named)}" if named else "`--keep` leaves a machine running"


def ssh_command(root: Path, wanted: ShellMachine) -> str:
    """The ssh command for a machine that was kept over SSH, from its run in the workspace at `root`; empty for none."""
    try:
        summary = json.loads((runs_folder(root) / wanted.run / SUMMARY_FILE).read_text(encoding="utf-8"))
        ended = [*summary["images"], summary.get("shell", {})]
        ways = [one.get("reached_by") or "" for one in ended if one.get("image") == wanted.image]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return next((command for command in ways if command.startswith("ssh ")), "")
