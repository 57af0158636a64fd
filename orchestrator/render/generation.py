"""The two generations of Packer that are served, and which one a version belongs to."""

from __future__ import annotations

import re
from enum import Enum

from orchestrator.errors import LackError

#: `packer version` prints `Packer v1.6.6`, newer ones too; `packer --version` of 1.6.6 prints the number alone.
_VERSION = re.compile(r"^\s*(?:Packer )?v?(\d+)\.(\d+)(?:\.\d+)?(?:[-+ ].*)?$", re.MULTILINE)


class Generation(Enum):
    """A generation of Packer; the member knows which plugins a template of it must ask for.

    LEGACY is 1.6.x, which Debian and Ubuntu package: the Amazon builder and the Ansible provisioner are built in, and
    `required_plugins` is a syntax error. PLUGINS is 1.7 and newer, where `packer init` fetches both (Packer
    documentation, "Packer plugins").
    """

    LEGACY = "1.6"
    PLUGINS = "1.7"

    @property
    def required_plugins(self) -> dict[str, dict[str, str]]:
        """Name -> version constraint and source of each plugin that `packer init` must fetch."""
        if self is Generation.LEGACY:
            return {}
        return {
            "amazon": {"version": ">= 1.2.1, < 2.0.0", "source": "github.com/hashicorp/amazon"},
            "ansible": {"version": ">= 1.1.0, < 2.0.0", "source": "github.com/hashicorp/ansible"},
        }


def generation_of(version_text: str) -> Generation:
    """The generation of a Packer, from what `packer version` prints or from a bare version number.

    Raises LackError for a text without a version and for a Packer that is too old for HCL.
    """
    found = _VERSION.search(version_text)
    if found is None:
        said = version_text.strip().splitlines()[:1]
        raise LackError(f"no Packer version in {said[0] if said else 'an empty answer'!r}", hint="packer version")
    version = (int(found[1]), int(found[2]))
    if version < (1, 6):
        number = f"{version[0]}.{version[1]}"
        raise LackError(f"Packer {number} is too old: 1.6 or newer is needed", hint="apt-get install packer")
    return Generation.LEGACY if version == (1, 6) else Generation.PLUGINS
