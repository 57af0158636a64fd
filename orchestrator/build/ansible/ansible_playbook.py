"""The console script `ami-ansible-playbook`: ansible-playbook for Packer, which also writes down what each task did.

Packer's Ansible provisioner calls it as its `command`, once per layer. Output, exit code and signals are those of
ansible-playbook; the events go to the file that the environment variable AMI_EVENTS names. Without that variable it
simply becomes ansible-playbook. Packer first asks for `--version`, once per layer: that is answered here, because
Ansible takes half a second to do it.

ansible-runner's own way to follow a run live is a pseudo-terminal, in a session of its own: a killed Packer would
leave it running, and Ansible would write for a terminal. Here ansible-playbook stays in Packer's process group, and its
output comes through pipes that ansible-runner's event filter reads while it runs.
"""

from __future__ import annotations

import codecs
import json
import os
import shlex
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestrator.build.launch.wrapper_variables import CONNECTION_VARIABLE, EVENTS_VARIABLE, SECRETS_VARIABLE
from orchestrator.files.held_folder import held_folder
from orchestrator.masks import hide
from orchestrator.process import installed_with_us

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from orchestrator.build.ansible.task_writer import TaskWriter

#: Seconds that Ansible gets to end by itself after a signal, which as a rule went to its whole process group.
_GRACE = 3.0


def main() -> int:
    """Run ansible-playbook with this process's arguments; the result is its exit code."""
    arguments = sys.argv[1:]
    program = _program()
    events = os.environ.get(EVENTS_VARIABLE)
    if not events or ("--version" in arguments and not _is_ours(program)):
        sys.stdout.flush()
        os.execv(program, [program, *arguments])  # noqa: S606 - an argv list, no shell
    if "--version" in arguments:
        return _say_version()
    _share_connection()
    from orchestrator.build.ansible.task_writer import TaskWriter  # noqa: PLC0415 - keeps `--version` quick
    from orchestrator.files.whole_file import RecordFile  # noqa: PLC0415 - same

    arguments = [*arguments[:-1], *_secrets(arguments), *arguments[-1:]]

    with RecordFile(Path(events)) as file:
        return _watched(program, arguments, TaskWriter(file, _playbook(arguments), _layer(arguments)))


def _is_ours(program: str) -> bool:
    """Whether a program was installed with this package, with the Ansible that this Python imports."""
    return Path(program).parent == Path(sys.executable).parent


def _say_version() -> int:
    """Say the first line of Ansible's own answer, which is what Packer reads; the result is the exit code."""
    from ansible.release import __version__ as version  # noqa: PLC0415 - whoever runs a playbook needs none

    sys.stdout.write(f"ansible-playbook [core {version}]\n")
    return 0


def _secrets(arguments: list[str]) -> list[str]:
    """The arguments that bring the layer's secret variables. From here on secrets are hidden: Packer never sees them.

    They come last, so that those of the environment go over the layer's own.
    """
    folder = os.environ.get(SECRETS_VARIABLE)
    if not folder:
        return []
    from orchestrator.build.ansible.secret_files import take_over  # noqa: PLC0415 - keeps `--version` quick

    return take_over(Path(folder), _layer(arguments))


def _share_connection() -> None:
    """Let all playbooks of a build share one connection. Said here, because Packer sets ANSIBLE_SSH_ARGS anew."""
    path, arguments = os.environ.get(CONNECTION_VARIABLE), os.environ.get("ANSIBLE_SSH_ARGS")
    if path and arguments and "ControlPath" not in arguments:
        os.environ["ANSIBLE_SSH_ARGS"] = f"{arguments} -o ControlPath={shlex.quote(path)}"


def _program() -> str:
    """The ansible-playbook that was installed with this package, else the one on PATH."""
    found = installed_with_us("ansible-playbook")
    if found is None:
        sys.exit("ami-ansible-playbook: the program 'ansible-playbook' is not installed (pip install ansible-core)")
    return found


def _playbook(arguments: list[str]) -> str:
    """The playbook: Packer always gives it as the last argument."""
    return arguments[-1] if arguments else ""


def _layer(arguments: list[str]) -> str:
    """The layer that is applied: the variable `layer_name`, and else, in a fragment's own call, the playbook's name."""
    for argument in arguments:
        if argument.startswith("{"):
            with suppress(ValueError):
                given = json.loads(argument)
                if isinstance(name := given.get("layer_name"), str):
                    return name
    return Path(_playbook(arguments)).stem


def _watched(program: str, arguments: list[str], writer: TaskWriter) -> int:
    """Run under ansible-runner, in a private folder that is removed afterwards."""
    from ansible_runner.interface import init_command_config  # noqa: PLC0415 - takes 0.1 s

    with held_folder() as private, Path(os.devnull).open("rb") as nothing:
        out, out_end = _pipe()
        err, err_end = _pipe()
        runner = init_command_config(
            program,
            arguments,
            runner_mode="subprocess",
            input_fd=nothing,
            output_fd=out_end,
            error_fd=err_end,
            private_data_dir=str(private),
            fact_cache_type="",  # facts are kept where the environment says, as plain ansible-playbook does it
            event_handler=writer.take,
        )
        readers = [
            _follow(out, runner.event_callback, _Copy(sys.stdout)),
            _follow(err, runner.event_callback, _Copy(sys.stderr, writer.complain)),
        ]
        _forward_signals(writer)
        try:
            runner.run()
        finally:
            out_end.close()
            err_end.close()
            for reader in readers:
                reader.join(timeout=_GRACE)  # a process that Ansible left behind may hold the pipe open
        code = int(runner.rc)
        writer.end(code)
        return code if code >= 0 else 128 - code


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    read, write = os.pipe()
    return os.fdopen(read, "rb", buffering=0), os.fdopen(write, "wb", buffering=0)


class _Copy:
    """What the event filter writes people's text to: one of our own streams, and a second listener if there is one.

    Whole lines are passed on, so that no secret is cut in two; a secret of several lines is hidden line by line.
    """

    def __init__(self, stream: IO[str], listener: Callable[[str], None] | None = None) -> None:
        self._stream = stream
        self._listener = listener
        self._rest = ""

    def write(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        if whole:
            self._pass_on("\n".join(whole) + "\n")

    def _pass_on(self, text: str) -> None:
        text = hide(text)
        if self._listener is not None:
            self._listener(text)
        with suppress(OSError):  # Packer may be gone; Ansible must be read all the same
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def close(self) -> None:
        self._pass_on(self._rest)
        self._rest = ""
        self.flush()


def _follow(pipe: IO[bytes], take: Callable[[dict[str, Any]], None], copy: _Copy) -> threading.Thread:
    """A started thread that reads a pipe to its end: events to `take`, everything else to `copy`."""
    from ansible_runner.utils import OutputEventFilter  # noqa: PLC0415 - loaded with ansible-runner

    def read() -> None:
        events = OutputEventFilter(copy, take, suppress_ansible_output=True)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with pipe:
            while chunk := pipe.read(65536):
                events.write(decoder.decode(chunk))
            events.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _forward_signals(writer: TaskWriter) -> None:
    """Wait for Ansible's end when told to stop, and pass the request on if it went to this process alone."""

    def pass_on() -> None:
        if writer.pid:
            try:
                os.kill(writer.pid, signal.SIGINT)
            except ProcessLookupError:
                return

    def handle(_number: int, _frame: FrameType | None) -> None:
        timer = threading.Timer(_GRACE, pass_on)
        timer.daemon = True
        timer.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


if __name__ == "__main__":
    sys.exit(main())
