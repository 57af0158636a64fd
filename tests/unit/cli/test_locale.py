"""`ami` and the programs that it starts work in every locale, also in one that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.long(30)

REPOSITORY = Path(__file__).parents[3]

#: What a shell may say of its locale. `xx_YY` is on no machine; the last one makes ASCII of Python's own output.
SURROUNDINGS = {
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "not there": {"LC_ALL": "xx_YY.UTF-8", "LANG": "xx_YY.UTF-8"},
    "one category not there": {"LANG": "C.UTF-8", "LC_TIME": "xx_YY"},
    "ascii": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
}
BARE = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_", "PYTHON"))}


def ami(variables: Mapping[str, str], *arguments: str, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[bytes]:
    """The console script in a process of its own, as a person starts it."""
    program = Path(sys.executable).parent / "ami"
    return subprocess.run(
        [program, *arguments], cwd=folder, env={**BARE, **variables}, capture_output=True, check=False
    )


def stand_in(folder: Path, name: str, text: str) -> str:
    """A PATH whose first folder has a program `name` that prints `text`."""
    (folder / name).write_text(f"#!/bin/sh\nprintf '{text}'\n")
    (folder / name).chmod(0o700)
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A workspace on this one, with an image that has a tag and a mistake in letters that are not ASCII."""
    (tmp_path / "packer/images").mkdir(parents=True)
    (tmp_path / "ami.yml").write_text(f"name: local\nextends: {REPOSITORY}\n")
    (tmp_path / "packer/images/shop.yml").write_text(
        "name: shop\ndescription: shop\nowner: {team: 'L\u00e4den', email: shop@example.com}\nfrom: golden\n"
        "layers: [workload]\ntags: {street: 'Stra\u00dfe'}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.parametrize("variables", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_what_is_not_ascii_is_printed_in_every_locale(written: Path, variables: dict[str, str]) -> None:
    """As it is, or escaped where the terminal has no bytes for it; never an end by an error of encoding."""
    shown = ami(variables, "render", "shop", folder=written)
    assert shown.returncode == 0, shown.stderr
    assert any(street in shown.stdout for street in ("Stra\u00dfe".encode(), rb"Stra\xdfe", b"Stra?e"))
    image = written / "packer/images/shop.yml"
    image.write_text(image.read_text(encoding="utf-8").replace("[workload]", "['w\u00f6rk']"), encoding="utf-8")
    refused = ami(variables, "render", "shop", folder=written)
    assert refused.returncode == 2
    assert b"packer/images/shop.yml:5: " in refused.stderr
    assert b"Traceback" not in refused.stderr
    assert ami(variables, "--help").returncode == 0


@pytest.mark.parametrize("variables", [SURROUNDINGS["C"], SURROUNDINGS["not there"]], ids=["C", "not there"])
def test_ansible_and_mitogen_work_in_every_locale(variables: dict[str, str]) -> None:
    """Real programs: each line is what one of them said."""
    lines = ami(variables, "doctor").stdout.decode().splitlines()
    good = {line.split()[1].rstrip(":") for line in lines if line.startswith("ok ")}
    assert {"locale", "packer", "ansible-playbook", "git", "mitogen"} <= good


def test_a_machine_without_a_utf8_locale_is_told_so_before_anything_is_started(tmp_path: Path) -> None:
    variables = {"PATH": stand_in(tmp_path, "locale", "C\\nPOSIX\\nde_DE\\n"), "LC_ALL": "C"}
    found = " ".join(ami(variables, "doctor").stdout.decode().split())
    assert found.startswith("LACK locale")
    assert "this machine has no UTF-8 locale, and Ansible works in no other" in found
    assert "mend: apt-get install locales-all" in found
    rendered = ami(variables, "render", "web")
    assert rendered.returncode == 3
    assert b"hint: apt-get install locales-all" in rendered.stderr
