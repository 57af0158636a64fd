"""Testinfra's questions get the same answers over Run Command as through its podman backend, on the same machine."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import testinfra

from orchestrator.aws.account import Account
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.batch.question import Answer, Question
from orchestrator.validate.errors import CommandTimedOut, OutputTooLarge
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.round import CallCount
from orchestrator.validate.suite.backend import SpokenResult, register

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(60)

SETUP = r"""
groupadd --gid 4321 crew
useradd --uid 4321 --gid crew --groups adm,users --home-dir /srv/joe --create-home --shell /bin/bash \
    --comment 'Jöe "the" Müller' joe
echo 'joe:x' | chpasswd
chage --mindays 1 --maxdays 90 joe
mkdir -p '/srv/odd $(names)'
printf 'ünï\n{{ braces }}\n' >'/srv/odd $(names)/it'"'"'s "here"'
printf '\000\001\377\376' >/srv/bytes
chown joe:crew /srv/bytes
chmod 4751 /srv/bytes
ln -s /srv/bytes /srv/link
mkfifo /srv/pipe
head -c 300000 /dev/urandom >/srv/random
printf 'joe ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/joe
systemd-run --quiet --unit napping sleep infinity
"""


@pytest.fixture(scope="module")
def machine(shared_bench: Any) -> tuple[str, str]:
    """The ids of an instance with the agent, and of its container."""
    instance = shared_bench.node()
    shared_bench.booted(instance)
    shared_bench.shell(instance, SETUP)
    return instance, shared_bench.container(instance)


class OneByOne:
    """An Asker: each question is a round of its own."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._asked = 0

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:  # noqa: ARG002 - it is an Asker
        self._asked += 1
        question = Question(self._asked, command, seconds)
        ((reply,),) = self._conversation.ask([question], CallCount())
        return reply.of(question)


@pytest.fixture(scope="module")
def over_ssm(machine: tuple[str, str], lab: Settings) -> Any:
    account = Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")
    stop = threading.Event()
    conversation = Conversation(RunCommandTransport(account, machine[0], stop=stop), stop=stop)
    register()
    return testinfra.get_host(f"ssm://{machine[0]}", asker=OneByOne(conversation))


@pytest.fixture(scope="module")
def over_podman(machine: tuple[str, str]) -> Any:
    host = testinfra.get_host(f"podman://{machine[1]}")
    # The same words in an assertion, so that what a command said is compared as well.
    host.backend.result = partial(SpokenResult, host.backend)
    return host


def as_joe(host: Any, command: str) -> str:
    with host.sudo("joe"):
        return str(host.check_output(command))


def back_to_root(host: Any) -> list[str]:
    names = []
    with host.sudo("joe"):
        names.append(host.user().name)
        with host.sudo():
            names.append(host.user().name)
        names.append(host.user().name)
    return [*names, host.user().name]


