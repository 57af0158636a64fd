"""Runs a script as root on a machine through a program that carries the three streams of a shell: podman, ssh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.process import ProgramFailed
from orchestrator.validate.errors import NoResponse

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from orchestrator.validate.round import CallCount

#: The last line of every script that is sent: one that was cut on its way is not run at all.
_LAST = "# that is all of it"
#: Reads the script whole before any of it is run, which then finds nothing on its standard input.
_SHELL = f"""script=$(cat)
case $script in
*'{_LAST}') ;;
*) echo 'the script was cut on its way' >&2; exit 1 ;;
esac
exec </dev/null
eval "$script"
"""
#: What is run on the machine, as root. With no more of an environment than services get there: who logs in, or what
#: started the container, must not show in what the tests see.
ROOT_SHELL = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", _SHELL)

#: Seconds for the first words with a machine.
HELLO = 10
#: Seconds that a program may take to get to the machine and back, besides its script.
_WAY = 30


class Piped:
    """A Transport that starts a program for every script. Safe to use from several threads.

    `argv` is the program, `name` what its starts are counted as, `machine` what messages call the other end.
    `stop`, once set, ends a script's program with Interrupted; what the script began may go on on the machine.
    """

    #: Characters. A pipe has no limit; these keep what is held in memory within bounds.
    longest_script = 1_000_000
    longest_output = 16_000_000

    def __init__(
        self,
        argv: Sequence[str],
        *,
        name: str,
        machine: str,
        stop: threading.Event,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self._argv = tuple(argv)
        self._name = name
        self._machine = machine
        self._stop = stop
        self._env = env

    def run(self, script: str, seconds: float, tally: CallCount) -> str:
        """Standard output of a script that needs at most `seconds` and ends with 0.

        Raises NoResponse, after which nobody knows how much of the script has run, and Interrupted.
        """
        tally.call(self._name)
        fed = f"{script.rstrip(chr(10))}\n{_LAST}\n".encode()
        try:
            done = process.run(self._argv, timeout=seconds + _WAY, stdin=fed, env=self._env, stop=self._stop)
        except ProgramFailed as failed:
            raise NoResponse(
                f"{self._name} failed on {self._machine}: {why(failed)}", hint="is the machine still running?"
            ) from failed
        return done.stdout.decode("utf-8", "replace")


def why(failed: ProgramFailed) -> str:
    """What a program said last, else how it ended; without its arguments, which tell a person nothing."""
    said = failed.completed.err.strip().splitlines()
    return said[-1] if said and failed.completed.code > 0 else failed.ended
