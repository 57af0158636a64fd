"""How stacks are merged and cut into segments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load

if TYPE_CHECKING:
    from orchestrator.plan.segment import Segment
    from tests.unit.plan.conftest import Planner

IMAGE = """
name: NAME
description: NAME
owner: {team: tests, email: tests@example.com}
from: FROM
layers: [LAYERS]
"""


def drawn(segments: tuple[Segment, ...]) -> list[tuple[str, str | None, str]]:
    """Segments as (name, parent, layers), with the fingerprints of shared ones left out."""

    def name(text: str | None) -> str | None:
        return text.rpartition("-")[0] if text and text.startswith("stack-") else text

    return [(str(name(one.name)), name(one.parent), " ".join(layer.name for layer in one.layers)) for one in segments]


@pytest.fixture
def planner(written: Planner) -> Planner:
    for path in (written.workspace.root / "packer/images").glob("*.yml"):
        path.unlink()
    return written


def defined(planner: Planner, *images: tuple[str, str, str]) -> Planner:
    """The planner with images (name, from, layers) instead of the shipped ones."""
    for name, start, layers in images:
        text = IMAGE.replace("NAME", name).replace("FROM", start).replace("LAYERS", layers)
        (planner.workspace.root / f"packer/images/{name}.yml").write_text(text)
    return replace(planner, workspace=load(planner.workspace.root))


WEB = "workload: {roles: [nginx]}"
DATA = "workload: {roles: [postgresql]}"


def test_cut_when_images_stand_on_one_another(shipped: Planner) -> None:
    """A segment ends where an image ends."""
    assert sorted(drawn(shipped.segments())) == [
        ("analytics", "golden", "workload"),
        ("golden", None, "base hardening agents"),
        ("web", "golden", "workload"),
    ]
    assert shipped.segments()[0].name == "golden"


def test_cut_when_stacks_part(planner: Planner) -> None:
    """What two stacks have in common is one segment, although no image ends there."""
    both = defined(
        planner, ("web", "debian-12", f"base, hardening, {WEB}"), ("data", "debian-12", f"base, hardening, {DATA}")
    )
    assert drawn(both.segments()) == [
        ("stack-hardening", None, "base hardening"),
        ("data", "stack-hardening", "workload"),
        ("web", "stack-hardening", "workload"),
    ]
    shared = both.segments()[0]
    assert (shared.shared, shared.tests, shared.image.description) == (
        True,
        "",
        "Layers up to hardening, shared by data, web",
    )
    assert drawn(both.segments(["web"])) == [("web", None, "base hardening workload")]


def test_cut_when_stacks_part_at_once(planner: Planner) -> None:
    """Stacks that have nothing in common but the source share nothing."""
    both = defined(planner, ("web", "debian-12", WEB), ("data", "debian-12", DATA))
    assert drawn(both.segments()) == [("data", None, "workload"), ("web", None, "workload")]


def test_cut_when_a_layer_is_cached(planner: Planner) -> None:
    """`cache: true` ends a build, also when a single image stands on it."""
    path = planner.workspace.root / "ami.yml"
    path.write_text(path.read_text().replace("base: {roles", "base: {cache: true, roles"))
    one = defined(planner, ("web", "debian-12", f"base, hardening, {WEB}"))
    assert drawn(one.segments()) == [("stack-base", None, "base"), ("web", "stack-base", "hardening workload")]


def test_cut_when_an_ami_stands(planner: Planner) -> None:
    """A build starts from an AMI that is there already."""
    one = defined(planner, ("web", "debian-12", f"base, hardening, {WEB}"))
    (segment,) = one.segments()
    fingerprints = {inputs.layer: inputs.fingerprint for inputs in segment.inputs.chain()}
    assert drawn(one.segments(standing={fingerprints["hardening"]})) == [
        ("stack-hardening", None, "base hardening"),
        ("web", "stack-hardening", "workload"),
    ]


def test_cut_when_stacks_are_equal(planner: Planner) -> None:
    """The second image of a stack stands on the first, with no layer of its own to apply."""
    both = defined(planner, ("web", "debian-12", f"base, {WEB}"), ("shop", "debian-12", f"base, {WEB}"))
    assert drawn(both.segments()) == [("shop", None, "base workload"), ("web", "shop", "")]
    shop, web = both.segments()
    assert shop.fingerprint == web.fingerprint
    assert shop.tests != web.tests


def test_shared_segment_when_its_images_agree_on_a_tag(planner: Planner) -> None:
    """It carries the tags that all of its images have, and no other."""
    both = defined(
        planner, ("web", "debian-12", f"base, hardening, {WEB}"), ("data", "debian-12", f"base, hardening, {DATA}")
    )
    for name, tags in (("web", "{cost-center: '1', tier: front}"), ("data", "{cost-center: '1', tier: back}")):
        path = planner.workspace.root / f"packer/images/{name}.yml"
        path.write_text(path.read_text() + f"tags: {tags}\n")
    shared = replace(both, workspace=load(planner.workspace.root)).segments()[0]
    assert shared.image.tags == {"cost-center": "1"}
