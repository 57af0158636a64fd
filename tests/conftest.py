"""The order of all tests: files that take longest first, so that no worker is left alone with one at the end.

And the Packers with which they run: those that `--packers` names, beside the one on PATH.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from orchestrator.cli.ci.spoken import known
from orchestrator.lab.settings import STATE
from tests.packers.option import add_option, look, not_run, parameters

if TYPE_CHECKING:
    from collections.abc import Generator

#: Seconds before the end of a test's time at which it is said what its programs are doing.
_BEFORE_THE_END = 15.0
#: Children of a test process that write their stacks at SIGUSR1.
_OURS = "orchestrator.lab.server|/bin/ami "
_LOG_CHARACTERS = 20_000

#: No verdict depends on how fast a machine is: a deadline of 200 ms for each example is missed on a busy one.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--packers` and `--enforce-iam`."""
    add_option(parser)
    text = "Let the lab of the tests enforce rights, under an administrator: everything works as without."
    parser.addoption("--enforce-iam", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Look at the Packers that were named before anything else is done, and be no job of a CI service.

    Tests of how `ami` speaks to one set its variables themselves.
    """
    for service in known().values():
        os.environ.pop(service.sign[0], None)
    look(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with the mark `packers` run with each Packer, those that ask for `other_packer` with each named one."""
    if "other_packer" in metafunc.fixturenames:
        metafunc.parametrize("other_packer", list(parameters(metafunc.config)))
    if metafunc.definition.get_closest_marker("packers"):
        own = pytest.param(None, id="own")
        metafunc.parametrize("packer_on_path", [own, *parameters(metafunc.config)], indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that will run out of time say which programs it waits for: they are gone when it fails."""
    mark = item.get_closest_marker("timeout")
    limit = float(mark.args[0] if mark else item.config.getini("timeout"))
    timer = threading.Timer(limit - _BEFORE_THE_END, _tell_of_programs)
    timer.daemon = True
    timer.start()
    try:
        return (yield)
    finally:
        timer.cancel()


def _tell_of_programs() -> None:
    """All programs, and in their own streams where the threads of `ami` and of the lab of this process stand."""
    listed = ["ps", "-eo", "pid,ppid,stat,etimes,wchan:20,args", "--forest", "--cols", "220"]
    said = subprocess.run(listed, capture_output=True, text=True, check=False).stdout
    sys.stderr.write(f"programs {_BEFORE_THE_END:.0f} s before the time of this test is over:\n{said}")
    children = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", _OURS], capture_output=True, text=True, check=False
    )
    for pid in children.stdout.split():
        os.kill(int(pid), signal.SIGUSR1)
    time.sleep(1)
    for log in STATE.glob(f"test-{os.getpid()}/*.log"):
        sys.stderr.write(f"{log}:\n{log.read_text(errors='replace')[-_LOG_CHARACTERS:]}\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were not run because no other Packer was named."""
    if names := not_run(terminalreporter):
        terminalreporter.section("not run with other Packers (make test PACKERS=DIR:DIR)")
        for name in names:
            terminalreporter.write_line(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the seconds that a file's mark `long` tells; those of one file stay together, in their order."""
    items.sort(key=lambda item: -float(mark.args[0]) if (mark := item.get_closest_marker("long")) else 0.0)
