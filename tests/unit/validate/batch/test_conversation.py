"""Questions to a machine that is this one, by its own shells: every answer right, every command run once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import Interrupted
from orchestrator.validate.batch import conversation as conversations
from orchestrator.validate.batch import question, script
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.batch.question import Answer, Ended, Question, Reply
from orchestrator.validate.errors import ConnectionFault, NoResponse, Unwritable
from orchestrator.validate.round import CallCount
from tests.small_disk import small_disk
from tests.unit.validate import shell_transport as mishaps
from tests.unit.validate.shell_transport import LocalShell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = pytest.mark.long(50)

SHELLS = [pytest.param(("dash",), id="dash"), pytest.param(("bash", "--posix"), id="bash")]


@pytest.fixture
def spool(tmp_path: Path) -> str:
    return str(tmp_path / "spool")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts wait for all that they ask, on a slow machine, too."""
    for name in ("EARLY", "EARLY_LATER", "LATEST", "LATEST_LATER"):
        monkeypatch.setattr(script, name, 30)


def talk(shell: LocalShell, spool: str, gone: Callable[[], bool] = lambda: False) -> Conversation:
    return Conversation(shell, stop=threading.Event(), gone=gone, spool=spool)


def ask(
    conversation: Conversation, *commands: bytes, seconds: float = 120, first: int = 1, tally: CallCount | None = None
) -> list[Reply]:
    """The replies, in the order of the commands; each question is replied to once."""
    questions = [Question(number, command, seconds) for number, command in enumerate(commands, start=first)]
    replies = [reply for some in conversation.ask(questions, tally or CallCount()) for reply in some]
    assert sorted(reply.number for reply in replies) == [question.number for question in questions]
    return sorted(replies, key=lambda reply: reply.number)


def answers(replies: Sequence[Reply]) -> list[tuple[int, bytes, bytes]]:
    assert all(reply.answer for reply in replies), replies
    return [(said.code, said.stdout, said.stderr) for reply in replies if (said := reply.answer)]


