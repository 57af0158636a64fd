"""Versions of images: what `ami list`, `ami latest` and `ami images` print."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import Time


class VersionJson(TypedDict):
    """A version of an image, as the AMI that it is in the account and region that were asked."""

    image: str
    version: str
    """When it was built, and the first digits of its fingerprint."""
    state: str
    """`built`, `validated`, `rejected`, ...: see docs/tags.md."""
    ami_id: str
    region: str
    account: str | None
    """The 12 digits of the account that owns it."""
    ami_name: str
    created: Time
    """When EC2 made the AMI."""
    encrypted: bool
    """Whether all its snapshots are."""
    ec2_state: str
    """EC2's own state of the AMI."""
    shared: bool
    """Whether its layers are those of several images, and it is no image itself."""
    layers: list[str]
    fingerprint: str
    """Of all that decides what is in it."""
    parent_ami_id: str | None
    """The AMI that it was built on."""
    source: str | None
    """The name of the source that its stack starts from."""
    source_ami_id: str | None
    """The AMI that the source was then."""
    commit: str | None
    """Ends in `-dirty` when the work tree was not clean."""
    run: str | None
    """The run that built it."""
    owner: str | None
    tests: dict[str, int]
    """How the tests of the last validation ended: `{"passed": 41, "failed": 0}`; empty when there was none."""
    tests_fingerprint: str | None
    """Of those tests."""
    reason: str | None
    """Why it is rejected."""
    build_seconds: float | None
    validate_seconds: float | None


class UnprovenJson(TypedDict):
    """An AMI of ours that no build finished."""

    image: str | None
    ami_id: str
    state: Literal["unproven"]
    region: str
    ami_name: str
    created: Time | None
    run: str | None
    """The run that was making it, when that is known."""
    reason: str
    """How it is known that no build finished it."""


class ListJson(TypedDict):
    """What the account holds."""

    schema: Literal["ami/list/1"]
    region: str
    versions: list[VersionJson]
    """The newest first."""
    unproven: list[UnprovenJson]


class LatestJson(VersionJson):
    """The newest validated version of an image."""

    schema: Literal["ami/latest/1"]


class DefinedImageJson(TypedDict):
    """An image of the workspace, and its newest version."""

    image: str
    workspace: str
    """The name of the workspace that defines it: this one, or one that it extends."""
    description: str
    owner: str
    built_on: str
    """The image or source that it is built on."""
    layers: list[str]
    """Its own, without those that it is built on."""
    version: str | None
    state: str | None
    ami_id: str | None


class ImagesJson(TypedDict):
    """The images that the workspace defines."""

    schema: Literal["ami/images/1"]
    account_answered: bool
    """Whether the account could be asked; if not, version, state and AMI of all images are null."""
    images: list[DefinedImageJson]
