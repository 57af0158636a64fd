"""What a segment's tasks come to when something else has happened meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.build.packer.installed import Ready
from orchestrator.build.packer.plugin_folders import Packer
from orchestrator.definition.environment import Environment
from orchestrator.definition.image import Image, Owner
from orchestrator.definition.source import Source
from orchestrator.definition.workspace import Workspace
from orchestrator.plan.inputs import Inputs
from orchestrator.plan.segment import Segment
from orchestrator.plan.steps import Action, PlanStep
from orchestrator.progress import ignore
from orchestrator.registry import TAGS, State, find
from orchestrator.render.packer import Renderer
from orchestrator.run.image import RunContext
from orchestrator.run.leases.lease import NoLeases
from orchestrator.run.leases.owner import this_process
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.prepare import Plan
from orchestrator.run.schedule import Bounds, Task
from orchestrator.run.session.identity import RunIdentity
from orchestrator.run.session.session import RunSession
from orchestrator.run.work import SegmentWork
from orchestrator.secret_values import Secrets
from tests.unit.amazon_ami import AMAZON_AMI

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = Environment(
    name="test", path=Path("test.pkrvars.hcl"), region="us-east-1", access_key="test", secret_key="test"
)
READY = Ready(Packer(Path("/usr/bin/packer"), "1.6.6"))
SOURCE = Source(name="debian", ami_id="ami-0123456789abcdef0", ssh_username="admin")


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        ENVIRONMENT.account.__dict__.clear()
        yield ENVIRONMENT.account.client("ec2")


def ami(ec2: Any, image: str, state: State, **fields: str) -> str:
    """An AMI of a version with the fingerprint `f`."""
    (machine,) = ec2.run_instances(ImageId=AMAZON_AMI, MinCount=1, MaxCount=1)["Instances"]
    ami_id = str(ec2.create_image(InstanceId=machine["InstanceId"], Name=f"{image}-{len(fields)}{state}")["ImageId"])
    values = {"image": image, "state": str(state), "fingerprint": "f", "version": "v", **fields}
    ec2.create_tags(Resources=[ami_id], Tags=[{"Key": TAGS[key], "Value": value} for key, value in values.items()])
    return ami_id


def step(name: str, parent: str | None, action: Action, found: Any = None) -> PlanStep:
    owner = Owner(team="images", email="images@example.com")
    image = Image.model_construct(name=name, description=name, owner=owner, from_="debian", layers=(), tags={})
    return PlanStep(Segment(image, parent, SOURCE, (), (), Inputs("base", (), None, "f"), "t"), action, "", found)


def work(tmp_path: Path, *steps: PlanStep, seen: frozenset[str] = frozenset()) -> SegmentWork:
    workspace = Workspace(root=tmp_path, name="test")
    renderer = Renderer(workspace, READY.packers)
    plan = Plan(workspace, ENVIRONMENT, READY, steps, {"debian": "ami-base"}, Bounds(2), seen=seen, renderer=renderer)
    identity = RunIdentity("r", tmp_path, datetime.now(UTC), "", this_process("r"))
    stop, urgent = threading.Event(), threading.Event()
    secrets = Secrets(workspace, ENVIRONMENT)
    session = RunSession(identity, ignore, NoLeases(), stop, urgent)
    return SegmentWork(plan, RunContext(workspace, ENVIRONMENT, session, secrets, stop))


@pytest.mark.parametrize("state", [State.BUILT, State.VALIDATED, State.REJECTED])
def test_build_when_another_run_has_built_it_meanwhile(ec2: Any, tmp_path: Path, state: State) -> None:
    """Its AMI is adopted, and the outcome says whose it is; nothing is built."""
    doing = work(tmp_path, step("web", None, Action.BUILD))
    other = ami(ec2, "web", state, run="other-run")
    outcome = doing.do(Task("build web"))
    assert (outcome.status, outcome.ami_id, outcome.adopted) == (SegmentStatus.BUILT, other, "other-run")


def test_build_when_the_ami_was_there_before(ec2: Any, tmp_path: Path) -> None:
    """What the plan knew is not another run's work: it goes on to build, for which this workspace has no files."""
    before = ami(ec2, "web", State.REJECTED)
    doing = work(tmp_path, step("web", None, Action.BUILD), seen=frozenset({before}))
    outcome = doing.do(Task("build web"))
    assert (outcome.adopted, outcome.status) == ("", SegmentStatus.FAILED)
    assert "playbooks/seal.yml is missing" in outcome.reason


def test_skip_when_what_it_stands_on_is_rejected(ec2: Any, tmp_path: Path) -> None:
    """An AMI that was built meanwhile is rejected for that reason; one that was never built is cancelled."""
    doing = work(tmp_path, step("golden", None, Action.BUILD), step("web", "golden", Action.BUILD))
    made = ami(ec2, "web", State.BUILT)
    culprit = SegmentOutcome("golden", SegmentStatus.REJECTED, "ami-golden")
    assert doing.skip(Task("test web"), culprit).status is SegmentStatus.CANCELLED
    doing.results["build web"] = SegmentOutcome("web", SegmentStatus.BUILT, made)
    outcome = doing.skip(Task("test web"), culprit)
    assert (outcome.status, outcome.reason) == (SegmentStatus.REJECTED, "golden, which it stands on, is rejected")
    version = find(ENVIRONMENT.account, made)
    assert (version.state, version.reason) == (State.REJECTED, "golden which it stands on is rejected")


def test_skip_when_the_parents_tests_could_not_be_run(ec2: Any, tmp_path: Path) -> None:
    """Nothing is known of the image: it is not tested now, and not rejected."""
    doing = work(tmp_path, step("golden", None, Action.BUILD), step("web", "golden", Action.BUILD))
    made = ami(ec2, "web", State.BUILT)
    doing.results["build web"] = SegmentOutcome("web", SegmentStatus.BUILT, made)
    assert (
        doing.skip(Task("test web"), SegmentOutcome("golden", SegmentStatus.FAILED)).status is SegmentStatus.CANCELLED
    )
    assert find(ENVIRONMENT.account, made).state is State.BUILT


def test_do_when_it_was_given_up(tmp_path: Path) -> None:
    """What was given up before it began says why."""
    doing = work(tmp_path, step("golden", None, Action.BUILD), step("web", "golden", Action.BUILD))
    doing.give_up(Task("build web"), SegmentOutcome("golden", SegmentStatus.REJECTED))
    outcome = doing.do(Task("build web"))
    assert (outcome.status, outcome.reason) == (SegmentStatus.CANCELLED, "golden, which it stands on, is rejected")
