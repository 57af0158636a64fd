"""The process that runs the tests: `python -P -m orchestrator.validate.suite`, with a SuiteRequest on standard input.

Standard output carries one JSON object per line, as plugin.py says, and nothing else. What pytest prints goes to
standard error. The tests run in a process of their own, so that nothing they do to it can touch the caller.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

import pytest

from orchestrator.validate.backend import register
from orchestrator.validate.connection import Connection
from orchestrator.validate.plugin import SuitePlugin
from orchestrator.validate.request import SuiteRequest
from orchestrator.validate.transport import RunCommand


def main() -> int:
    """Run or collect the tests. The exit code is pytest's."""
    request = SuiteRequest.from_json(sys.stdin.read())
    lines = _own_streams()

    def tell(event: dict[str, Any]) -> None:
        lines.write(json.dumps(event) + "\n")
        lines.flush()

    transport = RunCommand(request.account, request.instance_id)
    connection = Connection(transport)
    register()
    code = int(pytest.main(_arguments(request), plugins=[SuitePlugin(request, connection, tell)]))
    tell({"event": "end", "exit_code": code, "calls": transport.calls, "asked": len(connection.asked)})
    return code


def _own_streams() -> IO[str]:
    """Take standard output away from everybody but us, and give the tests nothing to read."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return lines


def _arguments(request: SuiteRequest) -> list[str]:
    roles = [f"{request.root}/roles/{role}" for role in request.roles]
    return [
        f"--rootdir={request.root}",
        f"--confcutdir={request.root}",
        f"--config-file={request.root}/pytest.ini",
        "--import-mode=importlib",
        "--verbose",
        "--color=no",
        "-p",
        "no:cacheprovider",
        *([] if request.instance_id else ["--collect-only", "--quiet"]),
        *roles,
    ]


if __name__ == "__main__":
    sys.exit(main())
