"""What an update of a lock would do: the commits that come and go, and the tags that are newer."""

from __future__ import annotations

import doctest
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import DefinitionError
from orchestrator.extends import update
from orchestrator.extends.update import newer_tags, planned
from orchestrator.fetching import git

if TYPE_CHECKING:
    from tests.unit.extends.conftest import FactoryRepository


@pytest.mark.parametrize("module", [update, git])
def test_examples_when_run(module: object) -> None:
    """What docstrings show is what comes out."""
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ref", "tags", "expected"),
    [
        ("v1.4", ["v1.4.1", "1.5", "v1.3.9"], ("v1.4.1",)),
        ("os-2.0.0-rc1", ["os-2.0.0", "os-2.0.0-rc2", "other-3.0.0"], ("os-2.0.0-rc2", "os-2.0.0")),
        ("2026.05", ["2026.11", "2025.12"], ("2026.11",)),
        ("main", ["v1.0.0"], ()),
        ("v1.0.x", ["v1.0.0"], ()),
    ],
)
def test_newer_tags_when_a_ref_is_a_version(ref: str, tags: list[str], expected: tuple[str, ...]) -> None:
    """Those with the same text before the version, by the order of versions; a prerelease only beside another one."""
    assert newer_tags(ref, tags) == expected


def test_update_when_a_branch_was_rewritten(factory: FactoryRepository) -> None:
    """What the old commit had and the new one has not is counted, and the old one stays usable."""
    factory.commit({"a": "1\n"})
    old = factory.pin("main")
    factory.git("reset", "--quiet", "--hard", "v1.0.0")
    new = factory.commit({"b": "1\n"}, subject="Another way")
    change, _ = planned(factory.place("main"), old)
    assert [(line.commit, line.subject) for line in change.coming] == [(new, "Another way")]
    assert (change.coming_count, change.going_count, change.is_moved_tag) == (1, 1, False)


def test_update_when_the_lock_was_for_another_place(factory: FactoryRepository) -> None:
    """Another ref is no tag that moved; a commit of another repository says nothing about what comes."""
    old = factory.pin("v1.0.0")
    factory.commit({"a": "1\n"}, tag="v2.0.0")
    change, _ = planned(factory.place("v2.0.0"), old)
    assert (change.is_moved_tag, change.coming_count) == (False, 1)
    change, _ = planned(factory.place("v2.0.0"), replace(old, commit="1" * 40))
    assert (change.is_empty, change.coming, change.coming_count) == (False, (), 0)


def test_ref_when_it_is_a_commit(factory: FactoryRepository) -> None:
    """All of its digits are needed; a tag goes before a branch of its name."""
    commit = factory.commit({"a": "1\n"})
    assert planned(factory.place(commit), None)[0].kind == "commit"
    with pytest.raises(DefinitionError) as caught:
        factory.pin(commit[:10])
    assert str(caught.value).endswith(f"of a commit all digits are needed, {commit}")
    factory.git("branch", "v1.0.0")
    change, _ = planned(factory.place("v1.0.0"), None)
    assert (change.kind, change.new.commit) == ("tag", factory.git("rev-parse", "refs/tags/v1.0.0"))
