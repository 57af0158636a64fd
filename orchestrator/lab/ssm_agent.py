"""The agent's place in a machine: whether it is there, and how it runs a script. Everything goes through `podman exec`.

A machine's own unit `amazon-ssm-agent` decides whether the machine answers; what runs as that unit is up to the image.
The lab does the agent's work from outside, in the way of amazon-ssm-agent's `executers.go`: a script file, `sh -c`
on it (so that a `#!` line counts), the unit's environment, standard input empty, a process group of its own, and the
end is reached when the script has ended *and* nobody holds its output open any more.
"""

from __future__ import annotations

import logging
import re
import secrets
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from orchestrator import process
from orchestrator.lab import ssm_output
from orchestrator.lab.ssm_output import Capture, Result

if TYPE_CHECKING:
    from orchestrator.lab.machine import Machine
    from orchestrator.lab.ssm_order import Order

LOG = logging.getLogger(__name__)

_PROBE = r"""
systemctl is-active --quiet amazon-ssm-agent || exit 3
cat /etc/os-release; printf '\0'; hostname; printf '\0'
{ dpkg-query --show --showformat='${Version}' amazon-ssm-agent ||
    rpm --query --queryformat '%{VERSION}' amazon-ssm-agent; } 2>/dev/null
printf '\0'; cat "/proc/$(systemctl show --property=MainPID --value amazon-ssm-agent)/environ"
"""

#: Read from the environment, so that it is not seen in the machine's process list. The last word on standard error
#: carries the exit code: podman's own exit code cannot be told from a script's. The pipes through `cat` make the
#: launcher wait for background children that still write; podman would not.
_LAUNCH = r"""
unset AMI_LAUNCH
token=$1 dir=$2 work=$3
finish() { printf '\0%s:%s' "$token" "$1" >&2; exit; }
mkdir -p "$dir" && rm -f "$dir/pid" "$dir/code" && cat >"$dir/_script.sh" &&
    chmod 700 "$dir/_script.sh" || finish script
cd "$work" 2>/dev/null || finish chdir
unset OLDPWD
{
    {
        {
            setsid sh -c 'echo "$1 $$" >"$0/pid"; exec sh -c "$0/_script.sh"' "$dir" $$ </dev/null 2>&4 4>&-
            echo $? >"$dir/code"
        } 4>&1 2>/dev/null >&3 3>&- | cat >&2 3>&-
    } 3>&1 | cat
}
finish "$(cat "$dir/code")"
"""

#: Kill the script's group; then, if something that left the group holds the output open, the launcher's.
_KILL = r"""
dir=$1; i=0
until [ -s "$dir/pid" ] || [ $((i += 1)) -gt 50 ]; do sleep 0.1; done
read -r launcher script <"$dir/pid" || exit 0
kill -s KILL -- "-$script" 2>/dev/null; i=0
while kill -0 "$launcher" 2>/dev/null && [ $((i += 1)) -lt 10 ]; do sleep 0.1; done
kill -s KILL -- "-$launcher" 2>/dev/null
exit 0
"""

_PROBE_SECONDS = 20
_KILL_SECONDS = 30
#: How long the streams may take to end after everything that writes to them was killed.
_DRAIN_SECONDS = 10


@dataclass(frozen=True)
class Facts:
    """What a machine with a running agent says of itself."""

    environment: tuple[str, ...]
    """The agent's own, which its scripts inherit. It changes each time the unit starts."""
    platform_name: str
    platform_version: str
    agent_version: str
    """Empty when no package of that name is installed."""
    host_name: str


def probe(machine: Machine) -> Facts | None:
    """Ask a machine for its agent; None when it is not running or the machine is not up."""
    try:
        completed = process.run(machine.exec_argv(["sh", "-c", _PROBE]), timeout=_PROBE_SECONDS, check=False)
    except process.ProgramFailed:
        return None
    return facts(completed.stdout) if completed.code == 0 else None


def facts(answer: bytes) -> Facts:
    """The facts in a probe's answer: os-release, host name, package version, environment; NUL between them."""
    release, host, version, environment = answer.decode("utf-8", "replace").split("\0", 3)
    names = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', release, re.MULTILINE))
    number = re.match(r"\d{1,6}(\.\d{1,6}){2,3}", version)
    return Facts(
        environment=tuple(entry for entry in environment.split("\0") if "=" in entry),
        platform_name=names.get("NAME", "Linux"),
        platform_version=names.get("VERSION_ID", ""),
        agent_version=number[0] if number else "",
        host_name=host.strip(),
    )


