"""The environment variables and the private folder that one Packer process gets.

Builds come out alike whoever starts them: what a person has set for their own Packer and Ansible (see `outside`,
`~/.packerconfig`, `~/.ansible.cfg`, `~/.ansible`) does not reach them. An `ansible.cfg` in the workspace does, because
it is part of what is built.

What makes Ansible quick and needs nothing of the driver stands in the rendered file, for whoever builds it by hand.
Here stands what needs a folder of the build's own: facts that are kept from playbook to playbook, one connection.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.launch import outside
from orchestrator.build.launch.wrapper_variables import CONNECTION_VARIABLE, EVENTS_VARIABLE
from orchestrator.build.packer import plugins
from orchestrator.build.packer.plugin_folders import VARIABLE as PLUGIN_PATH
from orchestrator.errors import LackError
from orchestrator.fetching.cache_folder import cache_folder
from orchestrator.files.held_folder import clear_abandoned, held_folder, in_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.build.request import BuildRequest

#: What makes Ansible run its tasks through Mitogen. SPT_NOENV keeps Mitogen's processes from writing their titles over
#: their environment (setproctitle's README), by which a build's processes are known (see orphans.py).
STRATEGY = {
    "ANSIBLE_STRATEGY": "mitogen_unpinned",
    "ANSIBLE_STRATEGY_PLUGINS": str(Path(__file__).parents[1] / "ansible/strategy"),
    "SPT_NOENV": "1",
}

#: What a socket's path may have (unix(7): 107; 103 on macOS), and what ssh adds to the folder: "/", a hash, a suffix.
_LONGEST, _ADDED = 103, 1 + 40 + 17

_NO_CONFIG = """\
# The factory's own: this workspace has no ansible.cfg.
[defaults]
# Every Debian, Ubuntu, Fedora and Amazon Linux has it. Looking for others costs a connection for each that is missing.
interpreter_python = /usr/bin/python3
# Seconds to connect. Ansible's own 10 are too few for a machine that has just booted, on a small or an emulated type.
timeout = 60
"""


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for temporary files and sockets, removed at the end. Those of killed runs are removed first.

    It lies below the system's temporary folder and not below the run's: a socket's path may have 107 bytes (unix(7)),
    and both Packer's plugins and SSH's shared connections listen on sockets there. Raises LackError for a temporary
    folder with a colon in its path, which Packer and Ansible take for two folders.
    """
    if os.pathsep in tempfile.gettempdir():
        raise LackError(f"Packer cannot work in {tempfile.gettempdir()}: it has a colon in its path", hint="set TMPDIR")
    clear_abandoned(in_memory())  # where secrets are, which this build may not have
    with held_folder() as folder:
        yield folder


def packer_environment(
    request: BuildRequest, private: Path, inherited: Iterable[str], *, mitogen: bool = False
) -> dict[str, str | None]:
    """What Packer's environment has beyond the inherited one; None for `inherited` names that it must not have."""
    own_config = request.folder / "ansible.cfg"
    workspace_config = request.workspace / "ansible.cfg"
    if not workspace_config.is_file():
        own_config.write_text(_NO_CONFIG, encoding="utf-8")
    return {
        **dict.fromkeys(outside.kept_out(inherited, request.account)),
        **outside.aws_variables(request.account),
        "TMPDIR": str(private),
        "CHECKPOINT_DISABLE": "1",
        "PACKER_NO_COLOR": "1",
        "PACKER_CACHE_DIR": str(private / "packer-cache"),
        "PACKER_CONFIG_DIR": str(private),
        PLUGIN_PATH: str(_plugin_folder(request, private)),
        "ANSIBLE_CONFIG": str(workspace_config if workspace_config.is_file() else own_config),
        "ANSIBLE_HOME": str(private / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(private / "cp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(private / "facts"),
        **(_mitogen(private) if mitogen else {}),
        "ANSIBLE_NO_TARGET_SYSLOG": "True",  # else each module writes its arguments into the log of the image
        EVENTS_VARIABLE: str(request.folder / "tasks.jsonl"),
    }


def _plugin_folder(request: BuildRequest, private: Path) -> Path:
    """A folder with the plugins that were checked, and no others."""
    folder = private / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    plugins.hand_over(request.ready.plugins if request.ready else (), folder)
    return folder


def _mitogen(private: Path) -> dict[str, str]:
    """Mitogen's variables. It does not share connections by itself, as Ansible does in its control path directory."""
    fits = len(str(private)) + _ADDED <= _LONGEST
    kept = {"MITOGEN_MODULES": str(_modules(private))}
    return {**STRATEGY, **kept, **({CONNECTION_VARIABLE: str(private / "%C")} if fits else {})}


def _modules(private: Path) -> Path:
    """Where what Mitogen sends of its modules is kept: for all builds, or for this one where nothing else can be."""
    place = cache_folder("mitogen-modules")
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
    return place if os.access(place, os.W_OK | os.X_OK) else private / "modules"
