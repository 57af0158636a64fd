"""From an AMI in the lab to a verdict, and nothing left behind."""

from __future__ import annotations

import json
import threading
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import DefinitionError, Interrupted, LackError
from orchestrator.progress import Stage, ignore
from orchestrator.validate.errors import MachineLost, NeverOnline, NoTests, ValidationError
from orchestrator.validate.request import ImageFacts, RoleTests, ValidateRequest
from orchestrator.validate.validate import validate
from tests.thorough import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestrator.errors import AmiError
    from orchestrator.lab.settings import Settings
    from orchestrator.progress import Event

pytestmark = pytest.mark.long(280)


@pytest.fixture
def account(lab: Settings) -> Account:
    return Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")


@pytest.fixture
def request_of(account: Account, ami_with_agent: str, tmp_path: Path) -> Callable[..., ValidateRequest]:
    """`request_of(role="text of its tests", ...)`: a request to validate the AMI with these roles."""

    def make(**roles: str) -> ValidateRequest:
        folders = []
        for role, text in roles.items():
            folder = tmp_path / "roles" / role / "tests"
            folder.mkdir(parents=True)
            (folder / "test_role.py").write_text(text)
            folders.append(RoleTests(role, folder))
        (tmp_path / "out").mkdir()
        facts = ImageFacts("web", "v1", ("base",), tuple(roles), {"nginx": {"port": 80}})
        return ValidateRequest(
            account=account,
            ami_id=ami_with_agent,
            image=facts,
            tests=tuple(folders),
            run="run-1",
            folder=tmp_path / "out",
            placement=Placement((("t3.small", ""),), profile="ami-lab"),
        )

    return make


@pytest.fixture(autouse=True)
def nothing_left(ec2: Any) -> Iterator[None]:
    """No validation leaves a machine or a security group."""
    yield
    assert machines(ec2) == []
    assert groups(ec2) == []


def machines(ec2: Any) -> list[Any]:
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped", "shutting-down"]}
    found = ec2.describe_instances(Filters=[{"Name": "tag:ami:purpose", "Values": ["validate"]}, states])
    return [one for some in found["Reservations"] for one in some["Instances"]]


def groups(ec2: Any) -> list[Any]:
    found = ec2.describe_security_groups(Filters=[{"Name": "tag:ami:purpose", "Values": ["validate"]}])
    return list(found["SecurityGroups"])


GOOD = """
def test_passwd(host):
    assert host.file("/etc/passwd").user == "root"

def test_agent(host):
    assert host.service("amazon-ssm-agent").is_running
"""


def test_an_image_that_holds_what_it_should_passes(
    request_of: Callable[..., ValidateRequest], ec2: Any, calls: Callable[[], dict[str, int]]
) -> None:
    before = calls()
    seen: list[Any] = []
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        if event.stage is Stage.TEST and not seen:
            seen.append((machines(ec2), groups(ec2)))

    image = """
def test_image(image):
    assert (image.name, image.role, image.vars) == ("web", "nginx", {"port": 80})
"""
    request = request_of(system=GOOD, nginx=image)
    verdict = validate(request, hear)
    assert verdict.passed
    for name in ("SendCommand", "GetCommandInvocation", "DescribeInstanceInformation"):
        assert verdict.calls[xform_name(name)] == calls()[f"ssm:{name}"] - before.get(f"ssm:{name}", 0)
    assert verdict.counted == "passed=3 failed=0"
    assert [test.role for test in verdict.tests] == ["system", "system", "nginx"]
    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages == [Stage.BOOT, Stage.AWAIT, Stage.TEST, Stage.CLEAN]
    assert "3 of 3: test_image" in [event.message for event in events]
    ((machine,), (group,)) = seen[0]
    tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
    assert (tags["ami:run"], tags["ami:image"], tags["ami:purpose"]) == ("run-1", "web", "validate")
    assert machine.get("KeyName") is None
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    assert [one["GroupId"] for one in machine["SecurityGroups"]] == [group["GroupId"]]
    assert group["IpPermissions"] == []


BAD = """
def test_bad(host):
    print("seen by pytest")
    assert host.file("/etc/s3cret").exists
"""


def test_an_image_that_lacks_something_is_rejected(request_of: Callable[..., ValidateRequest]) -> None:
    request = replace(request_of(system=GOOD, nginx=BAD), masks=("s3cret",))
    verdict = validate(request, ignore)
    assert not verdict.passed
    (failed,) = [test for test in verdict.tests if test.failed]
    assert (failed.role, failed.name) == ("nginx", "test_bad")
    assert "assert False" in failed.message
    assert "<file /etc/********>.exists" in failed.message
    assert "seen by pytest" in failed.output
    assert [(one.command, one.ended) for one in failed.asked] == [("stat -L /etc/********", "1")]
    junit = ET.parse(request.folder / "junit.xml").getroot()
    assert [(suite.get("name"), suite.get("failures")) for suite in junit] == [("system", "0"), ("nginx", "1")]
    assert json.loads((request.folder / "report.json").read_text())["passed"] is False
    assert "1 failed, 2 passed" in (request.folder / "pytest.log").read_text()
    assert not [path for path in request.folder.iterdir() if "s3cret" in path.read_text()]


