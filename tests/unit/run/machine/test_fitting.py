"""Machines beside what EC2 knows of sources and instance types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.environment import Environment
from orchestrator.definition.workspace import Workspace, load
from orchestrator.errors import DefinitionError
from orchestrator.plan.inputs import Inputs
from orchestrator.plan.segment import Segment
from orchestrator.plan.stack import outlines
from orchestrator.run.machine.fitting import Fitting, placement_of
from tests.unit.plan.conftest import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = {
    "ImageId": "ami-1",
    "Architecture": "x86_64",
    "BootMode": "legacy-bios",
    "RootDeviceName": "/dev/xvda",
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}],
}


def kind(*architectures: str, **more: Any) -> dict[str, Any]:
    return {"ProcessorInfo": {"SupportedArchitectures": list(architectures)}, **more}


TYPES = {
    "t3.small": kind("i386", "x86_64", SupportedBootModes=["legacy-bios", "uefi"], BurstablePerformanceSupported=True),
    "t4g.small": kind("arm64", SupportedBootModes=["uefi"], BurstablePerformanceSupported=True),
    "m7i.large": kind("x86_64", SupportedBootModes=["legacy-bios", "uefi"], BurstablePerformanceSupported=False),
    "u.metal": kind("x86_64", SupportedBootModes=["uefi"], NitroTpmSupport="unsupported"),
}


class Setting:
    """The shipped workspace with a machine block for golden."""

    def __init__(self, root: Path) -> None:
        for name in ("packer", "playbooks", "roles"):
            (root / name).symlink_to(PROJECT / name)
        (root / "ami.yml").write_text((PROJECT / "ami.yml").read_text())
        self.root = root

    def fitted(self, block: str, source: dict[str, Any] = SOURCE, **environment: Any) -> Segment:
        (self.root / "ami.yml").write_text((PROJECT / "ami.yml").read_text() + f"machine: {block}\n")
        workspace: Workspace = load(self.root)
        path = self.root / "packer/environments/lab.pkrvars.hcl"
        self.environment = Environment(name="lab", path=path, region="us-east-1", **environment)
        (outline,) = outlines(workspace, ["golden"])
        segment = Segment(**vars(outline), inputs=Inputs("agents", ()))
        return Fitting(workspace, self.environment, {outline.source.name: source}, TYPES).fitted(segment)

    def refusal(self, block: str, source: dict[str, Any] = SOURCE, **environment: Any) -> str:
        with pytest.raises(DefinitionError) as refused:
            self.fitted(block, source, **environment)
        return str(refused.value).replace(f"{self.root}/", "")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


LINE = len((PROJECT / "ami.yml").read_text().splitlines()) + 1


def test_types_that_do_not_fit_a_source_are_left_out(setting: Setting) -> None:
    """So one list serves sources of several architectures; the rest are tried in every subnet."""
    segment = setting.fitted(
        "{instance_types: [t4g.small, u.metal, t3.small, m7i.large]}",
        subnet_id="subnet-0123456789abcdef0",
        other_subnet_ids=("subnet-0123456789abcdef1",),
    )
    assert segment.machine.instance_types == ("t3.small", "m7i.large")
    assert segment.layers[-1] is segment.stack[-1]
    places = placement_of(setting.environment, segment).places
    assert [place[0] for place in places] == ["t3.small", "t3.small", "m7i.large", "m7i.large"]
    assert {place[1][-1] for place in places} == {"0", "1"}


def test_a_list_of_which_nothing_fits_is_refused_at_its_line(setting: Setting) -> None:
    told = setting.refusal("{instance_types: [t4g.small, u.metal]}")
    assert told == (
        f"ami.yml:{LINE}: no instance type fits 'golden': t4g.small is for arm64, and 'debian-12' for x86_64; "
        "u.metal boots by uefi, and 'debian-12' by legacy-bios"
    )


def test_the_types_of_the_environment_are_compared_as_well(setting: Setting) -> None:
    told = setting.refusal("{}", SOURCE | {"Architecture": "arm64", "BootMode": "uefi"})
    assert told.startswith("packer/environments/lab.pkrvars.hcl:")
    assert "t3.small is for i386, x86_64, and 'debian-12' for arm64" in told


@pytest.mark.parametrize(
    ("block", "source", "told"),
    [
        ("{architecture: x86_64}", {"Architecture": "arm64"}, "'architecture' is x86_64, and the source 'debian-12'"),
        ("{root_volume: {size: 7}}", {}, "has a root volume of 8 GiB, which cannot shrink to 7"),
        ("{credits: standard, instance_types: [t3.small]}", {"TpmSupport": "v2.0"}, ""),
        ("{instance_types: [u.metal]}", {"BootMode": "uefi", "TpmSupport": "v2.0"}, "u.metal has no TPM"),
        ("{credits: unlimited}", {}, "m7i.large has no credits"),
    ],
)
def test_what_the_source_does_not_agree_with(setting: Setting, block: str, source: dict[str, Any], told: str) -> None:
    if not told:
        assert setting.fitted(block, SOURCE | source).machine.credits == "standard"
        return
    more = {"instance_type": "m7i.large"} if "m7i" in told else {}
    assert told in setting.refusal(block, SOURCE | source, **more)


def test_more_places_than_a_build_may_be_tried_in(setting: Setting) -> None:
    """Spot capacity doubles the attempts."""
    subnets = tuple(f"subnet-{number:017x}" for number in range(1, 25))
    many: dict[str, Any] = {"subnet_id": f"subnet-{0:017x}", "other_subnet_ids": subnets}
    assert setting.fitted("{instance_types: [t3.small, m7i.large], spot: false}", **many)
    told = setting.refusal("{instance_types: [t3.small, m7i.large], spot: true}", **many)
    assert "100 attempts at a place for the machine are too many: a build may be tried in 98" in told


def test_a_segment_on_other_types_has_the_same_fingerprint(setting: Setting) -> None:
    segment = setting.fitted("{instance_types: [t3.small]}")
    assert replace(segment).on_types(("m7i.large",)).fingerprint == segment.fingerprint
