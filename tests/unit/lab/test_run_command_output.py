"""The cuts, marks and exit codes of Run Command's output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.ssm import output as ssm_output

MARK = "--output truncated--"


def test_a_stream_one_byte_short_of_the_limit_is_whole() -> None:
    result = ssm_output.ended(0, b"x" * 23_999, b"")
    assert result.stdout == "x" * 23_999


def test_a_stream_of_exactly_the_limit_is_cut_with_the_mark_within_it() -> None:
    """The agent compares with `<`: 24,000 bytes are one too many already."""
    result = ssm_output.ended(0, b"x" * 24_000, b"")
    assert result.stdout == "x" * (24_000 - len(MARK)) + MARK


def test_standard_error_is_cut_at_8000_without_a_mark() -> None:
    result = ssm_output.ended(0, b"", b"e" * 9_000)
    assert result.stderr == "e" * 8_000


def test_bytes_that_are_no_text_are_replaced_and_others_kept() -> None:
    result = ssm_output.ended(0, "grün\n".encode() + b"a\xff\xfeb\x00c", b"")
    assert result.stdout == "grün\na\ufffd\ufffdb\x00c"


def test_a_cut_through_a_character_leaves_a_replacement() -> None:
    """The agent cuts bytes; the half of the character that remains is not valid UTF-8."""
    result = ssm_output.ended(0, b"x" + "ü".encode() * 12_000, b"")
    assert "ü\ufffd" + MARK in result.stdout


def test_any_other_exit_code_fails_and_says_so_in_standard_error() -> None:
    result = ssm_output.ended(3, b"out\n", b"why\n", problem="exit status 3")
    assert (result.details, result.code, result.stdout) == ("Failed", 3, "out\n")
    assert result.stderr == "why\nfailed to run commands: exit status 3"


def test_a_script_that_could_not_start_says_why() -> None:
    problem = "fork/exec /usr/bin/sh: no such file or directory"
    assert ssm_output.ended(1, b"", b"", problem=problem).stderr == f"failed to run commands: {problem}"
    assert ssm_output.ended(1, b"", b"").stderr == ""


def test_168_is_a_success_without_standard_error() -> None:
    result = ssm_output.ended(168, b"out", b"noise")
    assert (result.details, result.code, result.stderr) == ("Success", 168, "")
    assert result.stdout.startswith("out\nStep exited with code 168.")
    assert result.output == "out"


def test_169_is_a_failure_and_says_so_in_both_streams() -> None:
    result = ssm_output.ended(169, b"out", b"", problem="exit status 169")
    assert result.details == "Failed"
    assert result.stdout.startswith("out\nStep exited with code 169.")
    assert result.stderr.startswith("failed to run commands: exit status 169\nStep exited with code 169.")


def test_137_counts_as_a_timeout_whoever_made_it() -> None:
    result = ssm_output.ended(137, b"out", b"")
    assert (result.details, result.code, result.stdout, result.stderr) == ("ExecutionTimedOut", 137, "out", "")


def test_what_was_printed_before_a_kill_is_kept() -> None:
    result = ssm_output.stopped(b"before", b"warning", cancelled=False)
    assert (result.details, result.code) == ("ExecutionTimedOut", 137)
    assert (result.stdout, result.stderr) == ("before", "warning")
    assert ssm_output.stopped(b"", b"", cancelled=True).details == "Cancelled"


def test_short_streams_share_the_plugin_output_with_a_title_between() -> None:
    assert ssm_output.joined(b"out", b"err") == b"out\n----------ERROR-------\nerr"
    assert ssm_output.joined(b"out", b"") == b"out"


def test_the_longer_stream_gives_way() -> None:
    out = ssm_output.joined(b"o" * 5_000, b"err")
    assert out.endswith(b"\n---Output truncated---\n----------ERROR-------\nerr")
    err = ssm_output.joined(b"out", b"e" * 5_000)
    assert err.startswith(b"out\n----------ERROR-------\neee")
    assert err.endswith(b"eee\n---Error truncated----")


@given(st.binary(max_size=6_000), st.binary(max_size=6_000))
def test_the_plugin_output_never_exceeds_its_limit(stdout: bytes, stderr: bytes) -> None:
    assert len(ssm_output.joined(stdout, stderr)) <= 2_500


@pytest.mark.parametrize(
    ("character", "dropped"),
    [(b"x", False), (b"+", False), (b"\n", False), (b"<", True), (b"\0", True), (b"\xff", True)],
)
def test_a_reply_is_as_long_as_go_writes_it_in_json(character: bytes, *, dropped: bool) -> None:
    """What tests send back is base64: however long, it arrives."""
    result = ssm_output.ended(0, character * 24_000, character * 8_000)
    assert (ssm_output.reply_size(result) > ssm_output.REPLY_BYTES) is dropped


def test_a_command_of_which_only_the_failure_is_known_says_nothing() -> None:
    result = ssm_output.failed(1)
    assert (result.details, result.code, result.stdout, result.stderr) == ("Failed", 1, "", "")
