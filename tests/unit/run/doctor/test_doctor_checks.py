"""What the checks of `ami doctor` make of numbers, dates and parameters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from orchestrator.definition.environment import Environment
from orchestrator.definition.source import Source
from orchestrator.registration import modules_of
from orchestrator.run.doctor import account, host
from orchestrator.run.doctor.account.clock import clock
from orchestrator.run.doctor.account.permissions import DryRun, dry_runs
from orchestrator.run.doctor.account.quotas import compared, is_standard
from orchestrator.run.doctor.account.sources import agent_in
from orchestrator.run.source import SourceAmi

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DEV = Environment(
    name="dev",
    path=Path("dev.pkrvars.hcl"),
    region="eu-west-1",
    vpc_id="vpc-01234567",
    subnet_id="subnet-01234567",
    iam_instance_profile="images",
)


@pytest.mark.parametrize(
    ("seconds", "ok", "said"),
    [
        (0, True, "0 s off AWS's"),
        (-299, True, "299 s off AWS's"),
        (301, False, "301 s fast: AWS refuses signatures that are off by 5 minutes"),
        (-86_400, False, "86400 s slow: AWS refuses signatures that are off by 5 minutes"),
    ],
)
def test_a_clock_that_is_off_is_told_with_its_side(seconds: int, said: str, *, ok: bool) -> None:
    found = clock(format_datetime(NOW, usegmt=True), NOW + timedelta(seconds=seconds))
    assert (found.ok, found.said, bool(found.mend)) == (ok, said, not ok)


def test_a_clock_is_not_judged_without_a_date() -> None:
    assert not clock("", NOW).checked


@pytest.mark.parametrize(
    ("quota", "used", "promised", "ok"), [(32, 30, 0, True), (32, 31, 0, False), (32, 0, 32, True), (32, 0, 33, False)]
)
def test_a_quota_has_room_for_one_more_machine(quota: int, used: int, promised: int, *, ok: bool) -> None:
    """And for what the environment promises to builds."""
    assert compared(quota, used, 2, promised).ok == ok


@pytest.mark.parametrize(
    ("instance_type", "standard"),
    [
        *((name, True) for name in ("t3.small", "m7i.large", "i4i.large", "d3.xlarge")),
        *((name, False) for name in ("g5.xlarge", "inf2.xlarge", "dl1.24xlarge", "hpc7a.96xlarge", "mac2.metal")),
    ],
)
def test_families_with_a_quota_of_their_own_are_not_standard(instance_type: str, *, standard: bool) -> None:
    assert is_standard(instance_type) == standard


@pytest.mark.parametrize("call", list(dry_runs(DEV, "ami-01234567")), ids=lambda call: call.action)
def test_a_dry_run_is_a_call_that_ec2_knows(call: DryRun) -> None:
    """With its parameters, by AWS's own description of the service."""
    service = get_session().get_service_model("ec2")
    shape = service.operation_model(call.action).input_shape
    assert shape is not None
    report = ParamValidator().validate({**call.parameters, "DryRun": True}, shape)
    assert not report.has_errors(), report.generate_report()
    assert "DryRun" in shape.members


def test_a_launch_is_asked_with_what_a_policy_may_look_at() -> None:
    (launch,) = (call.parameters for call in dry_runs(DEV, "ami-01234567") if call.action == "RunInstances")
    assert (launch["SubnetId"], launch["IamInstanceProfile"]) == ("subnet-01234567", {"Name": "images"})
    assert {one["ResourceType"] for one in launch["TagSpecifications"]} == {"instance", "volume"}


@pytest.mark.parametrize("room", [host, account], ids=["host", "account"])
def test_every_check_says_why_it_matters_and_has_its_place(room: object) -> None:
    checks = [module.CHECK for module in modules_of(room)]  # type: ignore[arg-type]
    assert all(check.why for check in checks)
    assert len({check.order for check in checks}) == len(checks)


@pytest.mark.parametrize(
    ("owner", "brings", "ok", "said"),
    [
        ("136693071363", False, False, "AMIs of Debian have none"),
        ("136693071363", True, True, "machines install it at their first boot (bootstrap_agent)"),
        ("099720109477", False, True, "not known to lack it (owner 099720109477)"),
    ],
)
def test_the_agent_of_a_source_is_judged_by_its_owner(owner: str, said: str, *, brings: bool, ok: bool) -> None:
    source = Source(name="s", ami_id="ami-01234567", ssh_username="admin", bootstrap_agent=brings)
    found = agent_in(source, SourceAmi("ami-01234567", "s", owner))
    assert (found.ok, found.said, bool(found.mend)) == (ok, said, not ok)
