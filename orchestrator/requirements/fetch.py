"""Bringing roles and collections from where they are, with git and the real `ansible-galaxy`.

What a requirement brings stands below a folder for the moment; `content.py` keeps it. A git repository is cloned by us,
so that its commit is known, and `ansible-galaxy` takes it from that clone. An archive is looked through before it is
unpacked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

import yaml

from orchestrator.brought import collections_in
from orchestrator.errors import DefinitionError, LackError, did_you_mean
from orchestrator.fetching.git import environment, git, hint_for, reason, without_credentials
from orchestrator.fetching.inner_links import links_trouble
from orchestrator.process import ProgramFailed, run
from orchestrator.requirements.safety import archive_trouble
from orchestrator.requirements.written import Kind, RequirementEntry, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds for one installation.
_PATIENCE = 1800.0
#: Variables of a person's that reach `ansible-galaxy`: servers and their tokens.
_GALAXY = "ANSIBLE_GALAXY_"
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: An error of git's or Ansible's. One that ends with a colon has its matter in the next line.
_ERROR = re.compile(r"^(?:fatal:|ERROR!|ERROR:|\[ERROR\]:)\s*(.*:\n.*|.*)", re.MULTILINE)


@dataclass(frozen=True)
class Fetched:
    """A role or collection that is here now, in `folder`."""

    kind: Kind
    name: str
    version: str
    folder: Path
    commit: str = ""
    #: SHA-256 of the archive.
    archive: str = ""


class Fetcher:
    """Fetches what a workspace requires into `work`, a folder that is its own."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        self._count = 0

    def fetch(self, one: RequirementEntry) -> tuple[Fetched, ...]:
        """What a requirement brings: one role, or the collections of its source.

        Raises DefinitionError, at the requirement, for a version that is not there and for content that is refused;
        LackError when the source cannot be reached.
        """
        self._count += 1
        place = self._work / str(self._count)
        place.mkdir()
        match one.way:
            case Way.GIT:
                found = self._from_git(one, place)
            case Way.ARCHIVE:
                found = self._from_archive(one, place)
            case Way.FOLDER:
                found = self._from_folder(one, place)
            case _:
                found = self._from_galaxy(one, place)
        for each in found:
            if trouble := links_trouble(each.folder):
                raise DefinitionError([one.problem(f"{one} is refused: {trouble}")])
        names = [each.name for each in found]
        if not found or (one.name and one.name not in names):
            held = f"it has {', '.join(names)}{did_you_mean(one.name, names)}" if names else "it has none"
            raise DefinitionError([one.problem(f"there is no {one} in '{one.source}': {held}")])
        return tuple(each for each in found if one.name in ("", each.name))

    def _from_git(self, one: RequirementEntry, place: Path) -> tuple[Fetched, ...]:
        url, _, inside = one.source.partition("#")
        url = url.removeprefix("file://") if url.startswith("file:///") else url
        if url.startswith(("./", "../")):
            url = str(self._root / url)
        clone = place / "repository.git"
        try:
            # Submodules are not taken, as ansible-galaxy takes none.
            git("clone", "--quiet", "--bare", "--", url, str(clone))
        except ProgramFailed as failed:
            raise _unreachable(one, reason(failed), hint_for(failed)) from failed
        commit = self._commit(one, clone)
        if one.kind is Kind.ROLE:
            tree = place / "tree"
            tree.mkdir()
            git(f"--work-tree={tree}", "checkout", "--quiet", "-f", commit, "--", ".", folder=clone)
            return (Fetched(Kind.ROLE, one.name, one.version or commit[:12], self._role(one, tree), commit),)
        written = {"name": f"git+file://{clone}{f'#{inside}' if inside else ''}", "type": "git", "version": commit}
        return tuple(self._collections(one, place, written, commit=commit))

    def _commit(self, one: RequirementEntry, clone: Path) -> str:
        wanted = one.version or "HEAD"
        asked = git("rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}", folder=clone, check=False)
        if asked.code == 0 and _COMMIT.fullmatch(asked.out.strip()) and not wanted.startswith("-"):
            return asked.out.strip()
        listed = git("for-each-ref", "--format=%(refname:short)", folder=clone).out.split()
        near = did_you_mean(wanted, listed)
        raise DefinitionError([one.problem(f"'{one.source}' has no tag, branch or commit '{wanted}'{near}")])

    def _from_archive(self, one: RequirementEntry, place: Path) -> tuple[Fetched, ...]:
        path = self._downloaded(one, place)
        if trouble := archive_trouble(path):
            raise DefinitionError([one.problem(f"'{one.source}' is not unpacked: {trouble}")])
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        if one.kind is Kind.ROLE:
            out = place / "roles"
            self._galaxy(one, "role", "install", "--no-deps", "--roles-path", str(out), f"{path},,{one.name}")
            folder = self._role(one, out / one.name)
            return (Fetched(Kind.ROLE, one.name, one.version or sha256[:12], folder, archive=sha256),)
        return tuple(self._collections(one, place, {"name": str(path), "type": "file"}, archive=sha256))

    def _downloaded(self, one: RequirementEntry, place: Path) -> Path:
        """The archive on this machine."""
        if not one.source.startswith(("http://", "https://")):
            path = self._local(one)
            if not path.is_file():
                raise DefinitionError([one.problem(f"there is no archive '{one.source}'")])
            return path
        path = place / "archive.tar.gz"
        try:
            with urllib.request.urlopen(one.source, timeout=60) as answer, path.open("wb") as file:  # noqa: S310 - http
                shutil.copyfileobj(answer, file)
        except (URLError, OSError) as error:
            if isinstance(error, HTTPError):
                error.close()  # it is the server's answer, too
            raise LackError(f"{one.path}:{one.line}: '{one.source}' cannot be fetched: {error}") from error
        return path

    def _from_folder(self, one: RequirementEntry, place: Path) -> tuple[Fetched, ...]:
        path = self._local(one)
        if not path.is_dir():
            raise DefinitionError([one.problem(f"there is no folder '{one.source}'")])
        if trouble := links_trouble(path):
            raise DefinitionError([one.problem(f"{one} is refused: {trouble}")])
        if one.kind is Kind.ROLE:
            shutil.copytree(path, place / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
            return (Fetched(Kind.ROLE, one.name, one.version or "folder", self._role(one, place / "tree")),)
        several = not any((path / name).is_file() for name in ("galaxy.yml", "MANIFEST.json"))
        return tuple(self._collections(one, place, {"name": str(path), "type": "subdirs" if several else "dir"}))

    def _from_galaxy(self, one: RequirementEntry, place: Path) -> tuple[Fetched, ...]:
        if one.kind is Kind.COLLECTION:
            written = {"name": one.source, "version": one.version or "*", "source": one.server}
            return tuple(self._collections(one, place, {key: text for key, text in written.items() if text}))
        out = place / "roles"
        asked = f"{one.source},{one.version},{one.name}"
        self._galaxy(one, "role", "install", "--no-deps", "--roles-path", str(out), asked)
        info = out / one.name / "meta" / ".galaxy_install_info"
        known = yaml.safe_load(info.read_text(encoding="utf-8")) if info.is_file() else {}
        return (
            Fetched(Kind.ROLE, one.name, str(known.get("version") or one.version), self._role(one, out / one.name)),
        )

    def _local(self, one: RequirementEntry) -> Path:
        return self._root / Path(one.source.removeprefix("file://")).expanduser()

    def _role(self, one: RequirementEntry, folder: Path) -> Path:
        if not any((folder / name).is_dir() for name in ("tasks", "meta", "defaults", "handlers", "vars")):
            raise DefinitionError([one.problem(f"there is no role in '{one.source}': it has no tasks and no meta")])
        return folder

    def _collections(
        self, one: RequirementEntry, place: Path, written: dict[str, str], *, commit: str = "", archive: str = ""
    ) -> Iterator[Fetched]:
        """Let ansible-galaxy install collections, and nothing that they depend on."""
        file, out = place / "requirements.yml", place / "out"
        file.write_text(yaml.safe_dump({"collections": [written]}), encoding="utf-8")
        more = ["--force", "--no-deps", "--no-cache", "--collections-path", str(out), "-r", str(file)]
        self._galaxy(one, "collection", "install", *more, collections=out)
        for name, folder in collections_in(str(out)):
            version = str(collection_info(Path(folder)).get("version") or "")
            yield Fetched(Kind.COLLECTION, name, version, Path(folder), commit, archive)

    def _galaxy(self, one: RequirementEntry, *arguments: str, collections: Path | None = None) -> None:
        config = self._root / "ansible.cfg"
        if not config.is_file():  # without one ansible-galaxy would take a person's own
            config = self._work / "ansible.cfg"
            config.touch()
        env = {
            **{name: None for name in os.environ if name.startswith("ANSIBLE_") and not name.startswith(_GALAXY)},
            **environment(),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_COLLECTIONS_PATH": str(collections or self._work / "none"),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
            "ANSIBLE_LOCAL_TEMP": str(self._work / "ansible"),
        }
        try:
            run([_program(), *arguments], timeout=_PATIENCE, env=env, cwd=self._root)
        except ProgramFailed as failed:
            raise _unreachable(one, _reason(failed)) from failed


def collection_info(folder: Path) -> dict[str, Any]:
    """What a collection says of itself: `namespace`, `name`, `version`, `dependencies`."""
    manifest, galaxy = folder / "MANIFEST.json", folder / "galaxy.yml"
    if manifest.is_file():
        info = json.loads(manifest.read_bytes()).get("collection_info")
    else:
        info = yaml.safe_load(galaxy.read_bytes()) if galaxy.is_file() else None
    return info if isinstance(info, dict) else {}


def _unreachable(one: RequirementEntry, why: str, hint: str = "") -> LackError:
    where = f"{one.path}:{one.line}: " if one.path else ""
    return LackError(f"{where}{one} cannot be fetched from '{one.source}': {why}", hint=hint)


def _reason(failed: ProgramFailed) -> str:
    """Why ansible-galaxy failed, in its own words: of a role a warning says it, before the error."""
    output = (failed.completed.err or failed.completed.out).strip()
    match = re.search(r"was NOT installed successfully:[\s-]*(.*)", output) or _ERROR.search(output)
    said = " ".join(match[1].split()) if match else output.rpartition("\n")[2]
    return without_credentials(said) or failed.ended


def _program() -> str:
    """The ansible-galaxy that was installed with this package, else the one on PATH."""
    beside = Path(sys.executable).parent / "ansible-galaxy"
    return str(beside) if beside.exists() else "ansible-galaxy"
