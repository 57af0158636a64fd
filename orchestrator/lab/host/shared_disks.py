"""The roots of systems as disks of machines: images of podman's, each imported once, which all labs share.

To import a root takes seconds of a core. A lab has a name of its own for the image, and gives up that name alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.lab.host.podman import image_names
from orchestrator.lab.host.recipe import only_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.host.recipe import Root
    from orchestrator.lab.systems import System

#: Where their names begin. No lab can be called so.
_SHARED = "localhost/ami-lab.roots"


def give(lab: str, system: System, root: Root, tell: Callable[[str], None]) -> str:
    """Make a root the disk of a lab's machines; returns the disk's name."""
    disk = f"localhost/ami-lab-{lab}/{system.name}:latest"
    made = int(root.archive.stat().st_mtime)
    shared = f"{_SHARED}/{system.name}:{root.digest[:16]}-{made}"
    with only_one(root.archive):
        if process.run(["podman", "image", "exists", shared], check=False).code != 0:
            tell(f"importing the root of {system.name}")
            _remove(f"{_SHARED}/{system.name}:")
            process.run(["podman", "import", "--quiet", str(root.archive), shared], timeout=300)
        process.run(["podman", "tag", shared, disk])
    return disk


def forget() -> None:
    """Remove what no lab has a disk of; the others go with the last lab that has."""
    _remove(f"{_SHARED}/")


def _remove(prefix: str) -> None:
    """Take the shared names away. An image goes with its last name, and stays while others are built on it."""
    for name in image_names(prefix):
        process.run(["podman", "rmi", name], check=False)
