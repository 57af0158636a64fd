"""What `extends:` says of a git repository: its URL, a ref, a folder in it, and what no URL may be or hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from orchestrator.errors import Problem, did_you_mean
from orchestrator.masks import learn

#: How git is reached (git-fetch, "Git URLs"). `ext::` and other helpers run commands: they are no URLs here.
SCHEMES = ("https", "ssh", "file", "http", "git")

#: `git@git.example.com:team/factory.git`
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)[^\s:]+")
#: Whatever stands before an `@` and after a colon, in a URL or in what was meant as one.
_PASSWORD = re.compile(r"^(?:[\w+.-]*://)?[^/@\s:]*:([^/@\s]+)@")
#: How access tokens begin that GitHub and GitLab give, and how long a name of a user hardly is.
_TOKENS = ("ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "gldt-")
_LONG = 32

#: What a name of a ref may not hold (git-check-ref-format).
_BAD_REF = re.compile(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|@\{|//|\.lock$|[/.]$|^[-/.]")


@dataclass(frozen=True)
class GitPlace:
    """A workspace in a git repository, and where that is written."""

    url: str
    #: A tag, a branch, or the 40 digits of a commit.
    ref: str
    #: Relative to the repository; empty: the workspace is the whole repository.
    folder: str = ""
    path: Path | None = field(default=None, compare=False)
    line: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.url} at {self.ref}" + (f", folder {self.folder}" if self.folder else "")

    def problem(self, what: str) -> Problem:
        """A problem at the line where it is written."""
        if self.path is None:
            raise AssertionError("a place that was read has its file")
        return Problem(self.path, self.line, what)

    @property
    def where(self) -> str:
        """The beginning of a message about it: `ami.yml:3: `, from the folder of whoever works here."""
        if self.path is None:
            return ""
        here = Path.cwd()
        path = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        return f"{path}:{self.line}: "


def url_trouble(url: str) -> str:
    """What is wrong with a URL, without any password of it; empty when nothing is.

    What may be a secret in it is hidden from then on.
    """
    if secret := _secret_in(url):
        learn({secret, unquote(secret)})
        return "holds a password or a token: git has it from a credential helper, and never from a file"
    scheme, separator, _ = url.partition("://")
    if _SCP.fullmatch(url):
        return ""
    if not separator:
        return "is no URL" + (
            f": write file://{url}" if url.startswith("/") else "; a folder is `extends: {path: ...}`"
        )
    if scheme not in SCHEMES:
        return f"begins with {scheme}://, which is none of {', '.join(SCHEMES)}{did_you_mean(scheme, SCHEMES)}"
    return _parts_trouble(url)


def _parts_trouble(url: str) -> str:
    parts = _parts(url)
    if parts is None or re.search(r"[\s\x00-\x1f\x7f]", url):
        return "is no URL"
    if parts.query or parts.fragment:
        return "is no URL of a repository: it has a `?` or a `#`; `ref` and `folder` are keys of their own"
    if parts.scheme != "file":
        return "" if parts.hostname else "names no server"
    whole = not parts.netloc and parts.path not in ("", "/")
    return "" if whole else "needs the whole path after file://, as in file:///srv/git/factory.git"


def ref_trouble(ref: str) -> str:
    """What is wrong with the name of a ref; empty when nothing is."""
    return "is no name of a tag or branch, and no commit" if _BAD_REF.search(ref) else ""


def folder_trouble(folder: str) -> str:
    """What is wrong with a folder of a repository; empty when nothing is."""
    parts = folder.rstrip("/").split("/")
    if folder.startswith("/") or ".." in parts:
        return "has to lie in the repository, as in images/factory"
    bad = "\\" in folder or any(part in ("", ".", ".git") or "\0" in part for part in parts)
    return "is no path of a folder, as images/factory is" if bad else ""


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname  # each may be one that cannot be read
    except ValueError:
        return None
    return parts


def _secret_in(url: str) -> str:
    """A password of a URL, or what looks like a token."""
    if found := _PASSWORD.match(url):
        return found[1]
    parts = _parts(url)
    user = (parts.username or "") if parts else ""
    if user.startswith(_TOKENS) or len(user) >= _LONG:
        return user
    query = re.search(r"(?i)(?:token|password|secret|key)=([^&#\s]+)", url)
    return query[1] if query else ""
