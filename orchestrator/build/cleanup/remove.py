"""The removal of what a build left in an account."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code
from orchestrator.aws.resource_kind import Ec2Kind
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.build.cleanup.leftovers import Build, Leftover, find_leftovers
from orchestrator.polling import attempts, steady
from orchestrator.tags import Tag

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from orchestrator.aws.account import Account

#: Seconds in which an AMI shows itself whose CreateImage may have been on its way when Packer ended (eventual
#: consistency; AWS names no bound, and seconds are usual).
LATE = 30.0

#: Refusals that time does not mend: a missing permission, a machine that is protected from termination.
_FORBIDDEN = frozenset({"UnauthorizedOperation", "AccessDenied", "OperationNotPermitted", "AuthFailure"})
#: EC2 refuses to delete the snapshot of an AMI. When that AMI is not listed yet, or was deregistered just now, a later
#: look can mend it.
_IN_USE = "InvalidSnapshot.InUse"
#: Seconds in which a snapshot whose AMI was deregistered can be deleted at the latest.
_FREED = 10.0
#: Seconds between two looks for what shows itself late, and between two tries to remove the same.
_PAUSE = 2.0
#: Looks at an account that shows what was removed already.
_LOOKS = 5
#: Why a proof stays.
_PROOF = "it tells whose the AMI is"


def _unheard(_removed: Leftover) -> None:
    """A removal that nobody watches."""


def clean_up(
    account: Account,
    build: Build,
    *,
    late: float = 0.0,
    patience: float = 300,
    hurry: threading.Event | None = None,
    removed: Callable[[Leftover], None] = _unheard,
) -> tuple[Leftover, ...]:
    """Remove what a build left, telling `removed`. Returns what stays in the end, with the trouble.

    An AMI whose making may have been asked for is looked for again, for `late` seconds or until it has shown itself.
    The key pair and the security group, which tell whose it is, go when nothing is awaited any more. They stay, for
    the sweep, when `hurry` is set before, or when an AMI stays.
    """
    # Not `polling.attempts`: a look that removed something is followed by another at once, and looks go on after the
    # deadline while they find something.
    deadline, looks, stayed = time.monotonic() + late, 0, dict[Leftover, Leftover]()
    shown = not late
    while True:
        shown = shown or _is_listed(account, build)
        found = find_leftovers(account, build)
        passing = to_try([one for one in found if not one.kind.proof], stayed)
        for one in passing:
            stayed.pop(one, None)
        stayed |= {_bare(one): one for one in remove(account, passing, patience=patience, removed=removed)}
        looks += bool(passing)
        over = shown or time.monotonic() >= deadline
        if (over or _hurried(hurry)) and (not passing or looks == _LOOKS):
            break
        if not passing or looks > 1:  # the first look removes what is there anyhow
            time.sleep(_PAUSE)
    proofs = [one for one in found if one.kind.proof]
    if not over or any(one.kind is IMAGE for one in stayed):
        return (*stayed.values(), *(replace(one, trouble=_PROOF) for one in proofs))
    return (*stayed.values(), *remove(account, proofs, patience=patience, removed=removed))


def _is_listed(account: Account, build: Build) -> bool:
    """Whether EC2 lists the AMI of the last attempt: then nothing is still to come."""
    named: list[FilterTypeDef] = [{"Name": "name", "Values": list(build.ami_names[-1:])}]
    ec2 = account.client("ec2")
    return bool(build.ami_names and ec2.describe_images(Owners=["self"], Filters=named)["Images"])


def finished(account: Account, ami_names: Iterable[str]) -> tuple[str, ...]:
    """The ids of the AMIs of these names that have a state, so that no clean-up removes them."""
    named: list[FilterTypeDef] = [
        {"Name": "name", "Values": list(ami_names)},
        {"Name": "tag-key", "Values": [Tag.STATE]},
    ]
    images = account.client("ec2").describe_images(Owners=["self"], Filters=named)["Images"]
    return tuple(str(one["ImageId"]) for one in images)


def to_try(found: Sequence[Leftover], stayed: Mapping[Leftover, Leftover]) -> list[Leftover]:
    """What of this is worth a try, when the removal of `stayed` (by the bare leftover) was tried before.

    A snapshot that an AMI used is tried again whenever something new has shown itself, which may be this AMI.
    """
    new = [one for one in found if one not in stayed]
    return [one for one in found if one not in stayed or (new and waits_for_ami(stayed[one]))]


def waits_for_ami(one: Leftover) -> bool:
    """Whether this is a snapshot that an AMI uses: one that is not listed yet, or that is not the build's."""
    return one.trouble == _IN_USE


def _bare(one: Leftover) -> Leftover:
    return replace(one, trouble="")


def _hurried(hurry: threading.Event | None) -> bool:
    return hurry is not None and hurry.is_set()


def remove(
    account: Account,
    leftovers: Iterable[Leftover],
    *,
    patience: float = 300,
    removed: Callable[[Leftover], None] = _unheard,
) -> tuple[Leftover, ...]:
    """Remove what `find_leftovers` found, telling `removed`. Returns what still is there in the end, with the trouble.

    What depends on something that is just going away (a security group on its instance) is tried again for `patience`
    seconds, a snapshot that an AMI uses for at most 10; what may not be removed is not.
    """
    ec2 = account.client("ec2")
    left, stayed = tuple(leftovers), list[Leftover]()
    for attempt in attempts(steady(_PAUSE)):
        again: list[Leftover] = []
        for leftover in left:
            still = _removed(ec2, leftover)
            if still is None:
                removed(leftover)
            elif still.trouble in _FORBIDDEN or attempt.waited >= _patience(still, patience):
                stayed.append(still)
            else:
                again.append(still)
        left = tuple(again)
        if not left:
            break
    return tuple(stayed)


def _patience(one: Leftover, patience: float) -> float:
    return min(patience, _FREED) if waits_for_ami(one) else patience


def _removed(ec2: EC2Client, leftover: Leftover) -> Leftover | None:
    """Try to remove one thing: None when it is gone, else what stays and why."""
    if not isinstance(leftover.kind, Ec2Kind):
        raise TypeError(f"EC2 does not remove a {leftover.kind}")
    removal = leftover.kind.removal
    try:
        removal.remove(ec2, leftover.id)
    except AwsError as error:
        code = error_code(error)
        return None if removal.is_gone(code) else replace(leftover, trouble=code or str(error))
    return None
