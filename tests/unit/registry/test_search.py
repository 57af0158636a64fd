"""Which versions an account shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.registry import State, find, versions
from orchestrator.registry.version import DISABLED

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
