"""Packer's machine-readable lines become values, whatever stands in them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.build.packer.machine_readable import PackerLine, parse

RECORDED = Path(__file__).parents[1] / "recorded"


def packer_writes(line: PackerLine) -> str:
    """A line as Packer's MachineReadableUi writes it."""
    escaped = [part.replace(",", "%!(PACKER_COMMA)").replace("\r", "\\r").replace("\n", "\\n") for part in line.data]
    return ",".join([str(line.timestamp), line.target, line.type, *escaped]) + "\n"


WORD = st.text(st.characters(categories=("L", "N"), include_characters="-._"), max_size=12)
# Packer does not escape the backslash, so no text with one can be told from an escape.
DATA = st.text().filter(lambda text: "\\" not in text and "%!(PACKER_COMMA)" not in text)
LINES = st.builds(
    PackerLine,
    st.integers(min_value=0, max_value=10**11),
    WORD,
    WORD.filter(bool),
    st.lists(DATA, min_size=1).map(tuple),
)


@given(LINES)
def test_what_packer_writes_is_read_back(line: PackerLine) -> None:
    assert parse(packer_writes(line)) == line


@given(st.text())
def test_any_text_is_some_line(text: str) -> None:
    line = parse(text)
    assert isinstance(line, PackerLine)
    assert isinstance(line.text, str)


def test_line_that_is_not_packers_is_kept_as_text() -> None:
    assert parse("panic: runtime error, goroutine 1\n") == PackerLine(
        0, "", "text", ("panic: runtime error, goroutine 1",)
    )


def test_text_of_a_message_is_without_the_builds_name() -> None:
    said = [
        parse("1,,ui,say,==> amazon-ebs.web: Stopping the source instance..."),
        parse("1,,ui,message,    amazon-ebs.web: TASK [nginx : Install]"),
        parse("1,,ui,say,Build 'amazon-ebs.web' finished after 3 seconds."),
    ]
    assert [line.text for line in said] == [
        "Stopping the source instance...",
        "TASK [nginx : Install]",
        "Build 'amazon-ebs.web' finished after 3 seconds.",
    ]


def test_recorded_build_names_one_ami() -> None:
    lines = [parse(line) for line in (RECORDED / "built.txt").read_text().splitlines()]
    assert [line.artifact_id for line in lines if line.artifact_id] == ["us-east-1:ami-4c9c05e407a36b6aa"]
    assert not [line for line in lines if line.is_error or line.type == "text"]


def test_recorded_failure_has_errors_for_people_and_machines() -> None:
    lines = [parse(line) for line in (RECORDED / "name_taken.txt").read_text().splitlines()]
    errors = [line for line in lines if line.is_error]
    assert {line.type for line in errors} == {"ui", "error"}
    assert "is used by an existing AMI" in next(line.text for line in errors if line.type == "error")
