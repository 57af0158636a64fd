"""A phase of a test of which only pytest's own surroundings run: output and logs captured, warnings told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

#: The plugins of pytest that wrap a phase without doing anything in it.
_WRAPPING = frozenset(
    {
        "assertion",
        "capturemanager",
        "faulthandler",
        "logging-plugin",
        "threadexception",
        "unraisableexception",
        "warnings",
    }
)


class Phase:
    """The plugin whose hooks do, within a phase, what `within` was given."""

    NAME = "ami-phase"

    def __init__(self, item: pytest.Item, when: str, do: Callable[[], None]) -> None:
        self._item = item
        self._when = when
        self._do = do

    @pytest.hookimpl
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        """Call the phase's hook, so that all plugins do what they do around it."""
        __tracebackhide__ = True
        _hook(item, f"pytest_runtest_{self._when}")(
            item=item, **({"nextitem": None} if self._when == "teardown" else {})
        )
        return True

    @pytest.hookimpl
    def pytest_runtest_setup(self) -> None:
        """Run the step in the place of the test's setup."""
        __tracebackhide__ = True
        self._do()

    @pytest.hookimpl
    def pytest_runtest_teardown(self) -> None:
        """Run the step in the place of the test's teardown."""
        __tracebackhide__ = True
        self._do()


def within(item: pytest.Item, when: str, do: Callable[[], None]) -> None:
    """Call `do` as part of the phase "setup" or "teardown" of a test, of which nothing else is done.

    What is captured becomes a section of the item's report. Raises what `do` raises.
    """
    __tracebackhide__ = True  # pytest would show this where a fixture of a conftest.py fails
    manager = item.config.pluginmanager
    manager.register(Phase(item, when, do), Phase.NAME)
    try:
        _hook(item, "pytest_runtest_protocol")(item=item, nextitem=None)
    finally:
        manager.unregister(name=Phase.NAME)


def _hook(item: pytest.Item, name: str) -> Callable[..., object]:
    manager = item.config.pluginmanager
    kept = {*_WRAPPING, Phase.NAME}
    others = [plugin for plugin in manager.get_plugins() if manager.get_name(plugin) not in kept]
    hook: Callable[..., object] = manager.subset_hook_caller(name, others)
    return hook
