"""What a segment's tasks come to when something else has happened meanwhile."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
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
from orchestrator.progress import Event, Stage, ignore
from orchestrator.registry import TAGS, State, find, record
from orchestrator.render.packer import Renderer
from orchestrator.run.image import RunContext
from orchestrator.run.leases import lookout
from orchestrator.run.leases.lease import leases_of
from orchestrator.run.leases.lease_record import Records
from orchestrator.run.leases.owner import this_process
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.run.prepare import Plan
from orchestrator.run.remote.work_place import LocalWorkshop
from orchestrator.run.schedule import Bounds, Task
from orchestrator.run.session.identity import RunIdentity
from orchestrator.run.session.session import RunSession
from orchestrator.run.sharing.elsewhere import Elsewhere
from orchestrator.run.work import SegmentWork
from orchestrator.secret_values import Secrets
from tests.unit.amazon_ami import AMAZON_AMI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.progress import Listener
    from orchestrator.run.schedule import PutOff

ENVIRONMENT = Environment(
    name="test", path=Path("test.pkrvars.hcl"), region="us-east-1", access_key="test", secret_key="test"
)
READY = Ready(Packer(Path("/usr/bin/packer"), "1.6.6"))
SOURCE = Source(name="debian", ami_id="ami-0123456789abcdef0", ssh_username="admin")


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
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


def work(
    tmp_path: Path, *steps: PlanStep, seen: frozenset[str] = frozenset(), bucket: str = "", listener: Listener = ignore
) -> SegmentWork:
    workspace = Workspace(root=tmp_path, name="test")
    renderer = Renderer(workspace, READY.packers)
    environment = ENVIRONMENT.model_copy(update={"artifact_bucket": bucket})
    plan = Plan(workspace, environment, READY, steps, {"debian": "ami-base"}, Bounds(2), seen=seen, renderer=renderer)
    identity = RunIdentity("r", tmp_path, datetime.now(UTC), "", this_process("r"))
    stop, urgent = threading.Event(), threading.Event()
    secrets = Secrets(workspace, environment)
    leases = leases_of(ENVIRONMENT.account, bucket, identity.owner)
    session = RunSession(identity, listener, leases, stop, urgent)
    context = RunContext(workspace, environment, session, secrets, stop)
    return SegmentWork(plan, context, LocalWorkshop(READY, renderer))


def done(doing: SegmentWork, task: str) -> SegmentOutcome:
    outcome = doing.do(Task(task))
    assert isinstance(outcome, SegmentOutcome)
    return outcome


@pytest.mark.parametrize("state", [State.BUILT, State.VALIDATED, State.REJECTED])
def test_build_when_another_run_has_built_it_meanwhile(ec2: Any, tmp_path: Path, state: State) -> None:
    """Its AMI is adopted, and the outcome says whose it is; nothing is built."""
    doing = work(tmp_path, step("web", None, Action.BUILD))
    other = ami(ec2, "web", state, run="other-run")
    outcome = done(doing, "build web")
    assert (outcome.status, outcome.ami_id, outcome.adopted) == (SegmentStatus.BUILT, other, "other-run")


def test_build_when_the_ami_was_there_before(ec2: Any, tmp_path: Path) -> None:
    """What the plan knew is not another run's work: it goes on to build, for which this workspace has no files."""
    before = ami(ec2, "web", State.REJECTED)
    doing = work(tmp_path, step("web", None, Action.BUILD), seen=frozenset({before}))
    outcome = done(doing, "build web")
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
    outcome = done(doing, "build web")
    assert (outcome.status, outcome.reason) == (SegmentStatus.CANCELLED, "golden, which it stands on, is rejected")


OTHER = replace(this_process("other-run"), host="ci-7", machine="elsewhere")
KEY = "build/web/f"


@pytest.fixture
def records(ec2: Any, monkeypatch: pytest.MonkeyPatch) -> Records:  # noqa: ARG001 - the account of its tables
    """Leases of a bucket in which another run builds `web`. Ten seconds pass between two looks at the clock."""
    monkeypatch.setattr(lookout, "time", SimpleNamespace(monotonic=itertools.count(0, 10).__next__))
    s3 = ENVIRONMENT.account.client("s3")
    s3.create_bucket(Bucket="artifacts")
    made = Records(s3, "artifacts", "us-east-1")
    made.write(KEY, OTHER, token="theirs", ttl=60, held=170)
    return made


