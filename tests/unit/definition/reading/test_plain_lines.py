"""What is read without HCL's grammar is read as the grammar reads it, or left to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.definition.reading import variables_file
from orchestrator.definition.reading.document import Position
from orchestrator.definition.reading.plain_lines import read_plain
from orchestrator.definition.reading.variables_file import read_variables

if TYPE_CHECKING:
    from orchestrator.definition.reading.document import Document
    from orchestrator.errors import Problem

PLAIN = """\
# The lab.
region = "us-east-1" # near

vcpu_quota=64
  spot   =   true // cheap
extra_vars = { # of Ansible
  mirror = "http://mirror.example.com/#here"
  # nothing
  tries = 0
}
empty = {
}
"""
LEFT_TO_GRAMMAR = (
    'a = "x\\n"\n',
    'a = "${b}"\n',
    'a = "%{b}"\n',
    'a = "ü"\n',
    "a = 1.5\n",
    "a = -1\n",
    "a = 01\n",
    "a = null\n",
    'a = ["x"]\n',
    'a = { b = "x" }\n',
    "a = {\n  b = {\n  }\n}\n",
    'a = {\n  "b" = "x"\n}\n',
    'a = {\n  b = "x",\n}\n',
    'a = {\n  b = "x"\n',
    'a = "x"\na = "y"\n',
    "a = {\n  b = 1\n  b = 2\n}\n",
    'A = "x"\n',
    'a-b = "x"\n',
    "true = 1\n",
    "for = 1\n",
    '/* a */ a = "x"\n',
    'a = "x"',
    'a = "x"\r\n',
    "a = <<END\nx\nEND\n",
    "a {\n}\n",
    "}\n",
    "a = b\n",
)


def by_grammar(path: Path) -> tuple[Document | None, list[Problem]]:
    """What the file is without `read_plain`."""
    problems: list[Problem] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variables_file, "read_plain", lambda _text: None)
        return read_variables(path, problems), problems


def test_plain_file_is_read_as_the_grammar_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "lab.pkrvars.hcl"
    path.write_text(PLAIN)
    plain = read_plain(PLAIN)
    assert plain is not None
    values, places = plain
    assert values == {
        "region": "us-east-1",
        "vcpu_quota": 64,
        "spot": True,
        "extra_vars": {"mirror": "http://mirror.example.com/#here", "tries": 0},
        "empty": {},
    }
    assert places["extra_vars", "tries"] == Position(9, 9)
    assert (read_variables(path, []), []) == by_grammar(path)


@pytest.mark.parametrize("text", LEFT_TO_GRAMMAR)
def test_file_that_is_not_plain_is_left_to_the_grammar(text: str) -> None:
    assert read_plain(text) is None


def test_shipped_environment_needs_no_grammar() -> None:
    """The lab's, which every workspace begins with."""
    text = (Path(__file__).parents[4] / "packer/environments/lab.pkrvars.hcl").read_text()
    assert read_plain(text) is not None


LINES = st.sampled_from(
    [
        *PLAIN.splitlines(),
        *(line for text in LEFT_TO_GRAMMAR for line in text.splitlines()),
        "if = 1",
        "in = {",
        "",
        "\t",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", ""]))
def test_lines_in_any_order_are_read_alike_or_left(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    """Where the quick way reads a file at all, the grammar finds the same in it, and nothing wrong."""
    text = "\n".join(lines) + end
    plain = read_plain(text)
    if plain is not None:
        path = tmp_path_factory.getbasetemp() / "any.pkrvars.hcl"
        path.write_text(text)
        document, problems = by_grammar(path)
        assert document is not None
        assert (plain, []) == ((document.value, document.places), problems)
