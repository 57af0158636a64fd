"""`ami update` as a person and as a program use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.cli.completion.definitions import images, roots_above
from orchestrator.cli.main import main
from tests.cli.contract import error_of, kept, printed
from tests.cli.terminal import seen

if TYPE_CHECKING:
    from tests.cli.terminal import Screen

FACTORY = {
    "ami.yml": "name: factory\nsources: {debian: {ami_id: ami-0123456789abcdef0, ssh_username: admin}}\n",
    "packer/images/golden.yml": "name: golden\ndescription: d\nowner: {team: t, email: t@example.com}\nfrom: debian\n",
}
AMI = str(Path(sys.executable).parent / "ami")


@dataclass
class Team:
    """A workspace in `root` that extends the repository `factory`."""

    root: Path
    factory: Path
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
        argv = ["git", "-C", str(self.factory), *who, *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def extend(self, ref: str) -> None:
        (self.root / "ami.yml").write_text(f"name: team\nextends: {{git: 'file://{self.factory}', ref: {ref}}}\n")

    def ami(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error of a command in this process."""
        self.patch.chdir(self.root)
        self.patch.setattr(sys, "argv", ["ami", *arguments])
        ended: str | int | None = 0
        try:
            main()
        except SystemExit as exit_:
            ended = exit_.code
        out, err = self.capsys.readouterr()
        assert (ended or 0) == code, err
        kept(arguments, out, err, code)
        return out, err

    def screen(self, *arguments: str, keys: bytes = b"") -> Screen:
        return seen(
            [AMI, *arguments], 80, cwd=self.root, keys=keys, env={"XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
        )

    @property
    def is_read(self) -> bool:
        """Whether the workspace has no mistakes, for a command that needs no account."""
        return "error: no image 'no-image'" in self.ami("render", "no-image", code=2)[1]

    @property
    def lock(self) -> str:
        path = self.root / "ami.lock"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Team:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Team(tmp_path / "team", tmp_path / "factory", monkeypatch, capsys)
    made.root.mkdir()
    made.factory.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    for name, text in FACTORY.items():
        (made.factory / name).parent.mkdir(parents=True, exist_ok=True)
        (made.factory / name).write_text(text)
    made.git("add", ".")
    made.git("commit", "--quiet", "-m", "Begin")
    made.git("tag", "v1.0.0")
    return made


def test_update_when_a_branch_moves(team: Team) -> None:
    """Nothing works without a lock, and nobody is asked without a terminal; on one, Enter writes the lock. What comes
    is listed, and taken when it is agreed to.
    """
    team.extend("main")
    refused = team.ami("render", "no-image", code=2)[1]
    assert "ami.yml:2: 'file://" in refused
    assert "is not locked: there is no ami.lock; run `ami update`" in refused
    assert "nothing was changed" in team.ami("update", code=2)[1]
    assert team.lock == ""
    first = team.git("rev-parse", "main")
    screen = team.screen("update", keys=b"\r")
    assert screen.code == 0, screen.text
    assert f"  branch main: commit {first[:12]}, not locked yet" in screen.lines
    assert screen.lines[-1] == "wrote ami.lock: commit it"
    assert f"commit: {first}\n" in team.lock
    assert team.is_read
    assert images(roots_above(team.root)) == ["golden"]
    shutil.rmtree(team.root.with_name("cache"))
    refused = team.ami("render", "no-image", code=2)[1]
    assert refused.splitlines()[0] == f"fetching file://{team.factory} at main"

    team.git("commit", "--quiet", "--allow-empty", "-m", "Harden \x1b[31msshd")
    second, before = team.git("rev-parse", "main"), team.lock
    shown = printed(team.ami("update", "--check", "--json")[0])
    assert shown["extends"]["coming"] == [{"commit": second, "subject": "Harden \x1b[31msshd"}]
    assert (shown["extends"]["old_commit"], shown["extends"]["new_commit"], shown["written"]) == (first, second, False)
    assert team.screen("update", keys=b"n\r").code == 130
    assert team.lock == before
    lines = team.ami("update", "--yes")[0].splitlines()
    assert lines[1:] == [
        f"  branch main: commit {first[:12]} -> {second[:12]}",
        f"  + {second[:12]} Harden \\x1b[31msshd",
    ]
    assert f"commit: {second}\n" in team.lock


def test_update_when_a_tag_moves(team: Team) -> None:
    """It is not followed, not even with --yes, until somebody says so. Newer tags are named, with what to change."""
    team.extend("v1.0.0")
    team.ami("update", "--yes")
    before = team.lock
    team.git("commit", "--quiet", "--allow-empty", "-m", "Change")
    for tag in ("v1.0.0", "v1.2.0", "v1.10.0"):
        team.git("tag", "--force", tag)
    for option in ("--yes", "--check"):
        out, err = team.ami("update", option, code=2)
        assert "ami.yml:2: the tag v1.0.0 was moved from commit " in err
        assert out.splitlines()[-1] == "  newer: v1.10.0, v1.2.0; to use one, change `ref` in ami.yml"
        assert team.lock == before
    assert team.is_read
    team.ami("update", "--yes", "--follow-moved-tag")
    assert team.lock != before

    team.extend("v1.10.0")
    assert error_of(team.ami("update", "--check", "--json", code=2)[1])["hint"] == "ami update"
    assert "`extends` has ref 'v1.10.0', and ami.lock has ref 'v1.0.0'" in team.ami("render", "no-image", code=2)[1]
    team.extend("v1.11.0")
    assert "has no tag or branch 'v1.11.0' (did you mean 'v1.10.0'?)" in team.ami("update", "-y", code=2)[1]
    team.extend("v1.0.0")
    team.git("tag", "--delete", "v1.0.0")
    assert "which stays locked" in team.ami("update", "-y", code=2)[1]
    assert team.is_read


def test_update_when_the_new_commit_has_mistakes(team: Team) -> None:
    """Nothing is locked that no command can use: its own mistakes are shown."""
    team.extend("v1.0.0")
    team.ami("update", "--yes")
    before = team.lock
    (team.factory / "ami.yml").write_text("name: factory\nsourcess: {}\n")
    team.git("commit", "--quiet", "--all", "-m", "Break it")
    team.git("tag", "v2.0.0")
    team.extend("v2.0.0")
    err = team.ami("update", "--yes", code=2)[1]
    assert f"{team.git('rev-parse', 'HEAD')[:12]}/ami.yml:2: unknown key 'sourcess' (did you mean 'sources'?)" in err
    assert "hint: the owner of the repository has to fix that commit; the lock stays as it is" in err
    assert team.lock == before


def test_update_when_there_is_nothing_to_lock(team: Team) -> None:
    """A workspace that extends a folder has no lock."""
    (team.root / "ami.yml").write_text("name: team\nextends: ../factory\n")
    assert printed(team.ami("update", "--json")[0])["extends"] is None
    assert team.ami("update")[1] == "nothing to lock: ami.yml extends no git repository\n"
    (team.root / "ami.lock").touch()
    assert team.ami("update")[1].endswith("; nothing reads ami.lock, remove it\n")
