from __future__ import annotations

import pytest

from orchestrator.lab.api.recent_ids import LONGEST, IdKind, RecentId, RecentIds, unknown

INSTANCE = RecentId(IdKind.INSTANCE, "us-east-1", "i-0123")
KEY = RecentId(IdKind.KEY_PAIR, "us-east-1", "key-0123", "packer_1")
GROUP = RecentId(IdKind.GROUP, "us-east-1", "sg-0123", "packer_1")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_was_made_is_young_for_so_many_seconds_in_its_region() -> None:
    clock = Clock()
    recent_ids = RecentIds(clock)
    recent_ids.note(INSTANCE)
    clock.now += 4
    assert recent_ids.younger(5, "us-east-1") == (INSTANCE,)
    assert recent_ids.younger(5, "eu-west-1") == ()
    assert recent_ids.younger(3, "us-east-1") == ()


def test_old_ids_are_forgotten() -> None:
    clock = Clock()
    recent_ids = RecentIds(clock)
    recent_ids.note(INSTANCE)
    clock.now += LONGEST + 1
    recent_ids.note(KEY)
    assert recent_ids._made.keys() == {KEY}


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("DescribeInstances", "InstanceId.1=i-0123", "InvalidInstanceID.NotFound"),
        ("CreateTags", "ResourceId.1=i-9&ResourceId.2=i-0123", "InvalidInstanceID.NotFound"),
        ("RunInstances", "SecurityGroupId.1=sg-0123&KeyName=other", "InvalidGroup.NotFound"),
        ("RunInstances", "KeyName=packer_1", "InvalidKeyPair.NotFound"),
        ("DescribeKeyPairs", "KeyName.1=packer_1", "InvalidKeyPair.NotFound"),
        ("DeleteKeyPair", "KeyPairId=key-0123", "InvalidKeyPair.NotFound"),
        ("DeleteSecurityGroup", "GroupName=packer_1", "InvalidGroup.NotFound"),
    ],
)
def test_a_call_that_names_something_young_is_refused(action: str, body: str, code: str) -> None:
    fault = unknown([INSTANCE, KEY, GROUP], action, body.encode())
    assert fault is not None
    assert (fault.code, fault.status) == (code, 400)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("DescribeInstances", "Filter.1.Name=instance-id&Filter.1.Value.1=i-0123"),
        ("DescribeInstances", "InstanceId.1=i-9"),
        ("CreateSecurityGroup", "GroupName=packer_1"),
        ("CreateTags", "ResourceId.1=i-9&Tag.1.Key=Name&Tag.1.Value=packer_1"),
        ("DescribeInstances", ""),
    ],
)
def test_filters_tags_and_new_names_name_nothing(action: str, body: str) -> None:
    assert unknown([INSTANCE, KEY, GROUP], action, body.encode()) is None
