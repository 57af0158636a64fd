"""The environment variables and the private folder that one Packer process gets.

Builds come out alike whoever starts them: what a person has set for their own Packer and Ansible (`PKR_VAR_*`,
`PACKER_*`, `ANSIBLE_*`, `~/.ansible.cfg`, `~/.ansible`) does not reach them. An `ansible.cfg` in the workspace does,
because it is part of what is built. AWS credentials, proxies and the SSH configuration pass through.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.tasks import EVENTS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.build.request import BuildRequest

_PERSONAL = ("ANSIBLE_", "PKR_VAR_", "PACKER_", "AWX_")


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for temporary files and sockets, removed at the end.

    It lies below the system's temporary folder and not below the run's: a socket's path may have 107 bytes (unix(7)),
    and both Packer's plugins and SSH's shared connections listen on sockets there.
    """
    with tempfile.TemporaryDirectory(prefix="ami-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def packer_environment(request: BuildRequest, private: Path, inherited: Iterable[str]) -> dict[str, str | None]:
    """What Packer's environment has beyond the inherited one; None for `inherited` names that it must not have."""
    own_config = request.folder / "ansible.cfg"
    workspace_config = request.workspace / "ansible.cfg"
    if not workspace_config.is_file():
        own_config.write_text("# No settings: this workspace has no ansible.cfg.\n", encoding="utf-8")
    return {
        **{name: None for name in inherited if name.startswith(_PERSONAL)},
        "TMPDIR": str(private),
        "CHECKPOINT_DISABLE": "1",
        "PACKER_NO_COLOR": "1",
        "PACKER_CACHE_DIR": str(private / "packer-cache"),
        "PACKER_CONFIG_DIR": str(private),
        "ANSIBLE_CONFIG": str(workspace_config if workspace_config.is_file() else own_config),
        "ANSIBLE_HOME": str(private / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(private / "cp"),
        "ANSIBLE_NOCOLOR": "1",
        EVENTS_VARIABLE: str(request.folder / "tasks.jsonl"),
    }
