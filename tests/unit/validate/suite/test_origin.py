"""Which commands are Testinfra's own questions, and which a test says itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import testinfra.host
import testinfra.modules

from orchestrator.validate.suite.backend import SsmBackend
from orchestrator.validate.suite.origin import READING
from tests.unit.validate.batch.test_attributes import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

#: Modules that run no command, hand on what a test says, or may change the machine.
OTHERS = {"__init__", "base", "command", "sudo", "ansible", "puppet", "salt"}


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def host(shell: Shell) -> Any:
    return testinfra.host.Host(SsmBackend("a-machine", asker=shell))


@pytest.mark.parametrize(
    "ask",
    [
        lambda host: host.file("/").mode,
        lambda host: host.file("/etc/passwd").content_string,
        lambda host: host.exists("sh"),
        lambda host: host.command.exists("sh"),
        lambda host: host.find_command("sh"),
        lambda host: host.user("root").uid,
        lambda host: host.group("root").gid,
        lambda host: host.system_info.type,
        lambda host: host.environment(),
        lambda host: host.process.filter(user="root"),
    ],
)
def test_a_question_of_testinfras_own_reads_only(ask: Callable[[Any], Any], host: Any, shell: Shell) -> None:
    ask(host)
    assert shell.reads != []
    assert all(shell.reads)


@pytest.mark.parametrize(
    "say",
    [
        lambda host: host.run("test -e %s", "/"),
        lambda host: host.check_output("stat -Lc %%a %s", "/"),
        lambda host: host.run_test("test -e %s", "/"),
        lambda host: host.run_expect([0], "test -e %s", "/"),
        lambda host: host.command("test -e %s", "/"),
        lambda host: host.backend.run("test -e %s", "/"),
        lambda host: host.file("/").run("test -e %s", "/"),
        lambda host: host.file("/").check_output("stat -Lc %%a %s", "/"),
        lambda host: [host.run(command, "/") for command in ("test -e %s",)],
    ],
)
def test_what_a_test_says_is_run_as_it_is_said(say: Callable[[Any], Any], host: Any, shell: Shell) -> None:
    """Though Testinfra asks in the same words."""
    host.file("/")
    shell.asked.clear()
    shell.reads.clear()
    say(host)
    assert shell.reads == [False]
    assert shell.asked[0] in {b"test -e /", b"stat -Lc %a /"}


def test_every_module_of_testinfras_is_judged() -> None:
    """One that is new counts as one that may change the machine, until somebody has looked at it."""
    folder = Path(testinfra.modules.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - OTHERS == set(READING)
