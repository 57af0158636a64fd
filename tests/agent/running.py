"""How the small agent runs a script, and what it replies."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Told = dict[str, Any]
#: Held while a script is written, and while a process begins: one that forks meanwhile holds the script open for
#: writing until it becomes another program, and nobody can run the script ("Text file busy").
_FORKING = threading.Lock()
KEPT, MARK = 24_000, b"--output truncated--"


@dataclass
class Job:
    """A command that the agent has taken on."""

    job_id: str
    payload: Told
    reply: Callable[[Told], None]
    process: subprocess.Popen[bytes] | None = None
    cancelled: bool = False
    out: bytearray = field(default_factory=bytearray)

    @property
    def command_id(self) -> str:
        return self.job_id.split(".")[-2]


def run(job: Job, names: dict[str, str]) -> Told:
    """Run a job to its end; returns its reply. `names`: the environment besides the agent's own."""
    parameters = job.payload["Parameters"]
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "_script.sh")
        with _FORKING:
            script.write_text("\n".join(parameters["commands"]) + "\n")
        script.chmod(0o700)
        code, out, err, status = _script(job, script, parameters, names)
    return _reply(status, code, (out, err), (began, time.time()))


def _script(job: Job, script: Path, parameters: Told, names: dict[str, str]) -> tuple[int, bytes, bytes, str]:
    directory = parameters["workingDirectory"] or "/usr/bin"
    try:
        with _FORKING:
            job.process = subprocess.Popen(
                ["sh", "-c", str(script)],
                cwd=directory,
                env=os.environ | names,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
    except OSError as error:
        return 1, b"", f"failed to run commands: fork/exec {error}".encode(), "Failed"
    streams = [job.out, bytearray()]
    readers = [
        threading.Thread(target=_read, args=(pipe, kept), daemon=True)
        for pipe, kept in zip((job.process.stdout, job.process.stderr), streams, strict=True)
    ]
    for reader in readers:
        reader.start()
    late = not _ended(job, job.process, readers, float(parameters["executionTimeout"]))
    out, err = (bytes(stream) for stream in streams)
    if late or job.cancelled:
        kill(job)
        job.process.wait()
        for reader in readers:
            reader.join()
        return 137, out, err, "Cancelled" if job.cancelled else "TimedOut"
    code = job.process.wait()
    if code < 0:
        code = 137 if code == -9 else -1
    if code:
        err += f"failed to run commands: exit status {code}".encode()
    return code, out, err, {0: "Success", 137: "TimedOut"}.get(code, "Failed")


def progress() -> Told:
    return {"additionalInfo": {}, "documentStatus": "InProgress", "documentTraceOutput": "", "runtimeStatus": {}}


def _reply(status: str, code: int, streams: tuple[bytes, bytes], times: tuple[float, float]) -> Told:
    out, err = (_cut(stream).decode("utf-8", "replace") for stream in streams)
    began, ended = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for at in times)
    plugin = {
        "status": status,
        "code": code,
        "name": "aws:runShellScript",
        "output": out + (f"\n----------ERROR-------\n{err}" if err else ""),
        "standardOutput": out,
        "standardError": err,
        "startDateTime": began,
        "endDateTime": ended,
    }
    return progress() | {"documentStatus": status, "runtimeStatus": {"0.aws:runShellScript": plugin}}


def _cut(stream: bytes) -> bytes:
    return stream if len(stream) < KEPT else stream[: KEPT - len(MARK)] + MARK


def _read(pipe: IO[bytes], kept: bytearray) -> None:
    with pipe:
        while chunk := os.read(pipe.fileno(), 1 << 16):
            if len(kept) < KEPT:
                kept += chunk


def _ended(job: Job, process: subprocess.Popen[bytes], readers: list[threading.Thread], seconds: float) -> bool:
    """Whether the script and whoever holds its output ended in time."""
    ends = time.monotonic() + seconds
    while any(reader.is_alive() for reader in readers) or process.poll() is None:
        if job.cancelled or time.monotonic() >= ends:
            return False
        time.sleep(0.02)
    return True


def kill(job: Job) -> None:
    if job.process is not None:
        with suppress(ProcessLookupError):
            os.killpg(job.process.pid, signal.SIGKILL)
