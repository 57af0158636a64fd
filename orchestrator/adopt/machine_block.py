"""The machine block of an image, from a source block of the builder amazon-ebs.

What the block has no key for, and the frame does not set, goes into a fragment of the `source` block as it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from orchestrator.adopt.block import TemplateAttribute, TemplateBlock, Unknown
from orchestrator.adopt.carried_files import FOLDER, AdoptedFile, MissingFileError
from orchestrator.definition.machine.block import Machine
from orchestrator.definition.reading.tag_rules import refusals
from orchestrator.render.layout import laid_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.adopt.carried_files import CarriedFiles
    from orchestrator.adopt.ledger import Ledger

#: Devices from which AMIs boot (EC2 User Guide, "Device names for volumes").
_ROOTS = ("/dev/sda1", "/dev/xvda")
_OF_VOLUME = {"volume_size": "size", "volume_type": "type", "iops": "iops", "throughput": "throughput"}
_FLAGS = {"ena_support": "ena", "sriov_support": "sriov"}
#: Attributes and blocks that mean the same in the frame's `source` block, which does not set them.
_KEPT = frozenset(
    {
        "ami_virtualization_type", "associate_public_ip_address", "availability_zone", "disable_stop_instance",
        "ebs_optimized", "pause_before_connecting", "pause_before_ssh", "ssh_bastion_host", "ssh_bastion_port",
        "ssh_bastion_username", "ssh_port", "ssh_pty", "temporary_security_group_source_cidrs", "tenancy",
    }
)  # fmt: skip
_KEPT_BLOCKS = frozenset({"placement", "security_group_filter", "subnet_filter", "vpc_filter"})
_METADATA = {"http_endpoint": "enabled", "http_tokens": "required"}


@dataclass
class MachineReader:
    """Reads one source block for the image `name`; `machine` is what was carried over so far."""

    block: TemplateBlock
    name: str
    ledger: Ledger
    files: CarriedFiles
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def _file(self) -> str:
        return f"packer/images/{self.name}.yml"

    def read(self) -> dict[str, Any]:
        """The fields of the block; empty when nothing of it is said."""
        self._types()
        self._volumes()
        self._user_data()
        self._metadata()
        self._tags()
        for name, field_ in _FLAGS.items():
            if (attribute := self.block.get(name)) is not None:
                self._take({field_: attribute.value}, attribute)
        credits_ = self.block.get("enable_unlimited_credits")
        if credits_ is not None and isinstance(credits_.value, bool):
            self._take({"credits": "unlimited" if credits_.value else "standard"}, credits_)
        encrypt, key = self.block.get("encrypt_boot"), self.block.get("kms_key_id")
        if encrypt is not None and encrypt.value is True and not (key and key.value):
            self._take({"encryption": {}}, encrypt)
        self._fragment()
        return self.machine

    def _take(self, fields: dict[str, Any], *items: TemplateAttribute | TemplateBlock) -> bool:
        """Carry items over as some fields, unless a machine block cannot have them, which is then listed."""
        unknown = (_why(item) for item in items if isinstance(item, TemplateAttribute) and _is_unknown(item))
        why = next(unknown, "") or _refusal({**self.machine, **fields})
        for item in items:
            if why:
                self.ledger.leave(item, why, f"write it into the `machine` block of {self._file}")
            else:
                self.ledger.carry(item, self._file)
        if not why:
            self.machine |= fields
        return not why

    def _types(self) -> None:
        one, several = self.block.get("instance_type"), self.block.get("spot_instance_types")
        if one is not None:
            self._take({"instance_types": [one.value]}, one)
        elif several is not None:
            self._take({"instance_types": several.value}, several)
        price = self.block.get("spot_price")
        if price is not None and price.value not in ("", "0"):
            self._take({"spot": True if price.value == "auto" else {"max_price": str(price.value)}}, price)

    def _volumes(self) -> None:
        omitted = {
            str(device.value): block
            for block in self.block.all("ami_block_device_mappings")
            if (device := block.get("device_name")) and (no := block.get("no_device")) and no.value is True
        }
        for block in self.block.all("launch_block_device_mappings"):
            device = block.get("device_name")
            if device is None or _is_unknown(device):
                self.ledger.leave(
                    block, "its device is not known", f"write it into the `machine` block of {self._file}"
                )
                continue
            fields = {key: found.value for name, key in _OF_VOLUME.items() if (found := block.get(name))}
            named = [found for name in (*_OF_VOLUME, "device_name") if (found := block.get(name))]
            if device.value in _ROOTS:
                taken = self._take({"root_volume": fields}, block, *named)
            else:
                taken = self._extra(block, fields, named, omitted.get(str(device.value)))
            if taken:
                self._rest_of_volume(block)

    def _extra(
        self,
        block: TemplateBlock,
        fields: dict[str, Any],
        named: list[TemplateAttribute],
        omitted: TemplateBlock | None,
    ) -> bool:
        (device,) = (attribute for attribute in named if attribute.name == "device_name")
        # Where nobody names a type, EC2 takes gp2 (EC2 API Reference, EbsBlockDevice: `VolumeType`).
        fields = {"device": device.value, "type": "gp2", **fields}
        if (snapshot := block.get("snapshot_id")) is not None:
            fields["snapshot"] = snapshot.value
            named.append(snapshot)
        items: list[TemplateAttribute | TemplateBlock] = [block, *named]
        if omitted is not None:
            fields["build_only"] = True
            items += [omitted, *(each for each in omitted.attributes if each.name in ("device_name", "no_device"))]
        return self._take({"volumes": [*self.machine.get("volumes", ()), fields]}, *items)

    def _rest_of_volume(self, block: TemplateBlock) -> None:
        for attribute in block.attributes:
            if attribute.name == "delete_on_termination" and attribute.value is True:
                self.ledger.carry(attribute, "packer/image.pkr.hcl.j2")
            elif attribute.name == "delete_on_termination":
                self.ledger.leave(attribute, "volumes end with their machine", "nothing to do")

    def _user_data(self) -> None:
        text, file = self.block.get("user_data"), self.block.get("user_data_file")
        if text is not None and not _is_unknown(text):
            relative = f"{FOLDER}/{self.files.name}/user-data-{self.name}"
            if self._take({"user_data": relative}, text):
                self.files.found[relative] = AdoptedFile(relative, str(text.value).encode())
        elif file is not None and not _is_unknown(file):
            try:
                self._take({"user_data": self.files.take(str(file.value))}, file)
            except MissingFileError as missing:
                self.ledger.leave(file, f"'{missing}' is not there", "adopt the template again when the file is there")

    def _metadata(self) -> None:
        for block in self.block.all("metadata_options"):
            self.ledger.carry(block, self._file)
            for attribute in block.attributes:
                if _METADATA.get(attribute.name) == attribute.value:
                    self.ledger.carry(attribute, "packer/image.pkr.hcl.j2")
                elif attribute.name == "http_put_response_hop_limit":
                    self._take({"imds": {**self.machine.get("imds", {}), "hop_limit": attribute.value}}, attribute)
                elif attribute.name == "instance_metadata_tags":
                    tags = {"instance_tags": attribute.value == "enabled"}
                    self._take({"imds": {**self.machine.get("imds", {}), **tags}}, attribute)
                else:
                    why = "machines of builds answer IMDSv2 only"
                    self.ledger.leave(attribute, why, "nothing to do, if the provisioners can use IMDSv2")

    def _tags(self) -> None:
        run_tags = self.block.get("run_tags")
        if run_tags is None or not isinstance(run_tags.value, dict):
            return
        tags = {key: str(value) for key, value in run_tags.value.items() if not isinstance(value, Unknown)}
        refused = {key for key, value in tags.items() if next(refusals({key: value}), None)}
        good = {key: value for key, value in tags.items() if key not in refused}
        if not good or _refusal({**self.machine, "tags": good}):
            return
        self.machine["tags"] = good
        for key in good:
            self.ledger.carry(run_tags, self._file, key)
        for name in ("run_volume_tags", "snapshot_tags"):
            attribute = self.block.get(name)
            if attribute is not None and attribute.value == run_tags.value and len(good) == len(run_tags.value):
                self.ledger.carry(attribute, self._file)

    def _fragment(self) -> None:
        attributes = [each for each in self.block.attributes if each.name in _KEPT and each.hcl]
        blocks = [each for each in self.block.blocks if each.kind in _KEPT_BLOCKS and _is_written(each)]
        if not attributes and not blocks:
            return
        name = f"sources/{self.name}.pkr.hcl.j2"
        if not self._take({"fragment": name}, *attributes, *blocks):
            return
        text = laid_out("\n".join([*_lines(attributes), *(line for each in blocks for line in _block_lines(each))]))
        content = f"{{% raw %}}\n{text}{{% endraw %}}\n"
        self.files.found[f"packer/{name}"] = AdoptedFile(f"packer/{name}", content.encode())
        for each in blocks:
            for attribute in each.attributes:
                self.ledger.carry(attribute, f"packer/{name}")


def _lines(attributes: list[TemplateAttribute] | tuple[TemplateAttribute, ...]) -> Iterator[str]:
    return (f"{attribute.name} = {attribute.hcl}" for attribute in attributes)


def _block_lines(block: TemplateBlock) -> Iterator[str]:
    yield f"{block.kind} {{"
    yield from _lines(block.attributes)
    yield "}"


def _is_written(block: TemplateBlock) -> bool:
    return not block.blocks and all(attribute.hcl for attribute in block.attributes)


def _is_unknown(attribute: TemplateAttribute) -> bool:
    return isinstance(attribute.value, Unknown) or "{{" in str(attribute.value)


def _why(attribute: TemplateAttribute) -> str:
    return attribute.value.why if isinstance(attribute.value, Unknown) else "Packer works it out at each build"


def _refusal(machine: dict[str, Any]) -> str:
    """Why a machine block cannot have these fields; empty when it can."""
    try:
        Machine.model_validate(machine)
    except ValidationError as refused:
        first = refused.errors()[0]
        return f"a machine block cannot have this '{'.'.join(map(str, first['loc']))}': {first['msg']}"
    return ""
