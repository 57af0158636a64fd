"""The Packer of this machine, with the plugins that a build needs: found and checked before anything is launched.

Nothing is fetched: what is missing is told with the command that gets it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.build.packer.plugin_folders import Packer, Search, folders
from orchestrator.build.packer.plugins import Found, Plugin, Requirement, find
from orchestrator.definition.workspace_file import OWN_PLUGINS
from orchestrator.errors import LackError
from orchestrator.render.packer_set import packer_set
from orchestrator.render.required import required_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.definition.workspace_file import PluginPin
    from orchestrator.render.packer_set import PackerSet

#: A folder that is not there (Debian Policy, "Non-existent home directories").
_NOWHERE = "/nonexistent"
_NO_PACKER = "apt-get install packer, or get it from HashiCorp"
#: Seconds that `packer version` may take; other programs of that name wait for input.
_ANSWERS = 30
#: The first version that has `packer plugins install`.
_INSTALLS = (1, 8)


@dataclass(frozen=True)
class Ready:
    """A Packer that can build: itself, and the plugin files that it will use and no others."""

    packer: Packer
    plugins: tuple[Plugin, ...] = ()

    @property
    def packers(self) -> PackerSet:
        """What is rendered for it."""
        return set_of(self.packer, self.plugins)

    @property
    def versions(self) -> dict[str, str]:
        """The version of Packer and of each plugin by its name."""
        return {"packer": self.packer.version, **{one.name: one.version for one in self.plugins}}

    def __str__(self) -> str:
        told = f"Packer {self.packer.version} ({self.packer.program})"
        return ", ".join([told, *map(str, self.plugins)])


def packer() -> Packer:
    """The Packer on PATH. Raises LackError when there is none, or it does not run."""
    program = process.find("packer")
    try:
        # Not where a person is: even for this, Packers before 1.11 run the plugins that lie in their working directory.
        done = process.run(
            [program, "-machine-readable", "version"], env=bare(os.environ), cwd=Path("/"), timeout=_ANSWERS
        )
    except process.ProgramFailed as failed:
        said = (failed.completed.out or failed.completed.err).strip().splitlines()
        raise LackError(
            f"the Packer at {program} does not run: " + (said[0] if said else failed.ended), hint=_NO_PACKER
        ) from None
    except OSError as error:
        raise LackError(f"the Packer at {program} does not run: {error}", hint=_NO_PACKER) from None
    found = re.search(r",version,(\d+\.\d+\.\d+)", done.out)
    if found is None:
        raise LackError(f"{program} is not HashiCorp Packer", hint=_NO_PACKER)
    return Packer(Path(program), found.group(1))


def bare(inherited: Iterable[str]) -> dict[str, str | None]:
    """The variables with which Packer runs whatever a person has set for it."""
    settings = {name: None for name in inherited if name.startswith("PACKER_")}
    return {**settings, "CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1", "PACKER_CONFIG_DIR": _NOWHERE}


def required_by(text: str) -> tuple[Requirement, ...]:
    """The plugins that a rendered file asks for."""
    return tuple(Requirement(source, versions) for source, versions in sorted(required_plugins(text).items()))


def asked_by_frame(there: Packer, pins: Mapping[str, PluginPin]) -> tuple[Requirement, ...]:
    """The plugins that every rendered file of a workspace asks for, its pins included.

    Raises LackError when this Packer is too old, or has no plugins that could be pinned.
    """
    asked = packer_set(there.version).required_plugins(pins)
    return tuple(Requirement(one["source"], one["version"]) for one in asked.values())


def set_of(there: Packer, plugins: Iterable[Plugin]) -> PackerSet:
    """What is rendered for a Packer and these plugins; one that is missing counts as the oldest that is served.

    A frame of a workspace's own may ask for older ones.
    """
    own = {one.name: one.version for one in plugins if one.source in OWN_PLUGINS.values()}
    return replace(packer_set(there.version), **own)


def search(there: Packer, required: Iterable[Requirement], places: Sequence[Path]) -> tuple[Found, ...]:
    """What this Packer finds of each required plugin in these folders; one that has all built in needs none."""
    if there.search is Search.BUILT_IN:
        return ()
    return tuple(find(one, places, there.search) for one in sorted(set(required)))


def looked_up(there: Packer, required: Iterable[Requirement], workspace: Path) -> tuple[Found, ...]:
    """What this Packer finds of each required plugin when a person starts it in `workspace`.

    Raises LackError when that Packer could not even start.
    """
    return search(there, required, folders(there, workspace, os.environ))


def ready(
    required: Iterable[Requirement],
    workspace: Path,
    *,
    there: Packer | None = None,
    known: Iterable[Found] = (),
) -> Ready:
    """The Packer on PATH with all the plugins that are required, as a person finds them who starts it in `workspace`.

    `known` was looked up before, and is not looked up again.

    Raises LackError with everything that is missing, why files that look right do not count, and what to do about it.
    """
    there = there or packer()
    before, wanted = {one.requirement: one for one in known}, set(required)
    places = folders(there, workspace, os.environ)
    found = [before[one] for one in sorted(wanted & before.keys())]
    found += search(there, wanted - before.keys(), places)
    missing = [one for one in found if one.plugin is None]
    if missing:
        raise missing_plugins(there, missing, places)
    return Ready(there, tuple(one.plugin for one in found if one.plugin))


def missing_plugins(there: Packer, missing: Sequence[Found], places: Iterable[Path]) -> LackError:
    """What a person is told of plugins that are not there."""
    looked = ", ".join(map(str, places))
    lines = [f"Packer {there.version} lacks plugins; it looks for them in {looked}"]
    for one in missing:
        lines.append(f"  {one.requirement.source} {one.requirement.versions}".rstrip())
        lines += [f"    not {unfit}" for unfit in one.unfit]
    commands = dict.fromkeys(getting(there, one.requirement) for one in missing)
    return LackError("\n".join(lines), hint="; ".join(commands))


def getting(there: Packer, requirement: Requirement) -> str:
    """The command that gets a plugin."""
    if tuple(int(part) for part in there.version.split(".")[:2]) >= _INSTALLS:
        return f"packer plugins install {requirement.source}"
    return "ami render IMAGE --out DIR, then packer init DIR/IMAGE.pkr.hcl"
