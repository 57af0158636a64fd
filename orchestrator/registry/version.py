"""Versions of images and their copies, as values: an AMI's tags <-> a Version.

AWS is the state store. What the factory knows of an AMI is written on the AMI, so that losing every local file loses
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.registry.states import State
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.contract.version import VersionJson

#: Which tag holds which field of a Version.
TAGS = {
    "image": Tag.IMAGE,
    "version": Tag.VERSION,
    "fingerprint": Tag.FINGERPRINT,
    "state": Tag.STATE,
    "layers": Tag.LAYERS,
    "parent": Tag.PARENT,
    "source": Tag.SOURCE,
    "source_ami": Tag.SOURCE_AMI,
    "commit": Tag.COMMIT,
    "run": Tag.RUN,
    "owner": Tag.OWNER,
    "tests": Tag.TESTS,
    "proof": Tag.PROOF,
    "reason": Tag.REASON,
    "seconds": Tag.SECONDS,
    "purpose": Tag.PURPOSE,
}

#: `ami:purpose` of an AMI that carries layers which several images share, and is no image itself.
STACK = "stack"

#: What an AMI of ours without a state is called. No tag says so: it is shown, and never a version.
UNPROVEN = "unproven"

#: States of an AMI in EC2 (EC2 API Reference, "Image"): it can be launched, and it was disabled by its owner.
AVAILABLE, DISABLED = "available", "disabled"


@dataclass(frozen=True)
class Copy:
    """A version as one AMI in one region of one account.

    `account` is the 12 digits of the account that owns it; `availability` is EC2's own state of the AMI; `encrypted` is
    whether all its snapshots are; `created` is ISO 8601 in UTC as EC2 gives it.
    """

    ami_id: str
    account: str
    region: str
    name: str
    created: str
    encrypted: bool = False
    availability: str = AVAILABLE


@dataclass(frozen=True)
class Version:
    """The content of an image as it was built once, and what was said of it.

    `parent` is the AMI id that it was built on; `commit` ends in `-dirty` when the work tree was not clean; `tests`
    counts the last validation (`passed=41 failed=0 skipped=1`), `proof` is the fingerprint of those tests, `reason`
    says why it is rejected; `seconds` is what it took (`build=61 validate=20`). `copies` are its AMIs, at least one.
    """

    image: str
    version: str
    state: State
    fingerprint: str
    parent: str
    layers: tuple[str, ...]
    source: str
    source_ami: str
    commit: str
    run: str
    owner: str
    tests: str
    tags: Mapping[str, str]
    copies: tuple[Copy, ...]
    proof: str = ""
    reason: str = ""
    seconds: str = ""
    purpose: str = ""

    @property
    def copy(self) -> Copy:
        """Its copy in the account and region that were asked."""
        return self.copies[0]

    @property
    def ami_id(self) -> str:
        """The AMI in the account and region that were asked."""
        return self.copy.ami_id

    @property
    def is_image(self) -> bool:
        """Whether it is a version of an image, and not of layers that images share."""
        return self.purpose != STACK

    def took(self, what: str) -> float | None:
        """Seconds that its "build" or "validate" took; None when it is not known."""
        found = dict(entry.partition("=")[::2] for entry in self.seconds.split())
        return float(found[what]) if found.get(what, "").isdigit() else None

    def as_json(self) -> VersionJson:
        """A JSON object: the version, and its copy in the account and region that were asked."""
        copy = self.copy
        return {
            "image": self.image,
            "version": self.version,
            "state": str(self.state),
            "ami_id": copy.ami_id,
            "region": copy.region,
            "account": copy.account or None,
            "ami_name": copy.name,
            "created": copy.created,
            "encrypted": copy.encrypted,
            "ec2_state": copy.availability,
            "shared": not self.is_image,
            "layers": list(self.layers),
            "fingerprint": self.fingerprint,
            "parent_ami_id": self.parent or None,
            "source": self.source or None,
            "source_ami_id": self.source_ami or None,
            "commit": self.commit or None,
            "run": self.run or None,
            "owner": self.owner or None,
            "tests": counted(self.tests),
            "tests_fingerprint": self.proof or None,
            "reason": self.reason or None,
            "build_seconds": self.took("build"),
            "validate_seconds": self.took("validate"),
        }


def counted(text: str) -> dict[str, int]:
    """`passed=41 failed=0` as numbers; what is none of such pairs is left out."""
    pairs = (entry.partition("=")[::2] for entry in text.split())
    return {name: int(number) for name, number in pairs if number.isascii() and number.isdigit()}


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """The tags of anything that EC2 describes."""
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def lacks_state(tags: Mapping[str, str]) -> bool:
    """Whether these are the tags of an AMI of ours to which no build gave a state: it is unproven."""
    return Tag.STATE not in tags and (Tag.RUN in tags or Tag.IMAGE in tags)


def version_of(described: Mapping[str, Any], region: str) -> Version | None:
    """The Version that an image of DescribeImages is, or None when its tags do not make it one of ours.

    An AMI that EC2 has disabled is of the state `disabled` whatever its tag says, unless that says `revoked`.
    """
    tags = tags_of(described)
    fields = {field: tags.get(key, "") for field, key in TAGS.items()}
    if not fields["image"] or fields["state"] not in set(State):
        return None
    copy = _copy_of(described, region)
    state = State(fields["state"])
    if copy.availability == DISABLED and state is not State.REVOKED:
        state = State.DISABLED
    more: dict[str, Any] = {"state": state, "layers": tuple(fields["layers"].split()), "tags": tags, "copies": (copy,)}
    return Version(**(fields | more))


def _copy_of(described: Mapping[str, Any], region: str) -> Copy:
    disks = [mapping["Ebs"] for mapping in described.get("BlockDeviceMappings", ()) if "Ebs" in mapping]
    return Copy(
        ami_id=described["ImageId"],
        account=described.get("OwnerId", ""),
        region=region,
        name=described.get("Name", ""),
        created=described.get("CreationDate", ""),
        encrypted=bool(disks) and all(disk.get("Encrypted", False) for disk in disks),
        availability=described.get("State", AVAILABLE),
    )
