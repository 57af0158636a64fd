"""Where the roles of a workspace lie, and what they are called.

`roles/NAME` is called NAME, whatever dots it has. A role of a collection is called NAMESPACE.COLLECTION.ROLE, and lies
in `collections/ansible_collections` of the workspace or beside its playbooks. Ansible looks in collections first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definition.roles.role import Role, read_role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Folders that hold collections, in the order in which they are searched: Ansible looks beside the playbook first.
COLLECTIONS = ("playbooks/collections", "collections")
#: The parts of the name of a collection's role.
_PARTS = 3


def roles_of(root: Path) -> dict[str, Role]:
    """The roles that lie in a workspace's own folder, by name."""
    plain = {path.name: read_role(path) for path in _folders(root / "roles")}
    return {**plain, **{name: read_role(path, name) for name, path in reversed([*_of_collections(root)])}}


def role_places(name: str) -> tuple[str, ...]:
    """Where a workspace may have a role of that name, from its root."""
    parts = name.split(".")
    if len(parts) != _PARTS:
        return (f"roles/{name}",)
    space, collection, role = parts
    inside = f"ansible_collections/{space}/{collection}/roles/{role}"
    return (*(f"{folder}/{inside}" for folder in COLLECTIONS), f"roles/{name}")


def collection_folders(root: Path) -> dict[str, Path]:
    """The collections of a workspace's own folder by name (`devsec.hardening`)."""
    return {name: path for folder in reversed(COLLECTIONS) for name, path in collections_below(root / folder).items()}


def collections_below(folder: Path) -> dict[str, Path]:
    """The collections of a folder of Ansible's `collections_path`, by name."""
    spaces = _folders(folder / "ansible_collections")
    return {f"{space.name}.{path.name}": path for space in spaces for path in _folders(space)}


def _of_collections(root: Path) -> Iterator[tuple[str, Path]]:
    for collection, folder in collection_folders(root).items():
        for path in _folders(folder / "roles"):
            yield f"{collection}.{path.name}", path


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name; none when it is not there."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
