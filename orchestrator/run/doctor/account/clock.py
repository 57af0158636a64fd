"""This machine's clock, compared with AWS's."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.run.doctor.check_result import CheckResult, unknown
from orchestrator.run.doctor.doctor_check import DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: Seconds by which a request may be off before AWS refuses its signature (AWS IAM User Guide, "Troubleshoot Signature
#: Version 4 signing for AWS API requests").
MOST = 5 * 60


def clock(date: str, now: datetime) -> CheckResult:
    """What the `Date` of an answer says at the moment `now`; it has whole seconds."""
    if not date:
        return unknown("clock", "the answer has no Date")
    seconds = round((now - parsedate_to_datetime(date)).total_seconds())
    if abs(seconds) < MOST:
        return CheckResult("clock", ok=True, said=f"{abs(seconds)} s off AWS's")
    side = "fast" if seconds > 0 else "slow"
    said = f"{abs(seconds)} s {side}: AWS refuses signatures that are off by {MOST // 60} minutes"
    return CheckResult("clock", ok=False, said=said, mend="timedatectl set-ntp true")


def _examine(_workspace: Workspace, environment: Environment) -> Iterator[CheckResult]:
    sts: Any = environment.account.client("sts")
    try:
        answer = sts.get_caller_identity()["ResponseMetadata"]
    except ClientError as error:  # a refusal has a date, too: a wrong clock is a reason for one
        answer = error.response["ResponseMetadata"]
    except BotoCoreError:  # nobody answers, which the next check says
        return
    yield clock(answer["HTTPHeaders"].get("date", ""), datetime.now(UTC))


CHECK = DoctorCheck(10, "requests are signed with the time", _examine)
