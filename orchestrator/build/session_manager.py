"""Session Manager as Packer's way into a machine: what it needs of this machine, and the sessions that it leaves open.

Packer starts a port forwarding session of Systems Manager and runs `session-manager-plugin` (Packer documentation,
"Session Manager Connections"). From 1.8 on its Amazon plugin asks for the end of a session with a context that was
cancelled before, so that the session stays open until it has been idle for 20 minutes.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.aws.session import INSTALL, PROGRAM
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.aws.account import Account
    from orchestrator.aws.placement import Placement

_INTERFACE = "session_manager"


def is_used(placement: Placement) -> bool:
    """Whether Packer reaches machines through Systems Manager."""
    return placement.ssh_interface == _INTERFACE


def check(placement: Placement) -> None:
    """Raise LackError when Packer could not reach a machine: without the program, or without an instance profile."""
    if not is_used(placement):
        return
    if shutil.which(PROGRAM) is None:
        raise LackError(
            f"the environment's `ssh_interface` is {_INTERFACE}, and the program '{PROGRAM}' is not installed",
            hint=INSTALL,
        )
    if not placement.profile:
        raise LackError(
            f"the environment's `ssh_interface` is {_INTERFACE}, which reaches machines through an instance profile",
            hint="set iam_instance_profile to one with the policy AmazonSSMManagedInstanceCore",
        )


def end_sessions(account: Account, machines: Iterable[str]) -> tuple[str, ...]:
    """End the sessions that are open to these machines (instance ids); returns their ids. Raises AwsError.

    The filter is Target (Systems Manager API Reference, SessionFilter), which takes one machine.
    """
    ssm = account.client("ssm")
    ended: list[str] = []
    for machine in machines:
        pages = ssm.get_paginator("describe_sessions").paginate(
            State="Active", Filters=[{"key": "Target", "value": machine}]
        )
        for session in (one["SessionId"] for page in pages for one in page["Sessions"]):
            ssm.terminate_session(SessionId=session)
            ended.append(session)
    return tuple(ended)