class Script:
    """One command in one machine. Its output outlives a reboot that the script asks for (exit code 194)."""

    def __init__(self, machine: Machine, order: Order, command_id: str) -> None:
        self._machine = machine
        self._order = order
        self._command_id = command_id
        self._directory = (
            f"/var/lib/amazon/ssm/{machine.instance_id}/document/orchestration/{command_id}"
            "/awsrunShellScript/0.awsrunShellScript"
        )
        self._stdout, self._stderr = Capture(), Capture()
        self._wake = threading.Event()
        self._cancelled = False

    def cancel(self) -> None:
        """End the script soon; `run` returns Cancelled. Safe from any thread, at any time."""
        self._cancelled = True
        self._wake.set()

    def run(self, found: Facts) -> Result | None:
        """Run to the end. None when the end is not known: the machine stopped, or podman failed.

        A result with code 194 is for the caller to act on: reboot the machine, and call `run` again.
        """
        token = secrets.token_hex(8)
        ended_by_itself = threading.Event()
        with process.started(self._argv(found, token), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            readers = self._readers(client, ended_by_itself)
            self._wake.wait(self._order.execution_timeout)
            killed = not ended_by_itself.is_set()
            # As the agent does: what comes after the decision to kill, such as the shell's "Killed", is not wanted.
            before = self._stdout.content(), self._stderr.content()
            if killed:
                self._kill()
            for reader in readers:
                reader.join(_DRAIN_SECONDS)
        if killed:
            return ssm_output.stopped(*before, cancelled=self._cancelled)
        if not self._cancelled:
            self._wake.clear()
        word = self._stderr.take_trailer(token)
        return None if word is None else self._result(word)

    def _argv(self, found: Facts, token: str) -> list[str]:
        environment = (
            *found.environment,
            f"AWS_SSM_INSTANCE_ID={self._machine.instance_id}",
            f"AWS_SSM_REGION_NAME={self._machine.region}",
            f"AWS_SSM_PLATFORM_NAME={found.platform_name}",
            f"AWS_SSM_PLATFORM_VERSION={found.platform_version}",
            f"SSM_COMMAND_ID={self._command_id}",
            f"AMI_LAUNCH={_LAUNCH}",
        )
        arguments = [token, self._directory, self._order.working_directory]
        shell = ["sh", "-c", 'eval "$AMI_LAUNCH"', "ssm-document-worker", *arguments]
        return self._machine.exec_argv(["env", "-i", *environment, *shell], interactive=True)

    def _readers(self, client: subprocess.Popen[bytes], ended: threading.Event) -> list[threading.Thread]:
        first = threading.Thread(target=_drain, args=(client.stdout, self._stdout), daemon=True)

        def drain_both() -> None:
            _drain(client.stderr, self._stderr)
            first.join()
            ended.set()
            self._wake.set()

        readers = [first, threading.Thread(target=drain_both, daemon=True)]
        for reader in readers:
            reader.start()
        if client.stdin is not None:
            try:
                with client.stdin as stdin:
                    stdin.write(self._order.script)
            except BrokenPipeError:
                LOG.debug("%s ended before it had read its script", self._command_id)
        return readers

    def _kill(self) -> None:
        argv = self._machine.exec_argv(["sh", "-c", _KILL, "ssm-document-worker", self._directory])
        try:
            process.run(argv, timeout=_KILL_SECONDS, check=False)
        except process.ProgramFailed as failed:
            LOG.warning("command %s may still run in %s: %s", self._command_id, self._machine.instance_id, failed)

    def _result(self, word: str) -> Result:
        problems = {
            "chdir": f"chdir {self._order.working_directory}: no such file or directory",
            "script": f"failed to create script file in {self._directory}",
        }
        code = 1 if word in problems else int(word)
        content = self._stdout.content(), self._stderr.content()
        return ssm_output.ended(code, *content, problem=problems.get(word, ""))


def reboot(machine: Machine) -> None:
    """Ask the machine to reboot itself, as the agent does after exit code 194."""
    process.run(machine.exec_argv(["systemctl", "reboot"]), timeout=_KILL_SECONDS, check=False)


def _drain(stream: IO[bytes] | None, capture: Capture) -> None:
    if stream is None:
        return
    # read1: what has arrived is kept at once, for a command that is killed later.
    reader = getattr(stream, "read1", stream.read)
    with stream:
        while chunk := reader(65_536):
            capture.feed(chunk)
