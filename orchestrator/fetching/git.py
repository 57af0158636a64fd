"""The git of whoever works here: it asks no questions, leaves files as they are, and says in one line why it failed."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from orchestrator.errors import LackError
from orchestrator.process import ProgramFailed, run

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.process import Completed

#: Seconds for one clone or fetch.
PATIENCE = 1800.0
#: The oldest git that is served: that of the oldest distribution with a Python for this product, Ubuntu 20.04.
OLDEST = (2, 25)

#: What would lead git to another repository, such as that of a hook which calls us (git-rev-parse, --local-env-vars).
OF_ANOTHER = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
#: What keeps git from changing files as a person likes them, and from running that person's hooks.
_SETTINGS = {"core.autocrlf": "false", "core.hooksPath": os.devnull}

#: The end of git's own version in `git version 2.39.5 (Apple Git-154)`.
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_OF_ANOTHER_USER = re.compile(r"dubious ownership in repository at '([^']+)'")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]*:[^/@\s'\"]*(?=@)")
#: What git says last of a remote that a program of its own could not reach: the reason stands before it.
_NO_REASON = "Could not read from remote repository."

#: What to do about a failure, by a text of git's or ssh's.
_HINTS = {
    "terminal prompts disabled": "git may not ask here: let a credential helper answer, or use an SSH URL",
    "could not read Username": "git may not ask here: let a credential helper answer, or use an SSH URL",
    "Authentication failed": "renew the credentials that your credential helper has",
    "Permission denied (publickey": "ssh-add has to have a key that the server knows",
    "Host key verification failed": "connect once with ssh, and compare the fingerprint of the server's key",
    "transport 'file' not allowed": "git config --global protocol.file.allow always",
}


def environment() -> dict[str, str | None]:
    """The variables that git and programs that start it get, beside a person's own; None takes one out.

    Settings of a person's in `GIT_CONFIG_COUNT` stay (git-config, "Environment").
    """
    given = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    env: dict[str, str | None] = dict.fromkeys(OF_ANOTHER)
    for number, (name, value) in enumerate(_SETTINGS.items(), first):
        env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return env | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(first + len(_SETTINGS)),
    }


def git(*arguments: str, folder: Path | None = None, index: Path | None = None, check: bool = True) -> Completed:
    """Run git, in the repository whose own folder (`.git`, or a bare one) is `folder`, with an index of its own.

    Raises ProgramFailed when it fails, and LackError when there is no git.
    """
    where = [f"--git-dir={folder}"] if folder else []
    env = environment() | ({"GIT_INDEX_FILE": str(index)} if index else {})
    return run(["git", *where, *arguments], timeout=PATIENCE, env=env, check=check)


def check_version() -> None:
    """Raise LackError when there is no git, or one that is too old."""
    said = git("--version", check=False).out.strip()
    found = _VERSION.match(said)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise LackError(f"{said} is too old: git {wanted} or newer is needed", hint="apt-get install git")


def reason(failed: ProgramFailed) -> str:
    """Why git failed: one line in its own words, without credentials."""
    lines = [line.strip() for line in (failed.completed.err or failed.completed.out).splitlines() if line.strip()]
    at = next((number for number, line in enumerate(lines) if line.startswith(("fatal:", "error:"))), len(lines) - 1)
    if not lines:
        return failed.ended
    said = lines[at].removeprefix("fatal:").removeprefix("error:").strip()
    if said == _NO_REASON and at > 0:
        said = lines[at - 1]
    elif said.endswith(":") and at + 1 < len(lines):
        said = f"{said} {lines[at + 1]}"
    return without_credentials(said)


def hint_for(failed: ProgramFailed) -> str:
    """What to do about it; empty when nothing is known."""
    said = failed.completed.err
    owned = _OF_ANOTHER_USER.search(said)
    if owned:
        return f"if you trust its owner: git config --global --add safe.directory {shlex.quote(owned[1])}"
    return next((hint for text, hint in _HINTS.items() if text in said), "")


def without_credentials(text: str) -> str:
    """A text in which no URL has a password: git prints the URL that a person's own settings made of the given one.

    >>> without_credentials("unable to access 'https://me:pw@git.example.com/x/'")
    "unable to access 'https://********@git.example.com/x/'"
    """
    return _CREDENTIALS.sub("********", text)
