"""A role of IAM that an account assumes: credentials for an hour, which are renewed before they expire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.credentials import CredentialResolver, DeferredRefreshableCredentials

from orchestrator import masks

if TYPE_CHECKING:
    from collections.abc import Callable

#: What STS does not take in the name of a session, and how long it may be (STS API Reference, AssumeRole).
_UNFIT = re.compile(r"[^\w+=,.@-]", re.ASCII)
_LONGEST_NAME = 64
#: How botocore and its logs call credentials of this origin.
_METHOD = "assume-role"


class StsSource(Protocol):
    """Who may assume the role: an account."""

    def client(self, service: Literal["sts"]) -> Any:
        """The account's client of STS."""


@dataclass(frozen=True)
class AssumedRole:
    """A role and who assumes it. Its credentials count in every region, and are shared by all who have this value.

    `arn` is the role's. `session` names the session in CloudTrail, see `session_name`. `external_id` is what the
    role's trust policy may ask for; empty: nothing is sent.
    """

    source: StsSource
    arn: str
    session: str
    external_id: str = ""

    @cached_property
    def credentials(self) -> Any:
        """The credentials, as botocore signs with them. STS is asked when they are used first."""
        return refreshing(self.assume)

    @cached_property
    def resolver(self) -> Any:
        """For a session of botocore: it finds these credentials, and looks for no others."""
        providers: list[Any] = [_Provider(self)]  # what a resolver uses of a provider, and no more
        return CredentialResolver(providers)

    def assume(self) -> dict[str, str]:
        """Ask STS for new credentials, and hide them in all that this process prints. Raises AwsError.

        Returns them under the names that botocore's refreshable credentials have; `expiry_time` is ISO 8601.
        """
        external = {"ExternalId": self.external_id} if self.external_id else {}
        answer = self.source.client("sts").assume_role(RoleArn=self.arn, RoleSessionName=self.session, **external)
        given = answer["Credentials"]
        masks.learn((given["SecretAccessKey"], given["SessionToken"]))
        return {
            "access_key": str(given["AccessKeyId"]),
            "secret_key": str(given["SecretAccessKey"]),
            "token": str(given["SessionToken"]),
            "expiry_time": given["Expiration"].isoformat(),
        }


def session_name(run: str) -> str:
    """The name of a run's sessions: 64 characters at most, of those that STS takes.

    >>> session_name("20261125T004200Z-0a1b2c")
    'ami-20261125T004200Z-0a1b2c'
    """
    return _UNFIT.sub("-", f"ami-{run}")[:_LONGEST_NAME]


def _now() -> datetime:
    return datetime.now(UTC)


def refreshing(assume: Callable[[], dict[str, str]], *, now: Callable[[], datetime] = _now) -> Any:
    """Credentials of botocore that `assume` renews: from 15 minutes before they expire on by whoever uses them.

    If that fails, it is tried with each use. In the last 10 minutes all threads wait for new ones, and the error is
    theirs.
    """
    return DeferredRefreshableCredentials(assume, _METHOD, time_fetcher=now)


@dataclass(frozen=True)
class _Provider:
    """Where botocore's resolver finds the credentials of a role."""

    role: AssumedRole
    METHOD = _METHOD
    CANONICAL_NAME = _METHOD

    def load(self) -> Any:
        """The credentials; STS is not asked yet."""
        return self.role.credentials
