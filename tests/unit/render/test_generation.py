from __future__ import annotations

import pytest

from orchestrator.errors import LackError
from orchestrator.render.generation import Generation, generation_of


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Packer v1.6.6\n", Generation.LEGACY),
        ("1.6.6\n", Generation.LEGACY),
        ("1.6.6", Generation.LEGACY),
        ("Packer v1.6.6\n\nYour version of Packer is out of date! The latest version\nis 1.11.2.\n", Generation.LEGACY),
        ("Packer v1.7.0\n", Generation.PLUGINS),
        ("Packer v1.11.2", Generation.PLUGINS),
        ("Packer v1.14.0-dev (0a1b2c3d+CHANGES)\n", Generation.PLUGINS),
        ("2.0.1", Generation.PLUGINS),
    ],
)
def test_when_packer_says_its_version_then_its_generation_is_known(said: str, expected: Generation) -> None:
    assert generation_of(said) is expected


@pytest.mark.parametrize("said", ["", "cracklib: unpacked 3 words", "Packer", "v", "1"])
def test_when_no_version_is_said_then_that_is_what_lacks(said: str) -> None:
    with pytest.raises(LackError, match="no Packer version"):
        generation_of(said)


def test_when_packer_is_older_than_hcl_then_that_is_said() -> None:
    with pytest.raises(LackError, match=r"Packer 1\.5 is too old"):
        generation_of("Packer v1.5.6\n")


def test_only_the_newer_generation_asks_for_plugins() -> None:
    assert Generation.LEGACY.required_plugins == {}
    assert set(Generation.PLUGINS.required_plugins) == {"amazon", "ansible"}
