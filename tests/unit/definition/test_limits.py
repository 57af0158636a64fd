"""What a definition lets through, the lab's EC2 takes: its limits are checked before anything is launched.

The lab knows nothing of the definitions, and has a table of its own; here the two are walked against each other.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.build.access import as_list, build_tags
from orchestrator.build.request import BuildRequest
from orchestrator.definition import environment
from orchestrator.definition.image import LONGEST_NAME, Image, Owner
from orchestrator.definition.reading.tag_rules import OWN_TAGS, refusals
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2 import limits as ec2_limits
from orchestrator.registry import TAGS
from orchestrator.tags import AMI_TAGS, INPUT_TAGS
from orchestrator.validate.machine.launch import launch_request, name_of, security_group_request
from orchestrator.validate.request import ImageFacts, ValidateRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = "20261123T235522Z-1a2b3c"
VERSION = "20261123T235522Z-1a2b3c4d"
AMI = "ami-0123456789abcdef0"
ACCOUNT = Account("us-east-1")


def image(**fields: Any) -> Image:
    known = {"name": "web", "description": "x", "owner": {"team": "t", "email": "t@example.com"}}
    return Image.model_validate({**known, "from": "golden", "layers": ["workload"], **fields})


def taken(operation: str, parameters: Mapping[str, Any]) -> bool:
    """Whether the lab's EC2 takes the form of a call."""
    try:
        ec2_limits.check(operation, parameters)
    except AwsFault:
        return False
    return True


def defined(**fields: Any) -> bool:
    """Whether an image may be defined so."""
    try:
        return not list(refusals(image(**fields).tags))
    except ValidationError:
        return False


def test_the_longest_names_fit_into_all_that_a_build_makes() -> None:
    """The AMI of the last attempt in as many places as there may be, its key pair, its group, and their tags."""
    attempt = environment.MOST_PLACES + 1
    built = BuildRequest(
        image="a" * LONGEST_NAME,
        version=VERSION,
        run=RUN,
        template=Path(),
        var_file=Path(),
        folder=Path(),
        workspace=Path(),
        account=ACCOUNT,
        attempt=attempt,
    )
    of_all = [{"ResourceType": "image", "Tags": as_list(build_tags(built, f"ami-build-{built.run}"))}]
    name = f"ami-build-{built.run}-{built.image}-{attempt}"
    ec2_limits.check("CreateImage", {"Name": built.ami_name, "TagSpecifications": of_all})
    ec2_limits.check("CreateKeyPair", {"KeyName": name, "TagSpecifications": of_all})
    ec2_limits.check("CreateSecurityGroup", {"GroupName": name, "TagSpecifications": of_all})
    assert not taken("CreateImage", {"Name": built.ami_name + "x"}), "the limit is where the definition has it"


def test_the_longest_names_fit_into_all_that_a_validation_makes() -> None:
    request = ValidateRequest(
        account=ACCOUNT,
        ami_id=AMI,
        image=ImageFacts("a" * LONGEST_NAME, VERSION, (), ()),
        tests=(),
        run=RUN,
        folder=Path(),
        placement=Placement((("t3.small", ""),), profile="p" * 128),
    )
    group = security_group_request(request, "vpc-0123456789abcdef0", number=99)
    ec2_limits.check("CreateSecurityGroup", group)
    ec2_limits.check("CreateKeyPair", {"KeyName": name_of(request, 99)})
    ec2_limits.check("RunInstances", launch_request(request, "sg-1", ("t3.small", ""), token="x" * 64))


@given(st.text(alphabet=string.printable + "\x80äß\u2013€\U0001f600", max_size=300))
def test_a_description_is_refused_where_ec2_refuses_it(text: str) -> None:
    """Control characters and the empty description, which EC2 may take, are refused as well."""
    printable = text != "" and all(" " <= character != "\x7f" for character in text)
    assert defined(description=text) == (printable and taken("CreateImage", {"Name": "web", "Description": text}))


@given(
    st.dictionaries(
        st.text(alphabet=st.characters(codec="utf-8"), max_size=140),
        st.text(alphabet=string.printable + "äß", max_size=300),
        max_size=4,
    )
)
def test_tags_that_may_be_defined_are_taken(written: dict[str, str]) -> None:
    if defined(tags=written):
        ec2_limits.check("CreateTags", {"Resources": [AMI], "Tags": as_list(written)})


@pytest.mark.parametrize("key", ["", "aws:x", "AWS:x", "k" * 128])
def test_keys_that_ec2_refuses_may_not_be_defined(key: str) -> None:
    assert not taken("CreateTags", {"Tags": [{"Key": key, "Value": ""}]})
    assert not defined(tags={key: ""})


def test_as_many_tags_as_may_be_defined_fit_with_those_of_the_factory() -> None:
    """At its birth an AMI has its own tags and those of the run; what is added to it later stands in `TAGS`."""
    own = {*TAGS.values(), *INPUT_TAGS, "Name"}
    assert own == AMI_TAGS
    later = {TAGS[field] for field in ("tests", "proof", "reason", "seconds")}
    of_run = {"ami:name", "ami:lease", "ami:purpose"}
    for most in (own, (own - later) | of_run):
        assert len(most) + OWN_TAGS <= ec2_limits.MOST_TAGS


def test_the_longest_owner_fits_into_its_tag() -> None:
    owner = Owner(team="t" * 100, email=f"{'e' * 138}@example.com")
    assert len(f"{owner.team} <{owner.email}>") <= ec2_limits.LONGEST_VALUE


def test_limits_are_those_that_botocore_knows() -> None:
    """Where the service model has numbers or says them, they are the table's."""
    model: Any = botocore.session.get_session().get_service_model("ec2")
    for (operation, parameter), limit in ec2_limits.LIMITS.items():
        shape = model.operation_model(operation).input_shape.members[parameter]
        known = {key: shape.metadata[key] for key in ("min", "max") if key in shape.metadata}
        assert known in ({}, {"min": limit.shortest, "max": limit.longest}), (operation, parameter)
        if "Constraints" in shape.documentation:
            assert f"{limit.longest}" in shape.documentation, (operation, parameter)
    key = model.shape_for("Tag").members["Key"].documentation
    assert f"{ec2_limits.LONGEST_KEY} Unicode characters" in key
    block = model.shape_for("EbsBlockDevice").members
    sizes = block["VolumeSize"].documentation + block["Iops"].documentation
    for volume in ec2_limits.VOLUMES.values():
        for span in (volume.gib, volume.iops):
            assert span is None or f"{span[1]:,}".replace(",", "") in sizes.replace(",", "")