ODD = '/srv/odd $(names)/it\'s "here"'

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "file.mode": lambda host: host.file("/srv/bytes").mode,
    "file.owner": lambda host: [getattr(host.file("/srv/bytes"), one) for one in ("user", "uid", "group", "gid")],
    "file.content": lambda host: host.file("/srv/bytes").content,
    "file.content random": lambda host: host.file("/srv/random").content,
    "file.content_string": lambda host: host.file(ODD).content_string,
    "file.contains": lambda host: host.file(ODD).contains("{{ braces }}"),
    "file.size": lambda host: host.file("/srv/random").size,
    "file.sha256sum": lambda host: host.file("/srv/random").sha256sum,
    "file.md5sum": lambda host: host.file(ODD).md5sum,
    "file.mtime": lambda host: host.file("/srv/bytes").mtime,
    "file.linked_to": lambda host: host.file("/srv/link").linked_to,
    "file.listdir": lambda host: sorted(host.file("/srv").listdir()),
    "file.kinds": lambda host: [
        (path, kind, getattr(host.file(path), f"is_{kind}"))
        for path in ("/srv", "/srv/bytes", "/srv/link", "/srv/pipe", "/nothing")
        for kind in ("file", "directory", "symlink", "pipe", "socket", "executable")
    ],
    "file.exists": lambda host: [host.file(path).exists for path in (ODD, "/nothing")],
    "file.mode of nothing": lambda host: host.file("/nothing").mode,
    "package": lambda host: (host.package("openssh-server").is_installed, host.package("openssh-server").version),
    "package.release": lambda host: host.package("openssh-server").release,
    "package that is not there": lambda host: host.package("zsh").is_installed,
    "service": lambda host: (host.service("ssh").is_running, host.service("ssh").is_enabled),
    "service.masked": lambda host: [host.service(name).is_masked for name in ("ssh", "cron")],
    "service.properties": lambda host: host.service("cron").systemd_properties["FragmentPath"],
    "service that is not there": lambda host: (host.service("nginx").is_running, host.service("nginx").exists),
    "user": lambda host: [
        getattr(host.user("joe"), one)
        for one in ("exists", "uid", "gid", "group", "groups", "home", "shell", "gecos", "password")
    ],
    "user.days": lambda host: (
        host.user("joe").password_min_days,
        host.user("joe").password_max_days,
        host.user("joe").expiration_date,
    ),
    "user without a name": lambda host: host.user().name,
    "user that is not there": lambda host: host.user("jim").exists,
    "user.uid of nobody known": lambda host: host.user("jim").uid,
    "group": lambda host: [getattr(host.group("crew"), one) for one in ("exists", "gid", "members")],
    "socket": lambda host: [
        host.socket(one).is_listening for one in ("tcp://22", "tcp://0.0.0.0:22", "tcp://:::22", "tcp://80")
    ],
    "socket.listening": lambda host: sorted(host.socket.get_listening_sockets()),
    "sysctl": lambda host: [host.sysctl(one) for one in ("kernel.ostype", "vm.swappiness", "kernel.hostname")],
    "process": lambda host: host.process.get(comm="sleep", args="sleep infinity", user="root").pid,
    "process.filter": lambda host: sorted(one.pid for one in host.process.filter(comm="systemd-journal")),
    "process that is not there": lambda host: host.process.filter(comm="nginx"),
    "interface": lambda host: (
        host.interface("eth0").exists,
        host.interface("eth0").addresses,
        host.interface("lo").speed if host.interface("nope").exists else None,
    ),
    "interface.names": lambda host: (sorted(host.interface.names()), host.interface.default().name),
    "mount_point": lambda host: [
        getattr(host.mount_point("/proc"), one) for one in ("exists", "filesystem", "options")
    ],
    "mount_points": lambda host: sorted(one.path for one in host.mount_point.get_mountpoints()),
    "mount point that is not there": lambda host: host.mount_point("/srv").exists,
    "system_info": lambda host: [
        getattr(host.system_info, one) for one in ("type", "distribution", "release", "codename", "arch")
    ],
    "pip": lambda host: host.pip.get_packages(pip_path="pip3") if host.exists("pip3") else "no pip",
    "environment": lambda host: {key: host.environment().get(key) for key in ("HOME", "PWD", "LANG")},
    "exists": lambda host: [host.exists(one) for one in ("sshd", "sh", "nginx")],
    "find_command": lambda host: host.find_command("sshd"),
    "addr": lambda host: (host.addr("localhost").is_resolvable, host.addr("127.0.0.1").port(22).is_reachable),
    "run.rc": lambda host: [host.run(f"exit {code}").rc for code in (0, 1, 3, 126, 127, 137, 168, 169, 194, 255)],
    "run.streams": lambda host: said(host.run("echo out; echo err >&2; exit 3")),
    "run.quotes": lambda host: said(host.run("""echo 'a b' "c  d" `echo e` $(echo "f\\"g") \\$h '$i' ;: # j""")),
    "run.arguments": lambda host: said(host.run("printf '[%%s]' %s %s", "it's $x `y`", 'a"b\\c\nd')),
    "run.unicode": lambda host: said(host.run("echo 'Grüße, 世界 ✓'; echo ∅ >&2")),
    "run.binary": lambda host: said_bytes(host.run("cat /srv/bytes; cat /srv/bytes >&2")),
    "run.braces": lambda host: said(host.run("echo '{{ ssm:x }}' {{a}} '{% x %}'")),
    "run.newlines": lambda host: said(host.run("cat <<X\na\n\n  b\nX\nprintf '\\n\\n'")),
    "run.nothing": lambda host: said(host.run("")),
    "run.not found": lambda host: said(host.run("no-such-program --at-all")),
    "run.syntax": lambda host: said(host.run("if true; then")),
    "run.stdin": lambda host: said(host.run("cat; echo end")),
    "run.long": lambda host: said(host.run("seq 200000")),
    "run.long stderr": lambda host: said(host.run("seq 50000 >&2")),
    "run.killed": lambda host: host.run("kill -9 $$").rc,
    "run.background": lambda host: said(host.run("sleep 1 >/dev/null 2>&1 & echo here")),
    "sudo": lambda host: as_joe(host, "id -un; echo \"$0 'quoted'\""),
    "sudo.nested": back_to_root,
    "sudo.file": lambda host: as_joe(host, "cat /etc/shadow || echo 'not for me'"),
    "sudo.unicode": lambda host: as_joe(host, "printf 'ä{{b}}\n$HOME'"),
}