def put_off(doing: SegmentWork, task: str) -> dict[str, PutOff]:
    answer = doing.do(Task(task))
    assert isinstance(answer, Elsewhere)
    return {task: answer}


def released(records: Records) -> None:
    there = records.read(KEY, ttl=60)
    assert there is not None
    assert records.delete(KEY, there.etag)


def test_look_when_another_run_builds(ec2: Any, records: Records, tmp_path: Path) -> None:
    """The task is put off, it is told once for whom, and the AMI is adopted when the other has built it."""
    events: list[Event] = []
    doing = work(tmp_path, step("web", None, Action.BUILD), bucket="artifacts", listener=events.append)
    waited = put_off(doing, "build web")
    assert [doing.look(waited) for _ in range(3)] == [{}] * 3
    assert [(event.image, event.stage, event.run) for event in events] == [("web", Stage.WAIT, "other-run")]
    assert events[0].message.startswith("being built by run other-run (process")
    assert 170 <= (events[0].seconds or 0) < 180
    other = ami(ec2, "web", State.BUILT, run="other-run")
    released(records)
    looked = doing.look(waited)["build web"]
    assert looked is not None
    assert (looked.ami_id, looked.adopted, doing.outcomes()[0].ami_id) == (other, "other-run", other)
    assert [event.message for event in events[1:]] == ["built by run other-run"]


def test_look_when_another_run_failed(records: Records, tmp_path: Path) -> None:
    """It is to be done here, and the board says so."""
    events: list[Event] = []
    doing = work(tmp_path, step("web", None, Action.BUILD), bucket="artifacts", listener=events.append)
    waited = put_off(doing, "build web")
    doing.look(waited)
    released(records)
    assert doing.look(waited) == {"build web": None}
    assert events[-1].message == "not built by run other-run after all: it is built here in its turn"


def test_look_when_another_run_has_rejected(ec2: Any, records: Records, tmp_path: Path) -> None:
    """A verdict that another run came to meanwhile counts, with its reason."""
    doing = work(tmp_path, step("web", None, Action.BUILD), bucket="artifacts")
    made = ami(ec2, "web", State.BUILT)
    doing.results["build web"] = SegmentOutcome("web", SegmentStatus.BUILT, made, build_seconds=9)
    key = f"validate/{made}/t"
    etag = records.write(key, OTHER, token="theirs", ttl=60)
    waited = put_off(doing, "test web")
    tags = {"state": "rejected", "proof": "t", "reason": "broken", "run": "other-run"}
    ec2.create_tags(Resources=[made], Tags=[{"Key": TAGS[name], "Value": value} for name, value in tags.items()])
    records.delete(key, etag)
    record.append(
        ENVIRONMENT.account, "artifacts", find(ENVIRONMENT.account, made), record.Statement("tester-run", proof="t")
    )
    doing.look(waited)
    outcome = doing.outcomes()[0]
    assert (outcome.status, outcome.reason, outcome.build_seconds) == (SegmentStatus.REJECTED, "broken", 9)
    assert outcome.adopted == "tester-run"


def test_look_when_it_is_stopped(records: Records, tmp_path: Path) -> None:
    """Nothing is waited for any longer, and the outcome says what was; the other's lease stays."""
    doing = work(tmp_path, step("web", None, Action.BUILD), bucket="artifacts")
    waited = put_off(doing, "build web")
    doing.context.stop.set()
    outcome = doing.look(waited)["build web"]
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (SegmentStatus.CANCELLED, f"stopped while waiting for {OTHER}")
    assert list(records.keys()) == [KEY]


def test_look_when_the_bucket_is_gone(records: Records, tmp_path: Path) -> None:
    """The task itself is asked to say it: waiting would never end."""
    doing = work(tmp_path, step("web", None, Action.BUILD), bucket="artifacts")
    waited = put_off(doing, "build web")
    released(records)
    ENVIRONMENT.account.client("s3").delete_bucket(Bucket="artifacts")
    assert doing.look(waited) == {"build web": None}
    outcome = done(doing, "build web")
    assert outcome.status is SegmentStatus.FAILED
    assert "'artifacts'" in outcome.reason
