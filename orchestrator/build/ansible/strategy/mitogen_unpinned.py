"""Mitogen's linear strategy for Ansible, as a factory needs it: many at once, and some in a row for one machine.

- Mitogen puts each of its processes onto one CPU, the same ones in every run. That suits one Ansible with many
  machines. A factory has many Ansibles with one machine each, and all of them would wait for the same two CPUs.
- Mitogen sends modules to the machine, and works out for each which others it will ask for. A good part of the time to
  connect goes there, and of what is installed here the answer is the same for every playbook. So that is kept, in the
  folder that MITOGEN_MODULES names, for as long as the same versions are in the same place and the file is the same.
- To work that out it compiles each of them again for every module that asks for it. Once is enough.
- Each task runs in a process that is forked. Python's garbage collector would go through all that Ansible has loaded
  there, and so copy its memory (`gc.freeze` in Python's manual).
- Ansible calls every strategy that is not its own deprecated, once for each playbook. The factory has tried this one,
  and does without it when it fails (see `build/mitogen.py`). What Ansible says of roles is told as always.

Most of it reaches into what is not promised. Where it is not as expected, the trial fails, and plain Ansible builds.
"""

from __future__ import annotations

import base64
import functools
import gc
import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import ansible
import ansible_mitogen.affinity
import ansible_mitogen.module_finder
import mitogen.core
from ansible.plugins import loader
from mitogen.master import ModuleResponder

# Before the strategy is loaded: from then on the processes ask this object where they belong.
ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()

from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule  # noqa: E402

__all__ = ["StrategyModule"]

_FOLDER = os.environ.get("MITOGEN_MODULES")
#: Where what is kept comes from: a role may bring modules too, and another role others of the same name.
_INSTALLED = tuple(f"{Path(package.__file__).parent}{os.sep}" for package in (ansible, ansible_mitogen, mitogen))
#: What it depends on besides the file.
_VERSIONS = (sys.version, ansible.__version__, mitogen.__version__, *_INSTALLED)
_KEY = hashlib.sha256("\0".join(map(str, _VERSIONS)).encode()).hexdigest()[:16]

_build = ModuleResponder._build_tuple  # noqa: SLF001 - see above
_deprecated = loader.display.deprecated


def _kept(responder: Any, name: str) -> tuple[Any, ...]:
    """What is sent of a module: name, modules below it, path, its compressed source, and what it imports."""
    known: dict[str, tuple[Any, ...]] = responder._cache  # noqa: SLF001 - see above
    if name not in known and _FOLDER:
        file = Path(_FOLDER) / _KEY / f"{name}.json"
        with suppress(OSError, ValueError):
            state, *first, source, imports = json.loads(file.read_text(encoding="utf-8"))
            if state == _state(first[2]):
                known[name] = (*first, mitogen.core.Blob(base64.b64decode(source)), imports)
                return known[name]
        *first, source, imports = _build(responder, name)
        if source is not None and str(first[2]).startswith(_INSTALLED):
            with suppress(OSError):  # on a full disk it is worked out each time
                _write(file, json.dumps([_state(first[2]), *first, base64.b64encode(source).decode(), imports]))
    return tuple(_build(responder, name))


def _state(path: str) -> list[int]:
    """What changes when a module is written anew. Raises OSError when it is not there any more."""
    found = Path(path).stat()
    return [found.st_mtime_ns, found.st_size]


def _write(file: Path, text: str) -> None:
    """Write it whole: builds read it while another one writes. An Ansible elsewhere has no `write_whole` of ours."""
    file.parent.mkdir(parents=True, exist_ok=True)
    coming = file.with_suffix(f".{os.getpid()}")
    try:
        coming.write_text(text, encoding="utf-8")
        coming.replace(file)
    finally:  # nothing stays on a full disk
        coming.unlink(missing_ok=True)


def _tell_of_others(msg: str, *arguments: Any, **options: Any) -> None:
    if not msg.startswith("Use of strategy plugins not included in ansible.builtin"):
        _deprecated(msg, *arguments, **options)


gc.freeze()
ansible_mitogen.module_finder.compile = functools.cache(compile)
ModuleResponder._build_tuple = _kept  # noqa: SLF001 - see above
loader.display.deprecated = _tell_of_others
