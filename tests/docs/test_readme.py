"""What README and the docs show is what the product does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.definition.environment import read_environment
from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError, Problem

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
AMI = Path(sys.executable).parent / "ami"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, without the indentation of the list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", README, flags=re.DOTALL | re.MULTILINE)
    return ["\n".join(line.removeprefix(indent) for line in body.splitlines()) for indent, body in found]


def commands() -> list[str]:
    """Every `ami` command of README, without placeholders."""
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    inline = [text for text in re.findall(r"`(ami [^`]*)`", README) if "…" not in text]
    return sorted({line for line in [*lines, *inline] if line.startswith("ami ")})


@pytest.mark.parametrize("command", commands())
def test_command_when_shown(command: str) -> None:
    """Each command exists, with each option that is shown."""
    words = [word for part in command.split("|") for word in shlex.split(part.replace("\\", ""))][1:]
    names = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    parts = names[:2] if names[:1] in (["lab"], ["completion"]) else names[:1]
    done = subprocess.run([AMI, *parts, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for option in re.findall(r"--[a-z-]+", command):
        assert option in done.stdout


def test_yaml_when_shown(tmp_path: Path) -> None:
    """The image of README is a good definition in this workspace."""
    (block,) = blocks("yaml")
    for name in ("ami.yml", "playbooks", "roles"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "packer/images").mkdir(parents=True)
    for name in ("environments", "images/golden.yml"):
        (tmp_path / "packer" / name).symlink_to(REPOSITORY / "packer" / name)
    web = tmp_path / "packer/images/web.yml"
    web.write_text(block)
    assert load(tmp_path).image("web").layers[0].vars == {"nginx_worker_processes": 4}

    web.write_text(block.replace("from: golden", "from: goldn"))
    with pytest.raises(DefinitionError) as refused:
        load(tmp_path)
    (problem,) = refused.value.problems
    assert f"packer/images/web.yml:{problem.line}: {problem.what}" in README


def test_environment_when_shown(tmp_path: Path) -> None:
    """The environment of README is one that the factory reads."""
    (block,) = blocks("hcl")
    path = tmp_path / "dev.pkrvars.hcl"
    path.write_text(block)
    problems: list[Problem] = []
    environment = read_environment(path, problems)
    assert problems == []
    assert environment is not None
    assert (environment.region, environment.ssh_interface) == ("eu-central-1", "session_manager")


def test_make_targets_when_shown() -> None:
    """The two commands of README are targets."""
    listed = subprocess.run(["make", "-s", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE):
        assert re.search(rf"^{target} ", listed, flags=re.MULTILINE)
