"""The files of a first workspace: one image with one role and its test.

It stands by itself (`factory_files`), or on what another workspace has (`team_files`). docs/tutorial.md shows them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.cli.scaffold import environment, schemas
from orchestrator.cli.scaffold.image import NewImage
from orchestrator.cli.scaffold.names import role_of
from orchestrator.cli.scaffold.role import greeting_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.definition.image import Owner

#: The file that makes a folder a workspace, as `definition.workspace_file.FILE`.
FILE = "ami.yml"
#: The layer of a first workspace for its own roles.
LAYER = "app"
_SOURCE = "debian-12"

_FACTORY = """\
{schema}
---
name: {name}
default_environment: lab

# Where images start: Debian's own AMIs. They have no SSM agent; builds over
# Session Manager install it at the machine's first boot.
sources:
  {source}:
    filter:
      name: "debian-12-amd64-*"
      owner: "136693071363"
      architecture: x86_64
    ssh_username: admin
    bootstrap_agent: true

# In the order in which they are applied. What is protected is the same in
# every image. The role ssm_agent comes with ami: tests need the agent.
layers:
  - base: {{roles: [ssm_agent], protected: true}}
  - {layer}
"""
_TEAM = """\
{schema}
---
name: {name}
extends:{extends}
{default}
# These layers follow those of the workspace that this one extends.
layers:
  - {layer}
"""
_DEFAULT = "default_environment: lab\n"
_GITIGNORE = """\
# What runs leave, and what is installed for them.
/.ami/
# What programs keep for themselves.
/.ansible/
.pytest_cache/
__pycache__/
"""
#: The rules that ansible-lint asks of yamllint, and lines as long as a URL has to be.
_YAMLLINT = """\
---
extends: default
ignore: |
  /.ami/
rules:
  line-length: {max: 120, allow-non-breakable-inline-mappings: true}
  braces: {max-spaces-inside: 1}
  comments: {min-spaces-from-content: 1}
  comments-indentation: false
  octal-values: {forbid-implicit-octal: true, forbid-explicit-octal: true}
"""
_CODEOWNERS = """\
# Who must agree to a change of what every image here has. GitHub and GitLab ask
# them once the main branch requires a review by code owners. Besides addresses,
# both take @USER, @ORGANISATION/TEAM and @GROUP. Add the roles of protected
# layers when they get some of their own.
{lines}
"""


@dataclass(frozen=True)
class ExtendedWorkspace:
    """The workspace that a new one extends: how ami.yml says so, and what it has."""

    #: What follows the key `extends` and its colon, as YAML.
    written: str
    #: The image or source to start from.
    start: str
    has_lab: bool
    #: What belongs to it in the new workspace besides ami.yml, by path: a lock.
    files: Mapping[str, str] = field(default_factory=dict)


def factory_files(name: str, owner: Owner) -> Mapping[str, str]:
    """The files of a workspace that stands by itself, by their paths in it; `ami.yml`, which makes it one, last."""
    ami_yml = _FACTORY.format(schema=schemas.comment(schemas.WORKSPACE), name=name, source=_SOURCE, layer=LAYER)
    return {
        **_image_files(name, owner, _SOURCE, ["base", LAYER]),
        environment.path_of("lab"): environment.LAB,
        **_shared_files(owner, [FILE, environment.FOLDER + "/"]),
        FILE: ami_yml,
    }


def team_files(name: str, owner: Owner, extended: ExtendedWorkspace) -> Mapping[str, str]:
    """The files of a workspace that extends another one, by their paths in it; `ami.yml` last.

    It has an environment for the lab unless the other workspace has one.
    """
    lab = {} if extended.has_lab else {environment.path_of("lab"): environment.LAB}
    ami_yml = _TEAM.format(
        schema=schemas.comment(schemas.WORKSPACE),
        name=name,
        extends=extended.written,
        default=_DEFAULT if lab else "",
        layer=LAYER,
    )
    return {
        **_image_files(name, owner, extended.start, [LAYER]),
        **lab,
        **_shared_files(owner, [FILE, *extended.files]),
        **extended.files,
        FILE: ami_yml,
    }


def as_yaml(text: str) -> str:
    """A text as a value of YAML, in quotes when it needs them."""
    if re.fullmatch(r"[\w./-]+", text) and not re.fullmatch(r"[\d.]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _image_files(name: str, owner: Owner, start: str, layers: list[str]) -> Mapping[str, str]:
    role = role_of(name)
    image = NewImage(name, owner, start, layers, [role])
    return {image.path: image.text(), **greeting_files(role, name)}


def _shared_files(owner: Owner, owned: Iterable[str]) -> Mapping[str, str]:
    paths = [f"/{path}" for path in (*owned, "CODEOWNERS")]
    width = max(map(len, paths))
    lines = "\n".join(f"{path:{width}} {owner.email}" for path in paths)
    return {
        **schemas.schema_files(),
        ".gitignore": _GITIGNORE,
        ".yamllint": _YAMLLINT,
        "CODEOWNERS": _CODEOWNERS.format(lines=lines),
    }
