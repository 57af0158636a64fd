"""The program `packer` for tests answers as the version that it speaks as."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.packers.install import PLUGINS, VERSIONS, install, install_plugin
from tests.packers.recording import FOLDER, line_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.packers.setting import Home

    Run = Callable[..., subprocess.CompletedProcess[str]]

ASKS = """
packer {
  required_plugins {
    amazon = {
      version = ">= 1.2.1, < 2.0.0"
      source  = "github.com/hashicorp/amazon"
    }
    ansible = {
      version = ">= 1.1.0, < 2.0.0"
      source  = "github.com/hashicorp/ansible"
    }
  }
}
"""
SOURCE = """
variable "name" { default = "x" }
source "amazon-ebs" "tiny" {
  ami_name = "tiny-${var.name}"
  MORE
}
build {
  sources = ["source.amazon-ebs.tiny"]
  provisioner "ansible" {
    playbook_file = "x.yml"
  }
}
"""


@pytest.fixture
def packer(tmp_path: Path) -> Callable[[str], Home]:
    """Installs a version."""
    return lambda version: install(tmp_path / version, version)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program in a folder of its own, which is also its home."""
    (tmp_path / "home").mkdir()

    def start(home: Home, *arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("PACKER_", "XDG_"))}
        given = plain | {"HOME": str(tmp_path / "home")} | environment
        return subprocess.run(
            [home.program, *arguments],
            cwd=tmp_path / "home",
            env={name: value for name, value in given.items() if value is not None},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def write(tmp_path: Path, text: str) -> str:
    (tmp_path / "home" / "x.pkr.hcl").write_text(text)
    return "x.pkr.hcl"


def plugins_named(said: str) -> list[str]:
    return sorted(line.rpartition("/")[2].partition("_x5")[0] for line in said.splitlines())


@pytest.mark.parametrize("version", VERSIONS)
def test_version_is_told_in_all_its_forms(packer: Callable[[str], Home], run: Run, version: str) -> None:
    """`--version` gives the bare number until 1.10."""
    home = packer(version)
    assert run(home, "version").stdout == f"Packer v{version}\n"
    assert run(home, "--version").stdout == (f"Packer v{version}\n" if version == "1.16.0" else f"{version}\n")
    machine = [line.partition(",")[2] for line in run(home, "-machine-readable", "version").stdout.splitlines()]
    assert machine[0] == f",version,{version}"
    assert machine[-1] == f",ui,say,Packer v{version}"


def test_version_without_plugins_of_its_own_knows_no_command_for_them(packer: Callable[[str], Home], run: Run) -> None:
    home = packer("1.6.6")
    assert [run(home, *words).returncode for words in (["plugins", "installed"], ["init", "."])] == [127, 127]


@pytest.mark.parametrize("version", ["1.9.5", "1.16.0"])
def test_plugins_are_found_where_the_variable_says(packer: Callable[[str], Home], run: Run, version: str) -> None:
    home = packer(version)
    assert run(home, "plugins", "installed").stdout == ""
    found = run(home, "plugins", "installed", PACKER_PLUGIN_PATH=str(home.plugins)).stdout
    assert plugins_named(found) == [f"packer-plugin-{name}_v{number}" for name, number in PLUGINS[version].items()]


@pytest.mark.parametrize(
    ("place", "finders"),
    [
        ("home/.packer.d/plugins", {"1.9.5", "1.16.0"}),
        ("home/.config/packer/plugins", {"1.9.5", "1.16.0"}),
        ("home", {"1.9.5"}),  # the working directory
        ("PROGRAM", {"1.9.5"}),  # the folder of the program
    ],
)
def test_plugins_are_looked_for_in_the_versions_own_places(
    packer: Callable[[str], Home], run: Run, tmp_path: Path, place: str, finders: set[str]
) -> None:
    for version in ("1.9.5", "1.16.0"):
        home = packer(version)
        install_plugin(home.folder if place == "PROGRAM" else tmp_path / place, "amazon", "1.3.0")
        found = plugins_named(run(home, "plugins", "installed").stdout)
        assert found == (["packer-plugin-amazon_v1.3.0"] if version in finders else []), version


def test_config_folder_is_xdgs_unless_the_old_one_exists(
    packer: Callable[[str], Home], run: Run, tmp_path: Path
) -> None:
    home = packer("1.16.0")
    install_plugin(tmp_path / "xdg" / "packer" / "plugins", "amazon", "1.3.0")
    assert run(home, "plugins", "installed", XDG_CONFIG_HOME=str(tmp_path / "xdg")).stdout != ""
    (tmp_path / "home" / ".packer.d").mkdir()
    assert run(home, "plugins", "installed", XDG_CONFIG_HOME=str(tmp_path / "xdg")).stdout == ""


def test_several_folders_of_plugins(packer: Callable[[str], Home], run: Run) -> None:
    """1.9.5 takes them; to 1.16 they are the end of every command, on standard error alone."""
    old, new = packer("1.9.5"), packer("1.16.0")
    assert run(old, "plugins", "installed", PACKER_PLUGIN_PATH=f"/nowhere:{old.plugins}").stdout.count("\n") == 2
    refused = run(new, "-machine-readable", "version", PACKER_PLUGIN_PATH=f"/nowhere:{new.plugins}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Multiple paths are no longer supported" in refused.stderr


def test_without_a_home(packer: Callable[[str], Home], run: Run) -> None:
    """1.16 needs one to say its version, unless a variable names the plugins."""
    old, new = packer("1.9.5"), packer("1.16.0")
    assert run(old, "version", HOME=None).returncode == 0
    assert "No $HOME environment variable found" in run(new, "version", HOME=None).stderr
    assert run(new, "version", HOME=None, PACKER_PLUGIN_PATH=str(new.plugins)).returncode == 0


@pytest.mark.parametrize("version", ["1.9.5", "1.16.0"])
@pytest.mark.parametrize("checksum", [None, "00"])
def test_plugin_without_its_checksum_is_passed_over(
    packer: Callable[[str], Home], run: Run, version: str, checksum: str | None
) -> None:
    """In silence."""
    home = packer(version)
    (sums,) = home.plugins.glob("*/*/amazon/*_SHA256SUM")
    if checksum is None:
        sums.unlink()
    else:
        sums.write_text(checksum)
    done = run(home, "plugins", "installed", PACKER_PLUGIN_PATH=str(home.plugins))
    assert "amazon" not in plugins_named(done.stdout)[0]
    assert (done.returncode, done.stderr) == (0, "")


def test_plugin_that_is_not_what_its_name_says_is_passed_over(packer: Callable[[str], Home], run: Run) -> None:
    home = packer("1.16.0")
    path = install_plugin(home.plugins, "other", "1.0.0")
    for one in (path, path.with_name(f"{path.name}_SHA256SUM")):
        shutil.move(one, one.with_name(one.name.replace("1.0.0", "2.0.0")))
    assert "other" not in run(home, "plugins", "installed", PACKER_PLUGIN_PATH=str(home.plugins)).stdout


@pytest.mark.parametrize("version", ["1.9.5", "1.16.0"])
def test_required_plugins_are_listed_with_their_files(
    packer: Callable[[str], Home], run: Run, tmp_path: Path, version: str
) -> None:
    """A missing one has none, and the exit code is 0 all the same."""
    home, file = packer(version), write(tmp_path, ASKS)
    missing = run(home, "plugins", "required", file)
    assert missing.returncode == 0
    assert sorted(missing.stdout.splitlines()) == [
        'amazon github.com/hashicorp/amazon ">= 1.2.1, < 2.0.0"',
        'ansible github.com/hashicorp/ansible ">= 1.1.0, < 2.0.0"',
    ]
    found = run(home, "plugins", "required", file, PACKER_PLUGIN_PATH=str(home.plugins)).stdout
    assert all(line.endswith("_x5.0_linux_amd64") for line in found.splitlines())
    assert run(home, "init", file).returncode == 1
    assert run(home, "init", file, PACKER_PLUGIN_PATH=str(home.plugins)).returncode == 0


@pytest.mark.parametrize("version", ["1.9.5", "1.16.0"])
def test_build_without_plugins_ends_as_recorded(
    packer: Callable[[str], Home], run: Run, tmp_path: Path, version: str
) -> None:
    file = write(tmp_path, ASKS + SOURCE.replace("MORE", ""))
    done = run(packer(version), "build", "-machine-readable", file)
    (recorded,) = (FOLDER / version / "no-plugins.txt").read_text().splitlines()
    (line,) = done.stdout.splitlines()
    assert done.returncode == 1
    assert sorted(line_of(line).data[1].split("\n")) == sorted(line_of(recorded).data[1].split("\n"))


def test_required_plugins_are_no_block_of_the_oldest(packer: Callable[[str], Home], run: Run, tmp_path: Path) -> None:
    done = run(packer("1.6.6"), "validate", write(tmp_path, ASKS + SOURCE.replace("MORE", "")))
    assert done.returncode == 1
    assert 'Blocks of type "required_plugins" are not expected here.' in done.stdout


@pytest.mark.parametrize(
    ("version", "attribute", "code"),
    [("1.6.6", "deprecate_at", 1), ("1.9.5", "skip_ami_run_tags", 1), ("1.16.0", "skip_ami_run_tags", 0)],
)
def test_validate_knows_what_the_plugin_knows(
    packer: Callable[[str], Home], run: Run, tmp_path: Path, version: str, attribute: str, code: int
) -> None:
    home, text = packer(version), SOURCE.replace("MORE", f"{attribute} = true")
    done = run(home, "validate", write(tmp_path, text), PACKER_PLUGIN_PATH=str(home.plugins))
    assert done.returncode == code, done.stdout


def test_variables_that_a_template_does_not_declare(packer: Callable[[str], Home], run: Run, tmp_path: Path) -> None:
    """An error on the command line, a warning in a file."""
    home, file = packer("1.16.0"), write(tmp_path, SOURCE.replace("MORE", ""))
    given = {"PACKER_PLUGIN_PATH": str(home.plugins)}
    assert "Undefined -var variable" in run(home, "validate", "-var", "nothing=1", file, **given).stdout
    (tmp_path / "home" / "more.pkrvars.hcl").write_text("nothing = 1\n")
    done = run(home, "validate", "-var-file=more.pkrvars.hcl", file, **given)
    assert done.returncode == 0
    assert 'The variable "nothing" was set but was not declared' in done.stdout


@pytest.mark.parametrize(("version", "runs"), [("1.6.6", True), ("1.9.5", True), ("1.16.0", False)])
def test_loose_plugin_in_the_working_directory(
    packer: Callable[[str], Home], run: Run, tmp_path: Path, *, version: str, runs: bool
) -> None:
    """Older versions run it, whatever the command."""
    loose = tmp_path / "home" / "packer-plugin-loose"
    loose.write_text("#!/bin/sh\ntouch ran\n")
    loose.chmod(0o755)
    run(packer(version), "version")
    assert (tmp_path / "home" / "ran").exists() == runs


def test_build_asks_no_account_but_the_labs(packer: Callable[[str], Home], run: Run, tmp_path: Path) -> None:
    """Without an endpoint it refuses."""
    home, file = packer("1.16.0"), write(tmp_path, SOURCE.replace("MORE", 'region = "us-east-1"'))
    done = run(home, "build", "-machine-readable", file, PACKER_PLUGIN_PATH=str(home.plugins))
    assert done.returncode == 1
    assert "it needs an endpoint" in done.stdout