@pytest.mark.parametrize(
    ("text", "error"),
    [("import nothing_of_that_name\n", DefinitionError), ("def broken(:\n", DefinitionError), ("x = 1\n", NoTests)],
)
def test_tests_that_cannot_be_collected_boot_nothing(
    text: str, error: type[AmiError], request_of: Callable[..., ValidateRequest]
) -> None:
    events: list[Event] = []
    with pytest.raises(error):
        validate(request_of(system=GOOD, nginx=text), events.append)
    assert events == []


def test_a_machine_that_never_comes_online_is_an_error(request_of: Callable[..., ValidateRequest], debian: str) -> None:
    """Debian's own AMI has no agent."""
    request = replace(request_of(system=GOOD), ami_id=debian, online_timeout=6)
    with pytest.raises(NeverOnline, match="within 6 s") as caught:
        validate(request, ignore)
    assert "amazon-ssm-agent" in caught.value.hint
    assert (request.folder / "console.log").exists()


def test_an_unknown_ami_is_a_lack(request_of: Callable[..., ValidateRequest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.validate.machine.boot._CONSISTENCY", 1)
    with pytest.raises(LackError, match="there is no AMI ami-00000000000000000 in us-east-1"):
        validate(replace(request_of(system=GOOD), ami_id="ami-00000000000000000"), ignore)


DYING = """
import time
from pathlib import Path
def test_first(host):
    pass
def test_dies(host):
    while not Path("MARK").exists():
        time.sleep(0.1)
    try:
        host.run("true")
    except Exception:
        pass
"""


@pytest.mark.parametrize("deaths", some([1], [1, 2]))
def test_a_machine_that_dies_under_its_tests_is_replaced_once(
    deaths: int, request_of: Callable[..., ValidateRequest], ec2: Any, tmp_path: Path
) -> None:
    """Even when a test swallows what it meets. What the first attempt wrote is kept aside."""
    seen: list[list[str]] = []
    mark = tmp_path / "mark"

    def hear(event: Event) -> None:
        if event.stage is Stage.BOOT:
            mark.unlink(missing_ok=True)
        if event.message.startswith("1 of 2"):
            seen.append([one["InstanceId"] for one in machines(ec2)])
            if len(seen) <= deaths:
                ec2.terminate_instances(InstanceIds=seen[-1])
            mark.touch()

    request = request_of(system=DYING.replace("MARK", str(mark)))
    if deaths == 1:
        assert validate(request, hear).instance_id == seen[1][0] != seen[0][0]
    else:
        with pytest.raises(MachineLost, match="before its tests had ended"):
            validate(request, hear)
    assert len(seen) == 2
    assert (request.folder / "lost-pytest.log").exists()


def test_a_machine_for_which_there_is_a_test_that_fails_is_not_replaced(
    request_of: Callable[..., ValidateRequest],
) -> None:
    events: list[Event] = []
    assert not validate(request_of(nginx=BAD), events.append).passed
    assert len([event for event in events if event.stage is Stage.BOOT]) == 1


@pytest.mark.parametrize("stage", [Stage.BOOT, Stage.AWAIT, Stage.TEST])
@pytest.mark.parametrize("how", some(["stop"], ["stop", "keyboard"]))
def test_whatever_stops_it_nothing_stays(stage: Stage, how: str, request_of: Callable[..., ValidateRequest]) -> None:
    stop = threading.Event()

    def hear(event: Event) -> None:
        if event.stage is stage:
            if how == "keyboard":
                raise KeyboardInterrupt
            stop.set()

    request = replace(request_of(system="import time\ndef test_it(host): time.sleep(60)\n"), stop=stop)
    with pytest.raises(Interrupted if how == "stop" else KeyboardInterrupt):
        validate(request, hear)


def test_a_kept_machine_stays_and_is_named(request_of: Callable[..., ValidateRequest], ec2: Any) -> None:
    events: list[Event] = []
    verdict = validate(replace(request_of(system=GOOD), keep=True), events.append)
    assert verdict.way_in == f"ami shell {verdict.instance_id}"
    assert verdict.way_in in events[-1].message
    (machine,) = machines(ec2)
    assert machine["State"]["Name"] == "running"
    ec2.terminate_instances(InstanceIds=[verdict.instance_id])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[verdict.instance_id], WaiterConfig={"Delay": 1})
    ec2.delete_security_group(GroupId=machine["SecurityGroups"][0]["GroupId"])


REBOOTS = """
def test_reboots(host):
    for command in ("systemd-run --on-active=1 systemctl reboot", *["sleep 1"] * 60):
        try:
            host.run(command)
        except Exception:
            pass
"""


def test_no_verdict_when_a_test_reboots_the_machine(request_of: Callable[..., ValidateRequest]) -> None:
    """Whatever the test makes of it; what was asked is told."""
    with pytest.raises(ValidationError, match="rebooted while it was tested") as raised:
        validate(request_of(system=REBOOTS), ignore)
    assert raised.value.rounds
