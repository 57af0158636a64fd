"""What EC2 refuses by its rules for names, texts, tags, user data and volumes, before it looks at anything else.

moto takes nearly all of it. `LIMITS` is the whole table; `check` asks it for one call. Sources are pages of the Amazon
EC2 API Reference, unless another is named:

| parameter | limit | page |
|---|---|---|
| an AMI's name | 3 to 128 letters, digits, and ( ) [ ] space . / - ' @ _ | CreateImage, RegisterImage |
| an AMI's description | 255 characters of ASCII | CreateImage, CopyImage, ModifyImageAttribute |
| a key pair's name | 255 characters of ASCII | CreateKeyPair |
| a security group's name | 255 characters of a set; not `sg-` at its beginning | CreateSecurityGroup |
| its description | 255 characters of the same set | CreateSecurityGroup |
| a tag's key | 127 characters; not `aws:` at its beginning | Tag |
| a tag's value | 256 characters | Tag |
| tags of a resource | 50, no key twice | EC2 User Guide, "Tag your Amazon EC2 resources" |
| user data | 16,384 bytes before they are encoded | EC2 User Guide, "Run commands at launch using instance user data" |
| a client token | 64 characters of ASCII | RunInstances |
| a client token | 128 characters of ASCII | CreateLaunchTemplate, CreateLaunchTemplateVersion, ModifyLaunchTemplate |
| a launch template's name | 3 to 128 letters, digits, and ( ) . / _ - | CreateLaunchTemplate |
| the description of its version | 255 characters of ASCII | CreateLaunchTemplate, CreateLaunchTemplateVersion |
| resources of one CreateTags | 1,000 | CreateTags |
| a volume's size, IOPS and throughput | by its type | EbsBlockDevice |

That descriptions are ASCII is on no page: EC2 says it when it refuses one. EC2 takes any character in a tag. The codes
are EC2's, and so are the messages wherever one was reported in public; EC2's other messages are not known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INVALID = "InvalidParameterValue"

LONGEST_KEY, LONGEST_VALUE, MOST_TAGS = 127, 256, 50
MOST_USER_DATA = 16_384
MOST_RESOURCES = 1_000

_GROUP_SET = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*"
_GROUP_WORDS = "are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
_AMI_WORDS = (
    "AMI names must be between 3 and 128 characters long, "
    "and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'"
)


@dataclass(frozen=True)
class Limit:
    """What one text parameter may be."""

    #: Characters.
    longest: int
    shortest: int = 0
    #: A pattern that all of it matches.
    characters: str = r"[\x00-\x7f]*"
    #: Of the refusal.
    code: str = INVALID
    #: Its message; empty: which rule the value breaks.
    refusal: str = ""

    def check(self, parameter: str, value: str) -> None:
        """Raise AwsFault when EC2 would not take the value."""
        why = ""
        if not re.fullmatch(self.characters, value, re.DOTALL):
            why = "Character sets beyond ASCII are not supported."
        elif not self.shortest <= len(value) <= self.longest:
            why = f"It must have {self.shortest} to {self.longest} characters."
        if why:
            raise AwsFault(self.code, self.refusal or f"Value ({value}) for parameter {parameter} is invalid. {why}")


_AMI_NAME = Limit(128, 3, r"[a-zA-Z0-9()\[\] ./\-'@_]*", "InvalidAMIName.Malformed", _AMI_WORDS)
_DESCRIPTION = Limit(255)
_TEMPLATE_NAME = Limit(
    128,
    3,
    r"[a-zA-Z0-9().\-/_]*",
    "InvalidLaunchTemplateName.MalformedException",
    "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the "
    "following characters: - ( ) . / _.",
)

#: By operation and parameter, as the API Reference writes both.
LIMITS: Mapping[tuple[str, str], Limit] = {
    ("CreateImage", "Name"): _AMI_NAME,
    ("CopyImage", "Name"): _AMI_NAME,
    ("RegisterImage", "Name"): _AMI_NAME,
    ("CreateImage", "Description"): _DESCRIPTION,
    ("CopyImage", "Description"): _DESCRIPTION,
    ("RegisterImage", "Description"): _DESCRIPTION,
    ("ModifyImageAttribute", "Description"): _DESCRIPTION,
    ("CreateSnapshot", "Description"): _DESCRIPTION,
    ("CopySnapshot", "Description"): _DESCRIPTION,
    ("CreateKeyPair", "KeyName"): Limit(255, 1),
    ("ImportKeyPair", "KeyName"): Limit(255, 1),
    ("CreateSecurityGroup", "GroupName"): Limit(
        255, 1, rf"(?!sg-){_GROUP_SET}", refusal=f"Invalid security group name. Valid names {_GROUP_WORDS}"
    ),
    ("CreateSecurityGroup", "Description"): Limit(
        255, 1, _GROUP_SET, refusal=f"Invalid security group description. Valid descriptions {_GROUP_WORDS}"
    ),
    ("RunInstances", "ClientToken"): Limit(64),
    ("CreateLaunchTemplate", "LaunchTemplateName"): _TEMPLATE_NAME,
    ("CreateLaunchTemplate", "VersionDescription"): _DESCRIPTION,
    ("CreateLaunchTemplateVersion", "VersionDescription"): _DESCRIPTION,
    **{
        (action, "ClientToken"): Limit(128)
        for action in ("CreateLaunchTemplate", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate")
    },
}


@dataclass(frozen=True)
class Volume:
    """What a type of volume may have: GiB, IOPS, MiB/s. None: it may not be asked for."""

    gib: tuple[int, int]
    iops: tuple[int, int] | None = None
    throughput: tuple[int, int] | None = None


VOLUMES: Mapping[str, Volume] = {
    "gp2": Volume((1, 16_384)),
    "gp3": Volume((1, 65_536), (3_000, 80_000), (125, 2_000)),
    "io1": Volume((4, 16_384), (100, 64_000)),
    "io2": Volume((4, 65_536), (100, 256_000)),
    "st1": Volume((125, 16_384)),
    "sc1": Volume((125, 16_384)),
    "standard": Volume((1, 1_024)),
}


def check(operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise AwsFault when EC2 would refuse a call for the form of its parameters."""
    for name, value in _texts(parameters):
        if limit := LIMITS.get((operation, name)):
            limit.check(name, value)
    for tags in _tags(operation, parameters):
        _check_tags(tags)
    if len(parameters.get("Resources", ())) > MOST_RESOURCES:
        raise AwsFault(INVALID, f"A call may name {MOST_RESOURCES} resources at most.")
    if operation == "RunInstances":
        _check_user_data(parameters.get("UserData") or "")
    for mapping in parameters.get("BlockDeviceMappings", ()):
        _check_volume(mapping.get("Ebs") or {})


