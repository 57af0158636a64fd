"""Which program brought what a rendered file may say, and from which version on: the table that rendering asks.

What Packer 1.6.6 knows already stands here only where a template, or a part of the product, asks for it. The versions
were read in the tags of the programs' own repositories.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The version of a plugin that is a part of Packer itself. It is older than all released ones.
BUILT_IN = "0"


class Program(Enum):
    """A program that reads a part of a rendered file; the value is where its sources are."""

    PACKER = "hashicorp/packer"
    AMAZON = "hashicorp/packer-plugin-amazon"
    ANSIBLE = "hashicorp/packer-plugin-ansible"


@dataclass(frozen=True)
class Feature:
    """A key of a rendered file (`imds_support`; `metadata_options.http_tokens`, in a block), and who knows it."""

    key: str
    program: Program
    #: The first version that knows it (`1.2.2`); BUILT_IN: the plugin in Packer 1.6.6 does, and all others.
    since: str
    #: The file in which that version declares it.
    declared: str
    #: The first version that does not know it any more; empty: all later ones do.
    until: str = ""
    #: What to heed where it is used.
    note: str = ""

    @property
    def source(self) -> str:
        """Where the version was read: repository, version, file."""
        if self.since == BUILT_IN:  # the same file, before plugins had repositories of their own
            return f"{Program.PACKER.value} 1.6.6, {self.declared}"
        return f"{self.program.value} {self.since}, {self.declared}"


def _of_amazon(since: str, declared: str, *keys: str, note: str = "") -> tuple[Feature, ...]:
    return tuple(Feature(key, Program.AMAZON, since, declared, note=note) for key in keys)


_BUILDER = "builder/ebs/builder.hcl2spec.go"
_BUILDER_BUILT_IN = "builder/amazon/ebs/builder.hcl2spec.go"
_RUN = "builder/common/run_config.hcl2spec.go"
_DEVICE_BUILT_IN = "builder/amazon/common/block_device.hcl2spec.go"

_METADATA = tuple(f"metadata_options.{key}" for key in ("http_endpoint", "http_tokens", "http_put_response_hop_limit"))
_DEVICE = (
    "delete_on_termination",
    "device_name",
    "encrypted",
    "iops",
    "kms_key_id",
    "no_device",
    "snapshot_id",
    "throughput",
    "virtual_name",
    "volume_size",
    "volume_type",
)

_ROWS = (
    Feature("required_plugins", Program.PACKER, "1.7.0", "hcl2template/types.required_plugins.go"),
    # What the frame prints.
    *_of_amazon("1.0.0", _BUILDER, "metadata_options", "skip_create_ami"),
    *_of_amazon("1.0.0", _RUN, *_METADATA),
    *_of_amazon(
        "1.0.9", "builder/common/run_config.go", "temporary_key_pair_type", note="1.6.6 takes it and ignores it"
    ),
    *_of_amazon(
        "1.0.2",
        _BUILDER,
        "ami_description",
        note="1.6.6 takes it, and describes an AMI before it tags it: nobody may do that who may change only what has "
        "the tag of a run",
    ),
    *_of_amazon(
        "1.2.2", _BUILDER, "imds_support", note='"v2.0" is the only value; it cannot be taken back from an AMI'
    ),
    # What the machine that is built on may be given.
    *_of_amazon(
        BUILT_IN,
        _BUILDER_BUILT_IN,
        "ebs_optimized",
        "ena_support",
        "sriov_support",
        "spot_instance_types",
        "spot_price",
        "user_data",
        "user_data_file",
        "ami_block_device_mappings",
        "launch_block_device_mappings",
    ),
    *_of_amazon(BUILT_IN, _DEVICE_BUILT_IN, *(f"launch_block_device_mappings.{key}" for key in _DEVICE)),
    *_of_amazon(BUILT_IN, _DEVICE_BUILT_IN, *(f"ami_block_device_mappings.{key}" for key in _DEVICE)),
    *_of_amazon(BUILT_IN, _BUILDER_BUILT_IN, "enable_t2_unlimited", note="1.6.6 refuses it for all types but t2"),
    *_of_amazon("1.1.5", _BUILDER, "enable_unlimited_credits", note="refused for all types but t2, t3, t3a and t4g"),
    *_of_amazon("1.0.9", _RUN, "metadata_options.instance_metadata_tags"),
    *_of_amazon("1.3.8", _BUILDER, "spot_allocation_strategy"),
    # What becomes of the AMI.
    *_of_amazon("1.0.1", _BUILDER, "deprecate_at"),
    *_of_amazon("1.2.2", _BUILDER, "fast_launch", note="Windows alone"),
    *_of_amazon("1.3.4", _BUILDER, "deregistration_protection"),
    *_of_amazon("1.3.7", _BUILDER, "skip_ami_run_tags", note="leaves snapshots untagged as well"),
)

#: The table, by key.
FEATURES: Mapping[str, Feature] = {feature.key: feature for feature in _ROWS}
