"""What tests share: fixtures of a scope wider than one test, and which tests share some.

pytest goes through tests in order; what several of them share is made by the first one that wants it. Here each test
gets a process, so what is shared has to be made in a process from which all of these are forked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.scope import Scope
from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from _pytest.skipping import Xfail

#: Fixtures of this product's own, which are the same wherever they are made.
_OURS = frozenset({"host", "image"})


@dataclass(frozen=True)
class SharedFixtures:
    """A fixture as an item uses it."""

    name: str
    scope: Scope
    definition: Any
    #: What it is parametrised with there.
    param: Any

    @property
    def is_made(self) -> bool:
        """Whether it stands, or failed, in this process with this parameter."""
        return self.definition.cached_result is not None and not self.is_in_the_way

    @property
    def is_in_the_way(self) -> bool:
        """Whether it stands with another parameter, so that it has to be taken down before it is made."""
        made = self.definition.cached_result
        return made is not None and not _same(made[1], self.param)


@dataclass(frozen=True)
class Branch:
    """Tests that are forked together because they share something of their own; or one test."""

    items: tuple[pytest.Item, ...]
    #: Before the fork everything is made that is shared at this scope or more widely.
    scope: Scope

    @property
    def is_test(self) -> bool:
        """Whether it is one test."""
        return len(self.items) == 1


def shared_by(item: pytest.Item) -> tuple[SharedFixtures, ...]:
    """The fixtures that an item shares, in the order in which pytest makes them."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return ()
    callspec = getattr(item, "callspec", None)
    found = []
    for name in item.fixturenames:  # type: ignore[attr-defined]
        definitions = info.name2fixturedefs.get(name)
        if not definitions:
            continue
        definition = definitions[-1]
        scope, param = definition._scope, None
        if callspec is not None and name in callspec.params:
            scope, param = callspec._arg2scope[name], callspec.params[name]
        if scope is Scope.Class and item.getparent(pytest.Class) is None:
            scope = Scope.Function
        if scope is not Scope.Function:
            found.append(SharedFixtures(name, scope, definition, param))
    return tuple(found)


def runs(item: pytest.Item) -> bool:
    """Whether no mark says beforehand that an item is not to run; such an item makes no fixture."""
    if evaluate_skip_marks(item) is not None:
        return False
    expected = evaluate_xfail_marks(item)
    return expected is None or expected.run or bool(item.config.option.runxfail)


def expected_failure(item: pytest.Item) -> Xfail | None:
    """The mark that says beforehand that an item may fail; one that is skipped has none."""
    return evaluate_xfail_marks(item) if evaluate_skip_marks(item) is None else None


def branches(items: Sequence[pytest.Item], scope: Scope) -> Iterator[Branch]:
    """Cut tests that share all of `scope` (Package, Module or Class) into branches, in their order."""
    if scope not in (Scope.Package, Scope.Module):
        yield from singles(items, scope)
        return
    for node, group in groupby(items, lambda item: node_of(item, scope)):
        together = tuple(group)
        if node is None or len(together) == 1 or not _share(together, scope):
            yield from singles(together, scope)
        elif _agree(together, scope):
            yield Branch(together, scope)
        else:
            yield from singles(together, Scope.Class)


def node_of(item: pytest.Item, scope: Scope) -> pytest.Collector | None:
    """What the branches of tests that share `scope` are about: a module, or in it a class with those within."""
    kind = pytest.Module if scope is Scope.Package else pytest.Class
    return next((node for node in item.listchain() if isinstance(node, kind)), None)


def singles(items: Iterable[pytest.Item], scope: Scope = Scope.Class) -> Iterator[Branch]:
    """Each test as a branch of its own."""
    return (Branch((item,), scope) for item in items)


def _share(items: tuple[pytest.Item, ...], scope: Scope) -> bool:
    """Whether any of the tests has a fixture of a scope narrower than `scope`, but wider than itself."""
    return any(one.scope < scope and one.name not in _OURS for item in items for one in shared_by(item))


def _agree(items: tuple[pytest.Item, ...], scope: Scope) -> bool:
    """Whether the tests have the same parameters for what they share at `scope` or more widely."""
    params: dict[int, Any] = {}
    wide = (one for item in items for one in shared_by(item) if one.scope >= scope)
    return all(_same(params.setdefault(id(one.definition), one.param), one.param) for one in wide)


def _same(one: object, other: object) -> bool:
    """Whether a fixture made with one parameter serves for the other, as pytest decides it."""
    try:
        return bool(other == one)
    except (ValueError, RuntimeError):  # as of arrays
        return other is one
