"""What is said of a version, and what may not be said any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import StageError, UsageError
from orchestrator.registry import State, find, set_state, tag, write
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from orchestrator.aws.account import Account
    from tests.unit.registry.conftest import Maker


def test_set_state_when_it_may_follow(account: Account, made: Maker) -> None:
    """It is read back with what else was said."""
    version = set_state(account, made("built"), State.VALIDATED, tests="passed=1", proof="p")
    assert (version.state, version.tests, version.proof) == (State.VALIDATED, "passed=1", "p")


@pytest.mark.parametrize("before", ["disabled", "revoked"])
def test_set_state_when_the_version_is_retired(account: Account, made: Maker, before: str) -> None:
    """Nothing is written."""
    ami_id = made(before)
    for wanted in (State.BUILT, State.VALIDATED, State.REJECTED, State.DEPRECATED):
        with pytest.raises(StageError, match=f"{ami_id} is {before}, and cannot become {wanted}"):
            set_state(account, ami_id, wanted, reason="r")
    assert (find(account, ami_id).state, find(account, ami_id).reason) == (State(before), "")


def test_set_state_when_ec2_has_disabled_the_ami(account: Account, made: Maker) -> None:
    """Its tag still says `validated`, and counts for nothing; it can be revoked."""
    ami_id = made("validated")
    account.client("ec2").disable_image(ImageId=ami_id)
    with pytest.raises(StageError, match="is disabled, and cannot become rejected"):
        set_state(account, ami_id, State.REJECTED)
    assert set_state(account, ami_id, State.REVOKED, reason="leaked key").state is State.REVOKED


def test_set_state_when_a_reason_is_no_longer_one(account: Account, made: Maker) -> None:
    """An old reason goes; one that never was takes no tag."""
    rejected = set_state(account, made("rejected", {Tag.REASON: "too slow"}), State.VALIDATED, reason="")
    assert (rejected.reason, rejected.tags[Tag.REASON]) == ("", "")
    assert Tag.REASON not in set_state(account, made("built"), State.VALIDATED, reason="").tags


def test_set_state_when_it_is_no_version(account: Account, made: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_FIRST_ATTEMPTS", 1)
    with pytest.raises(UsageError, match="is not an AMI of this factory"):
        set_state(account, made("blessed"), State.VALIDATED)


def test_tag_when_it_would_set_a_state(account: Account, made: Maker) -> None:
    """Only `set_state` does."""
    with pytest.raises(AssertionError):
        tag(account, made("revoked"), {"state": "validated"})
