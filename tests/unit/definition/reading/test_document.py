"""Reading YAML: the values, the line of each, and one plain problem for what cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.reading.document import Document, Position, read

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.errors import Problem

TEXT = """\
# a comment
name: web
owner:
  team: portal

layers:
  - base
  - workload:
      vars:
        motd: |
          two
          lines
        'on': yes
"""


def read_text(folder: Path, content: str | bytes) -> tuple[Document | None, list[str]]:
    path = folder / "x.yml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    problems: list[Problem] = []
    document = read(path, problems)
    return document, [f"{problem.line}: {problem.what}" for problem in problems]


def value_of(folder: Path, content: str | bytes) -> Any:
    document, problems = read_text(folder, content)
    assert problems == []
    assert document is not None
    return document.value


def test_read_when_a_file_is_right(tmp_path: Path) -> None:
    """Every key and every value has its line."""
    document, problems = read_text(tmp_path, TEXT)
    assert problems == []
    assert document is not None
    assert document.value["layers"][1]["workload"]["vars"] == {"motd": "two\nlines\n", "on": True}
    assert document.place("name") == Position(2, 2)
    assert document.place("owner") == Position(3, 4)
    assert document.place("layers", 1, "workload", "vars", "on") == Position(13, 13)
    assert document.place("layers", 1, "workload", "vars", "motd") == Position(10, 10)


def test_place_when_a_key_is_not_there(tmp_path: Path) -> None:
    """The nearest place above; the one name of a layer is stepped into."""
    document, _ = read_text(tmp_path, TEXT)
    assert document is not None
    assert document.place("owner", "email") == document.place("owner")
    assert document.place("layers", 1, "vars", "motd").key == 10
    assert document.place("nothing", 7) == Position(2, 2)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5),
        ("0x10", 16),
        ("-3", -3),
        ("no", False),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("18446744073709551615", 2**64 - 1),
    ],
)
def test_read_when_a_scalar_is_plain(tmp_path: Path, written: str, value: Any) -> None:
    """As Ansible reads it, but a date stays what it looks like."""
    found = value_of(tmp_path, f"a: {written}\n")["a"]
    assert (found, type(found)) == (value, type(value))


def test_read_when_a_value_is_repeated_by_an_alias(tmp_path: Path) -> None:
    assert value_of(tmp_path, "a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_read_when_bytes_carry_a_byte_order_mark(tmp_path: Path) -> None:
    assert value_of(tmp_path, b"\xef\xbb\xbfa: b\r\nc: d\r\n") == {"a": "b", "c": "d"}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "1: is empty"),
        ("# nothing\n", "1: is empty"),
        ("---\n", "1: is empty"),
        ("\n- a\n", "2: must be a mapping (`key: value` lines)"),
        ("a: 1\nb: [1,\nc: 2\n", "3: is not YAML: did not find expected ',' or ']'"),
        ("a:\n\tb: 1\n", "2: a tab indents this line: YAML takes spaces only"),
        ("a: 1\n---\nb: 2\n", "2: a second document (`---`): a file holds one"),
        (b"a: b\nc: \xff\n", "2: is not UTF-8 text (byte 0xff)"),
        ("a: b\nc: \x07\n", "2: holds a control character (U+0007)"),
        ("a: b\nb: 1\na: c\n", "3: 'a' stands twice, first in line 1"),
        ("a: b\non: c\n", "2: a key must be text ('on'): put it in quotes"),
        ("? [a]\n: b\n", "1: a key must be text: put it in quotes"),
        ("a: !!python/object/apply:os.system ['true']\n", None),
        ("a: !unsafe x\n", "1: tag !unsafe is not allowed: write the plain value"),
        ("a: &x [*x]\n", "1: nothing is called '&x' above, or it holds itself"),
        ("a:\n  - *y\n", "2: nothing is called '&y' above, or it holds itself"),
        ("a: " + "[" * 5000, "1: is nested deeper than 40 levels"),
        (BOMB, "6: holds more than 100000 values"),
        ("a: " + "9" * 5000, f"1: {'9' * 40}... is no number of 64 bits: put text in quotes"),
        ("a: .inf\n", "1: .inf is no number of 64 bits: put text in quotes"),
    ],
)
def test_read_when_a_file_is_wrong(tmp_path: Path, content: str | bytes, problem: str | None) -> None:
    """One problem at its line."""
    expected = problem or "1: tag !!python/object/apply:os.system is not allowed: write the plain value"
    assert read_text(tmp_path, content)[1] == [expected]


def test_read_when_there_is_no_file(tmp_path: Path) -> None:
    problems: list[Problem] = []
    assert read(tmp_path / "none.yml", problems) is None
    (tmp_path / "folder.yml").mkdir()
    assert read(tmp_path / "folder.yml", problems) is None
    assert [problem.what for problem in problems] == ["is missing", "is not a file"]
