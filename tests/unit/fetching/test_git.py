"""The git of whoever works here: which one is served, what it is given, and what it says when it fails."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import LackError
from orchestrator.fetching.git import check_version, environment, git, hint_for, reason
from orchestrator.process import Completed, ProgramFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Closed(BaseHTTPRequestHandler):
    """Lets nobody in without a password."""

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.send_response(403 if base64.b64encode(b"me:pw-of-5").decode() in given else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def closed() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Closed)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_git_when_a_server_wants_a_password(closed: str) -> None:
    """It asks nobody and says so, with what to do about it."""
    with pytest.raises(ProgramFailed) as caught:
        git("ls-remote", f"http://{closed}/factory.git")
    assert reason(caught.value) == f"could not read Username for 'http://{closed}': terminal prompts disabled"
    assert hint_for(caught.value) == "git may not ask here: let a credential helper answer, or use an SSH URL"


def test_git_when_a_persons_settings_hold_the_password(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings in the environment count, and what git repeats of them has no password."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.http://me:pw-of-5@{closed}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://git.example.com/")
    with pytest.raises(ProgramFailed) as caught:
        git("ls-remote", "https://git.example.com/factory.git")
    assert "The requested URL returned error: 403" in reason(caught.value)
    assert closed in reason(caught.value)
    assert "pw-of-5" not in reason(caught.value)
    older = Completed(("git",), 128, b"", f"fatal: unable to access 'http://me:pw-of-5@{closed}/'".encode())
    assert reason(ProgramFailed(older)) == f"unable to access 'http://********@{closed}/'"


def test_git_when_a_hook_calls_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook's own repository is not taken for another one."""
    git("init", "--quiet", "--bare", str(tmp_path / "here.git"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hook.git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "hook.git/objects"))
    assert git("rev-parse", "--git-dir", folder=tmp_path / "here.git").out.strip() == str(tmp_path / "here.git")
    assert environment()["GIT_OBJECT_DIRECTORY"] is None


@pytest.mark.parametrize(("said", "served"), [("2.24.4", False), ("2.25.1", True), ("3.0.0.rc1", True)])
def test_version_when_git_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, *, served: bool
) -> None:
    """One that is too old is named, with the oldest that is served."""
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho git version {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if served:
        check_version()
        return
    with pytest.raises(LackError) as caught:
        check_version()
    assert str(caught.value) == f"git version {said} is too old: git 2.25 or newer is needed"


def test_version_when_there_is_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that brings it is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LackError) as caught:
        check_version()
    assert caught.value.hint == "apt-get install git"


def test_git_when_the_repository_is_anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named in the command that lets git read it."""
    git("init", "--quiet", "--bare", str(tmp_path / "there.git"))
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(ProgramFailed) as caught:
        git("ls-remote", f"file://{tmp_path}/there.git")
    assert reason(caught.value) == f"detected dubious ownership in repository at '{tmp_path}/there.git'"
    expected = f"if you trust its owner: git config --global --add safe.directory {tmp_path}/there.git"
    assert hint_for(caught.value) == expected
