"""A process is known by more than its number, and never taken for dead without proof."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from orchestrator.run.leases.owner import Life, _birth, owner_from, this_process

ME = this_process("20261125T004200Z-0a1b2c", "f7c305d")


def test_life_when_it_is_this_process() -> None:
    assert ME.life is Life.RUNS


def test_life_when_the_process_has_ended() -> None:
    """A number that nobody has is a process that is gone; so is one that nobody has waited for yet."""
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as process:
        dead = replace(ME, pid=process.pid, birth=_birth(process.pid))
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert dead.life is Life.GONE
    assert dead.life is Life.GONE


def test_life_when_the_number_was_given_again() -> None:
    """The same number with another birth is another process."""
    assert replace(ME, birth="1").life is Life.GONE


@pytest.mark.parametrize("machine", ["elsewhere", ""])
def test_life_when_it_is_of_another_machine(machine: str) -> None:
    """Of a process elsewhere nothing is known, whatever its number means here."""
    assert replace(ME, machine=machine, pid=2**22 + 1).life is Life.UNKNOWN


def test_owner_when_read_back() -> None:
    """What was written is read, also with more around it."""
    assert owner_from(json.dumps(ME.as_json() | {"token": "x"})) == ME


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"run": "x"}', json.dumps(ME.as_json() | {"pid": "1"})])
def test_owner_when_the_text_names_none(text: str) -> None:
    assert owner_from(text) is None
