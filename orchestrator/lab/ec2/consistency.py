"""EC2's eventual consistency over moto's tables: notes what is made, and keeps it out of lists at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2 import models
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from orchestrator.lab.api.recent_ids import IdKind, RecentId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moto.ec2.models.amis import Ami
    from moto.ec2.models.elastic_block_store import Snapshot
    from moto.ec2.models.instances import Reservation
    from moto.ec2.models.key_pairs import KeyPair
    from moto.ec2.models.security_groups import SecurityGroup

    from orchestrator.lab.tables import Tables


#: What makes a filter's value a pattern (EC2 user guide, "List and filter your resources").
WILDCARDS = set("*?[\\")


class EventualBackend(models.EC2Backend):
    """moto's tables of one account in one region, where what was just made may not be seen yet."""

    tables: Tables

    def _note(self, kind: IdKind, resource_id: str, name: str = "") -> None:
        self.tables.recent_ids.note(RecentId(kind, self.region_name, resource_id, name))

    def _seen(self, found: Iterable[Any], key: str = "id") -> list[Any]:
        """What of it the call that is being answered may know."""
        young = self.tables.trouble.young
        shown = list(found)
        if not young:
            return shown
        hidden = {recent.resource_id for recent in young}
        known = [each for each in shown if (each[key] if isinstance(each, dict) else getattr(each, key)) not in hidden]
        if len(known) < len(shown):
            self.tables.trouble.omit()
        return known

    # -- what is made ------------------------------------------------------------------------------------------

    def run_instances(self, *args: Any, **kwargs: Any) -> Reservation:
        """RunInstances, and whatever else launches."""
        reservation = super().run_instances(*args, **kwargs)
        for instance in reservation.instances:
            self._note(IdKind.INSTANCE, instance.id)
        return reservation

    def create_image(self, *args: Any, **kwargs: Any) -> Ami:
        """CreateImage: the image and its snapshot are new."""
        return self._image(super().create_image(*args, **kwargs))

    def register_image(self, *args: Any, **kwargs: Any) -> Ami:
        """RegisterImage: the image and its snapshot are new."""
        return self._image(super().register_image(*args, **kwargs))

    def _image(self, image: Ami) -> Ami:
        self._note(IdKind.IMAGE, image.id)
        self._note(IdKind.SNAPSHOT, image.ebs_snapshot.id)
        return image

    def create_snapshot(self, *args: Any, **kwargs: Any) -> Snapshot:
        """CreateSnapshot, and each of CreateSnapshots."""
        snapshot = super().create_snapshot(*args, **kwargs)
        self._note(IdKind.SNAPSHOT, snapshot.id)
        return snapshot

    def copy_snapshot(self, *args: Any, **kwargs: Any) -> Snapshot:
        """CopySnapshot: the copy is new."""
        snapshot = super().copy_snapshot(*args, **kwargs)
        self._note(IdKind.SNAPSHOT, snapshot.id)
        return snapshot

    def create_security_group(self, name: str, *args: Any, **kwargs: Any) -> SecurityGroup:
        """CreateSecurityGroup. The default group of a region was always there."""
        group = super().create_security_group(name, *args, **kwargs)
        if not group.is_default:
            self._note(IdKind.GROUP, group.id, name)
        return group

    def create_key_pair(self, name: str, *args: Any, **kwargs: Any) -> KeyPair:
        """CreateKeyPair: the pair is new, by its id and its name."""
        pair = super().create_key_pair(name, *args, **kwargs)
        self._note(IdKind.KEY_PAIR, pair.id, name)
        return pair

    def import_key_pair(self, key_name: str, *args: Any, **kwargs: Any) -> KeyPair:
        """ImportKeyPair: the pair is new, by its id and its name."""
        pair = super().import_key_pair(key_name, *args, **kwargs)
        self._note(IdKind.KEY_PAIR, pair.id, key_name)
        return pair

    # -- what is listed ----------------------------------------------------------------------------------------

    def all_reservations(self, filters: Any = None) -> list[Reservation]:
        """Whatever lists instances asks this."""
        # moto hands out copies of reservations, whose lists of instances may be replaced.
        reservations = super().all_reservations(filters)
        for reservation in reservations:
            reservation.instances = self._seen(reservation.instances)
        return [reservation for reservation in reservations if reservation.instances]

    def describe_images(self, *args: Any, **kwargs: Any) -> list[Any]:
        """DescribeImages, without what is too new."""
        return self._seen(super().describe_images(*args, **kwargs))

    def describe_snapshots(self, *args: Any, **kwargs: Any) -> list[Any]:
        """DescribeSnapshots, without what is too new."""
        return self._seen(super().describe_snapshots(*args, **kwargs))

    def describe_security_groups(self, *args: Any, **kwargs: Any) -> list[Any]:
        """DescribeSecurityGroups, without what is too new."""
        return self._seen(super().describe_security_groups(*args, **kwargs))

    def describe_key_pairs(self, *args: Any, **kwargs: Any) -> list[Any]:
        """DescribeKeyPairs, without what is too new."""
        return self._seen(super().describe_key_pairs(*args, **kwargs))

    def describe_tags(self, filters: dict[str, list[str]] | None = None) -> list[Any]:
        """DescribeTags, and whatever shows a resource's tags."""
        match filters:
            case {"resource-id": [str(resource_id)], **others} if not others and not WILDCARDS & set(resource_id):
                # moto would look through the tags of all resources, and a list of a thousand images through a million.
                return self._seen(self._tags_of(resource_id), "resource_id")
        return self._seen(super().describe_tags(filters), "resource_id")

    def _tags_of(self, resource_id: str) -> list[dict[str, str]]:
        kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource_id), "")
        tags = self.tags.get(resource_id, {})
        return [
            {"resource_id": resource_id, "key": key, "value": value, "resource_type": kind}
            for key, value in tags.items()
        ]
