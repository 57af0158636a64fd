"""What tests may ask for: `host`, the machine as Testinfra knows it, and `image`. Nothing else is public."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the reference reads it at run time
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import testinfra.host

from orchestrator.definition.variants.variant_name import variant_of
from orchestrator.validate.request import SuiteRequest

HOST = pytest.StashKey[testinfra.host.Host]()
REQUEST = pytest.StashKey[SuiteRequest]()


@dataclass(frozen=True)
class ImageUnderTest:
    """What tests may ask of `image`."""

    #: Each with what it is and an example: the reference is made from them.
    name: Annotated[str, "The image, with its variant.", "web@debian-13"]
    version: Annotated[str, "The version under test.", "20261127T130106Z-2cb4fc66"]
    ami_id: Annotated[str, "The AMI that was booted.", "ami-0123456789abcdef0"]
    layers: Annotated[tuple[str, ...], "The layers of its whole stack, the lowest first.", ("base", "workload")]
    roles: Annotated[tuple[str, ...], "The roles of its whole stack, in order.", ("system", "nginx")]
    role: Annotated[str, "The role whose test asks.", "nginx"]
    vars: Annotated[Mapping[str, Any], "The variables with which that role was applied.", {"nginx_port": 80}]
    variant: Annotated[str, "The variant of the image; empty when it has none.", "debian-13"] = ""


@pytest.fixture(scope="session")
def host(pytestconfig: pytest.Config) -> testinfra.host.Host:
    """The machine under test, as Testinfra knows it."""
    return pytestconfig.stash[HOST]


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> ImageUnderTest:
    """The image under test."""
    asked = request.config.stash[REQUEST]
    role = asked.role_of(request.node.nodeid)
    return ImageUnderTest(
        name=asked.image.name,
        version=asked.image.version,
        ami_id=asked.ami_id,
        layers=asked.image.layers,
        roles=asked.image.roles,
        role=role,
        vars=asked.image.vars.get(role, {}),
        variant=variant_of(asked.image.name),
    )
