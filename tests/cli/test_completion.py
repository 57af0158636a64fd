"""Completion, in the shells themselves: each is installed for, started on a terminal, and typed into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from orchestrator.run.outcome import SegmentOutcome, SegmentStatus, Summary

if TYPE_CHECKING:
    from collections.abc import Iterator

AMI = Path(sys.executable).parent / "ami"
#: Seconds until a shell that is slow, on a machine that is busy, has answered.
PATIENCE = 300
#: How each is started without the machine's own settings, and with the person's.
SHELLS = {"bash": ["-i"], "zsh": ["-d", "-i"], "fish": ["-i"]}
#: The line goes to the start, and becomes the argument of `echo`.
SHOWN = "\x01echo GOT \r"
WEB = SegmentOutcome("web", SegmentStatus.VALIDATED, "ami-2824798aaf444ade8", "20261127T130106Z-2cb4fc66")
SUMMARY = Summary("20261127T130106Z-000a8c", "", (WEB, SegmentOutcome("wiki", SegmentStatus.FAILED)))
FILES = {
    "ami.yml": "name: team\nextends: below\nlayers: [extra, {more: {roles: []}}]\n",
    "packer/images/web.yml": "name: web\nvariants: [debian-12, {bookworm-arm64: {from: debian-12}}]\n",
    "packer/images/wiki.yml": "name: wiki\nfrom: web\n",
    "packer/images/broken.yml": "name: [\nvariants:",
    "packer/environments/staging.pkrvars.hcl": "region = 1\n",
    "below/ami.yml": "name: below\nextends: ..\n",
    "below/packer/images/golden.yml": "name: golden\n",
    "below/packer/environments/elsewhere.pkrvars.hcl": "",
    ".ami/runs/20261127T130106Z-000a8c/summary.json": json.dumps(SUMMARY.as_json()),
    ".ami/known-amis.json": '{"ami-0123456789abcdef0": "golden 20261126T130106Z-2cb4fc66 rejected"}',
    "a-file.json": "{}",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with mistakes: they are no reason for silence."""
    for name, text in FILES.items():
        path = tmp_path / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "workspace"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, workspace: Path) -> Iterator[pexpect.spawn]:
    """A shell in the workspace, for whose person completion was installed."""
    name: str = request.param
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    home = workspace.parent / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    env = {**kept, "HOME": str(home), "PATH": f"{AMI.parent}:{os.environ['PATH']}", "TERM": "xterm"}
    subprocess.run([AMI, "completion", "install", "--shell", name], env=env, check=True)
    child = pexpect.spawn(name, SHELLS[name], env=env, cwd=str(workspace), timeout=PATIENCE, dimensions=(50, 150))
    yield child
    child.close(force=True)


TYPED = {
    "ami buil": "ami build",
    "ami sweep --older": "ami sweep --older-than",
    "ami plan gol": "ami plan golden",
    "ami plan web@book": "ami plan web@bookworm-arm64",
    "ami plan --env=sta": "ami plan --env=staging",
    "ami show ami-28": "ami show ami-2824798aaf444ade8",
    "ami lab faults set agent-n": "ami lab faults set agent-no-metadata",
    "ami adopt a-f": "ami adopt a-file.json",
}


def test_words_when_tab_is_pressed(shell: pexpect.spawn) -> None:
    """Words are completed in place; `@` and `=` are part of them in every shell, and paths are the shell's own."""
    for typed, expected in TYPED.items():
        shell.send(f"{typed}\t{SHOWN}")
        shell.expect_exact(f"GOT {expected}")


def answer(line: str, cwd: Path) -> list[str]:
    """What `ami` answers to a line."""
    env = {**os.environ, "AMI_COMPLETE": line}
    done = subprocess.run([AMI], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ami plan w", ["names", "web", "web@debian-12", "web@bookworm-arm64", "wiki", "wiki@debian-12",
                        "wiki@bookworm-arm64"]),
        ("ami plan wiki w", ["names", "web", "web@debian-12", "web@bookworm-arm64", "wiki@debian-12",
                             "wiki@bookworm-arm64"]),
        ("ami plan --workspace=below g", ["names", "golden"]),
        ("ami plan -C nowhere/at/all ", ["names", "broken", "golden", "web", "wiki"]),
        ("ami plan --env=", ["names", "--env=staging"]),
        ("ami plan --env", ["names", "--env\tThe environment: packer/environments/NAME.pkrvars.hcl."]),
        ("ami show ami-", ["names", "ami-2824798aaf444ade8\tweb 20261127T130106Z-2cb4fc66 validated",
                           "ami-0123456789abcdef0\tgolden 20261126T130106Z-2cb4fc66 rejected"]),
        ("ami logs 2", ["names", "20261127T130106Z-000a8c"]),
        ("ami shell wik", ["names", "wiki", "wiki@debian-12", "wiki@bookworm-arm64"]),
        ("ami validate --connection s", ["names", "ssm", "ssh"]),
        ("ami help lab fa", ["names", "faults\tMake the lab misbehave, as the real AWS does."]),
        ("ami render web --out ", ["files"]),
        ("ami render web another", ["names"]),
        ("ami no such thing", ["names"]),
        ("ami plan 'g", ["names", "golden"]),
        ("A=1 B=2 ami plan g", ["names", "golden"]),
        ('ami \x7f \x1b "', ["names"]),
    ],
)  # fmt: skip
def test_answer_when_a_line_is_unfinished(workspace: Path, line: str, expected: list[str]) -> None:
    """Words before the cursor count, files with mistakes do not; nothing but names is ever printed."""
    found = answer(line, workspace)
    if "nowhere" in line:
        found = [name for name in found if "@" not in name]
    assert found == expected


def test_answer_when_nothing_can_be_read(tmp_path: Path) -> None:
    """Outside of a workspace there are no images, and no words about it."""
    assert answer("ami plan ", tmp_path) == ["names"]


def test_install_when_repeated(tmp_path: Path) -> None:
    """The line in the start file stands there once, after what was there; a dry run writes nothing."""
    (tmp_path / ".bashrc").write_text("alias l=ls")
    env = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash"}
    dry = subprocess.run([AMI, "completion", "install", "-n"], env=env, capture_output=True, text=True, check=True)
    assert dry.stderr.startswith("would write ")
    assert [path.name for path in tmp_path.iterdir()] == [".bashrc"]
    for _ in range(2):
        subprocess.run([AMI, "completion", "install"], env=env, check=True)
    path = tmp_path / ".local/share/bash-completion/completions/ami"
    assert (tmp_path / ".bashrc").read_text() == f'alias l=ls\n[ -r "{path}" ] && . "{path}"\n'


def test_shell_when_it_is_not_served(tmp_path: Path) -> None:
    """A shell without a completion is a mistake, with the nearest one."""
    done = subprocess.run([AMI, "completion", "show", "zhs"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: there is no completion for 'zhs' (did you mean 'zsh'?)\nhint: there is one for bash, zsh, fish\n",
    )