CASES: dict[bytes, tuple[int, bytes, bytes]] = {
    b"echo out; echo err >&2; exit 3": (3, b"out\n", b"err\n"),
    b"": (0, b"", b""),
    b"exit 255": (255, b"", b""),
    b"exit 124": (124, b"", b""),
    b"exit 137": (137, b"", b""),
    b"kill -9 $$": (137, b"", b""),
    b"echo one; echo two >/dev/stdout; echo three": (0, b"one\ntwo\nthree\n", b""),
    b"echo e1 >&2; echo x | tee /dev/stderr; echo e2 >&2": (0, b"x\n", b"e1\nx\ne2\n"),
    b"trap '' PIPE; head -c 100000 /dev/zero | tr '\\0' x": (0, b"x" * 100_000, b""),
    b"set -e; false; echo not here": (1, b"", b""),
    b"cat; echo end": (0, b"end\n", b""),
    b"printf '\\377\\0\\n\\n'": (0, b"\xff\0\n\n", b""),
    b"printf %s '\xff\x81\x88\xfe'": (0, b"\xff\x81\x88\xfe", b""),
    b"echo \"a'b\" 'c\"d' `echo e` $((1 + 1)) \\$f {{ ssm }}": (0, b"a'b c\"d e 2 $f {{ ssm }}\n", b""),
    b"cat <<X\na\n\n  b\nX\n": (0, b"a\n\n  b\n", b""),
    b"sleep 60 & echo here": (0, b"here\n", b""),
    b"pwd; umask": (0, b"/\n0022\n", b""),
    b"trap '' TERM; echo kept": (0, b"kept\n", b""),
    b"exec true": (0, b"", b""),
    b"set -C; exec 3>/dev/null; echo $0": (0, b"/bin/sh\n", b""),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("shell", SHELLS)
def test_commands_do_what_they_do_in_a_shell(shell: tuple[str, ...], spool: str) -> None:
    """In one round, in one script."""
    tally = CallCount()
    said = ask(talk(LocalShell(shell=shell), spool), *CASES, tally=tally)
    assert dict(zip(CASES, answers(said), strict=True)) == CASES
    assert (tally.scripts, tally.parts, dict(tally.calls)) == (1, 0, {"sh": 1})


@given(st.lists(st.tuples(st.binary(max_size=50), st.binary(max_size=50), st.integers(0, 255)), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_and_any_code_come_back(spool: str, wanted: list[tuple[bytes, bytes, int]]) -> None:
    def octal(content: bytes) -> bytes:
        return b"".join(b"\\%03o" % byte for byte in content)

    commands = [b"printf '%s'; printf '%s' >&2; exit %d" % (octal(out), octal(err), code) for out, err, code in wanted]
    assert answers(ask(talk(LocalShell(), spool), *commands)) == [(code, out, err) for out, err, code in wanted]


@given(st.binary(min_size=1, max_size=200).filter(lambda text: b"\0" not in text))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_command_arrives_as_it_is(spool: str, text: bytes) -> None:
    quoted = text.replace(b"'", b"'\\''")
    ((code, out, _),) = answers(ask(talk(LocalShell(), spool), b"printf %%s '%s'" % quoted))
    assert (code, out) == (0, text)


def test_a_command_with_a_nul_byte_is_refused(spool: str) -> None:
    bad, good = ask(talk(LocalShell(), spool), b"echo \0", b"echo good")
    with pytest.raises(ValueError, match="NUL"):
        bad.of(Question(1, b"echo \0"))
    assert answers([good]) == [(0, b"good\n", b"")]


#: A command that no other test of this machine has.
HANGS = b"sleep 600.%d" % os.getpid()


def test_a_hung_command_fails_alone_and_keeps_nobody_waiting(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are workers."""
    monkeypatch.setattr(script, "EARLY", 1)
    began, quick, hung = time.monotonic(), dict[int, float](), dict[int, float]()
    sleep = f"sleep 600.{os.getpid()}"
    questions = [Question(n, sleep.encode(), 4) for n in range(8)]
    questions += [Question(n, b"echo %d" % n) for n in range(8, 16)]
    for replies in talk(LocalShell(), spool).ask(questions, CallCount()):
        for reply in replies:
            (hung if reply.ended is Ended.TIMED_OUT else quick)[reply.number] = time.monotonic() - began
    assert (sorted(hung), sorted(quick)) == (list(range(8)), list(range(8, 16)))
    assert min(hung.values()) >= 4
    assert running(sleep) == b""


def running(command: str) -> bytes:
    """The processes that run exactly this."""
    return subprocess.run(["pgrep", "-fx", command], check=False, capture_output=True).stdout


def test_hung_commands_keep_no_other_script_from_being_sent(
    spool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though each is in a script of its own, and there are more of them than the agent works on.

    They end once the other has.
    """
    monkeypatch.setattr(script, "LATEST", 1)
    monkeypatch.setattr(script, "LATEST_LATER", 2)
    ended: list[int] = []
    noise = random.Random(1)  # noqa: S311
    hung = until(f"-e {tmp_path}/quick").encode()
    commands = [*[hung] * (conversations.WORKERS + 1), b"echo quick"]
    questions = [
        Question(n, b"%s # %s" % (one, noise.randbytes(18_000).hex().encode()), 60) for n, one in enumerate(commands)
    ]
    shell = LocalShell()
    for replies in talk(shell, spool).ask(questions, CallCount()):
        for reply in replies:
            assert reply.ended is Ended.ANSWERED
            ended.append(reply.number)
            (tmp_path / "quick").touch()
    assert len([text for text in shell.scripts if "\nln " in text]) >= conversations.WORKERS + 1
    assert ended[0] == len(commands) - 1


def test_no_more_scripts_are_under_way_than_the_agent_works_on(spool: str) -> None:
    """Of all rounds together, however many scripts each takes. One that waits does not begin the session again."""
    under_way, most, lock, full = [0], [0], threading.Lock(), threading.Event()

    def counted(shell: LocalShell, script: str) -> str:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            if under_way[0] == conversations.WORKERS:
                full.set()
        full.wait(60)
        time.sleep(0.05)
        said = shell.really(script)
        with lock:
            under_way[0] -= 1
        return said

    noise = random.Random(1)  # noqa: S311
    commands = [b"true # %s" % noise.randbytes(18_000).hex().encode() for _ in range(8)]
    shell = LocalShell(*[counted] * 16)
    conversation = talk(shell, spool)
    threads = [threading.Thread(target=ask, args=(conversation, *commands), kwargs={"first": n}) for n in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most[0], under_way[0]) == (conversations.WORKERS, 0)
    assert ["mkdir" in text for text in shell.scripts] == [number < conversations.WORKERS for number in range(16)]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("shell", SHELLS)
def test_questions_of_one_turn_never_run_at_once(shell: tuple[str, ...], spool: str, tmp_path: Path) -> None:
    """Those of two scripts neither; one that waits for its turn keeps no other from running."""
    locks = b"mkdir %s/lock && sleep 0.1 && rmdir %s/lock" % (bytes(tmp_path), bytes(tmp_path))
    meets = [f"touch {tmp_path}/{own}; {until(f'-e {tmp_path}/{other}')}".encode() for own, other in ("ab", "ba")]
    conversation = talk(LocalShell(shell=shell), spool)
    codes: list[int] = []

    def told(first: int, *questions: tuple[bytes, int]) -> None:
        asked = [Question(first + n, command, 60, turn) for n, (command, turn) in enumerate(questions)]
        replies = [reply for some in conversation.ask(asked, CallCount()) for reply in some]
        codes.extend(code for code, _, _ in answers(replies))

    threads = [
        threading.Thread(target=told, args=(100 * n, *[(locks, 1)] * 6, (meeting, n + 2)))
        for n, meeting in enumerate(meets)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 14


def test_more_than_is_carried_is_that_commands_matter(spool: str) -> None:
    large, small = ask(talk(LocalShell(), spool), b"head -c 10485761 /dev/zero", b"echo small")
    assert large == Reply(1, Ended.TOO_LARGE, size=10_485_761, limit=question.LIMIT)
    assert answers([small]) == [(0, b"small\n", b"")]


@pytest.mark.usefixtures("patient")
def test_long_output_is_fetched_in_parts_for_the_whole_round(spool: str) -> None:
    tally = CallCount()
    replies = ask(talk(LocalShell(), spool), *[b"head -c 40000 /dev/urandom | base64 -w 0"] * 5, tally=tally)
    assert [len(out) for _, out, _ in answers(replies)] == [53_336] * 5
    packed = 5 * 40_000 * 4 / 3
    assert tally.scripts == 1
    assert packed / 24_000 - 1 < tally.parts < packed / 24_000 * 1.1


def test_what_still_writes_when_its_command_has_ended_disturbs_nobody(spool: str) -> None:
    writing = b"(i=0; while [ $i -lt 300 ]; do echo xxxxxxx; sleep 0.01; i=$((i + 1)); done) & echo begun"
    for first in range(1, 30, 3):
        _, one, two = ask(talk(LocalShell(), spool), writing, b"echo 1", b"echo 2", first=first)
        assert answers([one, two]) == [(0, b"1\n", b""), (0, b"2\n", b"")]


def test_a_round_is_split_into_as_few_scripts_as_it_takes(spool: str) -> None:
    """Each but the last is nearly full."""
    shell = LocalShell()
    noise = random.Random(1)  # noqa: S311
    commands = [b"echo %d # %s" % (n, noise.randbytes(150).hex().encode()) for n in range(400)]
    said = answers(ask(talk(shell, spool), *commands))
    assert [out for _, out, _ in said] == [b"%d\n" % n for n in range(400)]
    # Others only ask for what had not ended yet.
    sizes = sorted(len(text) for text in shell.scripts if "\nln " in text)
    assert len(sizes) > 1
    assert all(size > 0.97 * LocalShell.longest_script for size in sizes[1:])


def test_a_command_that_no_script_can_carry_is_refused(spool: str) -> None:
    noise = random.Random(1).randbytes(40_000).hex().encode()  # noqa: S311
    bad, good = ask(talk(LocalShell(), spool), noise, b"echo good")
    with pytest.raises(ValueError, match="80,000 bytes cannot be sent"):
        bad.of(Question(1, noise))
    assert answers([good]) == [(0, b"good\n", b"")]


ONCE = [
    [mishaps.never_arrives],
    [mishaps.is_not_heard],
    [mishaps.is_not_heard, mishaps.never_arrives, mishaps.is_not_heard],
    [mishaps.arrives_twice],
    [mishaps.is_not_heard, mishaps.arrives_twice],
    [mishaps.is_cut],
    [mishaps.is_altered],
    [mishaps.arrives_damaged],
    [mishaps.is_cut, mishaps.never_arrives, mishaps.is_cut],
]


@pytest.mark.parametrize("what", ONCE, ids=lambda what: ", then ".join(one.__name__ for one in what))
@pytest.mark.parametrize("met", [False, True], ids=["first", "later"])
def test_every_command_runs_once_whatever_happens(
    what: list[Callable[[LocalShell, str], str]],
    met: bool,  # noqa: FBT001
    spool: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "_PAUSE", 0.05)
    conversation = talk(LocalShell(*[mishaps.well] * met, *what), spool)
    if met:
        ask(conversation, b"true", first=1000)
    commands = [b"echo ran >>%s/%d; echo %d" % (str(tmp_path).encode(), n, n) for n in range(20)]
    assert answers(ask(conversation, *commands)) == [(0, b"%d\n" % n, b"") for n in range(20)]
    assert [(tmp_path / str(n)).read_text() for n in range(20)] == ["ran\n"] * 20


def test_a_script_that_arrives_late_does_nothing(spool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "LATEST", 1)
    shell = LocalShell()
    conversation = talk(shell, spool)
    ask(conversation, b"echo ran >>%s/ran" % str(tmp_path).encode())
    ask(conversation, b"true", first=2)
    shell.really(shell.scripts[0])
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_damage_that_does_not_end_is_a_fault(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_PAUSE", 0.05)
    with pytest.raises(ConnectionFault, match="missing or cut"):
        ask(talk(LocalShell(*[mishaps.is_cut] * 5), spool), b"true")


def test_silence_that_does_not_end_is_a_fault(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_PAUSE", 0.05)
    monkeypatch.setattr(conversations, "_ENDURE", 0.5)
    with pytest.raises(NoResponse, match="nothing comes back"):
        ask(talk(LocalShell(*[mishaps.never_arrives] * 100), spool), b"true")


def test_nobody_waits_for_a_machine_that_is_gone(spool: str) -> None:
    with pytest.raises(NoResponse):
        ask(talk(LocalShell(mishaps.never_arrives), spool, gone=lambda: True), b"true")


def test_a_machine_that_has_rebooted_answers_no_more(spool: str, tmp_path: Path) -> None:
    """Its tmpfs is empty: commands are not run again, nor new ones."""
    conversation = talk(LocalShell(), spool)
    ask(conversation, b"true")
    shutil.rmtree(spool)
    with pytest.raises(ConnectionFault, match="rebooted while it was tested"):
        ask(conversation, b"touch %s/mark" % str(tmp_path).encode(), first=2)
    assert not (tmp_path / "mark").exists()


def test_a_machine_that_reboots_under_a_round_answers_no_more(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_PAUSE", 0.05)

    def reboots(shell: LocalShell, script: str) -> str:
        shell.really(script)
        shutil.rmtree(spool)
        raise NoResponse("nothing comes back")

    conversation = talk(LocalShell(mishaps.well, reboots), spool)
    ask(conversation, b"true")
    with pytest.raises(ConnectionFault, match="rebooted while it was tested"):
        ask(conversation, b"true", first=2)


def test_a_command_whose_process_is_gone_is_not_run_again(spool: str, tmp_path: Path) -> None:
    """It kills the one that watches over it: nobody knows how it ended."""
    killing = b"echo ran >>%s/ran; kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $PPID))"
    lost, well = ask(talk(LocalShell(), spool), killing % str(tmp_path).encode(), b"echo well")
    assert lost.ended is Ended.UNCLEAR
    assert "gone" in lost.why
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert well.answer == Answer(0, b"well\n", b"")


def test_a_machine_without_a_program_is_told_of(spool: str, tmp_path: Path) -> None:
    for program in ("base64", "setsid", "sha256sum", "timeout"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    shell = LocalShell(shell=("env", f"PATH={tmp_path}", "/bin/sh"))  # noqa: S604 - it is the shell to be run
    with pytest.raises(ConnectionFault, match="lacks the program 'gzip'"):
        ask(talk(shell, spool), b"true")


def test_several_rounds_may_be_under_way(spool: str) -> None:
    conversation = talk(LocalShell(), spool)
    ask(conversation, b"true", first=0)
    found: dict[int, list[tuple[int, bytes, bytes]]] = {}

    def one(first: int) -> None:
        found[first] = answers(ask(conversation, b"sleep 0.3; echo %d" % first, b"echo x", first=first))

    threads = [threading.Thread(target=one, args=(first,)) for first in range(1, 17, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [(0, b"%d\n" % n, b""), (0, b"x\n", b"")] for n in range(1, 17, 2)}


def test_closing_ends_what_is_asked(spool: str) -> None:
    stop = threading.Event()

    def waits(_shell: LocalShell, _script: str) -> str:
        assert stop.wait(300)
        raise Interrupted("stopped")

    conversation = Conversation(LocalShell(waits), stop=stop, spool=spool)
    threading.Timer(0.2, conversation.close).start()
    with pytest.raises(Interrupted):
        ask(conversation, b"true")


def test_one_part_that_fails_ends_the_whole_round(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several scripts under way, the fault is told, not that the others were stopped."""
    monkeypatch.setattr(LocalShell, "longest_script", 5500)

    def refused(_shell: LocalShell, _script: str) -> str:
        raise ConnectionFault("you may not")

    commands = [b"echo %d %d" % (n, hash(str(n))) for n in range(300)]
    with pytest.raises(ConnectionFault, match="you may not"):
        ask(talk(LocalShell(mishaps.well, refused), spool), *commands)


@pytest.mark.parametrize("command", [b"cat /dev/zero", b"yes >&2"])
def test_a_command_that_writes_without_end_is_too_large_and_harms_nobody(command: bytes, spool: str) -> None:
    endless, other = ask(talk(LocalShell(), spool), command, b"sleep 0.5; echo well; sleep 0.5; true", seconds=120)
    assert endless.ended is Ended.TOO_LARGE
    assert answers([other]) == [(0, b"well\n", b"")]
    assert sum(path.stat().st_size for path in Path(spool).rglob("*") if path.is_file()) < 25_000_000


def until(condition: str) -> str:
    """A command that waits until something holds: see test(1)."""
    return f"until [ {condition} ]; do sleep 0.1; done"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 3 MB."""
    with small_disk(tmp_path / "small", "3m", "--lazy") as folder:
        yield folder


@pytest.mark.usefixtures("patient")
def test_a_folder_without_room_makes_every_answer_unclear(small: Path) -> None:
    """What was written then may be cut without anybody noticing."""
    conversation = talk(LocalShell(), str(small))
    fills = f"{until(f'-e {small}.begun')}; head -c 9000000 /dev/zero; {until(f'-e {small}.seen')}"
    room = f"$(df --output=avail {small} | tail -n 1)"
    full = f'while [ "{room}" -gt 0 ]; do sleep 0.1; done'
    waits = f"touch {small}.begun; {full}; touch {small}.seen; echo it is broken"
    hog, other = ask(conversation, fills.encode(), waits.encode(), seconds=120)
    (later,) = ask(conversation, b"true", first=3)
    assert {one.ended for one in (hog, other, later)} == {Ended.UNCLEAR}
    assert any("no room" in one.why for one in (hog, other, later))


@pytest.mark.usefixtures("patient")
def test_a_folder_without_room_for_a_moment_makes_what_was_written_then_unclear(small: Path) -> None:
    """There is room again when the commands end."""
    conversation = talk(LocalShell(), str(small))
    ask(conversation, b"true")
    file, begun, full, cut = f"{small}/fill", f"{small}.begun", f"{small}.full", f"{small}.cut"
    hogs = f"head -c 9000000 /dev/zero >{file} 2>/dev/null"
    fill = f"{until(f'-e {begun}')}; {hogs}; touch {full}; {until(f'-e {cut}')}; rm {file}"
    waits = f"touch {begun}; {until(f'-e {full}')}"
    writes = f"trap '' PIPE; {waits}; seq 1 20000 2>/dev/null; touch {cut}; {until(f'! -e {file}')}"
    _, written = ask(conversation, fill.encode(), writes.encode(), first=10, seconds=120)
    assert written.ended is Ended.UNCLEAR
    assert "no room" in written.why


def shell_with(program: str, text: str, folder: Path) -> LocalShell:
    """A shell that finds a program which does something else first."""
    path = folder / "programs" / program
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return LocalShell(shell=("env", f"PATH={path.parent}:{os.environ['PATH']}", "sh"))  # noqa: S604 - it is to be run


def test_what_was_written_is_read_however_slow_that_begins(spool: str, tmp_path: Path) -> None:
    """Also when something is left behind that could still write."""
    slow = shell_with("stdbuf", f'sleep 1.5; exec {shutil.which("stdbuf")} "$@"', tmp_path)
    commands = (b"seq 1 3000", b"echo oh >&2; exit 3", b"sleep 60 & echo here")
    numbers = b"".join(b"%d\n" % n for n in range(1, 3001))
    assert answers(ask(talk(slow, spool), *commands)) == [(0, numbers, b""), (3, b"", b"oh\n"), (0, b"here\n", b"")]


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
@pytest.mark.parametrize("then", ["echo lost 2>/dev/null; exit 0", "sleep 60 & exit 0", "sleep 60"])
def test_an_answer_whose_reader_was_killed_is_unclear(signal: str, then: str, spool: str) -> None:
    """As when memory runs out: what it had not read yet is nowhere."""
    worker = "$(ps -o ppid= -p $(ps -o ppid= -p $PPID))"
    killing = f"trap '' PIPE; echo kept; until pkill -{signal} -x head -P {worker}; do sleep 0.1; done; {then}"
    # One that does not end is stopped after its time, and long after its reader was killed.
    (reply,) = ask(talk(LocalShell(), spool), killing.encode(), seconds=10 if then == "sleep 60" else 120)
    assert reply.ended is Ended.UNCLEAR
    assert "was killed" in reply.why


def test_no_command_is_run_without_pipes(spool: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (reply,) = ask(talk(shell_with("mkfifo", "exit 1", tmp_path), spool), f"touch {mark}; echo done".encode())
    assert reply.ended is Ended.UNCLEAR
    assert not mark.exists()


def test_an_answer_that_is_not_there_is_unclear(spool: str) -> None:
    """And those of others are told as what they are."""
    removing = f"until rm {spool}/*/live/2.o; do sleep 0.1; done 2>/dev/null; echo gone".encode()
    first, gone, last = ask(talk(LocalShell(), spool), b"echo first", removing, b"echo last")
    assert answers([first, last]) == [(0, b"first\n", b""), (0, b"last\n", b"")]
    assert gone.ended is Ended.UNCLEAR


@pytest.mark.parametrize("command", [b"kill -TERM 0", b"kill -9 0", b"kill -9 $PPID; sleep 1"])
def test_a_command_that_kills_what_runs_it_is_unclear(command: bytes, spool: str) -> None:
    """Or told as what it was: never as something else."""
    (reply,) = ask(talk(LocalShell(), spool), command)
    assert reply.ended is Ended.UNCLEAR or reply.answer == Answer(143, b"", b"")


def test_a_command_that_ignores_being_stopped_is_killed(spool: str, tmp_path: Path) -> None:
    sleep = f"sleep 601.{os.getpid()}"
    (reply,) = ask(talk(LocalShell(), spool), f"trap '' TERM; {sleep}; touch {tmp_path}/mark".encode(), seconds=1)
    assert reply.ended is Ended.TIMED_OUT
    deadline = time.monotonic() + 60
    while running(sleep):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not (tmp_path / "mark").exists()


def test_more_than_one_answer_carries_comes_with_the_next(spool: str) -> None:
    """Six times 9 MB, which packs well."""
    tally = CallCount()
    replies = ask(talk(LocalShell(), spool), *[b"head -c 9000000 /dev/zero"] * 6, tally=tally)
    assert [len(out) for _, out, _ in answers(replies)] == [9_000_000] * 6
    assert 2 <= tally.scripts <= 4


@pytest.mark.usefixtures("patient")
def test_a_part_that_is_not_heard_is_fetched_once_more(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_PAUSE", 0.05)
    tally = CallCount()
    shell = LocalShell(mishaps.well, mishaps.never_arrives, mishaps.well, mishaps.is_not_heard)
    ((_, out, _),) = answers(ask(talk(shell, spool), b"head -c 100000 /dev/urandom", tally=tally))
    assert len(out) == 100_000
    assert (tally.scripts, tally.parts) == (1, 5 + 2)


def test_what_failed_attempts_have_left_is_removed(spool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_PAUSE", 0.05)
    conversation = talk(LocalShell(mishaps.is_cut, mishaps.is_not_heard), spool)
    ask(conversation, b"head -c 5000 /dev/urandom | base64")
    ask(conversation, b"true", first=2)
    ask(conversation, b"true", first=3)
    assert len(list(Path(spool).rglob("*.names"))) == 1


def test_after_a_fault_nothing_more_is_asked(spool: str, tmp_path: Path) -> None:
    conversation = talk(LocalShell(mishaps.never_arrives), spool, gone=lambda: True)
    for first in (1, 2):
        with pytest.raises(NoResponse):
            ask(conversation, b"touch %s/mark" % str(tmp_path).encode(), first=first)
    assert not (tmp_path / "mark").exists()


def test_a_command_longer_than_an_argument_may_be_is_refused(spool: str) -> None:
    bad, good = ask(talk(LocalShell(), spool), b": " + b"x" * 140_000, b"echo good")
    assert bad.ended is Ended.REFUSED
    assert answers([good]) == [(0, b"good\n", b"")]


def test_a_machine_on_which_nothing_can_be_written_is_told() -> None:
    """At once, with what the machine says, and not as an answer that came back damaged."""
    shell = LocalShell()
    with pytest.raises(Unwritable, match=r"no place on the machine .*: mkdir: .*/proc/ami-validate.*: No such file"):
        ask(talk(shell, "/proc/ami-validate"), b"true")
    assert len(shell.scripts) == 2
