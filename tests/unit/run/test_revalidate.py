"""What ends `ami validate` before a machine is booted: no AWS is met."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError, LackError, StageError, UsageError
from orchestrator.plan.inputs import Collector
from orchestrator.plan.tree import cut, tree
from orchestrator.progress import ignore
from orchestrator.registry import TAGS, version_of
from orchestrator.run.guard import guarded
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.revalidate import Chosen, check_can_be_tested, choose, revalidate
from orchestrator.secret_values import Secrets
from orchestrator.tags import Tag
from orchestrator.validate.options import Selection
from tests.unit.amazon_ami import AMAZON_AMI

if TYPE_CHECKING:
    from orchestrator.errors import AmiError
    from orchestrator.plan.segment import Segment

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def chosen(tmp_path: Path) -> Chosen:
    """An AMI of golden in an account where nothing answers."""
    for name in ("ami.yml", "packer", "playbooks", "roles"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    workspace = load(tmp_path)
    environment = workspace.environment("lab").model_copy(
        update={"endpoint": "http://127.0.0.1:1", "artifact_bucket": ""}
    )
    collector = Collector(workspace, environment, datetime(2030, 1, 1, tzinfo=UTC))
    (segment,) = cut(tree(workspace, ["golden"], collector, {"debian-12": "ami-1"}), collector, ())
    tags = [{"Key": TAGS[key], "Value": value} for key, value in {"image": "golden", "state": "built"}.items()]
    image = {"ImageId": "ami-2", "Name": "golden", "CreationDate": "2030-01-01", "Tags": tags}
    version = version_of(image, environment.region)
    assert version is not None
    return Chosen(workspace, environment, segment, version, Secrets(workspace, environment))


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(keyword="a or"), "does not understand -k 'a or'"),
        (Selection(marker="("), "does not understand -m '\\('"),
        (Selection(keyword="nothing_has_that_name"), "no test fits"),
    ],
)
def test_a_selection_that_chooses_nothing_is_a_usage_error(selection: Selection, said: str, chosen: Chosen) -> None:
    with pytest.raises(UsageError, match=said):
        revalidate(Chosen(**{**vars(chosen), "selection": selection}), ignore, tell=lambda _: None)


def test_a_test_that_cannot_be_imported_is_a_mistake_in_what_was_written(chosen: Chosen, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("\nimport nothing_there\n")
    with pytest.raises(DefinitionError, match=r"conftest.py:2: ModuleNotFoundError: No module named 'nothing_there'"):
        revalidate(replace(chosen, segment=replaced_tests(chosen)), ignore, tell=lambda _: None)


@pytest.mark.parametrize(
    ("state", "disabled", "partial", "refused"),
    [
        ("revoked", False, False, "is revoked, and cannot be validated again"),
        ("disabled", False, False, "is disabled, and cannot be validated again"),
        ("validated", True, False, "is disabled, and cannot be validated again"),
        ("validated", True, True, "is disabled, and cannot be validated again"),
        ("revoked", True, True, "is revoked, and cannot be validated again"),
        ("revoked", False, True, ""),
        ("deprecated", False, False, ""),
        ("rejected", False, False, ""),
    ],
)
def test_what_is_retired_is_not_booted(state: str, refused: str, *, disabled: bool, partial: bool) -> None:
    """Chosen tests give no verdict: with them a revoked AMI can be examined, while EC2 launches it."""
    tags = [{"Key": TAGS[key], "Value": value} for key, value in {"image": "web", "state": state}.items()]
    image = {"ImageId": "ami-2", "Tags": tags, "State": "disabled" if disabled else "available"}
    version, selection = version_of(image, "us-east-1"), Selection(keyword="one") if partial else Selection()
    assert version is not None
    if not refused:
        check_can_be_tested(version, selection)
        return
    with pytest.raises(UsageError, match=refused):
        check_can_be_tested(version, selection)


def test_an_image_is_its_newest_ami_that_can_be_launched(chosen: Chosen) -> None:
    """A disabled one is passed over; a retired one is refused before anything is asked of its definition."""
    with mock_aws():
        environment = chosen.environment.model_copy(update={"endpoint": "", "region": "us-east-1"})
        ec2 = environment.account.client("ec2")
        (machine,) = ec2.run_instances(ImageId=AMAZON_AMI, MinCount=1, MaxCount=1)["Instances"]

        def made(name: str, state: str) -> str:
            ami_id = str(ec2.create_image(InstanceId=machine["InstanceId"], Name=name)["ImageId"])
            tags = {Tag.IMAGE: "golden", Tag.STATE: state, Tag.VERSION: name}
            ec2.create_tags(Resources=[ami_id], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
            return ami_id

        revoked, newest = made("old", "revoked"), made("new", "validated")
        ec2.disable_image(ImageId=newest)
        for name in ("golden", revoked):
            with pytest.raises(UsageError, match=f"{revoked} is revoked, and cannot be validated again"):
                choose(chosen.workspace, environment, name)
        with pytest.raises(UsageError, match=f"{newest} is disabled") as refused:
            choose(chosen.workspace, environment, newest)
        assert refused.value.exit_code == 2


def replaced_tests(chosen: Chosen) -> Segment:
    """The chosen segment, planned with the tests that are there now."""
    now = Collector(chosen.workspace, chosen.environment, datetime.now(UTC))
    return replace(chosen.segment, tests=now.tests("golden", chosen.segment.stack))


def fail(error: AmiError) -> SegmentOutcome:
    raise error


@pytest.mark.parametrize("error", [UsageError("a"), LackError("b"), StageError("c")])
def test_an_error_passes_only_where_it_may(error: AmiError) -> None:
    stop = threading.Event()
    assert guarded("web", stop, lambda: fail(error)) == SegmentOutcome(
        "web", SegmentStatus.FAILED, reason=error.message
    )
    passing = (type(error),)
    with pytest.raises(type(error)):
        guarded("web", stop, lambda: fail(error), passing=passing)

    def stopped() -> SegmentOutcome:
        stop.set()
        raise error

    assert guarded("web", stop, stopped, passing=passing).status is SegmentStatus.CANCELLED
