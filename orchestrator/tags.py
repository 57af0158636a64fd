"""Every tag that the factory writes: its key, what it means, who writes it, on what, and what it holds.

A `Tag` is its key: `{Tag.RUN: run}` is what EC2 takes. `docs/tags.md` is this table for people.

The limits are EC2's (Amazon EC2 User Guide, "Tag your Amazon EC2 resources", section "Tag restrictions").
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

#: Keys of the factory's own tags start with this; definitions may not use it.
PREFIX = "ami:"

#: Characters of a key: the User Guide says 128, and the API Reference (`Tag`) 127.
LONGEST_KEY = 127
#: Characters of a value.
LONGEST_VALUE = 256
#: Tags of one resource.
MOST_TAGS = 50
#: How many of them definitions leave to the factory.
RESERVED = 20


class TaggedKind(StrEnum):
    """What the factory tags. AMI means a finished one: while it is made, it may have the tags of its snapshots too."""

    AMI = "AMI"
    SNAPSHOT = "snapshot"
    INSTANCE = "instance"
    VOLUME = "volume"
    KEY_PAIR = "key pair"
    SECURITY_GROUP = "security group"
    LAUNCH_TEMPLATE = "launch template"


_AMI = frozenset({TaggedKind.AMI})
_ALL = frozenset(TaggedKind)
_OF_BUILDS = _ALL - _AMI
_OF_TESTS = _OF_BUILDS - {TaggedKind.SNAPSHOT, TaggedKind.LAUNCH_TEMPLATE}

# Who writes.
_MADE = "a build, when it makes the AMI"
_TESTED = "whoever tests the AMI, with the verdict"
_RUN = "a build or a validation, on all that it makes"


class Tag(StrEnum):
    """One tag: its value is the key.

    `meaning`, `writer` and `value` (what its value looks like, and its limit) are sentences for people; `on` says which
    resources carry it. Definitions may use none of these keys, and no other one that begins with `PREFIX`.
    """

    meaning: str
    writer: str
    on: frozenset[TaggedKind]
    value_form: str

    def __new__(cls, key: str, meaning: str, writer: str, on: frozenset[TaggedKind], value_form: str) -> Self:
        """A member that is its key, and knows its row."""
        member = str.__new__(cls, key)
        member._value_ = key
        member.meaning, member.writer, member.on, member.value_form = meaning, writer, on, value_form
        return member

    DISPLAY_NAME = "Name", "What consoles show", _RUN, _ALL, "text"
    IMAGE = "ami:image", "Image, or shared layers, that it is or was made for", _RUN, _ALL, "name of an image"
    VERSION = "ami:version", "Version of the image", _MADE, _AMI, "UTC time and 8 digits of the fingerprint"
    FINGERPRINT = "ami:fingerprint", "Hash of all that decides what is in the AMI", _MADE, _AMI, "64 hexadecimal digits"
    STATE = (
        "ami:state",
        "Where the version is in its life; an AMI without it is not finished",
        f"{_MADE}; {_TESTED}; whoever retires it",
        _AMI,
        "`built`, `validated`, `rejected`, `deprecated`, `disabled` or `revoked`",
    )
    LAYERS = "ami:layers", "Layers of the stack, the lowest first", _MADE, _AMI, "names; an image with more is refused"
    PARENT = "ami:parent", "AMI of ours that it was built on", _MADE, _AMI, "AMI id; only on what has a parent"
    SOURCE = "ami:source", "Source that its stack starts from", _MADE, _AMI, "name of a source"
    SOURCE_AMI = "ami:source-ami", "AMI of the source", _MADE, _AMI, "AMI id; only on what has no parent"
    COMMIT = "ami:commit", "Commit of the workspace", _MADE, _AMI, "hash, `-dirty` behind it for a changed work tree"
    RUN = "ami:run", "Run that made it: what proves that a leftover is the factory's", _RUN, _ALL, "id of a run"
    OWNER = "ami:owner", "Team that owns the image", _MADE, _AMI, "`team <email>`"
    TESTS = "ami:tests", "How many tests ended how", _TESTED, _AMI, "`passed=41 failed=0 skipped=1`"
    PROOF = "ami:proof", "Hash of the tests behind the verdict", _TESTED, _AMI, "64 hexadecimal digits"
    REASON = "ami:reason", "Why it is rejected", _TESTED, _AMI, "text, cut after 256 characters"
    SECONDS = "ami:seconds", "What building and testing took", _TESTED, _AMI, "`build=61 validate=20`"
    PURPOSE = (
        "ami:purpose",
        "What it is for, when it is no image",
        _RUN,
        _ALL,
        "`build` or `validate`; on an AMI `stack`: layers that images share",
    )
    INPUTS_1 = "ami:inputs-1", "Short digests of what the AMI was made from", _MADE, _AMI, "`layer: part=digest ...`"
    INPUTS_2 = "ami:inputs-2", "More of `ami:inputs-1`", _MADE, _AMI, "`part=digest ...`"
    INPUTS_3 = "ami:inputs-3", "More of `ami:inputs-1`", _MADE, _AMI, "`part=digest ...`"
    AMI_NAME = (
        "ami:name",
        "Name of the AMI that is being made: tells whose an AMI without tags is",
        "a build, on all that it makes on its way",
        _OF_BUILDS,
        "name of an AMI",
    )
    LEASE = (
        "ami:lease",
        "Bucket in which the run has its lease: when the lease is gone, the run has ended",
        "a build or a validation with an artifact bucket",
        _OF_BUILDS,
        "name of a bucket",
    )
    KEEP = (
        "ami:keep",
        "Somebody wants to look at the machine: the sweep leaves it unless it is told otherwise",
        "a validation with `--keep`",
        _OF_TESTS,
        "`true`",
    )


#: Tags that hold digests of what the AMI was made from, in their order.
INPUT_TAGS = (Tag.INPUTS_1, Tag.INPUTS_2, Tag.INPUTS_3)

#: Every tag that a finished AMI may carry of the factory.
AMI_TAGS = frozenset(tag for tag in Tag if TaggedKind.AMI in tag.on)
