"""What the tags of an AMI say of changed inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.reading.tag_rules import refusals
from orchestrator.plan.explaining.short_digests import from_tags, in_tags, to_tags
from orchestrator.plan.inputs import Inputs, part, stacked
from orchestrator.tags import INPUT_TAGS, LONGEST_VALUE

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Planner


def inputs_of(planner: Planner, image: str) -> Inputs:
    return next(one.inputs for one in planner.segments() if one.name == image)


def test_to_tags_when_an_image_ships(shipped: Planner) -> None:
    """Every part of the largest shipped stack has its digest in the tags, and EC2 takes them."""
    inputs = inputs_of(shipped, "web")
    tags = to_tags(inputs)
    assert {layer for layer, _ in from_tags(tags)} == {"start", "base", "hardening", "agents", "workload"}
    assert ("workload", "roles/nginx") in from_tags(tags)
    assert not list(refusals({key.replace("ami:", "x:"): value for key, value in tags.items()}))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(1, 60))
def test_to_tags_when_stacks_are_any(sizes: list[int], name: int) -> None:
    """They fit their tags whatever the stack is; a change of any layer is seen."""

    def made(content: bytes) -> Inputs:
        below = None
        for place, parts in enumerate(sizes):
            named = [part(f"roles/{'r' * name}{number}", {"f": content}) for number in range(parts)]
            below = stacked(f"layer{place}", named, below)
        assert below is not None
        return below

    one, other = made(b"1"), made(b"2")
    assert set(to_tags(one)) <= set(INPUT_TAGS)
    assert all(len(value) <= LONGEST_VALUE for value in to_tags(one).values())
    assert {change.layer for change in in_tags(other, to_tags(one))} == {f"layer{place}" for place in range(len(sizes))}
    assert in_tags(one, to_tags(one)) == ()


def test_in_tags_when_an_ami_has_none(shipped: Planner) -> None:
    """An AMI without such tags says nothing, rather than that everything is new."""
    assert in_tags(inputs_of(shipped, "web"), {"ami:image": "web"}) == ()
