"""What the factory needs to know of a role: what it depends on, and which variables it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.definition.reading.document import Document, read_foreign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.errors import Problem


@dataclass(frozen=True)
class Role:
    """One folder of `roles/`, or of the roles of a collection."""

    #: What layers call it: `nginx`, `geerlingguy.nginx`, `devsec.hardening.os_hardening`.
    name: str
    path: Path
    #: The roles that Ansible applies before it, each with the line of `meta` that names it.
    dependencies: Mapping[str, int] = field(default_factory=dict)
    #: Those of its argument specs; None when it has none.
    variables: frozenset[str] | None = None
    #: The file that names the dependencies.
    meta: Path = Path()
    #: What Ansible cannot read of the role: it matters to whoever uses it.
    problems: tuple[Problem, ...] = ()


def read_role(path: Path, name: str = "") -> Role:
    """The role in a folder, as Ansible reads it: the first of `main.yml`, `main.yaml`, `main.json` and `main`.

    `name` is given for a role of a collection.
    """
    problems: list[Problem] = []
    file = _there(path / "meta" / "main", ".yml", ".yaml", ".json", "")
    specs_file = _there(path / "meta" / "argument_specs", ".yml", ".yaml")
    meta = read_foreign(file, problems) if file else None
    specs = read_foreign(specs_file, problems) if specs_file else None
    if specs is None and meta and "argument_specs" in meta.value:
        specs = meta
    return Role(
        name=name or path.name,
        path=path,
        dependencies=dict(_dependencies(meta, path, name.rpartition(".")[0])) if meta else {},
        variables=frozenset(_variables(specs.value)) if specs else None,
        meta=file or path / "meta" / "main.yml",
        problems=tuple(problems),
    )


def _there(stem: Path, *endings: str) -> Path | None:
    """The file that Ansible loads (`Role._load_role_yaml`): the first that is there, a broken link included."""
    paths = (stem.with_name(stem.name + ending) for ending in endings)
    return next((path for path in paths if (path.exists() or path.is_symlink()) and not path.is_dir()), None)


def _dependencies(meta: Document, path: Path, collection: str) -> Iterator[tuple[str, int]]:
    """The names that `dependencies` lists, plain or as `role:` of a mapping (Ansible, "Using role dependencies").

    A role of a collection names others of the same collection without the collection's name.
    """
    listed = meta.value.get("dependencies")
    for place, entry in enumerate(listed if isinstance(listed, list) else []):
        name = entry.get("role", entry.get("name")) if isinstance(entry, dict) else entry
        if name is None and isinstance(entry, dict) and isinstance(entry.get("src"), str):
            name = _name_of_source(entry["src"])
        if isinstance(name, str):
            beside = collection and "." not in name and (path.parent / name).is_dir()
            yield f"{collection}.{name}" if beside else name, meta.place("dependencies", place).key


def _name_of_source(source: str) -> str:
    """What Ansible calls a role that is named by its source (`RoleRequirement.repo_url_to_role_name`)."""
    if "://" not in source and "@" not in source:
        return source
    last = source.partition(",")[0].rstrip("/").rpartition("/")[2]
    return last.removesuffix(".tar.gz").removesuffix(".git")


def _variables(specs: Any) -> Iterator[str]:
    """The options of every entry point (Ansible, "Role argument validation")."""
    for entry_point in _mapping(_mapping(specs).get("argument_specs")).values():
        yield from _mapping(_mapping(entry_point).get("options"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
