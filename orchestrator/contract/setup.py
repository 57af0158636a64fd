"""What commands about the workspace and this machine print: `doctor`, `deps`, `adopt`, `schema`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import OneOf, PlaceJson


class CheckJson(TypedDict):
    """One thing that was examined."""

    name: str
    ok: bool
    checked: bool
    """False for what could not be examined; `message` says why."""
    message: str
    """What was found, for people."""
    why: str
    """What goes wrong without it."""
    hint: str | None
    """The command or the change that mends it."""


class DoctorJson(TypedDict):
    """What a build needs, and what of it is there."""

    schema: Literal["ami/doctor/1"]
    environment: str
    ok: bool
    """Whether nothing is missing."""
    checks: list[CheckJson]


class RequirementJson(TypedDict):
    """A role or collection from elsewhere, as the lock pins it."""

    kind: Annotated[str, OneOf("role", "collection")]
    name: str
    way: Annotated[str, OneOf("galaxy", "git", "archive", "folder")]
    """How it comes."""
    source: str
    version: str
    wanted: str | None
    """The version that requirements.yml asks for."""
    server: str | None
    """The Galaxy server that it comes from, when one is named."""
    commit: str | None
    """Of git, 40 digits."""
    sha256: str
    """Digest of its content."""
    archive_sha256: str | None
    """Digest of the archive that it was in."""
    by: str | None
    """What depends on it, when the workspace does not ask for it itself."""
    lock: str
    """The path of the lock."""
    installed: bool
    """Whether this machine has exactly that content."""


class DepsJson(TypedDict):
    """The roles and collections that a workspace requires."""

    schema: Literal["ami/deps/1"]
    requirements: list[RequirementJson]


class AdoptedImageJson(TypedDict):
    """An image that a template became."""

    image: str


class FileChangeJson(TypedDict):
    """What writing a file does."""

    file: str
    """From the folder of the workspace."""
    change: Annotated[str, OneOf("new", "changed", "same")]


class NotCarriedJson(TypedDict):
    """Something that the adopted workspace does not say, or says otherwise."""

    file: str
    line: int | None
    address: str
    """Where it stands in the template, as `source.amazon-ebs.web.user_data`."""
    reason: str
    hint: str | None
    """What to do about it."""


class AdoptJson(TypedDict):
    """A Packer template as images of a workspace."""

    schema: Literal["ami/adopt/1"]
    folder: str
    """That of the workspace."""
    images: list[AdoptedImageJson]
    files: list[FileChangeJson]
    not_carried: list[NotCarriedJson]
    notes: list[str]
    problems: list[PlaceJson]
    """What is still to mend in the workspace that was written."""


class SchemasJson(TypedDict):
    """JSON Schemas of what people write and of what commands print."""

    schema: Literal["ami/schema/1"]
    schemas: dict[str, Any]
    """By the name of the file that holds each."""
