"""The agent's place in a machine: whether it is there, and how it runs a script. It is reached by its namespaces.

A machine's own unit `amazon-ssm-agent` decides whether the machine answers. The lab's stand-in for the agent, which
runs as that unit (see agent_package), runs the scripts, so that whatever the unit says applies to them. What the lab
decides is when a script starts and when it has to end. The rules are those of amazon-ssm-agent's `executers.go`: a
script file, `sh -c` on it (so that a `#!` line counts), the unit's environment, standard input empty, a process group
of its own, and the end is reached when the script has ended *and* nobody holds its output open any more.
"""

from __future__ import annotations

import logging
import re
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.lab.ssm import output as ssm_output

if TYPE_CHECKING:
    from orchestrator.lab.host.machine import LabMachine
    from orchestrator.lab.ssm.order import Order
    from orchestrator.lab.ssm.output import Result

LOG = logging.getLogger(__name__)

#: Ends with 3 when the machine has no agent that is online. A stand-in that nobody hears although its unit has been
#: active for ten seconds is none; an agent with a network of its own reaches no Systems Manager either. It starts few
#: programs, which take long to start under QEMU.
_PROBE = r"""
eval "$(systemctl show --property=ActiveState,MainPID,ActiveEnterTimestampMonotonic,InvocationID amazon-ssm-agent)"
[ "$ActiveState" = active ] || exit 3
read -r host </proc/sys/kernel/hostname
foreign=''
case $(echo state | perl -e 'eval $ENV{AMI_RELAY}' 2>/dev/null) in
online) ;;
waiting) exit 3 ;;
*)
    read -r up rest </proc/uptime
    [ $((${up%.*} - ActiveEnterTimestampMonotonic / 1000000)) -ge 10 ] || exit 3
    [ "$(readlink "/proc/$MainPID/ns/net")" = "$(readlink /proc/self/ns/net)" ] || exit 3
    foreign=$(tr '\0' ' ' <"/proc/$MainPID/cmdline")
    ;;
esac
cat /etc/os-release; printf '\0%s\0' "$host"
{ dpkg-query --show --showformat='${Version}' amazon-ssm-agent ||
    rpm --query --queryformat '%{VERSION}' amazon-ssm-agent; } 2>/dev/null
printf '\0%s\0%s' "$foreign" "$InvocationID"
"""

#: How long a machine may take to answer, which a client's call to the lab waits for (botocore: at most 60 seconds).
_PROBE_SECONDS = 45
_REBOOT_SECONDS = 30
#: How long the answer may take after the order to kill a script.
_DRAIN_SECONDS = 10
#: What the agent says first: before that, nothing of the script has been run.
_TAKEN = b"taken\n"
_ANSWER = re.compile(_TAKEN + rb"end (?P<code>-?\d+) (?P<out>\d+) (?P<err>\d+) (?P<problem>[^\n]*)\n")


@dataclass(frozen=True)
class Facts:
    """What a machine with a running agent says of itself."""

    invocation: str
    """Names this run of the unit: systemd makes a new one each time it starts it."""
    platform_name: str
    platform_version: str
    agent_version: str
    """Empty when no package of that name is installed."""
    host_name: str
    foreign: str = ""
    """What runs as the unit, when it is not the lab's stand-in: then no script can be run."""


def probe(machine: LabMachine) -> Facts | None:
    """Ask a machine for its agent; None when it is not running or the machine is not up."""
    try:
        completed = process.run(
            machine.quick_argv(_with_relay("sh", "-c", _PROBE)), timeout=_PROBE_SECONDS, check=False
        )
    except process.ProgramFailed:
        return None
    return facts(completed.stdout) if completed.code == 0 else None


def facts(answer: bytes) -> Facts:
    """The facts in a probe's answer: os-release, host name, package version, what is foreign, invocation; by NUL."""
    release, host, version, foreign, invocation = answer.decode("utf-8", "replace").split("\0", 4)
    names = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', release, re.MULTILINE))
    number = re.match(r"\d{1,6}(\.\d{1,6}){2,3}", version)
    return Facts(
        invocation=invocation.strip(),
        platform_name=names.get("NAME", "Linux"),
        platform_version=names.get("VERSION_ID", ""),
        agent_version=number[0] if number else "",
        host_name=host.strip(),
        foreign=foreign.strip(),
    )


class NotTaken(Exception):
    """No agent took the script, of which nothing has been run: none listens, or the one that does is just ending."""


