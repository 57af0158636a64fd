"""`requirements.yml`: which roles and collections a workspace takes from elsewhere, as Ansible reads it.

Both forms are read: a list of roles, and a mapping of `roles:` and `collections:` (Ansible, "Installing roles and
collections from the same requirements.yml file").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.brought import REQUIREMENTS
from orchestrator.definition.reading.document import Document, Keys, read_any
from orchestrator.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLLECTION_NAME = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")
_ROLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_GALAXY_ROLE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+")
_ARCHIVE = re.compile(r"\.(tar\.gz|tgz|tar\.bz2|tar\.xz|tar)$")
#: What an entry of `roles:` may have.
ROLE_KEYS = ("src", "name", "version", "scm")
_COLLECTION_KEYS = ("name", "version", "source", "type")


class Kind(StrEnum):
    """What a requirement brings."""

    ROLE = "role"
    COLLECTION = "collection"


class Way(StrEnum):
    """How it comes."""

    GALAXY = "galaxy"
    GIT = "git"
    ARCHIVE = "archive"
    FOLDER = "folder"


_WAY_OF_TYPE = {
    "galaxy": Way.GALAXY,
    "git": Way.GIT,
    "url": Way.ARCHIVE,
    "file": Way.ARCHIVE,
    "dir": Way.FOLDER,
    "subdirs": Way.FOLDER,
}


@dataclass(frozen=True)
class RequirementEntry:
    """One entry. `name` is empty where only the content tells it: collections from git, archives and folders."""

    kind: Kind
    way: Way
    name: str
    #: A Galaxy name, a URL, or a path relative to the file.
    source: str
    #: As written: a tag, branch or commit of git, a version or a range of Galaxy. Empty: the newest.
    version: str = ""
    #: The Galaxy server of a collection; empty: those that Ansible is configured with.
    server: str = ""
    path: Path | None = None
    line: int = 0
    #: The role or collection that depends on it; empty when the workspace asks itself.
    by: str = ""

    def __str__(self) -> str:
        return f"{self.kind} '{self.name or self.source}'"

    def problem(self, what: str) -> Problem:
        """A problem at the entry."""
        if self.path is None:
            raise AssertionError("a requirement that was read has its file")
        return Problem(self.path, self.line, what)


def read_requirements(root: Path, problems: list[Problem]) -> tuple[RequirementEntry, ...]:
    """The entries of the workspace at `root`; none when it has no such file. What is wrong goes to `problems`."""
    path = root / REQUIREMENTS
    document = read_any(path, problems) if path.is_file() else None
    if document is None:
        return ()
    found = [replace(one, path=path) for one in entries_of(document, problems)]
    seen: dict[tuple[Kind, str], int] = {}
    for one in found:
        key = (one.kind, one.name or one.source)
        if key in seen:
            problems.append(one.problem(f"the {one} stands twice, first in line {seen[key]}"))
        seen.setdefault(key, one.line)
    return tuple(found)


def entries_of(document: Document, problems: list[Problem]) -> Iterator[RequirementEntry]:
    """The entries of a file of requirements in either form."""
    if isinstance(document.value, list):
        yield from _listed(document, (), Kind.ROLE, problems)
    elif isinstance(document.value, dict):
        for key in document.value:
            if key not in ("roles", "collections"):
                near = did_you_mean(key, ("roles", "collections"))
                problems.append(document.problem(f"unknown key '{key}'{near}", key))
        yield from _listed(document, ("roles",), Kind.ROLE, problems)
        yield from _listed(document, ("collections",), Kind.COLLECTION, problems)
    elif document.value is not None:
        problems.append(document.problem("must be a list of roles, or `roles:` and `collections:`"))


def _listed(document: Document, at: Keys, kind: Kind, problems: list[Problem]) -> Iterator[RequirementEntry]:
    listed = document.value.get(at[0]) if at else document.value
    if listed is not None and not isinstance(listed, list):
        problems.append(document.problem("must be a list", *at))
        return
    known = ROLE_KEYS if kind is Kind.ROLE else _COLLECTION_KEYS
    for index, written in enumerate(listed or []):
        place: Keys = (*at, index)
        line = document.place(*place).key
        fields = _spelled(kind, written) if isinstance(written, str) else written
        if not isinstance(fields, dict):
            problems.append(Problem(document.path, line, "must be a name, or a mapping with `name` and `version`"))
            continue
        if unknown := [key for key in fields if key not in known]:
            for key in unknown:
                what = f"unknown key '{key}' of a {kind}{did_you_mean(key, known)}"
                problems.append(document.problem(what, *place, key))
            continue
        if bad := [key for key, value in fields.items() if not _is_text(value)]:
            problems.append(document.problem(f"'{bad[0]}' must be text: put it in quotes", *place, bad[0]))
            continue
        try:
            read = role_of if kind is Kind.ROLE else _collection
            yield replace(read({key: str(value) for key, value in fields.items()}, document.path.parent), line=line)
        except ValueError as error:
            problems.append(Problem(document.path, line, str(error)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _spelled(kind: Kind, text: str) -> dict[str, str]:
    """The fields of an entry that is one text: `src,version,name` of a role, `name:version` of a collection."""
    if kind is Kind.ROLE:
        return dict(zip(("src", "version", "name"), (part.strip() for part in text.split(",")), strict=False))
    name, separator, version = text.partition(":")
    if separator and COLLECTION_NAME.fullmatch(name):
        return {"name": name, "version": version.strip()}
    return {"name": text}


def role_of(fields: dict[str, str], folder: Path) -> RequirementEntry:
    """The requirement of a role from its fields; a path is relative to `folder`. Raises ValueError."""
    source, name, scm = fields.get("src") or fields.get("name", ""), fields.get("name", ""), fields.get("scm", "")
    if not source:
        raise ValueError("a role needs `src` or `name`")
    if scm not in ("", "git"):
        raise ValueError(f"scm '{scm}' is not supported: roles come from git, archives, folders and Galaxy")
    way = _way(source, folder) if scm != "git" else Way.GIT
    if way is Way.GALAXY and not _GALAXY_ROLE.fullmatch(source):
        raise ValueError(f"'{source}' is no name on Galaxy (namespace.role), and there is no such file or folder")
    name = name or (source if way is Way.GALAXY else _name_from(source))
    if not _ROLE_NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no name of a role: give it one with `name:`")
    source, inside = _git_source(source) if way is Way.GIT else (source, "")
    return RequirementEntry(Kind.ROLE, way, name, source, fields.get("version", "") or inside)


def _collection(fields: dict[str, str], folder: Path) -> RequirementEntry:
    name, source, written = fields.get("name", ""), fields.get("source", ""), fields.get("type", "")
    if written and written not in _WAY_OF_TYPE:
        raise ValueError(f"unknown type '{written}'{did_you_mean(written, _WAY_OF_TYPE)}")
    if not (name or source):
        raise ValueError("a collection needs `name` or `source`")
    version = "" if fields.get("version", "") == "*" else fields.get("version", "")
    is_name = bool(COLLECTION_NAME.fullmatch(name))
    way = _WAY_OF_TYPE.get(written) or (Way.GALAXY if is_name else _way(name or source, folder))
    if way is Way.GALAXY:
        if not is_name:
            raise ValueError(f"'{name}' is no name of a collection (namespace.name), and there is no such file")
        return RequirementEntry(Kind.COLLECTION, way, name, name, version, server=source)
    where = source or name
    if way is Way.GIT:
        where, inside = _git_source(where)
        version = version or inside
    return RequirementEntry(Kind.COLLECTION, way, name if is_name else "", where, version)


def _way(source: str, folder: Path) -> Way:
    """How a source without a type comes (ansible-core: `RoleRequirement.role_yaml_parse`, `_is_git_url`)."""
    hosted = source.startswith(("http://", "https://")) and "github.com" in source
    if source.startswith(("git+", "git@", "git://", "ssh://")):
        return Way.GIT
    if _ARCHIVE.search(source):
        return Way.ARCHIVE
    if hosted or source.endswith(".git"):
        return Way.GIT
    if source.startswith(("http://", "https://")):
        return Way.ARCHIVE
    if source.startswith((".", "/", "~", "file:")) or (folder / source).is_dir():
        return Way.FOLDER
    return Way.GALAXY


def _git_source(source: str) -> tuple[str, str]:
    """A git URL as git takes it, with `#/folder` kept, and the version after its comma."""
    where, _, version = source.removeprefix("git+").partition(",")
    return where, version


def _name_from(source: str) -> str:
    """The name of a role by its URL (ansible-core: `RoleRequirement.repo_url_to_role_name`)."""
    last = source.partition(",")[0].rstrip("/").rpartition("/")[2].rpartition(":")[2]
    return _ARCHIVE.sub("", last.removesuffix(".git"))
