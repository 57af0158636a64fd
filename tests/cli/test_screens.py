"""Screens as people see them, kept as text: terminals of 80, 100 and 160 columns, and no terminal at all.

`pytest tests/cli --remake-screens` writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.cli.terminal import python, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]
SCREENS = Path(__file__).parent / "screens"
AMI = str(Path(sys.executable).parent / "ami")
#: Nothing listens on the discard port.
NOWHERE = "http://127.0.0.1:9"

_BOARD = """
from orchestrator.cli.progress import shown
from orchestrator.progress import Event, Stage
with shown(["golden", "web@debian-13", "analytics"], 240.0) as listener:
    listener(Event("golden", Stage.PROVISION, layer="base", role="ssm_agent", task="Install the agent"))
    listener(Event("web@debian-13", Stage.TEST, message="41 of 141 tests"))
    listener(Event("web@debian-13", Stage.DONE, message="validated"))
"""

#: Each screen, by its name: the command that shows it, in a copy of the workspace of this repository.
COMMANDS = {
    "help": [AMI, "--help"],
    "help-plan": [AMI, "help", "plan"],
    "images": [AMI, "images"],
    "list-unreachable": [AMI, "list"],
    "unknown-image": [AMI, "plan", "wbe"],
    "unknown-environment": [AMI, "plan", "--env", "prd"],
    "unknown-command": [AMI, "biuld"],
    "mistakes": [AMI, "plan"],
    "board": python(_BOARD),
}


@pytest.fixture(scope="module")
def workspace() -> Iterator[Path]:
    """A copy of this repository's workspace, whose lab is nowhere. Its path is always as long: lines break by it."""
    with TemporaryDirectory(prefix="ami-", dir="/tmp") as folder:
        yield _copied(Path(folder) / "factory")


def _copied(root: Path) -> Path:
    for name in ("packer", "playbooks", "roles"):
        shutil.copytree(REPOSITORY / name, root / name)
    shutil.copy(REPOSITORY / "ami.yml", root)
    variables = root / "packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text().replace("http://127.0.0.1:4999", NOWHERE))
    return root


@pytest.fixture
def prepared(workspace: Path, request: pytest.FixtureRequest) -> Path:
    """The workspace; for `mistakes` with several in it."""
    if request.node.callspec.params["name"] == "mistakes":
        root = workspace.with_name("mistakes")
        if not root.exists():
            shutil.copytree(workspace, root)
            image = root / "packer/images/web.yml"
            image.write_text(image.read_text().replace("from: golden", "from: goldne").replace("layers:", "laiers:"))
        return root
    return workspace


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a screen with the one that is kept under a name."""

    def compare(name: str, shown: str) -> None:
        path = SCREENS / f"{name}.txt"
        if request.config.getoption("--remake-screens"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(shown, encoding="utf-8")
        assert shown == path.read_text(encoding="utf-8")

    return compare


@pytest.mark.parametrize("columns", [80, 100, 160])
@pytest.mark.parametrize("name", COMMANDS)
def test_screen(name: str, columns: int, prepared: Path, kept: Callable[[str, str], None]) -> None:
    """A person sees what is kept; no line is wider than the terminal."""
    screen = seen(COMMANDS[name], columns, cwd=prepared)
    assert max(map(len, screen.lines)) <= columns
    kept(f"{name}-{columns}", _steady(f"{screen.text}\n\nexit code {screen.code}\n", prepared))


@pytest.mark.parametrize("name", COMMANDS)
def test_screen_when_there_is_no_terminal(name: str, prepared: Path, kept: Callable[[str, str], None]) -> None:
    """A log has the same words, without colours, and lines as long as they are."""
    done = subprocess.run(
        COMMANDS[name], cwd=prepared, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert "\x1b" not in done.stdout + done.stderr
    text = f"{done.stdout}--- standard error ---\n{done.stderr}\nexit code {done.returncode}\n"
    kept(f"{name}-none", _steady(text, prepared))


def _steady(text: str, root: Path) -> str:
    """The text without what differs from run to run: the folder, and times."""
    text = text.replace(str(root), "/factory")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-01T00:00:00Z", text)
    return re.sub(r"\b\d+:\d\d\b", "0:00", re.sub(r"\b(after|about) \d+ (s|min)\b", r"\1 0 \2", text))
