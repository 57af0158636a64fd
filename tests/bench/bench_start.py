"""Starting up: `ami --help`, and the answer to a press of Tab, against Python that does nothing.

Seconds grow with the load of the machine, and those of both sides alike: read the ratios.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from orchestrator.cli.completion.reply import VARIABLE
from tests.bench.program import PROGRAMS, Failed, environment
from tests.bench.row import Row

if TYPE_CHECKING:
    from tests.bench.setting import Setting

#: What is short is measured more often than the rest.
_TIMES = 10
_HELP, _COMPLETION = 0.2, 0.3
#: The same as ratios, with Python's start at 10 to 15 ms.
_HELP_RATIO, _COMPLETION_RATIO = 15, 20
_LINE = "ami build "


def run(setting: Setting) -> list[Row]:
    """Seconds of help and of completion, and how many times Python's own start they are."""
    setting.loaded()
    python, ami = [sys.executable, "-c", "pass"], [str(PROGRAMS / "ami")]
    nothing = _seconds(setting, python)
    helped = _seconds(setting, [*ami, "--help"])
    completed = _seconds(setting, ami, {VARIABLE: _LINE})
    return [
        Row("start", "ami --help", helped, aim=_HELP, absolute=True),
        Row("start", "ami --help : python -c pass", helped, nothing, aim=_HELP_RATIO),
        Row("start", "completion of ami build", completed, aim=_COMPLETION, absolute=True),
        Row("start", "completion of ami build : python -c pass", completed, nothing, aim=_COMPLETION_RATIO),
    ]


def _seconds(setting: Setting, argv: list[str], more: dict[str, str] | None = None) -> float:
    """The median of some runs, after one that compiles and reads everything once."""
    env = {**environment(), **(more or {})}
    took = []
    for _ in range(1 + _TIMES * setting.rounds):
        began = time.perf_counter()
        done = subprocess.run(argv, cwd=setting.workspace, env=env, capture_output=True, check=False)
        took.append(time.perf_counter() - began)
        if done.returncode:
            raise Failed(f"{' '.join(argv)} ended with exit code {done.returncode}")
    return median(took[1:])
