"""Looks at the lab's tables again and again, and tells what AWS would tell of the difference."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from orchestrator.lab.eventbridge.sightings import SeenImage, SeenParameter, SeenSnapshot, events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.api.events import Events
    from orchestrator.lab.eventbridge.sightings import Sighting, Sightings
    from orchestrator.lab.tables import Tables

#: How often, seconds. What begins and ends in between is not told: AWS's events are best effort as well.
EVERY = 0.25


class TableWatch:
    """What was seen last; nothing until somebody wants to hear of changes."""

    def __init__(self, tables: Tables, told: Events) -> None:
        self._tables = tables
        self._told = told
        self._seen: Sightings | None = None

    def begin(self) -> None:
        """Tell of changes from now on."""
        with self._tables.lock:
            if self._seen is None:
                self._seen = _now(self._tables)

    def look(self) -> None:
        """Tell what has changed since the last look."""
        if self._seen is None:
            return
        with self._tables.lock:
            now = _now(self._tables)
            before, self._seen = self._seen, now
        for event in events(before, now) if before != now else ():
            self._told.tell(event)


def _now(tables: Tables) -> Sightings:
    seen: Sightings = {}
    for backend in tables.backends():
        account, region = backend.account_id, backend.region_name
        found: list[Sighting] = [*_images(backend), *_snapshots(backend)]
        seen |= {_key(sighting, account, region): sighting for sighting in found}
    for account, region, parameters in _parameter_tables():
        for name in list(parameters):
            sighting = _parameter(account, region, name, parameters[name])
            seen[_key(sighting, account, region)] = sighting
    return seen


def _key(sighting: Sighting, account: str, region: str) -> tuple[str, str, str, str]:
    match sighting:
        case SeenImage(image_id=name) | SeenSnapshot(snapshot_id=name) | SeenParameter(name=name):
            return type(sighting).__name__, account, region, name


def _images(backend: Any) -> Iterator[SeenImage]:
    """Those of the account itself."""
    for image in list(backend.amis.values()):
        if image.owner_id == backend.account_id:
            text = image.reason.message if image.reason is not None else ""
            yield SeenImage(backend.account_id, backend.region_name, image.id, image.state, text)


def _snapshots(backend: Any) -> Iterator[SeenSnapshot]:
    for snapshot in list(backend.snapshots.values()):
        if snapshot.owner_id != backend.account_id:
            continue
        copied = str(snapshot.description or "").startswith(("Copied for", "[Copied"))
        volume = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:volume/{snapshot.volume.id}"
        began = f"{snapshot.start_time:%Y-%m-%dT%H:%M:%SZ}" if snapshot.start_time else ""
        yield SeenSnapshot(
            backend.account_id, backend.region_name, snapshot.id, snapshot.status, volume, began, copied=copied
        )


def _parameter_tables() -> Iterator[tuple[str, str, Any]]:
    """Parameters of all accounts and regions; none before somebody has asked Systems Manager for anything."""
    models = sys.modules.get("moto.ssm.models")
    for account, regions in list(models.ssm_backends.items()) if models is not None else ():
        for region, backend in list(regions.items()):
            yield account, region, backend._parameters  # noqa: SLF001 - moto lists them in no other way


def _parameter(account: str, region: str, name: str, versions: list[Any]) -> SeenParameter:
    newest = versions[-1]
    labels = frozenset((label, each.version) for each in versions for label in each.labels)
    return SeenParameter(account, region, name, newest.parameter_type, newest.version, newest.description or "", labels)
