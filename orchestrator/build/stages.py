"""Which stage Packer is in, read from what it says to people.

People see it, and a build decides by it (watch.py): whether Packer ever worked on a machine, when it began to end its
machine, whether it asked EC2 for the AMI, and that a task whose failure it went on after was rescued.

From Packer 1.13 on the output of provisioners looks like Packer's own words. So a line counts only when it is one of
Packer's sentences from end to end, and stages never go backwards.
"""

from __future__ import annotations

import re

from orchestrator.progress import Stage

#: What Packer says before it asks EC2 for the AMI.
_CREATES = r"Creating AMI \S+ from instance i-[0-9a-f]+"

#: Sentences of Packer and its amazon-ebs builder, and the stage that each belongs to.
_SENTENCES = tuple(
    (re.compile(pattern), stage)
    for pattern, stage in (
        (r"Prevalidating .+", Stage.RESOLVE),
        (r"Launching a (source|spot) AWS instance\.\.\.", Stage.LAUNCH),
        (r"Using (SSH|ssh|WinRM|winrm) communicator to connect: .+", Stage.CONNECT),
        (r"Waiting for (SSH|WinRM) to become available\.\.\.", Stage.CONNECT),
        (r"Provisioning with .+", Stage.PROVISION),
        (r"Running local shell script: .+", Stage.PROVISION),
        (r"Executing Ansible: .+", Stage.PROVISION),
        (r"Pausing .+ (before the next|after this) provisioner\.\.\.", Stage.PROVISION),
        (r"Provisioning step had errors: .+", Stage.PROVISION),
        (r"Stopping the source instance\.\.\.", Stage.SNAPSHOT),
        (_CREATES, Stage.SNAPSHOT),
        (r"Adding tags to AMI \(ami-[0-9a-f]+\)\.\.\.", Stage.TAG),
        (r"Terminating the source AWS instance\.\.\.", Stage.CLEAN),
        (r"Cancelling build after receiving .+", Stage.CLEAN),
    )
)
_ORDER = tuple(Stage)


def stage_of(text: str) -> Stage | None:
    """The stage of one of Packer's own sentences, or None for any other text."""
    return next((stage for sentence, stage in _SENTENCES if sentence.fullmatch(text)), None)


def stage_after(stage: Stage, text: str) -> Stage:
    """The stage after Packer has said something in `stage`."""
    said = stage_of(text)
    return said if said is not None and _ORDER.index(said) > _ORDER.index(stage) else stage


def is_creation(text: str) -> bool:
    """Whether Packer says that it asks EC2 for the AMI."""
    return re.fullmatch(_CREATES, text) is not None


def is_packers(text: str, stage: Stage) -> bool:
    """Whether what is said in a stage comes from Packer, and not from what it runs on the machine."""
    return stage is not Stage.PROVISION or stage_of(text) is not None
