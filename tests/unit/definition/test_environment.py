"""Packer variable files as environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.aws import Account
from orchestrator.definition.environment import Environment, read_environment

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.errors import Problem

LAB = r"""
# the lab
region     = "us-east-1" // here
endpoint   = "http://127.0.0.1:4999"
access_key = "lab"
secret_key = "s\"e\\c\u00e9\tt"
vpc_id     = null
extra_vars = {
  url     = "http://x/$${not_hcl}"
  "other" : "%%{ if }",
}
"""


def read_text(folder: Path, text: str) -> tuple[Environment | None, list[str]]:
    path = folder / "lab.pkrvars.hcl"
    path.write_text(text)
    problems: list[Problem] = []
    environment = read_environment(path, problems)
    return environment, [f"{problem.line}: {problem.what}" for problem in sorted(problems)]


def test_read_environment_when_it_is_right(tmp_path: Path) -> None:
    """Values are those that Packer sees: escapes are read, null is not given, the rest has its default."""
    environment, problems = read_text(tmp_path, LAB)
    assert problems == []
    assert environment == Environment(
        name="lab",
        path=tmp_path / "lab.pkrvars.hcl",
        region="us-east-1",
        endpoint="http://127.0.0.1:4999",
        access_key="lab",
        secret_key='s"e\\c\u00e9\tt',
        extra_vars={"url": "http://x/${not_hcl}", "other": "%{ if }"},
    )
    assert environment.account == Account("us-east-1", "", "http://127.0.0.1:4999", "lab", 's"e\\c\u00e9\tt')
    assert "s\\" not in repr(environment)


INTERFACES = "'', 'public_ip', 'private_ip', 'public_dns', 'private_dns' or 'session_manager'"
PLAIN = "must be a plain value: Packer takes no variable or function here"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('regoin = "x"\n', ["1: unknown key 'regoin' (did you mean 'region'?)", "1: 'region' is missing"]),
        ("", ["1: 'region' is missing"]),
        (
            'region = "us-east-1"\nendpoint = true\nvpc_id = ["a"]\nprofile = 5\nextra_vars = "x"\n',
            [
                "2: 'endpoint' must be text, not yes/no: put it in quotes",
                "3: 'vpc_id' must be text, not a list",
                "4: 'profile' must be text, not a number: put it in quotes",
                "5: 'extra_vars' must be a mapping, not 'x'",
            ],
        ),
        (
            'region = "us-east-1"\n\nextra_vars = {\n  a = upper("x")\n  b-c = "d"\n  e = 1\n}\n',
            [
                f"4: 'a' {PLAIN}",
                "5: 'b-c' cannot be 'b-c': Letters, digits and _; no digit first.",
                "6: 'e' must be text, not a number: put it in quotes",
            ],
        ),
        ('region = "us-east-1"\nprofile = "${var.x}"\n', [f"2: 'profile' {PLAIN}"]),
        ('region = "us-east-1"\nprofile = "a"\nprofile = "b"\n', ["3: 'profile' is set twice, first in line 2"]),
        ('region = "us-east-1"\nname = "x"\n', ["2: unknown key 'name': the file's name names the environment"]),
        ('region = "us-east-1"\nsource {\n}\n', ["2: only `name = value` lines may stand in a variable file"]),
        ('region = "us-east-1"\nprofile = \n', ["2: is not HCL: the line ends too early"]),
        ('region = "us-east-1"\nprofile: "x"\n', ["2: is not HCL: ':' was not expected here"]),
        ('region = "us-east-1"\nprofile = "x\n', ["3: the file ends in the middle of a value"]),
        ('region = "us-east-1"\nprofile = "\\q"\n', ["2: \\q is no escape of HCL: write \\\\ for a backslash"]),
        (
            'region = "us-east"\nssh_interface = "private"\n',
            [
                "1: 'region' cannot be 'us-east': A region such as us-east-1.",
                f"2: 'ssh_interface' must be {INTERFACES}, not 'private' (did you mean 'private_ip'?)",
            ],
        ),
    ],
)
def test_read_environment_when_it_is_wrong(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Each problem at the line of its assignment."""
    assert sorted(read_text(tmp_path, text)[1]) == sorted(expected)
