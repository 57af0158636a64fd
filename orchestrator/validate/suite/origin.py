"""Who says a command: a module of Testinfra's that only reads, or the test itself, which may change the machine.

`host.file(path).exists` and `host.run("touch ...")` both arrive as `host.run`. The caller decides: the nearest one that
is not a method of Testinfra's which only hands a command on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import testinfra.host
import testinfra.modules

if TYPE_CHECKING:
    from types import FrameType

_MODULES = Path(testinfra.modules.__file__).parent
#: Testinfra's modules whose commands read only. Not `command`, which hands on what a test says, `ansible`, `salt` and
#: `puppet`, which can change the machine, nor a module that a later Testinfra brings.
READING = (
    "addr",
    "blockdevice",
    "docker",
    "environment",
    "file",
    "group",
    "interface",
    "iptables",
    "mountpoint",
    "package",
    "pip",
    "podman",
    "process",
    "service",
    "socket",
    "supervisor",
    "sysctl",
    "systeminfo",
    "user",
)
_HOST = testinfra.host.__file__
_FILES = frozenset({_HOST, *(str(_MODULES / f"{name}.py") for name in READING)})
#: Methods that hand a command on.
_HANDING = frozenset({"run", "run_expect", "run_test", "check_output"})
_HANDING_FILES = frozenset({_HOST, str(_MODULES / "base.py")})


def reads_only(frame: FrameType | None) -> bool:
    """Whether the command that `frame` hands to the backend is known to read only.

    `host.exists` and `host.find_command` are such questions, too.
    """
    while frame is not None and frame.f_code.co_filename in _HANDING_FILES and frame.f_code.co_name in _HANDING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename in _FILES
