"""Which versions an account shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import UsageError
from orchestrator.registry import State, find, find_version, is_version, versions, versions_of
from orchestrator.registry.version import DISABLED
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from orchestrator.aws.account import Account
    from tests.unit.registry.conftest import Maker

#: The account that moto gives to any credentials.
ACCOUNT = "123456789012"


def test_versions_when_an_ami_is_disabled(account: Account, made: Maker) -> None:
    """It is shown as what EC2 says that it is; a revoked one stays revoked; what was deregistered is gone."""
    ec2 = account.client("ec2")
    off, revoked, gone, on = made("validated"), made("revoked"), made("rejected"), made("built")
    for ami_id in (off, revoked):
        ec2.disable_image(ImageId=ami_id)
    ec2.deregister_image(ImageId=gone)
    expected = {off: State.DISABLED, revoked: State.REVOKED, on: State.BUILT}
    for found in (versions(account), versions(account, image="web")):
        assert {one.ami_id: one.state for one in found} == expected
    assert find(account, off).copy.availability == DISABLED
    assert {one.copy.account for one in versions(account)} == {ACCOUNT}


def test_find_version_when_it_is_there_once(account: Account, made: Maker) -> None:
    """A version names its AMI, when no other image has the same one."""
    first, second = "20261123T235522Z-1a2b3c4d", "20261123T235522Z-5e6f7a8b"
    assert is_version(first)
    assert not any(map(is_version, ("web", "ami-0123456789abcdef0", f"{first}-x")))
    ami_id = made("validated", {Tag.VERSION: first})
    others = [made("built", {Tag.VERSION: second}), made("rejected", {Tag.VERSION: second, Tag.IMAGE: "other"})]
    assert find_version(account, first).ami_id == ami_id
    with pytest.raises(UsageError, match="several AMIs have the version") as several:
        find_version(account, second)
    assert all(other in several.value.message for other in others)
    with pytest.raises(UsageError, match="no AMI has the version"):
        find_version(account, "20000101T000000Z-00000000")


def test_versions_of_when_others_have_more(account: Account, made: Maker) -> None:
    """Images that were not asked for are not even sent, and 190 names are one call."""
    answers: list[int] = []
    events = account.client("ec2").meta.events
    events.register("after-call.ec2.DescribeImages", lambda parsed, **_: answers.append(len(parsed["Images"])))
    first, shared = made("validated"), made("built", {Tag.IMAGE: "stack-base-1a2b3c4d"})
    for other in ("stack-app-1a2b3c4d", *(f"other-{number}" for number in range(5))):
        made(f"built-{other}", {Tag.IMAGE: other, Tag.STATE: "built"})
    found = versions_of(account, {"web", "golden", "stack-base-*"})
    assert {one.image: one.ami_id for one in found} == {"stack-base-1a2b3c4d": shared, "web": first}
    assert answers == [2]
    assert versions_of(account, [f"gone-{number}" for number in range(191)]) == ()
    assert answers == [2, 0, 0]
    assert versions_of(account, []) == ()
    assert answers == [2, 0, 0]
