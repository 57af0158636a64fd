"""docs/tutorial.md, done as it says, with an `ami` from its wheel, in an environment and a folder of their own.

Its files are written, and its commands typed, in their order.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.conftest import AGENT_WAITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.long(180)

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs/tutorial.md"
#: A block, and the path in backquotes and a colon that ends the line before it, if there is one.
BLOCK = re.compile(r"(?:`(?P<path>[\w./]+)`:\n\n)?```(?P<language>\w+)\n(?P<body>.*?)```", re.DOTALL)
#: A version of an image, which is another one each time.
VERSION = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
CODE = re.compile(r"# ends with exit code (\d)")
#: Where the programs of the machine are, Packer and podman among them.
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"


def wheel_of(sources: Path, folder: Path) -> Path:
    """A wheel of what git has of the package, built apart: builds leave folders beside the sources."""
    shutil.copytree(REPOSITORY / "orchestrator", sources / "orchestrator", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, sources)
    build = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", *build, sources)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `ami`, installed from the wheel into an environment that has its dependencies from that of the
    tests: as links to their programs, and by a path.
    """
    root = tmp_path_factory.mktemp("installed")
    wheel = wheel_of(root / "sources", root / "wheels")
    run(sys.executable, "-m", "venv", "--without-pip", root / "venv")
    python = root / "venv/bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    (packages,) = (root / "venv/lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name in ("ansible-playbook", "ansible-galaxy"):
        (python.parent / name).symlink_to(Path(sysconfig.get_path("scripts")) / name)
    return python.parent


@dataclass
class Reader:
    """Somebody who follows the page. `changed` are the files that they were told to change."""

    programs: Path
    folder: Path
    lab: str
    port: int
    changed: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> None:
        """A file that the page shows: what is there already, or a change of it."""
        if (self.folder / path).read_text() != text:
            self.changed.append(path)
            (self.folder / path).write_text(text)

    def type(self, line: str) -> None:
        """A command of the page; it ends as the page says."""
        command, _, comment = line.partition("#")
        words = shlex.split(command)
        if words[0] == "cd":
            self.folder /= words[1]
            self.use_this_lab()
            return
        quick = ["--port", str(self.port), "--command-delay", "0", "--agent-waits", str(AGENT_WAITS)]
        more = {
            ("lab", "up"): ["--name", self.lab, *quick],
            ("lab", "down"): ["--name", self.lab],
            ("build", "hello"): ["--yes"],
        }.get((words[1], words[2] if words[2:] else ""), [])
        done = self.run(*words[1:], *more)
        expected = CODE.search(f"#{comment}")
        self.said[line] = done.stdout
        assert done.returncode == (int(expected[1]) if expected else 0), f"{line}\n{done.stdout}\n{done.stderr}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`ami` as it was installed, with nothing of these tests around it."""
        env = {"PATH": f"{self.programs}:{SYSTEM}", "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}
        argv = [str(self.programs / "ami"), *arguments]
        return subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def use_this_lab(self) -> None:
        """The page's lab has the usual port, where another one may be."""
        file = self.folder / "packer/environments/lab.pkrvars.hcl"
        file.write_text(file.read_text().replace("http://127.0.0.1:4999", f"http://127.0.0.1:{self.port}"))

    def follow(self) -> None:
        for block in BLOCK.finditer(PAGE.read_text()):
            if block["path"]:
                self.write(block["path"], block["body"])
            elif block["language"] == "sh":
                for line in block["body"].splitlines():
                    self.type(line)


@pytest.fixture
def reader(programs: Path, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Reader]:
    somebody = Reader(programs, tmp_path, f"test-wheel-{os.getpid()}", free_port())
    yield somebody
    somebody.run("lab", "down", "--name", somebody.lab)


def test_package_when_it_is_installed(programs: Path) -> None:
    """Everything that the code reads beside itself has come along."""
    (installed,) = programs.parent.glob("lib/python*/site-packages/orchestrator")
    assert files_of(installed) == files_of(REPOSITORY / "orchestrator")


def files_of(package: Path) -> set[str]:
    found = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts}


def test_tutorial_when_followed(reader: Reader) -> None:
    """Each command ends as the page says. What is mended is another AMI, and the latest one."""
    reader.follow()
    assert reader.changed == [
        "roles/hello/tests/test_hello.py",
        "roles/hello/tasks/main.yml",
        "packer/images/hello.yml",
    ]
    first = reader.said["ami latest hello"].split()[0]
    last = reader.said["ami latest hello -q"].strip()
    states = {line.split()[2]: line.split()[3] for line in reader.said["ami list"].splitlines() if " ami-" in line}
    assert states == {first: "rejected", last: "validated"}
    page = VERSION.sub("VERSION", PAGE.read_text())
    for command in ("ami plan hello", "ami plan shop"):
        assert f"```text\n{VERSION.sub('VERSION', reader.said[command])}```" in page
