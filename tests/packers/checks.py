"""What a version refuses before it builds anything: plugins that are missing, and what a template must not say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.packers import plugins, template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.packers.plugins import Plugin, Version
    from tests.packers.template import Template

AMAZON, ANSIBLE = "github.com/hashicorp/amazon", "github.com/hashicorp/ansible"

#: The first amazon plugin that knows an attribute of the builder. The one in 1.6.6 is older than all.
_SINCE = {
    "skip_create_ami": (1, 0, 0),
    "deprecate_at": (1, 0, 1),
    "enable_unlimited_credits": (1, 1, 5),
    "imds_support": (1, 2, 2),
    "fast_launch": (1, 2, 2),
    "deregistration_protection": (1, 3, 4),
    "skip_ami_run_tags": (1, 3, 7),
}
_BUILT_IN: Version = (0, 0, 0)

_NO_HOME = "No $HOME environment variable found, required to set Config Directory"
_UNKNOWN = """Error: Unknown {kind}

  on {file}:
  (source code not available)

The {what} is unknown by Packer, and is likely part of a plugin that is not installed.
You may find the needed plugin along with installation instructions documented
on the Packer integrations page.

"""


class Stopped(Exception):
    """The end of the program, with what it says about it."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def what_stops_all(packer: Version, environ: Mapping[str, str]) -> str:
    """Why every command of a version fails, `version` too, in its words; empty when none does."""
    if packer < plugins.ONE_FOLDER:
        return ""
    named = environ.get("PACKER_PLUGIN_PATH", "")
    if ":" in named:
        choices = "".join(f"\n* PACKER_PLUGIN_PATH={one}" for one in named.split(":"))
        return (
            "Multiple paths are no longer supported for PACKER_PLUGIN_PATH.\n"
            f"This should be defined as one of the following options for your environment:{choices}"
        )
    return "" if named or environ.get("HOME") or environ.get("PACKER_CONFIG_DIR") else _NO_HOME


def checked(packer: Version, found: Sequence[Plugin], arguments: Sequence[str]) -> tuple[Template, Version]:
    """The template of `build` or `validate`, and the version of its amazon plugin.

    Raises Stopped, or TemplateError, with what Packer says when it cannot be built.
    """
    files = [Path(one.partition("=")[2]) for one in arguments if one.startswith("-var-file=")]
    given = dict(_pair(arguments[at + 1]) for at, one in enumerate(arguments) if one == "-var")
    path = Path(arguments[-1])
    amazon = _amazon(packer, found, path)
    read = template.read(path, files, given)
    for name, since in _SINCE.items():
        if name in read.settings and amazon < since:
            raise Stopped(f'Error: Unsupported argument\n\nAn argument named "{name}" is not expected here.\n\n')
    return read, amazon


def missing(packer: Version, found: Sequence[Plugin], required: Mapping[str, str]) -> list[tuple[str, str]]:
    """Source and constraint of each plugin that is asked for, and not there."""
    return [one for one in required.items() if not plugins.installed(packer, found, *one)]


def _amazon(packer: Version, found: Sequence[Plugin], path: Path) -> Version:
    required = template.required(path)
    if packer < plugins.FIRST:
        if required:
            raise Stopped(
                'Error: Unsupported block type\n\nBlocks of type "required_plugins" are not expected here.\n\n'
            )
        return _BUILT_IN
    if lacking := missing(packer, found, required):
        names = "\n".join(f"* {source} {constraint}" for source, constraint in lacking)
        raise Stopped(
            "Error: Missing plugins\n\nThe following plugins are required, but not installed:\n\n"
            f"{names}\n\nDid you run packer init for this project ?\n\n"
        )
    return _taken(packer, found, required, path)


def _taken(packer: Version, found: Sequence[Plugin], required: Mapping[str, str], path: Path) -> Version:
    """Without `required_plugins` the newest that is there of each is taken."""
    taken = {source: plugins.installed(packer, found, source, required.get(source, "")) for source in (AMAZON, ANSIBLE)}
    unknown = ""
    if not taken[AMAZON]:
        unknown += _UNKNOWN.format(kind="source type amazon-ebs", file=path, what="source amazon-ebs")
    if not taken[ANSIBLE] and "ansible" in template.provisioners(path):
        unknown += _UNKNOWN.format(kind='provisioner type "ansible"', file=path, what="provisioner ansible")
    if unknown:
        raise Stopped(unknown)
    return taken[AMAZON][-1].number


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
