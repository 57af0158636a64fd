"""What Ansible Vault has encrypted: which passwords Ansible gets, and what is behind them, so that it is hidden.

Ansible decrypts by itself. Here the same is done before anything is launched, by Ansible's own library in a process of
its own: a password that is missing is told at once, and what comes out is hidden from then on.
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from orchestrator.build.launch.outside import VAULT_PASSWORDS
from orchestrator.errors import DefinitionError, Problem, UsageError
from orchestrator.process import ProgramFailed, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What every encrypted text begins with (Ansible documentation, "Format of files encrypted with Ansible Vault").
HEADER = b"$ANSIBLE_VAULT;"
_INLINE = re.compile(
    rb"!vault(?:-encrypted)?\s*\|[^\n]*\n"
    rb"(\s*\$ANSIBLE_VAULT;[^\n]*\n(?:[ \t]*[0-9a-fA-F]+[ \t]*(?:\n|$))+)"
)
_LIST = "ANSIBLE_VAULT_IDENTITY_LIST"
_HINT = "set ANSIBLE_VAULT_PASSWORD_FILE, or vault_password_file in the workspace's ansible.cfg"


def passwords(inherited: Mapping[str, str], here: Path) -> dict[str, str]:
    """The variables that say where the passwords are, with paths as seen from `here`: Packer works in the workspace."""
    found = {name: inherited[name] for name in VAULT_PASSWORDS if inherited.get(name)}
    if "ANSIBLE_VAULT_PASSWORD_FILE" in found:
        found["ANSIBLE_VAULT_PASSWORD_FILE"] = _absolute(found["ANSIBLE_VAULT_PASSWORD_FILE"], here)
    if _LIST in found:
        found[_LIST] = ",".join(_identity(one.strip(), here) for one in found[_LIST].split(","))
    return found


def _identity(written: str, here: Path) -> str:
    name, at, source = written.rpartition("@")
    return written if source.startswith("prompt") else f"{name}{at}{_absolute(source, here)}"


def _absolute(path: str, here: Path) -> str:
    return str(here / Path(path).expanduser())


def encrypted_in(path: Path) -> Iterator[tuple[int, str]]:
    """(line, encrypted text) of each encrypted value of a file, or of the whole file."""
    content = path.read_bytes()
    if content.startswith(HEADER):
        yield 1, content.decode("ascii", "replace")
        return
    if HEADER not in content:
        return
    for found in _INLINE.finditer(content):
        lines = found[1].decode("ascii", "replace").split()
        yield content.count(b"\n", 0, found.start()) + 1, "\n".join(lines) + "\n"


def decrypted(paths: Iterable[Path], workspace: Path) -> tuple[str, ...]:
    """What is behind every encrypted value of these files: each value of a file that is YAML.

    Raises DefinitionError, with file and line, for what cannot be decrypted.
    """
    found = [(path, line, text) for path in paths for line, text in encrypted_in(path)]
    if not found:
        return ()
    answers = _answers([text for _, _, text in found], workspace)
    paired = zip(found, answers, strict=True)
    if bad := [Problem(path, line, one["error"]) for (path, line, _), one in paired if "error" in one]:
        raise DefinitionError(bad, hint=_HINT)
    return tuple(value for one in answers for value in one["values"])


@contextmanager
def _config(workspace: Path) -> Iterator[Path]:
    """The workspace's ansible.cfg, or an empty one: without any, Ansible takes a person's own."""
    config = workspace / "ansible.cfg"
    if config.is_file():
        yield config
        return
    # Ansible since 2.19 refuses a file with another name ending, and so /dev/null.
    with NamedTemporaryFile(suffix=".cfg") as empty:
        yield Path(empty.name)


def _answers(texts: list[str], workspace: Path) -> list[dict[str, Any]]:
    without: dict[str, str | None] = {name: None for name in os.environ if name.startswith("ANSIBLE_")}
    argv = [sys.executable, "-P", "-m", "orchestrator.build.ansible.vault_reader"]
    env = without | passwords(os.environ, Path.cwd()) | {"ANSIBLE_NOCOLOR": "1"}
    try:
        with _config(workspace) as config:
            env["ANSIBLE_CONFIG"] = str(config)
            done = run(argv, env=env, stdin=json.dumps(texts).encode(), cwd=workspace)
    except ProgramFailed as failed:
        said = failed.completed.err.strip().splitlines() or ["Ansible ended without a word"]
        raise UsageError(f"the passwords of Ansible Vault cannot be read: {said[-1]}", hint=_HINT) from None
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers
