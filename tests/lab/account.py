"""What is in the lab's account, and how a test puts it back: what one test leaves is no business of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.aws.kinds import EC2_KINDS
from orchestrator.aws.resource_kind import state_of
from orchestrator.build.cleanup.leftovers import Leftover
from orchestrator.build.cleanup.remove import remove

if TYPE_CHECKING:
    from orchestrator.aws.account import Account
    from orchestrator.aws.resource_kind import ResourceKind


def present(ec2: Any) -> set[tuple[ResourceKind, str]]:
    """Everything in the account that can be left behind, except what every account has."""
    return {
        (kind, kind.listing.id_of(one))
        for kind in EC2_KINDS
        for one in kind.listing.all(ec2)
        if state_of(one) not in kind.going
    }


def restore(account: Account, before: set[tuple[ResourceKind, str]]) -> None:
    """Remove whatever was not there before: of a test that failed, it would be counted by the next."""
    new = present(account.client("ec2")) - before
    left = sorted(new, key=lambda one: one[0].order)
    assert remove(account, [Leftover(kind, name) for kind, name in left]) == ()
