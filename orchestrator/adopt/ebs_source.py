"""A source block of the builder amazon-ebs, as what a workspace says of an image, its source and its environment.

Names and meanings of the attributes: Packer documentation, "Amazon EBS Builder".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator.adopt.block import TemplateAttribute, TemplateBlock, Unknown
from orchestrator.adopt.reading.functions import text_of_value
from orchestrator.definition.environment import Environment
from orchestrator.definition.image import Image
from orchestrator.definition.reading.tag_rules import refusals
from orchestrator.definition.source import Source
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.adopt.ledger import Ledger

KIND = "amazon-ebs"

#: Attributes that an environment's file has, by its name for them.
_ENVIRONMENT = {
    name: name
    for name in ("region", "profile", "instance_type", "vpc_id", "subnet_id", "iam_instance_profile", "ssh_interface")
} | {"kms_key_id": "kms_key_id", "custom_endpoint_ec2": "endpoint"}
#: What the frame says of every build.
_FRAME: dict[str, Any] = {
    "communicator": "ssh",
    "max_retries": 8,
    "shutdown_behavior": "terminate",
    "ssh_file_transfer_method": "sftp",
    "ssh_handshake_attempts": 10,
    "ssh_timeout": "10m",
}
_ONCE = "every AMI gets a name of its own, IMAGE-VERSION"
_SECRET = "credentials are written into no file"  # noqa: S105 - a sentence
_CREDENTIALS = "name a `profile` in the environment's file, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_LATER = "an image is copied and shared after it was validated, not by its build"
_RUN_TAGS = "the factory tags what a build makes with its run, so that the sweep finds it"
_REASONS = {
    "access_key": (_SECRET, _CREDENTIALS),
    "secret_key": (_SECRET, _CREDENTIALS),
    "token": (_SECRET, _CREDENTIALS),
    "ami_name": (_ONCE, f"tools that look for the old name look for the tag {Tag.IMAGE} instead"),
    "force_deregister": (_ONCE, "nothing to do: no version takes the place of another"),
    "force_delete_snapshot": (_ONCE, "nothing to do: no version takes the place of another"),
    "ami_regions": (_LATER, ""),
    "ami_users": (_LATER, ""),
    "ami_groups": (_LATER, ""),
    "snapshot_users": (_LATER, ""),
    "run_tags": (_RUN_TAGS, ""),
    "run_tag": (_RUN_TAGS, ""),
    "run_volume_tags": (_RUN_TAGS, ""),
    "snapshot_tags": (_RUN_TAGS, ""),
    "security_group_id": (
        "the factory makes a security group for each build",
        "nothing to do, if SSH from here is enough",
    ),
    "security_group_ids": (
        "the factory makes a security group for each build",
        "nothing to do, if SSH from here is enough",
    ),
    "ssh_keypair_name": ("the factory makes a key pair for each build", "nothing to do, if the AMI takes EC2's key"),
    "ssh_private_key_file": (
        "the factory makes a key pair for each build",
        "nothing to do, if the AMI takes EC2's key",
    ),
    "aws_polling": ("the frame waits up to four hours for an AMI", "nothing to do"),
}
_IMPLIED_FILTERS = {"virtualization-type": "hvm", "root-device-type": "ebs"}
_DATA_SOURCE = re.compile(r"data\.([\w-]+)\.([\w-]+)\.(?:id|value)")
#: Families of types with Graviton processors (Amazon EC2 Instance Types, "Naming conventions": g after the generation).
_GRAVITON = re.compile(r"^(a1|[a-z]+[0-9]+g[a-z]*)\.")


class NoImageError(Exception):
    """No image can be made of a source. `item` is what stands in the way."""

    def __init__(self, item: TemplateAttribute | TemplateBlock, why: str, todo: str = "") -> None:
        super().__init__(why)
        self.item, self.why, self.todo = item, why, todo


@dataclass(frozen=True)
class EbsSource:
    """What was carried over. `start` has the fields of a source besides its name."""

    start: dict[str, Any]
    environment: dict[str, Any]
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class EbsReader:
    """Reads one source block; `data` are the template's data sources by kind and name."""

    block: TemplateBlock
    data: dict[tuple[str, ...], TemplateBlock]
    ledger: Ledger
    #: Names of the files that things go to.
    image_file: str
    environment_file: str

    def read(self) -> EbsSource:
        """What can be said of the block. Raises NoImageError when no image can be made of it."""
        self._over_ssh()
        environment = dict(self._environment())
        start = {**self._start(), "ssh_username": self._username()}
        try:
            Source.model_validate({"name": "source", **start})
        except ValidationError as refused:
            first = refused.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise NoImageError(self.block, f"a source cannot have this '{where}': {first['msg']}") from refused
        self._frame()
        return EbsSource(start, environment, self._description(), self._tags())

    def _over_ssh(self) -> None:
        communicator = self.block.get("communicator")
        if communicator and communicator.value != "ssh":
            raise NoImageError(communicator, "the factory builds over SSH only")

    def _username(self) -> str:
        attribute = self.block.get("ssh_username")
        if attribute is None:
            raise NoImageError(
                self.block, "it names no ssh_username", "write one into the template, and adopt it again"
            )
        self.ledger.carry(attribute, "ami.yml")
        return self._text(attribute)

    def _text(self, attribute: TemplateAttribute) -> str:
        """The text of an attribute without which there is no image."""
        if isinstance(attribute.value, Unknown):
            raise NoImageError(attribute, attribute.value.why, "give the variables their values with --var")
        if "{{" in str(attribute.value):
            raise NoImageError(attribute, "Packer works it out at each build", "write a value into the template")
        return str(attribute.value)

    def _environment(self) -> Iterator[tuple[str, Any]]:
        for name, key in _ENVIRONMENT.items():
            attribute = self.block.get(name)
            if attribute is None or (name == "instance_type" and self.ledger.knows(attribute)):
                continue
            if isinstance(attribute.value, Unknown) or "{{" in str(attribute.value):
                why = (
                    attribute.value.why if isinstance(attribute.value, Unknown) else "Packer works it out at each build"
                )
                self.ledger.leave(attribute, why, f"write `{key}` into {self.environment_file}")
            elif why := _refusal(key, attribute.value):
                self.ledger.leave(attribute, f"an environment cannot have it: {why}", f"write another `{key}`")
            else:
                self.ledger.carry(attribute, self.environment_file)
                yield key, attribute.value
        self._encryption()

    def _encryption(self) -> None:
        encrypt, key = self.block.get("encrypt_boot"), self.block.get("kms_key_id")
        if encrypt and encrypt.value is True and key and key.value:
            self.ledger.carry(encrypt, self.environment_file)
        elif encrypt and encrypt.value is True and not self.ledger.knows(encrypt):
            todo = f'write `kms_key_id = "alias/aws/ebs"` into {self.environment_file}'
            self.ledger.leave(encrypt, "the factory encrypts with a key that is named", todo)
        elif encrypt and encrypt.value is False and not (key and key.value):
            self.ledger.carry(encrypt, self.environment_file)

    def _start(self) -> dict[str, Any]:
        source_ami, filters = self.block.get("source_ami"), self.block.all("source_ami_filter")
        if source_ami is None and filters:
            return self._filter(filters[0])
        if source_ami is None:
            raise NoImageError(self.block, "it names neither source_ami nor source_ami_filter")
        for block in filters:
            self.ledger.leave(block, "source_ami goes before it", "nothing to do")
        if isinstance(source_ami.value, Unknown) and (data := self._data_source(source_ami)):
            self.ledger.carry(source_ami, "ami.yml")
            return data
        self.ledger.carry(source_ami, "ami.yml")
        return {"ami_id": self._text(source_ami)}

    def _data_source(self, source_ami: TemplateAttribute) -> dict[str, Any] | None:
        """What a data source that looks an AMI up says, as a source says it."""
        found = _DATA_SOURCE.fullmatch(source_ami.written.strip())
        block = self.data.get((found[1], found[2])) if found else None
        if block is None:
            return None
        self._same_region(block)
        if block.labels[0] == "amazon-ami":
            self.ledger.carry(block, "ami.yml")
            return self._filter(block)
        name = block.get("name")
        if block.labels[0] == "amazon-parameterstore" and name is not None:
            self.ledger.carry(block, "ami.yml")
            self.ledger.carry(name, "ami.yml")
            return {"ssm_parameter": self._text(name)}
        return None

    def _same_region(self, data: TemplateBlock) -> None:
        """A source is looked up where the build runs; so is a data source that names the same region."""
        own, region = self.block.get("region"), data.get("region")
        if region is not None and own is not None and own.value == region.value:
            self.ledger.carry(region, self.environment_file)
        elif region is not None:
            self.ledger.leave(region, "a source is looked up in the region of the build")

    def _filter(self, block: TemplateBlock) -> dict[str, Any]:
        self.ledger.carry(block, "ami.yml")
        filters, owners, newest = block.get("filters"), block.get("owners"), block.get("most_recent")
        if filters is None or not isinstance(filters.value, dict) or "name" not in filters.value:
            raise NoImageError(block, "a source's filter needs the name of an AMI", "add `name` to its filters")
        if owners is None or not isinstance(owners.value, list) or not owners.value:
            raise NoImageError(block, "a source's filter needs an owner", "add `owners`")
        carried: dict[str, Any] = {"owner": str(owners.value[0])}
        for key, value in filters.value.items():
            self._filter_entry(filters, key, value, carried)
        instance_type = self.block.get("instance_type")
        if "architecture" not in carried and instance_type and _GRAVITON.match(str(instance_type.value)):
            carried["architecture"] = "arm64"
        self.ledger.carry(owners, "ami.yml")
        if len(owners.value) > 1:
            self.ledger.leave(owners, f"a source has one owner: {owners.value[0]} is taken", "see who owns the AMI")
        if newest and newest.value is True:
            self.ledger.carry(newest, "ami.yml")
        elif newest:
            self.ledger.leave(newest, "a source always means the newest AMI that fits", "make `name` fit one AMI")
        return {"filter": carried}

    def _filter_entry(self, filters: TemplateAttribute, key: str, value: Any, carried: dict[str, Any]) -> None:
        place = {"name": "name", "architecture": "architecture", "product-code": "product_code"}.get(key)
        if isinstance(value, Unknown) or "{{" in str(value):
            why = value.why if isinstance(value, Unknown) else "Packer works it out at each build"
            if key == "name":
                raise NoImageError(filters, why, "give the variables their values with --var")
            self.ledger.leave(filters, why, key=key)
        elif place:
            carried[place] = str(value)
            self.ledger.carry(filters, "ami.yml", key)
        elif _IMPLIED_FILTERS.get(key) == value:
            self.ledger.leave(filters, "a source does not ask for it: such are all AMIs of today", "nothing to do", key)
        else:
            self.ledger.leave(filters, "a source does not ask for it", "make `name` fit the right AMIs only", key)

    def _frame(self) -> None:
        """What the frame says by itself, and what is known to have no place."""
        for attribute in self.block.attributes:
            if self.ledger.knows(attribute):
                continue
            if attribute.name in _FRAME and attribute.value == _FRAME[attribute.name]:
                self.ledger.carry(attribute, "packer/image.pkr.hcl.j2")
            elif attribute.name in _FRAME:
                self.ledger.leave(
                    attribute, f"the frame says {_FRAME[attribute.name]!r} for every image", "nothing to do"
                )
            elif attribute.name in _REASONS:
                self.ledger.leave(attribute, *_REASONS[attribute.name])
        for block in self.block.blocks:
            if block.kind in _REASONS and not self.ledger.knows(block):
                self.ledger.leave(block, *_REASONS[block.kind])

    def _description(self) -> str:
        attribute = self.block.get("ami_description")
        if attribute is None:
            return ""
        written, field_ = attribute.value, Image.model_fields["description"]
        todo = f"write a description into {self.image_file}"
        if isinstance(written, Unknown) or "{{" in str(written):
            why = written.why if isinstance(written, Unknown) else "Packer works it out at each build"
            self.ledger.leave(attribute, why, todo)
        elif not re.fullmatch(r"[\x20-\x7e]{1,255}", str(written)):
            self.ledger.leave(attribute, str(field_.description), todo)
        else:
            self.ledger.carry(attribute, self.image_file)
            return str(written)
        return ""

    def _tags(self) -> dict[str, str]:
        tags: dict[str, str] = {}
        if (attribute := self.block.get("tags")) and isinstance(attribute.value, dict):
            for key, value in attribute.value.items():
                if why := _tag_refusal(key, value):
                    self.ledger.leave(attribute, why, _tag_todo(key), key)
                    continue
                tags[key] = text_of_value(value)
                self.ledger.carry(attribute, self.image_file, key)
        elif attribute is not None and isinstance(attribute.value, Unknown):
            self.ledger.leave(attribute, attribute.value.why, f"write `tags` into {self.image_file}")
        for block in self.block.all("tag"):
            key, value = block.get("key"), block.get("value")
            if key is None or value is None or isinstance(key.value, Unknown):
                continue
            if why := _tag_refusal(key.value, value.value):
                self.ledger.leave(block, why, _tag_todo(key.value))
                continue
            tags[key.value] = text_of_value(value.value)
            for item in (block, key, value):
                self.ledger.carry(item, self.image_file)
        return tags


def _refusal(key: str, value: Any) -> str:
    """Why an environment cannot have a value; empty when it can."""
    known = {"name": "adopted", "path": Path("adopted"), "region": "us-east-1"}
    try:
        Environment.model_validate({**known, key: value})
    except ValidationError as refused:
        described = Environment.model_fields[key].description
        return described or str(refused.errors()[0]["msg"])
    return ""


def _tag_refusal(key: str, value: Any) -> str:
    if isinstance(value, Unknown):
        return value.why
    if isinstance(value, list | dict) or value is None:
        return "a tag's value is a text"
    return next((why for _, why in refusals({key: text_of_value(value)})), "")


def _tag_todo(key: str) -> str:
    return "nothing to do" if key == "Name" else "write the tag into the image's file"
