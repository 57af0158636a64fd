"""What `host.file` asks, over shells of this machine: the right answers, in as few commands as it takes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import testinfra.host
from testinfra.backend.local import LocalBackend

from orchestrator.validate.batch.attributes import Attributes
from orchestrator.validate.batch.question import Answer
from orchestrator.validate.batch.rounds import PendingQuestion, Rounds
from orchestrator.validate.suite.backend import SsmBackend

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

ATTRIBUTES = (
    *("exists", "is_file", "is_directory", "is_executable", "is_pipe", "is_socket", "is_symlink"),
    *("user", "uid", "group", "gid", "mode", "mtime", "size", "inode"),
)


class Shell:
    """Answers at once. Of those that ask for all attributes the first `killed` are killed when they have begun."""

    def __init__(self, killed: int = 0) -> None:
        self.asked: list[bytes] = []
        self.reads: list[bool] = []
        self._left = killed

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:
        self.reads.append(reads)
        self.asked.append(command)
        ending = b""
        if self._left and command.startswith(b"p="):
            self._left -= 1
            ending = b"kill -9 $$; "
        done = subprocess.run(["sh", "-c", ending + command], capture_output=True, timeout=seconds, check=False)
        return Answer(done.returncode % 256, done.stdout, done.stderr)


def host_over(shell: Shell) -> Any:
    """A host of which the system is known already."""
    host = testinfra.host.Host(SsmBackend("a-machine", asker=shell))
    host.file("/")
    shell.asked.clear()
    return host


def outcome(host: Any, path: str, attribute: str) -> object:
    try:
        return getattr(host.file(path), attribute)
    except (AssertionError, RuntimeError, ValueError) as error:
        return type(error)


@pytest.fixture(params=["file", "folder", "link", "dangling", "missing", "it's"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found = tmp_path / request.param
    match request.param:
        case "file" | "it's":
            found.write_text("four")
        case "folder":
            found.mkdir()
        case "link" | "dangling":
            found.symlink_to("/etc/passwd" if request.param == "link" else "nothing")
    return str(found)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_is_what_plain_testinfra_says(attribute: str, path: str) -> None:
    plain = outcome(testinfra.host.Host(LocalBackend()), path, attribute)
    assert outcome(host_over(Shell()), path, attribute) == plain


def test_all_attributes_of_a_path_take_one_command(tmp_path: Path) -> None:
    shell = Shell()
    file = host_over(shell).file(str(tmp_path))
    assert (file.exists, file.is_directory, file.uid, file.mode) == (True, True, os.getuid(), 0o700)
    assert len(shell.asked) == 1


def test_an_attribute_that_is_asked_again_is_read_again(tmp_path: Path) -> None:
    shell = Shell()
    file = host_over(shell).file(str(tmp_path))
    assert file.mode == 0o700
    tmp_path.chmod(0o755)
    assert file.mode == 0o755
    assert len(shell.asked) == 2


def test_tests_that_ask_for_different_attributes_of_a_file_ask_one_command(tmp_path: Path) -> None:
    """Each has a process, and so a memory, of its own."""
    rounds: Rounds[str] = Rounds()
    for attribute in ("mode", "user", "group", "size"):
        shell = Shell()
        getattr(host_over(shell).file(str(tmp_path)), attribute)
        (command,) = shell.asked
        rounds.add(PendingQuestion(attribute, command, 120, reads=True), 0)
    _, waiting, questions = rounds.take(0)
    assert (waiting, len(questions)) == (4, 1)


@pytest.mark.parametrize("attribute", ["exists", "mode"])
def test_a_user_that_is_unknown_fails_as_in_plain_testinfra(attribute: str, tmp_path: Path) -> None:
    """Or one whose `sudo` is missing: nothing has been read then."""
    host, plain = host_over(Shell()), testinfra.host.Host(LocalBackend())
    with host.sudo("nosuchuser"), plain.sudo("nosuchuser"):
        assert outcome(host, str(tmp_path), attribute) == outcome(plain, str(tmp_path), attribute)


def test_when_the_one_command_is_killed_the_plain_one_is_asked(tmp_path: Path) -> None:
    shell = Shell(killed=1)
    assert host_over(shell).file(str(tmp_path)).exists
    assert shell.asked[1:] == [f"test -e {tmp_path}".encode()]


@pytest.mark.parametrize(
    "said",
    [
        Answer(0, b"", b""),
        Answer(1, b"0 0 1 0\n", b""),
        Answer(137, b"0 1 0 0 1 1 1 \n", b""),
        Answer(0, b"0 1 0 0 1 1 1 \n", b""),
        Answer(0, b"0 1 0 0 1 1 1 \nroot:0:ro", b""),
        Answer(0, b"a word of welcome\n0 1 0 0 1 1 1 \nroot:0:root:0:755:1:2:3\n", b""),
    ],
)
def test_what_is_not_whole_is_not_believed(said: Answer) -> None:
    plain = Answer(0, b"755\n", b"")
    answers = iter([said, plain])
    assert Attributes().ask("stat -Lc %a %s", "/x", lambda _template, _path: next(answers)) is plain
