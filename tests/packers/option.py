"""The option `--packers=DIR:DIR`: Packers that tests run for real, each a folder with `packer` and `plugins`."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.packers.setting import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

NONE_GIVEN = "no other Packers were given: make test PACKERS=DIR:DIR"


@dataclass(frozen=True)
class Given:
    """A Packer that was named. `plays`: it is the program for tests, which plays recordings."""

    folder: Path
    version: str

    @property
    def plays(self) -> bool:
        """Whether it only plays recordings."""
        return (self.folder / FILE).exists()


_GIVEN = pytest.StashKey[tuple[Given, ...]]()


def add_option(parser: pytest.Parser) -> None:
    """Declare the option."""
    text = "Run the build tests also with these Packers: folders with `packer` and `plugins`, joined by colons."
    parser.addoption("--packers", metavar="DIR:DIR", default="", help=text)


def look(config: pytest.Config) -> None:
    """Ask each Packer that was named for its version. Raises UsageError for a folder that has none."""
    folders = [Path(one).resolve() for one in str(config.getoption("--packers")).split(os.pathsep) if one]
    config.stash[_GIVEN] = tuple(Given(folder, _version(folder)) for folder in folders)


def parameters(config: pytest.Config) -> Iterator[Any]:
    """A parameter for each Packer that was named, or one that says that none was: its tests are not run, by name."""
    named = config.stash[_GIVEN]
    for one in named:
        yield pytest.param(one, id=f"packer-{one.version}")
    if not named:
        yield pytest.param(None, id="other-packers", marks=pytest.mark.skip(reason=NONE_GIVEN))


def not_run(terminal: pytest.TerminalReporter) -> list[str]:
    """The names of tests that were not run because no Packer was named."""
    skipped = terminal.stats.get("skipped", ())
    return sorted({report.nodeid for report in skipped if NONE_GIVEN in str(report.longrepr)})


def _version(folder: Path) -> str:
    program, plugins = folder / "packer", folder / "plugins"
    if not os.access(program, os.X_OK) or not plugins.is_dir():
        raise pytest.UsageError(f"--packers: {folder} has no program `packer` or no folder `plugins`")
    environment = {**os.environ, "PACKER_PLUGIN_PATH": str(plugins), "CHECKPOINT_DISABLE": "1"}
    said = subprocess.run([program, "version"], env=environment, capture_output=True, text=True, check=False)
    found = re.match(r"Packer v(\d+\.\d+\.\d+)", said.stdout)
    if found is None:
        raise pytest.UsageError(f"--packers: {program} does not tell its version: {said.stdout or said.stderr}")
    return found[1]
