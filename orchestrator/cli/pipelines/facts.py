"""What a pipeline has to know of a workspace and its repository."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

_HERE = ("127.0.0.1", "localhost", "::1")
#: The port of a lab that is not told another one, as `lab.settings` has it.
_PORT = 4999
#: What YAML, Groovy, a shell and workflows each read as it is, between quotes of any kind.
_WRITABLE = re.compile(r"[\w .,:;/@#%+=~^<>()\[\]-]*")


@dataclass(frozen=True)
class AskedPipeline:
    """What somebody typed, in the place of what a workspace says itself; None for the latter."""

    account: str | None = None
    branch: str | None = None
    package: str | None = None

    def check(self) -> None:
        """Raise UsageError for a text that the files of some service cannot hold."""
        for option, value in (("--branch", self.branch), ("--package", self.package)):
            if not _WRITABLE.fullmatch(value or ""):
                hint = "letters, digits, spaces and .,:;/@#%+=~^<>()[]_-"
                raise UsageError(f"{option} {value}: a pipeline cannot hold this text", hint=hint)

    @property
    def options(self) -> str:
        """The same as options, so that a job can ask whether its pipeline is as it would be written."""
        given = {"--env": self.account, "--branch": self.branch, "--package": self.package}
        return "".join(f' {option} "{value}"' for option, value in given.items() if value)


@dataclass(frozen=True)
class PipelineFacts:
    """Facts that stand in the files of a pipeline."""

    #: The folder of the workspace in the repository; "." for the repository itself.
    folder: str
    #: Folders that the images depend on; none when that is the whole repository.
    paths: tuple[str, ...]
    #: The environment of a lab, and the port of that lab.
    lab: str
    port: int
    branch: str
    #: What pip installs.
    package: str
    #: The environment on AWS and its region, if the workspace has one.
    account: str = ""
    region: str = ""
    #: Options to be asked for the same once more.
    options: str = ""

    def conditions(self) -> Mapping[str, bool]:
        """Which parts of the files hold."""
        return {"account": bool(self.account), "no-account": not self.account, "paths": bool(self.paths)}

    def values(self) -> Mapping[str, str | list[str]]:
        """What stands in the place of each name."""
        return {
            "folder": self.folder,
            "paths": [f'"{path}/**"' for path in self.paths],
            "lab": self.lab,
            "lab_options": "" if self.port == _PORT else f" --port {self.port}",
            "branch": self.branch,
            "package": self.package,
            "account": self.account,
            "region": self.region,
            "options": self.options,
        }


def facts_of(workspace: Workspace, repository: Path, asked: AskedPipeline) -> PipelineFacts:
    """The facts of a workspace in a repository. Raises UsageError when it has no such environment, or none of a lab."""
    asked.check()
    lab = _lab(workspace)
    account = _account(workspace, asked.account)
    folders = sorted({_relative(each.root, repository) for each in _levels(workspace)} - {""})
    return PipelineFacts(
        folder=_relative(workspace.root, repository) or ".",
        paths=() if "." in folders else tuple(folders),
        lab=lab.name,
        port=urlsplit(lab.endpoint).port or _PORT,
        branch=asked.branch or default_branch(repository),
        package=asked.package or default_package(),
        account=account.name if account else "",
        region=account.region if account else "",
        options=asked.options,
    )


def default_package() -> str:
    """What installs this version of `ami`, with the lab."""
    return f"ami-factory[lab]=={version('ami-factory')}"


def default_branch(repository: Path) -> str:
    """The branch that a clone of the repository starts with, or `main`."""
    from orchestrator.fetching.git import OF_ANOTHER
    from orchestrator.process import run

    words = ["git", "-C", str(repository), "symbolic-ref", "--short", "refs/remotes/origin/HEAD"]
    said = run(words, check=False, env=dict.fromkeys(OF_ANOTHER))
    return said.out.strip().removeprefix("origin/") if said.code == 0 else "main"


def repository_of(folder: Path) -> Path | None:
    """The nearest folder at or above this one that is a git repository, or a worktree of one."""
    here = folder.resolve()
    return next((each for each in (here, *here.parents) if (each / ".git").exists()), None)


def _lab(workspace: Workspace) -> Environment:
    labs = [each for each in workspace.environments.values() if _is_lab(each)]
    preferred = [each for each in labs if each.name == workspace.default_environment]
    if not labs:
        hint = "pull requests are built in a lab: packer/environments/lab.pkrvars.hcl, as `ami init` writes it"
        raise UsageError(f"no environment of {workspace.root} is a lab", hint=hint)
    return (preferred or labs)[0]


def _account(workspace: Workspace, asked: str | None) -> Environment | None:
    """The environment on AWS: as it was typed, or the only one, or the default one."""
    if asked:
        found = workspace.environment(asked)
        if _is_lab(found):
            raise UsageError(f"--env {asked}: its endpoint is a lab on this machine", hint="name one on AWS")
        return found
    there = [each for each in workspace.environments.values() if not _is_lab(each)]
    default = [each for each in there if each.name == workspace.default_environment]
    if len(there) > 1 and not default:
        names = ", ".join(each.name for each in there)
        raise UsageError(f"which environment does the main branch build in? There are {names}", hint="--env NAME")
    return next(iter(default or there), None)


def _is_lab(environment: Environment) -> bool:
    return urlsplit(environment.endpoint).hostname in _HERE


def _levels(workspace: Workspace) -> Iterator[Workspace]:
    each: Workspace | None = workspace
    while each:
        yield each
        each = each.extends


def _relative(folder: Path, repository: Path) -> str:
    """The path of a folder in the repository; an empty string for one that is elsewhere."""
    way = os.path.relpath(folder.resolve(), repository.resolve())
    return "" if way == ".." or way.startswith("../") else way
