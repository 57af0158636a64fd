from __future__ import annotations

import base64
import gzip
import hashlib
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.validate import frame
from orchestrator.validate.errors import CommandTimedOut, ConnectionFault, OutputTooLarge

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "0123456789abcdef01234567"
QUESTION = frame.Question(b"true", TOKEN, 10)

answers = st.builds(frame.Answer, st.integers(0, 255), st.binary(max_size=400), st.binary(max_size=400))


def said_by_machine(answer: frame.Answer, token: str = TOKEN) -> str:
    """What a machine says, made independently of the script."""
    head = f"{answer.code} {len(answer.stdout)} {len(answer.stderr)}\n".encode()
    text = base64.b64encode(gzip.compress(head + answer.stdout + answer.stderr)).decode()
    return f"ami:{token}:{hashlib.sha256(text.encode()).hexdigest()}:{len(text)}:{text}:end\n"


def read(said: str) -> frame.Answer:
    return frame.opened(frame.envelope(said, QUESTION), QUESTION)


def asked_of_sh(command: bytes, spool: Path, token: str = TOKEN, seconds: float = 10) -> str:
    """What this machine's own sh makes of the script."""
    script = frame.script(frame.Question(command, token, seconds), str(spool))
    completed = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True)
    assert completed.stderr == b""
    return completed.stdout.decode("ascii")


@given(answers)
def test_any_answer_comes_back_as_it_was(answer: frame.Answer) -> None:
    assert read(said_by_machine(answer)) == answer


@given(answers, st.data())
def test_a_cut_frame_is_never_an_answer(answer: frame.Answer, data: st.DataObject) -> None:
    said = said_by_machine(answer)
    start = data.draw(st.integers(0, len(said) - 2))
    with pytest.raises(ConnectionFault):
        read(said[:start])
    with pytest.raises(ConnectionFault):
        read(said[start + 1 :])


@given(answers, st.data())
def test_an_altered_frame_is_never_an_answer(answer: frame.Answer, data: st.DataObject) -> None:
    said = said_by_machine(answer)
    where = data.draw(st.integers(0, len(said) - 2))
    other = data.draw(st.characters(codec="utf-8").filter(lambda char: char != said[where]))
    with pytest.raises(ConnectionFault):
        read(said[:where] + other + said[where + 1 :])


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(ConnectionFault):
        read(said_by_machine(frame.Answer(0, b"", b""), token="f" * 24))


@pytest.mark.parametrize(
    "said", ["", "\n", "failed to run commands: exit status 127", "ami:::", "--output truncated--"]
)
def test_anything_else_is_refused(said: str) -> None:
    with pytest.raises(ConnectionFault):
        read(said)


def test_an_envelope_without_content_is_refused() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    with pytest.raises(ConnectionFault, match="empty"):
        read(f"ami:{TOKEN}:{digest}:0::end\n")


def test_a_truncated_pack_with_a_right_digest_is_refused() -> None:
    """As when the machine's disk was full while it packed."""
    text = base64.b64encode(gzip.compress(b"0 5 0\nhello")[:-9]).decode()
    with pytest.raises(ConnectionFault, match="unpacked"):
        read(f"ami:{TOKEN}:{hashlib.sha256(text.encode()).hexdigest()}:{len(text)}:{text}:end\n")


def test_fewer_bytes_than_announced_are_refused() -> None:
    text = base64.b64encode(gzip.compress(b"0 6 0\nhello")).decode()
    with pytest.raises(ConnectionFault, match="incomplete"):
        read(f"ami:{TOKEN}:{hashlib.sha256(text.encode()).hexdigest()}:{len(text)}:{text}:end\n")


commands = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)


@given(commands)
def test_the_script_shows_nothing_of_the_command(command: str) -> None:
    """So quotes, braces that Run Command expands, and newlines cannot matter."""
    question = frame.Question(b"{{ x }}'\"`$(" + command.encode(), TOKEN, 10)
    script = frame.script(question)
    assert script.isascii()
    assert "{{" not in script
    assert script.endswith("\nexit 0\n")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"true", frame.Answer(0, b"", b"")),
        (b"exit 194", frame.Answer(194, b"", b"")),
        (b"echo out; echo err >&2; exit 3", frame.Answer(3, b"out\n", b"err\n")),
        (b"printf '\\000\\377\\n\\n'", frame.Answer(0, b"\0\xff\n\n", b"")),
        ("echo \"'äöü €'\" '{{ a }}' `echo $((1+1))`".encode(), frame.Answer(0, "'äöü €' {{ a }} 2\n".encode(), b"")),
        (b"printf 'a\xff'", frame.Answer(0, b"a\xff", b"")),
        (b"echo a\necho b\n", frame.Answer(0, b"a\nb\n", b"")),
        (b"pwd; cat", frame.Answer(0, b"/\n", b"")),
        (b"kill -9 $$", frame.Answer(137, b"", b"")),
        (b"echo '", frame.Answer(2, b"", b"/bin/sh: 1: Syntax error: Unterminated quoted string\n")),
    ],
)
def test_a_real_shell_answers(command: bytes, expected: frame.Answer, tmp_path: Path) -> None:
    assert read(asked_of_sh(command, tmp_path / "spool")) == expected