class Script:
    """One command in one machine. Its output outlives a reboot that the script asks for (exit code 194)."""

    def __init__(self, order: Order, command_id: str) -> None:
        self._order = order
        self._command_id = command_id
        self._stdout, self._stderr = b"", b""
        self._wake = threading.Event()
        self._cancelled = False

    def cancel(self) -> None:
        """End the script soon; `run` returns Cancelled. Safe from any thread, at any time."""
        self._cancelled = True
        self._wake.set()

    def run(self, machine: LabMachine, found: Facts) -> Result | None:
        """Run to the end. None when the end is not known: the machine stopped, or what ran the script was killed.

        Raises NotTaken. A result with code 194 is for the caller to act on: reboot the machine, and call `run` again.
        """
        argv = machine.quick_argv(_with_relay("perl", "-e", "eval $ENV{AMI_RELAY}"))
        # In this order, no cancel gets lost.
        self._wake.clear()
        if self._cancelled:
            self._wake.set()
        with process.started(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
            answer = _Answer(client, self._wake)
            _say(client, self._request(machine, found))
            self._wake.wait(self._order.execution_timeout)
            killed = not answer.complete
            if killed:
                _say(client, b"kill\n")
            said = answer.within(_DRAIN_SECONDS)
            if client.stdin is not None:
                # What could not be said is said again as it closes.
                with suppress(BrokenPipeError):
                    client.stdin.close()
        if not (killed or answer.taken):
            raise NotTaken
        if said is None:
            return ssm_output.stopped(self._stdout, self._stderr, cancelled=self._cancelled) if killed else None
        self._stdout += said.stdout
        self._stderr += said.stderr
        if killed:
            # As they were before the decision: what comes after it, such as the shell's "Killed", is not wanted.
            return ssm_output.stopped(self._stdout, self._stderr, cancelled=self._cancelled)
        return ssm_output.ended(said.code, self._stdout, self._stderr, problem=said.problem)

    def _request(self, machine: LabMachine, found: Facts) -> bytes:
        fields = {
            "command": self._command_id,
            "directory": self._order.working_directory,
            "length": len(self._order.script),
            "AWS_SSM_INSTANCE_ID": machine.instance_id,
            "AWS_SSM_REGION_NAME": machine.region,
            "AWS_SSM_PLATFORM_NAME": found.platform_name,
            "AWS_SSM_PLATFORM_VERSION": found.platform_version,
            "SSM_COMMAND_ID": self._command_id,
        }
        head = "".join(f"{name}={value}\n" for name, value in fields.items())
        return f"run\n{head}\n".encode() + self._order.script


@dataclass(frozen=True)
class _Said:
    """What the agent says of a script that has ended."""

    code: int
    problem: str
    stdout: bytes
    stderr: bytes


class _Answer:
    """The agent's answer, read as it comes. `wake` is set when there is no more to come."""

    def __init__(self, client: subprocess.Popen[bytes], wake: threading.Event) -> None:
        self._client = client
        self._wake = wake
        self._text = b""
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def complete(self) -> bool:
        """Whether nothing more will come."""
        return self._ended.is_set()

    @property
    def taken(self) -> bool:
        """Whether the agent took the script; to be asked when the answer is complete."""
        return self._text.startswith(_TAKEN)

    def within(self, seconds: float) -> _Said | None:
        """The answer; None when it did not come in time, or only a part of it."""
        self._reader.join(seconds)
        found = _ANSWER.match(self._text)
        if found is None:
            return None
        out, err = int(found["out"]), int(found["err"])
        body = self._text[found.end() :]
        if len(body) < out + err:
            return None
        return _Said(int(found["code"]), found["problem"].decode("utf-8", "replace"), body[:out], body[out:])

    def _read(self) -> None:
        if self._client.stdout is not None:
            self._text = self._client.stdout.read()
        self._ended.set()
        self._wake.set()


def reboot(machine: LabMachine) -> None:
    """Ask the machine to reboot itself, as the agent does after exit code 194."""
    process.run(machine.exec_argv(["systemctl", "reboot"]), timeout=_REBOOT_SECONDS, check=False)


def _say(client: subprocess.Popen[bytes], text: bytes) -> None:
    if client.stdin is None:
        return
    try:
        client.stdin.write(text)
        client.stdin.flush()
    except BrokenPipeError:
        LOG.debug("the machine's agent is gone")


def _with_relay(*argv: str) -> list[str]:
    """A command that finds relay.pl in its environment, where it is not seen in the machine's process list."""
    return ["env", f"AMI_RELAY={_relay()}", *argv]


@cache
def _relay() -> str:
    return resources.files("orchestrator.lab.host").joinpath("agent/relay.pl").read_text(encoding="ascii")
