"""`ami.yml`: sources, layers in their order, required tags, and the workspace that this one extends."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool, field_validator

from orchestrator.definition.layer import WrittenLayer
from orchestrator.definition.machine.block import Machine
from orchestrator.definition.reading.frozen import Frozen
from orchestrator.definition.source import Source

#: The file that makes a folder a workspace.
FILE = "ami.yml"


class AnsibleSettings(Frozen):
    """How Ansible runs, whatever is built."""

    mitogen: Annotated[
        StrictBool | None,
        Field(description="Run tasks through Mitogen, which is quicker. Where it does not work, builds go on without."),
    ] = None


class WorkspaceFile(Frozen):
    """What `ami.yml` says. What a workspace extends is merged in when it is loaded."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64, description="Lower-case letters, digits, hyphens."
        ),
    ]
    extends: Annotated[
        str | None, Field(min_length=1, description="Folder of another workspace, relative to this file.")
    ] = None
    default_environment: Annotated[
        str | None, Field(min_length=1, description="Which of packer/environments/ is meant when none is named.")
    ] = None
    required_tags: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(description="Keys of tags that each image must have; those that the factory sets itself count."),
    ] = ()
    masks: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...],
        Field(description="Environment variables whose values no log and no report may show."),
    ] = ()
    sources: Annotated[dict[str, Source], Field(description="Where stacks start, by name.")] = Field(
        default_factory=dict
    )
    ansible: Annotated[AnsibleSettings, Field(description="How Ansible runs.")] = AnsibleSettings()
    machine: Annotated[Machine, Field(description="What each image is built on.")] = Machine()
    layers: Annotated[tuple[WrittenLayer, ...], Field(description="In the order in which they are applied.")] = ()

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