@settings(max_examples=25, deadline=None)
@given(answer=answers)
def test_a_real_shell_carries_any_bytes(answer: frame.Answer, tmp_path_factory: pytest.TempPathFactory) -> None:
    def octal(content: bytes) -> bytes:
        return b"".join(b"\\%03o" % byte for byte in content)

    command = b"printf '%s'; printf '%s' >&2; exit %d" % (octal(answer.stdout), octal(answer.stderr), answer.code)
    assert read(asked_of_sh(command, tmp_path_factory.mktemp("spool") / "spool")) == answer


def test_the_spool_is_private_and_keeps_the_answer_alone(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    asked_of_sh(b"echo secret", spool)
    assert spool.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in spool.rglob("*") if path.is_file()] == ["said"]


def test_a_question_that_is_delivered_twice_runs_once(tmp_path: Path) -> None:
    """A client repeats a SendCommand of which it did not hear. Both deliveries say the same, whichever is heard."""
    command = b"echo ran >>%s/trace; echo said; sleep 1.5" % str(tmp_path).encode()
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: read(asked_of_sh(command, tmp_path / "spool")), range(2))
    assert first == second == frame.Answer(0, b"said\n", b"")
    assert (tmp_path / "trace").read_text() == "ran\n"


def test_a_question_whose_only_run_was_cut_off_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "spool" / TOKEN).mkdir(parents=True)
    (tmp_path / "spool" / TOKEN / "said").write_text(f"ami:{TOKEN}:again:end\n")
    with pytest.raises(ConnectionFault, match="twice"):
        read(asked_of_sh(b"echo ran", tmp_path / "spool"))


def test_a_hung_command_is_stopped(tmp_path: Path) -> None:
    said = asked_of_sh(b"echo begun; sleep 60", tmp_path / "spool", seconds=0.3)
    with pytest.raises(CommandTimedOut, match=r"within 10 s"):
        read(said)


def test_a_daemon_in_the_background_does_not_hold_the_answer_up(tmp_path: Path) -> None:
    assert read(asked_of_sh(b"sleep 2 & echo started", tmp_path / "spool")) == frame.Answer(0, b"started\n", b"")


def test_a_machine_that_lacks_a_program_says_so() -> None:
    with pytest.raises(ConnectionFault, match="lacks the program 'gzip'"):
        read(f"ami:{TOKEN}:lacks:gzip:end\n")


def parts_of(command: bytes, spool: Path) -> tuple[frame.Envelope, list[str]]:
    waiting = frame.envelope(asked_of_sh(command, spool), QUESTION)
    scripts = [frame.part_script(waiting, index, str(spool)) for index in waiting.parts]
    return waiting, [
        subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.decode() for script in scripts
    ]


def test_a_long_answer_waits_and_is_fetched_in_parts(tmp_path: Path) -> None:
    content = secrets.token_bytes(100_000)
    (tmp_path / "file").write_bytes(content)
    waiting, said = parts_of(b"cat %s/file; echo err >&2" % str(tmp_path).encode(), tmp_path / "spool")
    assert len(said) == 6
    assert max(len(one) for one in said) < 24_000
    whole = frame.joined(waiting, said, QUESTION)
    assert frame.opened(whole, QUESTION) == frame.Answer(0, content, b"err\n")
    subprocess.run(["sh", "-c", frame.discard_script(waiting, str(tmp_path / "spool"))], check=True)
    assert [path.name for path in (tmp_path / "spool").rglob("*") if path.is_file()] == ["said"]


def test_parts_that_are_cut_swapped_or_altered_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(secrets.token_bytes(40_000))
    waiting, said = parts_of(b"cat %s/file" % str(tmp_path).encode(), tmp_path / "spool")
    other = "A" if said[0][100] != "A" else "B"
    for damaged in (
        [said[0][:-9], *said[1:]],
        [said[1], said[0], *said[2:]],
        said[:-1],
        [said[0][:100] + other + said[0][101:], *said[1:]],
    ):
        with pytest.raises(ConnectionFault):
            frame.joined(waiting, damaged, QUESTION)


def test_more_than_ten_megabytes_are_an_error_of_that_command(tmp_path: Path) -> None:
    with pytest.raises(OutputTooLarge, match="10,485,761 bytes"):
        read(asked_of_sh(b"head -c 10485761 /dev/zero", tmp_path / "spool"))


def test_ten_megabytes_are_carried(tmp_path: Path) -> None:
    waiting = frame.envelope(asked_of_sh(b"head -c 10485760 /dev/zero", tmp_path / "spool"), QUESTION)
    assert frame.opened(waiting, QUESTION).stdout == bytes(frame.LIMIT)


def test_what_cannot_be_sent_is_said_before() -> None:
    with pytest.raises(ValueError, match="NUL"):
        frame.script(frame.Question(b"echo \0", TOKEN, 10))
    with pytest.raises(ValueError, match="there is room for"):
        frame.script(frame.Question(b"x" * 40_000, TOKEN, 10))
    assert len(frame.script(frame.Question(b"x" * 30_000, TOKEN, 10))) < frame.LONGEST_SCRIPT
