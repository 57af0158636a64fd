"""Which AMI a source means today: asked of the account before anything is started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.account import error_code, is_loopback
from orchestrator.errors import LackError
from orchestrator.registry import lacks_state, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_ec2.type_defs import FilterTypeDef, ImageTypeDef

    from orchestrator.aws.account import Account
    from orchestrator.definition.source import Source, SourceFilter

#: How Debian names its AMIs of the releases that the lab can have (orchestrator/lab/systems.py).
_DEBIAN = re.compile(r"debian-(1[23])-")


@dataclass(frozen=True)
class SourceAmi:
    """The AMI that a stack starts from."""

    ami_id: str
    name: str
    owner: str
    #: When it was made, as EC2 says it: `2026-11-23T23:55:22.000Z`; empty when EC2 does not say.
    created: str = ""


def resolve(account: Account, source: Source) -> SourceAmi:
    """The newest available AMI that a source names. Raises LackError when there is none that may be used."""
    ec2 = account.client("ec2")
    if source.filter is not None:
        found = _newest(account, source, source.filter)
    else:
        ami_id = source.ami_id or _parameter(account, source)
        try:
            images = ec2.describe_images(ImageIds=[ami_id])["Images"]
        except ec2.exceptions.ClientError as error:
            if not error_code(error).startswith("InvalidAMIID"):
                raise
            images = []
        if not images:
            raise LackError(
                f"source '{source.name}': {ami_id} is not in {account.region}, or not shared with the account"
            )
        found = images[0]
    return SourceAmi(found["ImageId"], found.get("Name", ""), found.get("OwnerId", ""), found.get("CreationDate", ""))


def _newest(account: Account, source: Source, wanted: SourceFilter) -> ImageTypeDef:
    ec2 = account.client("ec2")
    filters: list[FilterTypeDef] = [
        {"Name": "name", "Values": [wanted.name]},
        {"Name": "architecture", "Values": [wanted.architecture]},
        {"Name": "state", "Values": ["available"]},
    ]
    if wanted.product_code:
        filters.append({"Name": "product-code", "Values": [wanted.product_code]})
    images = _proven(ec2.describe_images(Owners=[wanted.owner], Filters=filters)["Images"])
    if images:
        return max(images, key=lambda image: image["CreationDate"])
    others = sorted({image["OwnerId"] for image in _proven(ec2.describe_images(Filters=filters)["Images"])})
    if others:
        raise LackError(
            f"source '{source.name}': AMIs named '{wanted.name}' in {account.region} belong to {', '.join(others)}, "
            f"not to {wanted.owner}",
            hint="an AMI of another owner may be anybody's: check `owner` of the source in ami.yml",
        )
    raise LackError(
        f"source '{source.name}': no AMI of owner {wanted.owner} named '{wanted.name}' "
        f"({wanted.architecture}) in {account.region}",
        hint=advice(account, wanted),
    )


def advice(account: Account, wanted: SourceFilter) -> str:
    """What mends a filter that nothing fits. The lab has AMIs of Debian 13 and of arm64 only when asked for them."""
    debian = _DEBIAN.match(wanted.name)
    if debian is None or not is_loopback(account.endpoint):
        return "check the filter of the source in ami.yml, and the region of the environment"
    system = f"debian-{debian[1]}{'-arm64' if wanted.architecture == 'arm64' else ''}"
    return f"ami lab up --with {system}"


def _proven(images: Iterable[ImageTypeDef]) -> list[ImageTypeDef]:
    """AMIs but for those of ours that no build finished."""
    return [image for image in images if not lacks_state(tags_of(image))]


def _parameter(account: Account, source: Source) -> str:
    ssm = account.client("ssm")
    name = source.ssm_parameter or ""
    try:
        return ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        raise LackError(f"source '{source.name}': there is no SSM parameter {name} in {account.region}") from None
