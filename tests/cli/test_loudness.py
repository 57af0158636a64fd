"""`-q`, `-v` and `--log-level`."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator import masks
from orchestrator.aws.account import Account, AwsError
from orchestrator.cli import loudness
from orchestrator.cli.progress import Lines
from orchestrator.progress import Event, Stage
from tests.cli.test_json_contract import COMMANDS, options

if TYPE_CHECKING:
    from collections.abc import Iterator

AMI = Path(sys.executable).parent / "ami"
PASSED = Event("web", Stage.TEST, "1 of 2: test_a", detail=True)
FAILED = Event("web", Stage.TEST, "2 of 2: test_b FAILED")
TASK = Event("web", Stage.PROVISION, "changed", layer="base", role="nginx", task="Install")
BEGUN = Event("web", Stage.PROVISION, "start", layer="base", role="nginx", task="Install")


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AMI, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_takes_the_options(words: tuple[str, ...]) -> None:
    """Also one that is added tomorrow."""
    assert options(COMMANDS[words]) >= {"-q", "--quiet", "-v", "--verbose", "--log-level"}


def test_quiet_before_and_after_the_command(tmp_path: Path) -> None:
    """Only results and errors are left."""
    assert "wrote" in ended("schema", "--out", str(tmp_path)).stderr
    for arguments in (("-q", "schema"), ("schema", "-q")):
        done = ended(*arguments, "--out", str(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")
    wrong = ended("-q", "plan", "-C", str(tmp_path))
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: ")


def test_quiet_and_verbose_at_once() -> None:
    done = ended("-q", "plan", "-v")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "hint: say one of them")


@pytest.mark.parametrize("every", [False, True])
def test_lines_when_tests_pass(capsys: pytest.CaptureFixture[str], *, every: bool) -> None:
    """Tests that passed and single tasks are for those who ask for every one."""
    lines = Lines(every=every)
    for event in (BEGUN, TASK, PASSED, FAILED):
        lines(event)
    said = capsys.readouterr().err
    assert "start" not in said
    assert ("test_a" in said, "Install" in said, "test_b FAILED" in said) == (every, every, True)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The log as a command has it, for this test alone; what is learned is forgotten."""
    monkeypatch.setattr(masks, "_LEARNED", set())
    root, logger = logging.getLogger(), logging.getLogger("orchestrator")
    before, handlers = logger.level, list(root.handlers)
    loudness.begin()
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(before)
    for handler in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(handler)


def test_log_when_it_has_a_secret(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """It is hidden, as everywhere."""
    masks.learn(["open sesame"])
    log.warning("the door says %s", "open sesame")
    assert "the door says ********" in capsys.readouterr().err


@pytest.mark.usefixtures("log")
def test_calls_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """What was called, on what, and how it ended; never a value."""
    ssm = Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="x", secret_key="y").client(
        "ssm", repeats=False
    )
    with pytest.raises(AwsError):
        ssm.put_parameter(Name="/door", Value="open sesame", Type="SecureString")
    said = capsys.readouterr().err
    assert "ssm PutParameter(Name=/door, Value=..., Type=...)" in said
    assert "ssm PutParameter: EndpointConnectionError" in said
    assert "sesame" not in said
