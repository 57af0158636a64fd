"""docs/tutorial.md, done as it says: its files are written, and its commands typed, in their order."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from orchestrator.aws.account import Account
from tests.lab.account import present, restore
from tests.lab.small import NOTHING, PROGRAMS, environment, held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(100)

PAGE = Path(__file__).parents[2] / "docs/tutorial.md"
#: A block, and the path in backquotes and a colon that ends the line before it, if there is one.
BLOCK = re.compile(r"(?:`(?P<path>[\w./]+)`:\n\n)?```(?P<language>\w+)\n(?P<body>.*?)```", re.DOTALL)
CODE = re.compile(r"# ends with exit code (\d)")
#: In the place of `golden`, which takes a minute: an AMI that has what a validation needs.
START = "prepared"
SOURCE = 'sources:\n  prepared:\n    filter: {name: "with-agent", owner: self}\n    ssh_username: admin\n'


@dataclass
class Reader:
    """Somebody who follows the page. `changed` are the files that they were told to change."""

    folder: Path
    lab: Settings
    changed: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> None:
        """A file that the page shows: what is there already, or a change of it."""
        if path == "ami.yml":
            shown, there = (yaml.safe_load(one) for one in (text, (self.folder / path).read_text()))
            assert there | {"extends": "", "sources": ""} == shown | {"extends": "", "sources": ""}
            return
        text = text.replace("from: golden", f"from: {START}")
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
        if words[:2] == ["ami", "lab"]:
            return  # it is up, and goes with the session
        more = {"init": ["--from", START], "build": ["--yes"]}.get(words[1], [])
        done = subprocess.run(
            [PROGRAMS / words[0], *words[1:], *more],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        expected = CODE.search(f"#{comment}")
        self.said[line] = done.stdout
        assert done.returncode == (int(expected[1]) if expected else 0), f"{line}\n{done.stdout}\n{done.stderr}"

    def use_this_lab(self) -> None:
        """The session's lab has another port, and no golden image."""
        file = self.folder / "packer/environments/lab.pkrvars.hcl"
        file.write_text(file.read_text().replace("http://127.0.0.1:4999", self.lab.endpoint))
        with (self.folder / "ami.yml").open("a") as ami_yml:
            ami_yml.write(SOURCE)

    def follow(self) -> None:
        for block in BLOCK.finditer(PAGE.read_text()):
            if block["path"]:
                self.write(block["path"], block["body"])
            elif block["language"] == "sh":
                for line in block["body"].splitlines():
                    self.type(line)


@pytest.fixture
def reader(tmp_path: Path, lab: Settings, ec2: Any, ami_with_agent: str) -> Iterator[Reader]:  # noqa: ARG001 - by its name
    before, things = present(ec2), held(ec2)
    yield Reader(tmp_path, lab)
    assert {kind: ids - things[kind] for kind, ids in held(ec2).items()} == NOTHING
    restore(Account("us-east-1", endpoint=lab.endpoint, access_key="lab", secret_key="lab"), before)


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
