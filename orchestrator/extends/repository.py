"""The clone of a repository in the cache: all its branches and tags, fetched by one process at a time."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import DefinitionError, LackError, did_you_mean
from orchestrator.extends.pin import OBJECT
from orchestrator.fetching.cache_folder import cache_folder
from orchestrator.fetching.git import check_version, git, hint_for, reason
from orchestrator.files.file_lock import locked
from orchestrator.files.held_folder import held_folder
from orchestrator.process import ProgramFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.extends.place import GitPlace

LOG = logging.getLogger(__name__)

_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
#: Settings of a person's that would change what is checked out.
_EXACTLY = ("-c", "core.symlinks=true", "-c", "core.fileMode=true", "-c", "core.sparseCheckout=false")
#: What keeps a commit here when no branch has it any more.
_KEPT = "refs/ami/"


@dataclass(frozen=True)
class FoundRef:
    """What a ref is at the moment: `tag`, `branch` or `commit`, and its commit."""

    kind: str
    commit: str


@dataclass(frozen=True)
class LogLine:
    """A commit in one line."""

    commit: str
    subject: str


class Repository:
    """The clone of the repository of a place. Errors name the line where the place is written."""

    def __init__(self, place: GitPlace) -> None:
        self._place = place
        digest = hashlib.sha256(place.url.encode("utf-8", "surrogateescape")).hexdigest()
        name = re.sub(r"[^\w.-]", "", place.url.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2])
        self.folder = cache_folder("clones") / f"{name or 'repository'}-{digest[:16]}.git"

    def fetch(self, commit: str = "") -> None:
        """Let the clone have what the repository has now. With a commit nothing is fetched when that one is here.

        Raises LackError when the repository cannot be reached, or git is missing or too old.
        """
        check_version()
        with self.alone():
            if commit and self.has(commit):
                return
            try:
                if self.folder.is_dir():
                    self._fetch_all()
                else:
                    self._clone()
                if commit and not self.has(commit):
                    self._fetch_alone(commit)
            except ProgramFailed as failed:
                raise self._unreachable(failed) from failed

    def has(self, commit: str) -> bool:
        """Whether a commit is here, with all that it needs."""
        if not self.folder.is_dir():
            return False
        asked = git("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}", folder=self.folder, check=False)
        return asked.code == 0

    def find(self, ref: str) -> FoundRef:
        """What a ref is: a tag before a branch, or a whole commit. Raises DefinitionError, with the nearest name."""
        for kind, name in (("tag", f"refs/tags/{ref}"), ("branch", f"refs/heads/{ref}")):
            if commit := self._commit(name):
                return FoundRef(kind, commit)
        if OBJECT.fullmatch(ref) and self._commit(ref) == ref:
            return FoundRef("commit", ref)
        what = f"'{self._place.url}' has no tag or branch '{ref}'"
        if re.fullmatch(r"[0-9a-f]{7,63}", ref) and (whole := self._commit(ref)):
            what += f": of a commit all digits are needed, {whole}"
        else:
            refs = self.refs()
            what += did_you_mean(ref, refs) if refs else ": it has none at all"
        raise DefinitionError([self._place.problem(what)])

    def refs(self) -> list[str]:
        """The names of tags and branches."""
        return self._lines("for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags", "refs/heads")

    def tags(self) -> list[str]:
        """The names of tags."""
        return self._lines("for-each-ref", "--format=%(refname:lstrip=2)", "refs/tags")

    def tree(self, commit: str) -> str:
        """The digest of a commit's tree."""
        return git("rev-parse", f"{commit}^{{tree}}", folder=self.folder).out.strip()

    def submodules(self, commit: str) -> list[str]:
        """The paths of a commit that are other repositories."""
        entries = git("ls-tree", "-r", "-z", commit, folder=self.folder).out.split("\0")
        return [entry.partition("\t")[2] for entry in entries if entry.startswith("160000 ")]

    def states(self, commit: str) -> list[str]:
        """The paths of a commit that are in `.ami`, a workspace's own folder for runs and links."""
        paths = git("ls-tree", "-r", "-z", "--name-only", commit, folder=self.folder).out.split("\0")
        return [path for path in paths if ".ami" in path.split("/")]

    def keep(self, commit: str) -> None:
        """Let a commit stay here, whatever becomes of its branch."""
        git("update-ref", f"{_KEPT}{commit}", commit, folder=self.folder)

    def check_out(self, commit: str, folder: Path) -> None:
        """Write the files of a commit, byte for byte, into an empty folder.

        No attribute of the repository and no setting of a person's changes them. Raises ProgramFailed.
        """
        attributes = self.folder / "info" / "attributes"  # outweighs every other (gitattributes)
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text("* -text -eol -ident -filter -working-tree-encoding\n", encoding="ascii")
        with held_folder() as place:
            index = place / "index"  # the clone's own would be held against another process
            out = [f"--work-tree={folder}", *_EXACTLY, "read-tree", "-u", "--reset", commit]
            git(*out, folder=self.folder, index=index)

    def log(self, old: str, new: str, most: int) -> list[LogLine]:
        """The commits that `new` has and `old` has not, the newest first, `most` at most."""
        listed = self._lines("log", "--format=%H %s", f"--max-count={most}", f"{old}..{new}", "--")
        return [LogLine(*line.split(" ", 1)) for line in listed]

    def count(self, old: str, new: str) -> int:
        """How many commits `new` has that `old` has not."""
        return int(git("rev-list", "--count", f"{old}..{new}", "--", folder=self.folder).out)

    def _commit(self, name: str) -> str:
        asked = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", folder=self.folder, check=False)
        return asked.out.strip() if asked.code == 0 else ""

    def _lines(self, *arguments: str) -> list[str]:
        return git(*arguments, folder=self.folder).out.splitlines()

    def _fetch_all(self) -> None:
        """Fetch into the clone, or make it anew when that fails and the clone itself is the reason."""
        try:
            # Never `gc`: another process may read what no ref keeps any more.
            git("-c", "gc.auto=0", "fetch", "--quiet", "--prune", "--force", "origin", *_REFS, folder=self.folder)
        except ProgramFailed:
            if not self.is_damaged():
                raise
            LOG.warning("the clone %s is damaged: it is made anew", self.folder)
            with held_folder(self.folder.parent) as folder:
                self.folder.rename(folder / "damaged")
            self._clone()

    def is_damaged(self) -> bool:
        """Whether the clone lacks something of its own commits."""
        return git("fsck", "--connectivity-only", "--no-dangling", folder=self.folder, check=False).code != 0

    def _clone(self) -> None:
        """Make the clone, or nothing."""
        with held_folder(self.folder.parent) as folder:
            clone = folder / "clone.git"
            git("clone", "--quiet", "--bare", "--no-local", "--template=", "--", self._place.url, str(clone))
            if git("rev-parse", "--is-shallow-repository", folder=clone).out.strip() == "true":
                raise LackError(
                    f"{self._place.where}'{self._place.url}' is a shallow clone: it has not all of its commits",
                    hint="run `git fetch --unshallow` there, or name the repository that it was cloned from",
                )
            clone.rename(self.folder)

    def _fetch_alone(self, commit: str) -> None:
        """Ask for a commit that no branch and no tag has: many servers still give it."""
        asked = git("fetch", "--quiet", "--no-tags", "origin", commit, folder=self.folder, check=False)
        if asked.code == 0:
            self.keep(commit)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Held by one process at a time; the system gives it back when that one dies."""
        with ExitStack() as held:
            try:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(locked(self.folder.with_suffix(".lock")))
            except OSError as error:
                why = f"the cache {self.folder.parent} cannot be written: {error.strerror}"
                raise LackError(why, hint="XDG_CACHE_HOME names another place for it") from error
            yield

    def _unreachable(self, failed: ProgramFailed) -> LackError:
        url = self._place.url
        hint = hint_for(failed) or f"`git ls-remote {url}` has to work; what is fetched already is usable without it"
        return LackError(f"{self._place.where}'{url}' cannot be fetched: {reason(failed)}", hint=hint)
