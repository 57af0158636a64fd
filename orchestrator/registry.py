"""The images that an account holds: tags <-> Version values.

AWS is the state store. What the factory knows of an AMI is written on the AMI, so that losing every local file loses
nothing. Tag keys and values keep EC2's limits: 128 and 256 characters (EC2 User Guide, "Tag your Amazon EC2
resources").
"""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import error_code
from orchestrator.errors import StageError, UsageError
from orchestrator.masks import hide
from orchestrator.tags import LONGEST_VALUE, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.aws.account import Account

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


class State(StrEnum):
    """The states of a version, in the order of its life."""

    BUILT = "built"
    VALIDATED = "validated"
    REJECTED = "rejected"
    DEPRECATED = "deprecated"
    DISABLED = "disabled"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Version:
    """One built AMI of an image.

    `created` is ISO 8601 in UTC as EC2 gives it; `parent` is the AMI id that it was built on; `commit` ends in `-dirty`
    when the work tree was not clean; `tests` counts the last validation (`passed=41 failed=0 skipped=1`), `proof` is
    the fingerprint of those tests, `reason` says why it is rejected; `seconds` is what it took (`build=61
    validate=20`).
    """

    image: str
    version: str
    ami_id: str
    state: State
    fingerprint: str
    created: str
    region: str
    parent: str
    name: str
    layers: tuple[str, ...]
    source: str
    source_ami: str
    commit: str
    run: str
    owner: str
    tests: str
    tags: Mapping[str, str]
    proof: str = ""
    reason: str = ""
    seconds: str = ""
    purpose: str = ""

    @property
    def is_image(self) -> bool:
        """Whether it is a version of an image, and not of layers that images share."""
        return self.purpose != STACK

    def took(self, what: str) -> float | None:
        """Seconds that its "build" or "validate" took; None when it is not known."""
        found = dict(entry.partition("=")[::2] for entry in self.seconds.split())
        return float(found[what]) if found.get(what, "").isdigit() else None

    def as_json(self) -> dict[str, Any]:
        """A JSON object with every field."""
        return asdict(self)


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """The tags of anything that EC2 describes."""
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def lacks_state(tags: Mapping[str, str]) -> bool:
    """Whether these are the tags of an AMI of ours to which no build gave a state: it is unproven."""
    return TAGS["state"] not in tags and (TAGS["run"] in tags or TAGS["image"] in tags)


def version_of(described: Mapping[str, Any], region: str) -> Version | None:
    """The Version that an image of DescribeImages is, or None when its tags do not make it one of ours."""
    tags = tags_of(described)
    fields = {field: tags.get(key, "") for field, key in TAGS.items()}
    if not fields["image"] or fields["state"] not in set(State):
        return None
    return Version(
        **{
            **fields,
            "state": State(fields["state"]),
            "layers": tuple(fields["layers"].split()),
            "ami_id": described["ImageId"],
            "created": described.get("CreationDate", ""),
            "name": described.get("Name", ""),
            "region": region,
            "tags": tags,
        }
    )


def versions(account: Account, *, image: str | None = None) -> tuple[Version, ...]:
    """Every version that the account owns in its region, newest first; those of layers that images share included.

    An AMI that EC2 still makes is no version yet, and one without a state never becomes one.
    """
    filters = [{"Name": "tag-key", "Values": [TAGS["state"]]}, {"Name": "state", "Values": ["available"]}]
    if image is not None:
        filters.append({"Name": f"tag:{TAGS['image']}", "Values": [image]})
    pages = account.client("ec2").get_paginator("describe_images").paginate(Owners=["self"], Filters=filters)
    found = [version_of(described, account.region) for page in pages for described in page["Images"]]
    return tuple(sorted((one for one in found if one), key=lambda one: (one.created, one.version), reverse=True))


def find(account: Account, ami_id: str) -> Version:
    """The version that an AMI id names. Raises UsageError when there is none in the account and region."""
    try:
        images = account.client("ec2").describe_images(ImageIds=[ami_id], Owners=["self"])["Images"]
    except account.client("ec2").exceptions.ClientError as error:
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


def tag(account: Account, ami_id: str, values: Mapping[str, str]) -> None:
    """Write fields of a version (names as in `TAGS`) onto its AMI. Texts are made to fit a tag's value."""
    tags = [{"Key": TAGS[field], "Value": tag_value(value)} for field, value in values.items()]
    account.client("ec2").create_tags(Resources=[ami_id], Tags=tags)


def tag_value(text: str) -> str:
    """A text as a tag's value, without secrets: what EC2 does not take becomes a space, what is too long is cut."""
    return " ".join(re.sub(r"[^\w .:/=+\-@]", " ", hide(text)).split())[:LONGEST_VALUE]


def set_state(account: Account, ami_id: str, state: State, **fields: str) -> Version:
    """Write a version's state, and what else is said of it (`tests`, `proof`, `reason`, ...), and read it back."""
    tag(account, ami_id, {"state": str(state), **fields})
    return _read_back(lambda: find(account, ami_id), state)


def _read_back(read: Callable[[], Version], state: State, *, attempts: int = 10) -> Version:
    """Tags are eventually consistent: ask until the answer shows what was written."""
    for attempt in range(attempts):
        version = read()
        if version.state is state:
            return version
        time.sleep(0.2 * 2**attempt)
    raise StageError(f"{version.ami_id} was tagged {state}, but EC2 still answers {version.state}", hint="try again")
