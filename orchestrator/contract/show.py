"""What `ami show` prints: an image of the workspace, a version, or an AMI that no build finished."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from orchestrator.contract.shape import Time
from orchestrator.contract.version import UnprovenJson, VersionJson


class StackLayerJson(TypedDict):
    """One layer of an image's stack."""

    layer: str
    roles: list[str]
    vars: dict[str, Any]


class KnownVersionJson(TypedDict):
    """A version of an image, in short."""

    version: str
    ami_id: str
    state: str
    current: bool
    """Whether it is the newest validated one."""
    as_defined: bool
    """Whether the workspace still defines the image as it was built."""
    tests: dict[str, int]


class UnfinishedJson(TypedDict):
    """An AMI of the image that no build finished."""

    ami_id: str
    run: str | None
    reason: str


class VariantJson(TypedDict):
    """One variant of an image; an image without variants is its own only one."""

    image: str
    description: str
    owner: str
    built_on: str
    parents: list[str]
    """The images that it stands on, nearest first."""
    source: str
    fingerprint: str
    tags: dict[str, str]
    layers: list[str]
    """Of its whole stack, the lowest first."""
    stack: list[StackLayerJson]
    test_files: dict[str, list[str]]
    """By role."""
    untested: dict[str, str]
    """Roles that have no tests, and why."""
    versions: list[KnownVersionJson]
    unproven: list[UnfinishedJson]


class ImageJson(TypedDict):
    """An image of the workspace."""

    schema: Literal["ami/image/1"]
    image: str
    variants: list[VariantJson]


class LineageJson(TypedDict):
    """A version that another one stands on."""

    image: str
    version: str
    ami_id: str


class StatementJson(TypedDict):
    """A state that a version was given."""

    state: str
    at: Time
    run: str | None
    reason: str | None
    tests: dict[str, int]
    tests_fingerprint: str | None
    build_seconds: float | None
    validate_seconds: float | None
    programs: dict[str, str]
    """Versions of Packer and of its plugins, when the run built it."""
    untested: dict[str, str]


class FailedTestJson(TypedDict):
    """A test that failed."""

    test: str
    """Its role and name: `nginx: test_config`."""
    message: str
    """The first line of what it said."""


class ReportJson(TypedDict):
    """What the report of a verdict says."""

    report: str | None
    failed_tests: list[FailedTestJson]


class ProtectedLayerJson(TypedDict):
    """A protected layer that a version carries."""

    layer: str
    fingerprint: str | None
    """Chained with all that is below it; null when it is not known."""
    level: str
    """The name of the workspace that protects it."""
    origin: str
    """Where that came from: the folder or the git repository that `extends` names; empty for the workspace itself."""
    commit: str | None


class AmiJson(VersionJson):
    """A version, with all that is known of it."""

    schema: Literal["ami/ami/1"]
    tags: dict[str, str]
    lineage: list[LineageJson]
    """The versions that it stands on, nearest first."""
    definition: Literal["as in this workspace", "changed since it was built", "not in this workspace"]
    """Whether the workspace defines the image as it was built."""
    stack: list[StackLayerJson]
    """Empty unless it is defined as it was built."""
    programs: dict[str, str]
    """Versions of Packer and of its plugins that built it; empty when that is not known."""
    untested: dict[str, str]
    """Roles that had no tests at the last validation, and why."""
    protected: list[ProtectedLayerJson]
    """The protected layers of its stack as they were built, from the record in the artifact bucket."""
    history: list[StatementJson]
    """The states that it was given, the oldest first; empty without an artifact bucket."""
    report: str | None
    """Where the report of its verdict is: a path, or `s3://...`; null when neither this disk nor the bucket has it."""
    failed_tests: list[FailedTestJson]
    """The tests that failed, from the report."""


class UnprovenAmiJson(UnprovenJson):
    """An AMI that no build finished."""

    schema: Literal["ami/unproven-ami/1"]
    ec2_state: str
    run_state: str
    """What became of its run."""
    next: str
    """What becomes of the AMI, or who has to decide it."""
    tags: dict[str, str]
