"""The transport `podman exec`, for machines of the lab, which are containers of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.validate.machine.piped import ROOT_SHELL, Piped

if TYPE_CHECKING:
    import threading

#: The label with which the lab says of which instance a container is the machine.
_INSTANCE = "ami.instance"


class PodmanExec(Piped):
    """Scripts in the container of an instance."""

    def __init__(self, container: str, *, stop: threading.Event) -> None:
        argv = ("podman", "exec", "--interactive", container, *ROOT_SHELL)
        super().__init__(argv, name="podman exec", machine=container, stop=stop)


def container_of(instance_id: str) -> str:
    """The name of the container that runs as an instance; empty when there is none."""
    listed = process.run(["podman", "ps", f"--filter=label={_INSTANCE}={instance_id}", "--format={{.Names}}"])
    return listed.out.strip()
