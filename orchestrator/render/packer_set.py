"""The Packer that a file is rendered for, with its plugins: their versions, and what follows from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from orchestrator.definition.workspace_file import OWN_PLUGINS
from orchestrator.errors import LackError, UsageError
from orchestrator.render.features import BUILT_IN, FEATURES, Program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.definition.workspace_file import PluginPin

#: `packer version` prints `Packer v1.6.6`, newer ones too; `packer --version` of 1.6.6 prints the number alone.
_VERSION = re.compile(r"^\s*(?:Packer )?v?(\d+\.\d+(?:\.\d+)?)(?:[-+ ].*)?$", re.MULTILINE)

#: The first Packer that reads HCL as it is rendered, and the first whose plugins are programs of their own.
_OLDEST_PACKER, _FIRST_WITH_PLUGINS = Version("1.6"), Version("1.7")
#: The oldest version of each plugin that is served, and the first that is not.
_SERVED = {"amazon": ("1.2.1", "2.0.0"), "ansible": ("1.1.0", "2.0.0")}


@dataclass(frozen=True)
class PackerSet:
    """Versions (`1.16.0`) of Packer and of the two plugins that each rendered file asks for.

    With Packer 1.6 the plugins are parts of it: their version is BUILT_IN.
    """

    packer: str
    amazon: str = BUILT_IN
    ansible: str = BUILT_IN

    @property
    def built_in(self) -> bool:
        """Whether the plugins are a part of Packer, so that `required_plugins` is a syntax error."""
        return not self.knows("required_plugins")

    @property
    def known(self) -> dict[str, bool]:
        """For each key of the table whether this set knows it, for templates."""
        return {key: self.knows(key) for key in FEATURES}

    def knows(self, key: str) -> bool:
        """Whether a key of a rendered file is understood. Raises KeyError for one that is not in the table."""
        feature = FEATURES[key]
        versions = {Program.PACKER: self.packer, Program.AMAZON: self.amazon, Program.ANSIBLE: self.ansible}
        version = Version(versions[feature.program])
        return version >= Version(feature.since) and not (feature.until and version >= Version(feature.until))

    def required_plugins(self, pins: Mapping[str, PluginPin]) -> dict[str, dict[str, str]]:
        """Name -> source and version constraint of each plugin that a file must ask for, the workspace's pins included.

        Raises LackError when a workspace pins plugins and this Packer has its own.
        """
        if self.built_in:
            if pins:
                raise LackError(
                    f"Packer {self.packer} has its plugins built in, and ami.yml asks for {', '.join(sorted(pins))}",
                    hint="install Packer 1.7 or newer, or remove packer.required_plugins from ami.yml",
                )
            return {}
        served = {name: f">= {first}, < {end}" for name, (first, end) in _SERVED.items()}
        wanted = {name: {"version": versions, "source": OWN_PLUGINS[name]} for name, versions in served.items()}
        for name, pin in sorted(pins.items()):
            versions = ", ".join(filter(None, (served.get(name, ""), pin.version)))
            wanted[name] = {"version": versions, "source": pin.source or OWN_PLUGINS[name]}
        return wanted

    def __str__(self) -> str:
        if self.built_in:
            return f"Packer {self.packer}"
        return f"Packer {self.packer} with the plugins amazon {self.amazon} and ansible {self.ansible}"


def packer_set(packer: str, *, amazon: str = "", ansible: str = "") -> PackerSet:
    """The set of a Packer (a version number, or what `packer version` prints) and of plugins.

    A plugin whose version is not said counts as the oldest that is served. Raises LackError for a Packer that is too
    old, and UsageError for a plugin's version that is none, that is not served, or that this Packer cannot have.
    """
    version = packer_version_of(packer)
    given = {"amazon": amazon, "ansible": ansible}
    if Version(version) < _FIRST_WITH_PLUGINS:
        if named := [name for name, number in given.items() if number]:
            raise UsageError(
                f"Packer {version} has its plugins built in: its {named[0]} plugin has no version of its own",
                hint="leave it out, or name Packer 1.7 or newer",
            )
        return PackerSet(version)
    return PackerSet(version, **{name: _served(name, number) for name, number in given.items()})


def packer_version_of(text: str) -> str:
    """The version number of a Packer, from what `packer version` prints or from a bare number.

    Raises LackError for a text without a version and for a Packer that is too old for HCL.
    """
    found = _VERSION.search(text)
    if found is None:
        lines = text.strip().splitlines()[:1]
        raise LackError(f"no Packer version in {lines[0] if lines else 'an empty answer'!r}", hint="packer version")
    if Version(found[1]) < _OLDEST_PACKER:
        raise LackError(f"Packer {found[1]} is too old: 1.6 or newer is needed", hint="apt-get install packer")
    return found[1]


def _served(name: str, version: str) -> str:
    first, end = _SERVED[name]
    if not version:
        return first
    try:
        number = Version(version)
    except InvalidVersion:
        raise UsageError(f"'{version}' is no version of the {name} plugin", hint=f"a number such as {first}") from None
    if not Version(first) <= number < Version(end):
        raise UsageError(f"the {name} plugin {version} is not served: {first} or newer is needed, below {end}")
    return version
