"""EC2 is asked for room when Packer has been silent about its launch, and nothing stays of the question."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.build.cause import Cause, FailureEvidence, cause_of
from orchestrator.build.lack_of_room import PATIENCE, LackOfRoom
from orchestrator.build.packer.installed import Ready
from orchestrator.build.packer.plugin_folders import Packer
from orchestrator.build.packer.plugins import Plugin
from orchestrator.build.request import BuildRequest
from tests.lab.small import held

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.settings import Settings

PLACE = ("t3.small", "")


@pytest.fixture
def asking(lab: Settings, debian: str, tmp_path: Path) -> BuildRequest:
    """A build with an Amazon plugin that repeats a launch for long."""
    plugin = Plugin("github.com/hashicorp/amazon", "1.8.2", tmp_path / "plugin")
    return BuildRequest(
        "tiny",
        "v1",
        f"run-{tmp_path.name}",
        tmp_path / "tiny.pkr.hcl",
        tmp_path / "lab.pkrvars.hcl",
        tmp_path,
        tmp_path,
        Account("us-east-1", "", lab.endpoint, "lab", "lab"),
        source_filters={"image-id": debian},
        ready=Ready(Packer(tmp_path / "packer", "1.16.0"), (plugin,)),
    )


def test_no_room_is_told_after_a_while(asking: BuildRequest, faults: Any) -> None:
    rule = faults.set("capacity", 1.0, "ec2:RunInstances")
    room = LackOfRoom(asking, PLACE)
    assert not room.look(PATIENCE / 2)
    assert faults.hits(rule) == 0
    assert room.look(PATIENCE)
    assert cause_of(FailureEvidence(errors=(room.said,))) is Cause.CAPACITY
    assert room.look(PATIENCE)
    assert faults.hits(rule) == 1


def test_room_is_asked_for_once_and_given_back(
    asking: BuildRequest, ec2: Any, calls: Callable[[], dict[str, int]], eventually: Callable[..., Any]
) -> None:
    before, asked = held(ec2), calls().get("ec2:RunInstances", 0)
    room = LackOfRoom(asking, PLACE)
    assert [room.look(PATIENCE), room.look(2 * PATIENCE)] == [False, False]
    assert calls()["ec2:RunInstances"] - asked == 1
    eventually(lambda: held(ec2) == before, "the end of the machine that was asked for")


def test_old_plugins_tell_of_it_themselves(asking: BuildRequest, calls: Callable[[], dict[str, int]]) -> None:
    asked = calls().get("ec2:RunInstances", 0)
    old = Plugin("github.com/hashicorp/amazon", "1.7.1", Path("plugin"))
    for ready in (None, Ready(Packer(Path("packer"), "1.6.6")), Ready(Packer(Path("packer"), "1.9.5"), (old,))):
        assert not LackOfRoom(replace(asking, ready=ready), PLACE).look(PATIENCE)
    assert calls().get("ec2:RunInstances", 0) == asked
