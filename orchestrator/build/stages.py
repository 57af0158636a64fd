"""Which stage Packer is in, read from what it says to people: for display only, nothing is decided by it."""

from __future__ import annotations

from orchestrator.progress import Stage

#: How messages of the amazon-ebs builder begin, and the stage that begins with them.
_BEGINNINGS = (
    ("Prevalidating", Stage.RESOLVE),
    ("Launching a source AWS instance", Stage.LAUNCH),
    ("Using SSH communicator", Stage.CONNECT),
    ("Using ssh communicator", Stage.CONNECT),
    ("Waiting for SSH", Stage.CONNECT),
    ("Provisioning with", Stage.PROVISION),
    ("Running local shell script", Stage.PROVISION),
    ("Executing Ansible", Stage.PROVISION),
    ("Stopping the source instance", Stage.SNAPSHOT),
    ("Creating AMI", Stage.SNAPSHOT),
    ("Adding tags to AMI", Stage.TAG),
    ("Terminating the source AWS instance", Stage.CLEAN),
    ("Cancelling build", Stage.CLEAN),
)


def stage_of(text: str) -> Stage | None:
    """The stage that a message begins, or None when it belongs to the current one."""
    return next((stage for beginning, stage in _BEGINNINGS if text.startswith(beginning)), None)
