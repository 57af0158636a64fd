"""Which AMIs are ours and unfinished, and what tells it: a function of values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.snapshot import KIND as OF_SNAPSHOTS
from orchestrator.run.sweep.inventory import Resource
from orchestrator.run.sweep.unproven import unproven

RUN = "20261125T004200Z-0a1b2c"
BEGUN = {"ami:run": RUN, "ami:purpose": "build", "ami:image": "web", "ami:name": "web-1"}
KEY = Resource(KEY_PAIR, "k", "us-east-1", tags=BEGUN)
MACHINE = Resource(INSTANCE, "i-1", "us-east-1", tags=BEGUN, state="terminated")
SNAPSHOT = Resource(OF_SNAPSHOTS, "snap-1", "us-east-1", instance="i-1", image="ami-1")


def ami(tags: dict[str, str] | None = None, *, name: str = "web-1", **more: Any) -> Resource:
    return Resource(
        IMAGE,
        "ami-1",
        "us-east-1",
        tags=tags or {},
        name=name,
        state=more.pop("state", "available"),
        **more,
    )


def judged(*things: Resource) -> tuple[str, str, str, bool] | None:
    """Run, image and reason of the AMI among these things; None when it is none of ours, or finished."""
    found = [(one.run, one.image, one.how, one.certain) for one in unproven(things)]
    return found[0] if found else None


@pytest.mark.parametrize("state", ["pending", "available"])
def test_unproven_when_it_has_the_runs_tags(state: str) -> None:
    """Without a state it is half-made, whatever EC2's state says."""
    run, image, how, certain = judged(ami(BEGUN, state=state)) or ("", "", "", False)
    assert (run, image, certain) == (RUN, "web", True)
    assert how.startswith("it has the run's tags, and ")


def test_unproven_when_it_is_finished() -> None:
    """A state makes it a version, with tags of its build or without, and also when this factory does not know it."""
    assert judged(ami(BEGUN | {"ami:state": "built"}), KEY) is None
    assert judged(ami({"ami:run": RUN, "ami:image": "web", "ami:state": "rejected"}), KEY) is None
    assert judged(ami({"ami:run": RUN, "ami:state": "blessed"}), KEY) is None


def test_unproven_when_ec2_still_makes_what_has_a_state() -> None:
    """It is no version yet."""
    assert judged(ami({"ami:run": RUN, "ami:state": "built"}, state="pending")) == (
        RUN,
        "",
        "it has the run's tags, and is pending",
        True,
    )


@pytest.mark.parametrize("tags", [{"ami:run": RUN}, {"ami:image": "web"}, {"ami:run": RUN, "ami:purpose": "stack"}])
def test_unproven_when_its_tags_are_not_those_of_a_build(tags: dict[str, str]) -> None:
    """It is ours, but nothing proves that nobody needs it."""
    found = judged(ami(tags), KEY)
    assert found is not None
    assert not found[3]


def test_unproven_when_it_has_no_tags() -> None:
    """The name that a key pair of the run carries tells whose it is; another name is anybody's."""
    assert judged(ami(), KEY) == (RUN, "web", "key pair k of the run has its name", True)
    assert judged(ami(name="web-2"), KEY) is None
    assert judged(ami({"Name": "web-1"}), KEY) is not None
    assert judged(ami(state="disabled"), KEY) is None


@pytest.mark.parametrize("things", [(SNAPSHOT,), ()])
def test_unproven_when_packer_made_it_to_encrypt_it(things: tuple[Resource, ...]) -> None:
    """EC2 tells the machine, of the AMI or of its snapshot, also when it is terminated."""
    copied = ami(name="a1B2c3D", instance="" if things else "i-1")
    expected = (RUN, "web", "Packer made it of the run's machine i-1, to encrypt it", True)
    assert judged(copied, MACHINE, *things) == expected
    assert judged(replace(copied, name="rescue-1"), MACHINE, *things) is None
    assert judged(replace(copied, tags={"Name": "rescue"}), MACHINE, *things) is None


@pytest.mark.parametrize("more", [{"ami:purpose": "validate"}, {"ami:keep": "true"}])
def test_unproven_when_the_machine_is_not_a_builds(more: dict[str, str]) -> None:
    """Packer makes no AMI of a machine that is tested, and of one that was kept a person may."""
    assert judged(ami(name="a1B2c3D"), replace(MACHINE, tags=BEGUN | more), SNAPSHOT) is None


def test_unproven_when_the_proof_is_in_another_region() -> None:
    """A name means something only in its region."""
    assert judged(ami(), replace(KEY, region="eu-west-1")) is None
