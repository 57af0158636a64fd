"""The order of all tests: files that take longest first, so that no worker is left alone with one at the end.

And the Packers with which they run: those that `--packers` names, beside the one on PATH.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.packers.option import add_option, look, not_run, parameters

#: No verdict depends on how fast a machine is: a deadline of 200 ms for each example is missed on a busy one.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--packers` and `--enforce-iam`."""
    add_option(parser)
    text = "Let the lab of the tests enforce rights, under an administrator: everything works as without."
    parser.addoption("--enforce-iam", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Look at the Packers that were named before anything else is done."""
    look(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with the mark `packers` run with each Packer, those that ask for `other_packer` with each named one."""
    if "other_packer" in metafunc.fixturenames:
        metafunc.parametrize("other_packer", list(parameters(metafunc.config)))
    if metafunc.definition.get_closest_marker("packers"):
        own = pytest.param(None, id="own")
        metafunc.parametrize("packer_on_path", [own, *parameters(metafunc.config)], indirect=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were not run because no other Packer was named."""
    if names := not_run(terminalreporter):
        terminalreporter.section("not run with other Packers (make test PACKERS=DIR:DIR)")
        for name in names:
            terminalreporter.write_line(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the seconds that a file's mark `long` tells; those of one file stay together, in their order."""
    items.sort(key=lambda item: -float(mark.args[0]) if (mark := item.get_closest_marker("long")) else 0.0)
