"""Dask's programs as processes of their own, and their death."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def dask(*arguments: str, env: Mapping[str, str]) -> Iterator[psutil.Process]:
    """A program of Dask's, gone with all that it started in the end."""
    argv = [str(Path(sys.executable).with_name("dask")), *arguments, "--no-dashboard"]
    popen = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = psutil.Process(popen.pid)
    try:
        yield process
    finally:
        kill(process)
        popen.wait()


def kill(process: psutil.Process) -> None:
    """Kill a program and all that it started, at once: as when its machine is gone."""
    with suppress(psutil.NoSuchProcess):
        process.suspend()  # it shall start nothing in the place of what ends
    for stop in (psutil.Process.suspend, psutil.Process.kill):  # none of them shall hear of the end of another
        for one in [*family(process), process]:
            with suppress(psutil.NoSuchProcess):
                stop(one)


def family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
