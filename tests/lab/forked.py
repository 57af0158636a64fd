"""`ami` in a process of its own that has everything loaded already: forked from one that waits for commands.

Loading takes most of the time of most commands: half a second of a core, hundreds of times. What Python reads when it
starts (locale, its own variables) is the same as in a process that is started anew, as is all that a command gets from
outside. Tests of signals, terminals and the start itself start the program.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, NoReturn

import orchestrator
from orchestrator.aws.account import Account
from orchestrator.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Mapping

AMI = str(Path(sys.executable).parent / "ami")
#: What no command loads, or loads in a process of its own.
_ELSEWHERE = (
    "lab",
    "adopt",
    "builtin",
    "build.ansible",
    "cli.documents",
    "validate.suite",
    "validate.workers",
)
_READ_AT_START = ("LANG", "LC_", "PYTHON")
_LONGEST = 1 << 18


def forked(*arguments: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What `ami` does with these arguments, as `subprocess.run` tells it of the program."""
    argv = [AMI, *arguments]
    server = _server(tuple(sorted((name, env[name]) for name in env if name.startswith(_READ_AT_START))))
    asked = json.dumps({"argv": argv, "cwd": str(cwd), "env": dict(env)}).encode()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        reading, writing = os.pipe()
        with os.fdopen(reading) as reply, socket.socket(fileno=os.dup(server)) as line:
            socket.send_fds(line, [asked], [out.fileno(), err.fileno(), writing])
            os.close(writing)
            code = int(reply.read())
        texts = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
    return subprocess.CompletedProcess(argv, code, *texts)


@cache
def _server(variables: tuple[tuple[str, str], ...]) -> int:
    """The descriptor by which a waiting process is asked; that ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_READ_AT_START)}
    with theirs:
        os.set_inheritable(theirs.fileno(), True)
        argv = [sys.executable, "-P", __file__, str(theirs.fileno())]
        os.posix_spawn(sys.executable, argv, {**kept, **dict(variables)})
    return ours.detach()


def _serve(line: socket.socket) -> None:
    """Fork a process for each command that is asked for, until whoever asks is gone."""
    while True:
        asked, descriptors, *_ = socket.recv_fds(line, _LONGEST, 3)
        if not asked:
            return
        if os.fork() == 0:
            line.close()
            _run(json.loads(asked), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _run(asked: dict[str, Any], out: int, err: int, reply: int) -> NoReturn:
    """Be the command, below a process that tells how it has ended."""
    if command := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        os.write(reply, str(code).encode())
        os._exit(0)
    os.close(reply)
    for descriptor, place in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    time.tzset()
    sys.argv = asked["argv"]
    main()
    raise AssertionError("main ends the process")


def _load() -> None:
    """Load what commands load, and the models of the services that they ask."""
    ours = f"{orchestrator.__name__}."
    for module in walk_packages(orchestrator.__path__, ours):
        if not module.name.removeprefix(ours).startswith(_ELSEWHERE):
            import_module(module.name)
    account = Account("us-east-1", endpoint="http://127.0.0.1:9", access_key="none", secret_key="none")
    for make in (lambda: account.client("ec2"), lambda: account.client("ssm"), lambda: account.client("s3")):
        make()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        _serve(asking)