def said(result: Any) -> tuple[int, str, str, bool]:
    return result.rc, result.stdout, result.stderr, result.succeeded


def said_bytes(result: Any) -> tuple[int, bytes, bytes]:
    return result.rc, result.stdout_bytes, result.stderr_bytes


def answer(question: Callable[[Any], Any], host: Any) -> Any:
    """The answer, or the error in words, without the command's own address in memory."""
    try:
        return question(host)
    except (AssertionError, RuntimeError, ValueError) as error:
        return type(error), re.sub(r"<testinfra\.backend.*?>|<orchestrator.*?>|0x[0-9a-f]+", "", str(error))


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_answer_is_the_same(name: str, over_ssm: Any, over_podman: Any) -> None:
    question = QUESTIONS[name]
    assert answer(question, over_ssm) == answer(question, over_podman)


@pytest.mark.parametrize("source", ["head -c 1500000 /dev/urandom", "yes 0123456789 | head -c 10485760"])
def test_long_output_comes_back_whole(source: str, over_ssm: Any, shared_bench: Any, machine: tuple[str, str]) -> None:
    """Bytes that cannot be packed make many parts; text packs well."""
    shared_bench.shell(machine[0], f"{source} >/srv/big")
    expected = shared_bench.shell(machine[0], "sha256sum /srv/big").split()[0]
    assert hashlib.sha256(over_ssm.file("/srv/big").content).hexdigest() == expected


def test_more_is_that_commands_error_alone(over_ssm: Any) -> None:
    with pytest.raises(OutputTooLarge, match="10,485,761 bytes"):
        over_ssm.run("head -c 10485761 /dev/zero")
    assert over_ssm.run("echo still here").stdout == "still here\n"


def test_a_hung_command_hits_its_own_timeout(over_ssm: Any) -> None:
    with pytest.raises(CommandTimedOut, match="within 1 s"):
        over_ssm.run("echo begun; sleep 600", timeout=1)
    assert over_ssm.process.filter(args="sleep 600") == []


def test_little_stays_on_the_machine(over_ssm: Any, shared_bench: Any, machine: tuple[str, str]) -> None:
    """What was asked is remembered by its number, so that nothing is run twice; answers are not kept for long."""
    over_ssm.run("seq 100000")
    for _ in range(2):
        over_ssm.run("true")
    assert shared_bench.shell(machine[0], "find /run/ami-validate -type f -size +24k") == ""
    assert shared_bench.shell(machine[0], "stat -c '%a %U' /run/ami-validate /run/ami-validate/*") == "700 root\n" * 2
    left = shared_bench.shell(machine[0], "ls /run/ami-validate/*/live /run/ami-validate/*/ended").split()
    assert len([name for name in left if name[0].isdigit()]) == 4  # of the last one: two streams, its code, its end


def test_any_bytes_any_code(over_ssm: Any) -> None:
    generator = random.Random(7)  # noqa: S311
    for _ in range(5):
        out, err, code = generator.randbytes(300), generator.randbytes(300), generator.randrange(256)
        octal = ["".join(f"\\{byte:03o}" for byte in content) for content in (out, err)]
        result = over_ssm.run(f"printf '{octal[0]}'; printf '{octal[1]}' >&2; exit {code}")
        assert said_bytes(result) == (code, out, err)
