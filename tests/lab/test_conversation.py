"""Rounds over Run Command to a real machine, while things go wrong: the right answers, or a clear error."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.batch.question import Ended, Question, Reply
from orchestrator.validate.errors import ConnectionFault
from orchestrator.validate.machine.instance_loss import is_gone
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.round import CallCount
from tests.waiting import until

if TYPE_CHECKING:
    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(170)


@pytest.fixture(scope="module")
def account(lab: Settings) -> Account:
    return Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")


@pytest.fixture(scope="module")
def machine(shared_bench: Any) -> str:
    """The id of an instance with the agent, which tests leave as it was."""
    return str(shared_bench.node())


def talk(account: Account, instance: str) -> Conversation:
    stop = threading.Event()
    transport = RunCommandTransport(account, instance, stop=stop)
    return Conversation(transport, stop=stop, gone=lambda: is_gone(account, instance))


def ask(conversation: Conversation, *commands: str, first: int = 1, tally: CallCount | None = None) -> list[Reply]:
    """The replies, in the order of the commands."""
    questions = [Question(number, command.encode(), 60) for number, command in enumerate(commands, start=first)]
    replies = [reply for some in conversation.ask(questions, tally or CallCount()) for reply in some]
    assert sorted(reply.number for reply in replies) == [question.number for question in questions]
    return sorted(replies, key=lambda reply: reply.number)


def words(replies: list[Reply]) -> list[str]:
    assert all(reply.answer for reply in replies), replies
    return [reply.answer.stdout.decode() for reply in replies if reply.answer]


def test_round_when_calls_are_throttled_and_fail(machine: str, account: Account, bench: Any, faults: Any) -> None:
    """SendCommand whose answer was lost has been sent twice: still every command runs once."""
    throttled = faults.set("throttle", 0.3, "ssm:*", seed=11)
    broken = faults.set("error", 0.5, "ssm:SendCommand", seed=2)
    conversation = talk(account, machine)
    for turn in range(6):
        first = 1 + 10 * turn
        said = ask(conversation, *(f"echo ran >>/root/once-{first + n}; echo {n}" for n in range(10)), first=first)
        assert words(said) == [f"{n}\n" for n in range(10)]
    assert faults.hits(throttled) >= 5
    assert faults.hits(broken) >= 2
    assert bench.shell(machine, "cat /root/once-* | sort | uniq -c").split() == ["60", "ran"]


def test_round_when_a_fresh_command_is_not_known_yet(machine: str, account: Account, faults: Any) -> None:
    unknown = faults.set("consistency", 2.0, "ssm:GetCommandInvocation")
    assert words(ask(talk(account, machine), "echo here")) == ["here\n"]
    assert faults.hits(unknown) >= 2


def test_round_when_one_answer_is_long(machine: str, account: Account) -> None:
    """2 MB that cannot be packed, beside small ones: whole, and parts are those of the round, none of them per test."""
    tally = CallCount()
    big, *small = ask(
        talk(account, machine),
        "head -c 2000000 /dev/urandom | tee /root/big",
        *(f"echo {n}" for n in range(20)),
        tally=tally,
    )
    (digest,) = ask(talk(account, machine), "sha256sum </root/big")
    assert big.answer is not None
    assert hashlib.sha256(big.answer.stdout).hexdigest() == words([digest])[0].split()[0]
    assert words(small) == [f"{n}\n" for n in range(20)]
    assert tally.scripts == 1
    assert tally.parts == pytest.approx(2_000_000 * 4 / 3 / 23_600, rel=0.02)


def test_rounds_when_many_long_answers_come_at_once(machine: str, account: Account, lab: Settings) -> None:
    """Their parts are fetched side by side, and the agent, which takes ten commands, never has to refuse one."""
    conversation, refused = talk(account, machine), lab.log.read_text().count(": 51402")
    long = "head -c 150000 /dev/urandom; echo >&2"

    def parts(first: int) -> int:
        (reply,) = ask(conversation, long, first=first, tally=(tally := CallCount()))
        assert reply.answer is not None
        assert len(reply.answer.stdout) == 150_000
        return tally.parts

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(parts, range(1, 6))) == [8] * 5
    assert lab.log.read_text().count(": 51402") == refused


def test_round_when_a_command_hangs(machine: str, account: Account) -> None:
    """It fails by its own limit, and its neighbours' answers are here long before."""
    began, came = time.monotonic(), dict[int, float]()
    questions = [Question(1, b"sleep 1000", 15), *(Question(n, b"true") for n in range(2, 30))]
    ended = dict[int, Ended]()
    for replies in talk(account, machine).ask(questions, CallCount()):
        ended |= {reply.number: reply.ended for reply in replies}
        came |= {reply.number: time.monotonic() - began for reply in replies}
    assert ended == {1: Ended.TIMED_OUT, **dict.fromkeys(range(2, 30), Ended.ANSWERED)}
    assert max(came[n] for n in range(2, 30)) < came[1]


def test_round_when_the_agent_goes_away_for_a_while(account: Account, bench: Any) -> None:
    """In the middle of it, for 20 s: every answer comes, and nothing has run twice."""
    instance = bench.node()
    conversation = talk(account, instance)
    ask(conversation, "true")
    away = (
        "systemd-run --quiet --collect sh -c 'sleep 1; systemctl stop amazon-ssm-agent; sleep 20; "
        "systemctl start amazon-ssm-agent'"
    )
    bench.shell(instance, away)
    commands = [f"echo ran >>/root/once-{n}; sleep 0.3; echo {n}" for n in range(30)]
    assert words(ask(conversation, *commands, first=2)) == [f"{n}\n" for n in range(30)]
    assert bench.shell(instance, "cat /root/once-* | sort | uniq -c").split() == ["30", "ran"]


def test_round_when_the_machine_has_rebooted(account: Account, ec2: Any, bench: Any) -> None:
    """What its tests saw before is no more: it is not asked on."""
    instance = bench.node()
    conversation = talk(account, instance)
    ask(conversation, "true")
    before = bench.shell(instance, "stat -c %Y /run")
    ec2.reboot_instances(InstanceIds=[instance])
    until(lambda: bench.shell(instance, "stat -c %Y /run", check=False) not in ("", before), "another boot")
    with pytest.raises(ConnectionFault, match="rebooted while it was tested"):
        ask(conversation, "touch /root/mark", first=2)
    assert bench.shell(instance, "ls /root/mark", check=False) == ""


def test_round_when_the_machine_dies(account: Account, ec2: Any, bench: Any) -> None:
    instance = bench.node()
    conversation = talk(account, instance)
    ask(conversation, "true")
    threading.Timer(1.5, lambda: ec2.terminate_instances(InstanceIds=[instance])).start()
    began = time.monotonic()
    with pytest.raises(ConnectionFault):
        ask(conversation, "sleep 600", first=2)
    assert time.monotonic() - began < 300
