"""The lab's tables are looked at once somebody wants to hear of changes."""

from __future__ import annotations

import ipaddress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab.api.events import Events
from orchestrator.lab.eventbridge.watch import TableWatch
from orchestrator.lab.tables import Tables

if TYPE_CHECKING:
    from orchestrator.lab.api.events import AwsEvent

OWN = "123456789012"


def image(number: int, owner: str = OWN, state: str = "available") -> Any:
    return SimpleNamespace(id=f"ami-{number}", owner_id=owner, state=state, reason=None)


class Changing(Tables):
    """Tables of one region, with the images that a test puts there."""

    images: tuple[Any, ...] = ()

    def backends(self) -> list[Any]:
        amis = {each.id: each for each in self.images}
        return [SimpleNamespace(account_id=OWN, region_name="us-east-1", amis=amis, snapshots={})]


@pytest.fixture
def tables() -> Changing:
    return Changing(ipaddress.IPv4Network("10.89.0.0/24"))


def test_what_was_there_before_is_not_told(tables: Changing) -> None:
    told: list[AwsEvent] = []
    events = Events()
    events.listen(told.append)
    watch = TableWatch(tables, events)
    tables.images = (image(1),)
    watch.look()
    watch.begin()
    watch.look()
    assert told == []
    tables.images = (image(1), image(2), image(3, "amazon"))
    watch.begin()
    watch.look()
    watch.look()
    assert [event.detail["ImageId"] for event in told] == ["ami-2"]
