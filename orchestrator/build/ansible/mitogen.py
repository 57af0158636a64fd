"""Whether Ansible can run with Mitogen, which keeps one Python alive on the machine in the place of one for each task.

Mitogen stands on Ansible's internals, so that a release of Ansible may be too new for it. It refuses those of which it
knows (`ansible_mitogen.loaders`), and names no newest one that works. Hence it is tried: one task on this machine, with
the Ansible and the strategy of a build. That it works is kept in a file, for all workspaces, until a version changes.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.launch.environment import STRATEGY
from orchestrator.build.launch.outside import PERSONAL
from orchestrator.build.launch.processes import end_orphans
from orchestrator.errors import AmiError
from orchestrator.fetching.cache_folder import cache_folder
from orchestrator.files.file_lock import locked
from orchestrator.files.held_folder import held_folder
from orchestrator.files.whole_file import write_whole
from orchestrator.process import ProgramFailed, run

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Why Ansible runs without it when the workspace says so.
UNWANTED = "ami.yml says so (ansible: {mitogen: false})"

_TRIAL = "[{hosts: all, gather_facts: false, tasks: [{ansible.builtin.command: 'true'}]}]\n"

#: Seconds; the trial takes about one on an idle machine, and an Ansible that Mitogen does not know may hang.
_PATIENCE = 60.0


def why_not(*, wanted: bool, known: Path | None = None) -> str:
    """Why Ansible must run without Mitogen; empty when it can run with it.

    `wanted` is what the workspace says. `known` is a file that holds the versions which have worked together; without
    one the trial is made.
    """
    if not wanted:
        return UNWANTED
    versions = installed()
    if not versions:
        return "it is not installed (pip install mitogen)"
    said = _tried_once(known, versions) if known is not None else tried()
    return f"{versions} do not work together: {said}" if said else ""


def _tried_once(known: Path, versions: str) -> str:
    """What went wrong. Builds that begin at once make one trial between them."""
    with ExitStack() as stack:
        if _holds(known, versions):
            return ""
        with suppress(OSError):  # a home that nobody may write to, or a full disk: each build tries it
            known.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(known.with_suffix(".lock")))
        if _holds(known, versions):
            return ""
        said = tried()
        if not said:
            with suppress(OSError):
                write_whole(known, versions)
        return said


def _holds(known: Path, versions: str) -> bool:
    return known.is_file() and known.read_text(encoding="utf-8") == versions


def remembered() -> Path:
    """The file that remembers the versions which have worked together in this Python's environment."""
    return cache_folder("mitogen") / sha256(sys.prefix.encode()).hexdigest()[:16]


def installed() -> str:
    """`mitogen 0.3.54 and ansible-core 2.19.14`; empty when one of the two is not there."""
    try:
        names = [f"{name} {version(name)}" for name in ("mitogen", "ansible-core")]
    except PackageNotFoundError:
        return ""
    return " and ".join(names) if find_spec("ansible_mitogen") else ""


@cache
def tried() -> str:
    """What went wrong when a task was run on this machine with Mitogen; empty when nothing did."""
    with held_folder() as private:
        playbook = private / "trial.yml"
        playbook.write_text(_TRIAL, encoding="utf-8")
        program = Path(sys.executable).parent / "ansible-playbook"
        argv = [str(program) if program.exists() else "ansible-playbook", "-i", "localhost,", "-c", "local"]
        argv += ["-e", f"ansible_python_interpreter={sys.executable}", str(playbook)]
        try:
            run(argv, env=_environment(str(private)), timeout=_PATIENCE)
        except ProgramFailed as failed:
            return _said(failed)
        except AmiError as error:
            return error.message
        finally:
            end_orphans(private)  # an Ansible that hangs is killed, and Mitogen's processes outlive it
    return ""


def _environment(private: str) -> Mapping[str, str | None]:
    config = Path(private) / "ansible.cfg"
    config.touch()
    own = {"TMPDIR": private, "ANSIBLE_HOME": private, "ANSIBLE_CONFIG": str(config), "ANSIBLE_NOCOLOR": "1"}
    return {**{name: None for name in os.environ if name.startswith(PERSONAL)}, **own, **STRATEGY}


def _said(failed: ProgramFailed) -> str:
    """The line of Ansible's that says why, or else its last one."""
    lines = [line.strip() for text in (failed.completed.out, failed.completed.err) for line in text.splitlines()]
    errors = [line for line in lines if line.startswith(("ERROR!", "[ERROR]:", "fatal:"))]
    return next(iter(errors), None) or next((line for line in reversed(lines) if line), failed.message)