def _texts(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts among a call's parameters; an attribute that is modified is a structure with a `Value`."""
    for name, value in parameters.items():
        text = value.get("Value") if isinstance(value, dict) else value
        if isinstance(text, str):
            yield name, text
    if parameters.get("Attribute") == "description":
        yield "Description", str(parameters.get("Value", ""))


def _tags(operation: str, parameters: Mapping[str, Any]) -> Iterator[list[Mapping[str, str]]]:
    if operation == "CreateTags":
        yield parameters.get("Tags", [])
    for specification in parameters.get("TagSpecifications", ()):
        yield specification.get("Tags", [])


def _check_tags(tags: list[Mapping[str, str]]) -> None:
    keys = [tag.get("Key") or "" for tag in tags]
    if len(keys) > MOST_TAGS:
        raise AwsFault("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    for key, tag in zip(keys, tags, strict=True):
        if not key:
            raise AwsFault(INVALID, "Tag key cannot be empty")
        if key.lower().startswith("aws:"):
            what = f"Value ( {key} ) for parameter key is invalid. "
            raise AwsFault(INVALID, f"{what}Tag keys starting with 'aws:' are reserved for internal use")
        if keys.count(key) > 1:
            raise AwsFault(INVALID, f"Duplicate tag key '{key}' specified.")
        if len(key) > LONGEST_KEY:
            raise AwsFault(INVALID, f"Tag key exceeds the maximum length of {LONGEST_KEY} characters")
        if len(tag.get("Value") or "") > LONGEST_VALUE:
            raise AwsFault(INVALID, f"Tag value exceeds the maximum length of {LONGEST_VALUE} characters")


def _check_user_data(encoded: str) -> None:
    try:
        size = len(base64.b64decode(encoded, validate=False))
    except (binascii.Error, ValueError):
        raise AwsFault("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
    if size > MOST_USER_DATA:
        raise AwsFault(INVALID, f"User data is limited to {MOST_USER_DATA} bytes")


def _check_volume(asked: Mapping[str, Any]) -> None:
    kind = asked.get("VolumeType")
    if not kind:
        return  # what the image says, or EC2's own choice
    volume = VOLUMES.get(kind)
    if volume is None:
        raise AwsFault(INVALID, f"Value ({kind}) for parameter volumeType is invalid.")
    for name, unit, span in (
        ("VolumeSize", "size in GiB", volume.gib),
        ("Iops", "number of IOPS", volume.iops),
        ("Throughput", "throughput in MiB/s", volume.throughput),
    ):
        value = asked.get(name)
        if value is None:
            continue
        if span is None:
            raise AwsFault(
                "InvalidParameterCombination", f"The parameter {name.lower()} is not supported for {kind} volumes."
            )
        if not span[0] <= int(value) <= span[1]:
            raise AwsFault(INVALID, f"The {unit} of a {kind} volume is {span[0]} to {span[1]}, not {value}.")
