"""What tests may ask for: `host`, the machine as Testinfra knows it, and `image`. Nothing else is public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import testinfra.host

from orchestrator.definition.variant import variant_of
from orchestrator.validate.request import SuiteRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = pytest.StashKey[testinfra.host.Host]()
REQUEST = pytest.StashKey[SuiteRequest]()


@dataclass(frozen=True)
class ImageUnderTest:
    """What tests may ask of `image`."""

    name: str
    version: str
    ami_id: str
    layers: tuple[str, ...]
    roles: tuple[str, ...]
    #: The role whose test asks.
    role: str
    #: The variables with which that role was applied.
    vars: Mapping[str, Any]
    #: The variant of the image, such as `debian-13`; empty when it has none.
    variant: str = ""


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
