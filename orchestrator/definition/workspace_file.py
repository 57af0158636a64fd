"""`ami.yml`: sources, layers in their order, required tags, and the workspace that this one extends."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, field_validator

from orchestrator.definition.layer import WrittenLayer
from orchestrator.definition.levels.extends import WrittenExtends
from orchestrator.definition.machine.block import Machine
from orchestrator.definition.policy.rules import Allow, Require
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.source import Source
from orchestrator.tags import Tag

#: The file that makes a folder a workspace.
FILE = "ami.yml"


class AnsibleSettings(Frozen):
    """How Ansible runs, whatever is built."""

    mitogen: Annotated[
        StrictBool | None,
        Field(
            description="Run tasks through Mitogen, which is quicker, as builds do unless this is false. "
            "Where it does not work, they go on without.",
            examples=[False],
        ),
    ] = None
    gather_subset: Annotated[
        tuple[Annotated[str, Field(pattern=r"^!?[a-z][a-z0-9_]*$", description="As all, !hardware or min.")], ...],
        Field(
            description="Which facts a build gathers, as for Ansible's module `setup`; without it all.",
            examples=[["!all", "pkg_mgr", "virtual"]],
        ),
    ] = ()


#: Where the plugins come from that every rendered file asks for. Who pins these need not say it.
OWN_PLUGINS = {"amazon": "github.com/hashicorp/amazon", "ansible": "github.com/hashicorp/ansible"}

#: What Packer takes as the version of a plugin (Packer documentation, "Version constraints").
_CONSTRAINT = r"(=|!=|>|<|>=|<=|~>)? *v?[0-9]+(\.[0-9]+){0,2}"

PluginName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40, description="Lower-case letters, digits, _ and -.")
]
PluginVersions = Annotated[
    str,
    Field(
        pattern=rf"^{_CONSTRAINT}( *, *{_CONSTRAINT})*$",
        description="Constraints such as '>= 1.3.0', '~> 1.8' or '>= 1.2.6, < 1.8'.",
        examples=[">= 1.2.6, < 1.8"],
    ),
]


class PluginPin(Frozen):
    """A plugin of Packer: which versions builds may use, and where it comes from."""

    version: PluginVersions
    source: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z0-9.-]+\.[a-z]+/[A-Za-z0-9_.-]+/[a-z0-9_-]+$",
            description="HOST/OWNER/NAME without packer-plugin-, such as github.com/hashicorp/docker.",
            examples=["github.com/hashicorp/docker"],
        ),
    ] = None


def _as_pin(written: Any) -> Any:
    if isinstance(written, int | float):
        raise ValueError(f"needs quotes: YAML reads it as the number {written}, and 1.10 as 1.1")  # noqa: TRY004
    return {"version": written} if isinstance(written, str) else written


#: Written as a pin, or as its versions alone.
WrittenPluginPin = Annotated[PluginPin, BeforeValidator(_as_pin, json_schema_input_type=PluginVersions | PluginPin)]


class PackerSettings(Frozen):
    """Which plugins of Packer builds use. Those of the factory itself, amazon and ansible, need no source."""

    required_plugins: Annotated[
        dict[PluginName, WrittenPluginPin],
        Field(
            description="Versions of plugins by name; other plugins than amazon and ansible serve fragments.",
            examples=[{"amazon": ">= 1.3.0"}],
        ),
    ] = Field(default_factory=dict)


class WorkspaceFile(Frozen):
    """What `ami.yml` says. It makes a folder a workspace; what it extends is merged in when it is loaded."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            max_length=64,
            description="Lower-case letters, digits, hyphens.",
            examples=["factory"],
        ),
    ]
    extends: Annotated[
        WrittenExtends | None,
        Field(
            description="Another workspace whose layers, images, roles and sources this one has too: its folder, "
            "or a git repository.",
            examples=[{"path": "../factory"}],
        ),
    ] = None
    default_environment: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Which of packer/environments/ is meant when none is named.",
            examples=["lab"],
        ),
    ] = None
    required_tags: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(
            description="Keys of tags that each image must have; those that the factory sets itself count.",
            examples=[[str(Tag.OWNER), "cost-center"]],
        ),
    ] = ()
    allow: Annotated[
        Allow,
        Field(description="What those who extend this workspace may use.", examples=[{"instance_types": ["t3.*"]}]),
    ] = Allow()
    require: Annotated[
        Require,
        Field(
            description="What every image must have, here and in those who extend this workspace.",
            examples=[{"tags": {"cost-center": "[0-9][0-9]"}}],
        ),
    ] = Require()
    masks: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...],
        Field(
            description="Environment variables whose values no log and no report may show.",
            examples=[["REGISTRY_TOKEN"]],
        ),
    ] = ()
    sources: Annotated[
        dict[str, Source],
        Field(
            description="Where stacks start, by name.",
            examples=[
                {"debian-12": {"ssm_parameter": "/aws/service/debian/release/12/latest/amd64", "ssh_username": "admin"}}
            ],
        ),
    ] = Field(default_factory=dict)
    ansible: Annotated[AnsibleSettings, Field(description="How Ansible runs.", examples=[{"mitogen": False}])] = (
        AnsibleSettings()
    )
    packer: Annotated[
        PackerSettings,
        Field(
            description="Which plugins of Packer builds use.",
            examples=[{"required_plugins": {"amazon": ">= 1.3.0"}}],
        ),
    ] = PackerSettings()
    machine: Annotated[
        Machine, Field(description="What each image is built on.", examples=[{"instance_types": ["t3.small"]}])
    ] = Machine()
    layers: Annotated[
        tuple[WrittenLayer, ...],
        Field(
            description="In the order in which they are applied.",
            examples=[[{"base": {"roles": ["system"], "protected": True}}, "workload"]],
        ),
    ] = ()

    @field_validator("sources", mode="before")
    @classmethod
    def _named(cls, written: Any) -> Any:
        if not isinstance(written, dict):
            return written
        if taken := [name for name, fields in written.items() if isinstance(fields, dict) and "name" in fields]:
            raise ValueError(f"'{taken[0]}' has its name already: it takes no key 'name'")
        return {
            name: {"name": name, **fields} if isinstance(fields, dict) else fields for name, fields in written.items()
        }
