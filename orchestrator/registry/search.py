"""Versions as an account holds them: asked of EC2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.aws.account import error_code
from orchestrator.definition.variants.variant_name import named
from orchestrator.errors import UsageError
from orchestrator.registry.states import State
from orchestrator.registry.version import AVAILABLE, DISABLED, UNPROVEN, lacks_state, tags_of, version_of
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from orchestrator.aws.account import Account
    from orchestrator.registry.version import Version

#: A second of UTC, and the begin of a fingerprint (`plan.segment.Segment.version_at`).
_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")

#: A request takes 200 values of filters at most (EC2 API Reference, DescribeImages); the other filters have three.
_NAMES_OF_A_CALL = 190


def versions(account: Account, *, image: str | None = None, variants: bool = False) -> tuple[Version, ...]:
    """Every version that the account owns in its region, newest first; those of layers that images share included.

    With `image` only those of that image, and with `variants` those of all its variants too.

    An AMI that EC2 still makes is no version yet, and one without a state never becomes one. One that is disabled is a
    version (EC2 lists it only when asked with IncludeDisabled); one that was deregistered is gone.
    """
    if image is None:
        return _sorted(_described(account, []))
    return _sorted(_described(account, [image, named(image, "*")] if variants else [image]))


def _described(account: Account, names: list[str]) -> Iterator[Version]:
    """The versions of the images of some names; of all without any."""
    filters: list[FilterTypeDef] = [
        {"Name": "tag-key", "Values": [Tag.STATE]},
        {"Name": "state", "Values": [AVAILABLE, DISABLED]},
    ]
    if names:
        filters.append({"Name": f"tag:{Tag.IMAGE}", "Values": names})
    pages = account.client("ec2").get_paginator("describe_images")
    for page in pages.paginate(Owners=["self"], Filters=filters, IncludeDisabled=True):
        found = (version_of(described, account.region) for described in page["Images"])
        yield from (one for one in found if one)


def _sorted(found: Iterable[Version]) -> tuple[Version, ...]:
    return tuple(sorted(found, key=lambda one: (one.copy.created, one.version), reverse=True))


def versions_of(account: Account, images: Iterable[str]) -> tuple[Version, ...]:
    """The versions of some images, newest first. `*` in a name stands for any characters.

    What else the account holds is not read: it takes one call for each 190 names.
    """
    names = sorted(set(images))
    found = [
        one
        for start in range(0, len(names), _NAMES_OF_A_CALL)
        for one in _described(account, names[start : start + _NAMES_OF_A_CALL])
    ]
    return _sorted(found)


def newest_validated(found: Iterable[Version]) -> Version | None:
    """The current one of an image's versions (newest first): the newest that is validated and that EC2 can launch."""
    return next(
        (one for one in found if one.state is State.VALIDATED and one.copy.availability == AVAILABLE and one.is_image),
        None,
    )


def is_version(name: str) -> bool:
    """Whether a name has the form of a version: `20261123T235522Z-1a2b3c4d`."""
    return _VERSION.fullmatch(name) is not None


def find_version(account: Account, name: str) -> Version:
    """The version of that name. Raises UsageError when there is none in the account and region, or several."""
    found = [one for one in versions(account) if one.version == name]
    if not found:
        raise UsageError(f"no AMI has the version {name} in {account.region}", hint="`ami list` shows those that are")
    if len(found) > 1:
        each = ", ".join(f"{one.ami_id} ({one.image})" for one in found)
        raise UsageError(f"several AMIs have the version {name}: {each}", hint="name the AMI")
    return found[0]


def find(account: Account, ami_id: str) -> Version:
    """The version that an AMI id names. Raises UsageError when there is none in the account and region."""
    ec2 = account.client("ec2")
    try:
        images = ec2.describe_images(ImageIds=[ami_id], Owners=["self"], IncludeDisabled=True)["Images"]
    except ec2.exceptions.ClientError as error:
        if not error_code(error).startswith("InvalidAMIID"):
            raise
        images = []
    version = version_of(images[0], account.region) if images else None
    if version is None and images and lacks_state(tags_of(images[0])):
        raise UsageError(f"{ami_id} is {UNPROVEN}: no build finished it", hint=f"`ami show {ami_id}` tells more")
    if version is None:
        raise UsageError(
            f"{ami_id} is not an AMI of this factory in {account.region}", hint="`ami list` shows those that are"
        )
    return version
