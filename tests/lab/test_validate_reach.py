"""Each way to a machine: it boots, a script runs there as root, and nothing is left of it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import Interrupted
from orchestrator.progress import Stage, ignore
from orchestrator.validate.errors import ConnectionFault, MachineLost, NeverOnline
from orchestrator.validate.machine.boot import Boot
from orchestrator.validate.machine.instance_loss import is_gone
from orchestrator.validate.machine.over_ssh import OverSsh
from orchestrator.validate.machine.piped import Piped
from orchestrator.validate.options import ConnectionKind
from orchestrator.validate.request import ImageFacts, ValidateRequest
from orchestrator.validate.round import CallCount
from tests.lab.account import present, restore
from tests.lab.small import NOTHING
from tests.thorough import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.settings import Settings
    from orchestrator.validate.machine.boot import BootedMachine
    from orchestrator.validate.machine.transport import Transport
    from tests.lab.small import Small

pytestmark = pytest.mark.long(260)

PIPED = pytest.mark.parametrize("connection", [ConnectionKind.SSH, ConnectionKind.PODMAN])


@pytest.fixture
def request_of(lab: Settings, light_ami: str, tmp_path: Path) -> Callable[[ConnectionKind], ValidateRequest]:
    """A request to validate an AMI that has no agent."""

    def make(connection: ConnectionKind) -> ValidateRequest:
        return ValidateRequest(
            account=Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test"),
            ami_id=light_ami,
            image=ImageFacts("web", "v1", ("base",), ()),
            tests=(),
            run="run-1",
            folder=tmp_path,
            placement=Placement((("t3.small", ""),), profile="ami-lab", ssh_interface="private_ip"),
            connection=connection,
            ssh_username="admin",
        )

    return make


@pytest.fixture(autouse=True)
def nothing_left(
    lab: Settings, ec2: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """No machine, no group, no key pair, no private folder, no connection."""
    tmp_path_factory.getbasetemp()  # pytest's own is elsewhere
    folder = Path(tempfile.mkdtemp(prefix="reach-"))  # short: a socket's path may have 107 bytes
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    before = present(ec2)
    yield
    left = held(ec2)
    restore(Account("us-east-1", endpoint=lab.endpoint, access_key="lab", secret_key="lab"), before)
    assert left == {"machines": [], "groups": [], "keys": []}
    assert list(folder.iterdir()) == []
    assert str(folder) not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    folder.rmdir()


def held(ec2: Any) -> dict[str, list[Any]]:
    """What validations have in the account."""
    ours = {"Name": "tag:ami:purpose", "Values": ["validate"]}
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped", "shutting-down"]}
    reservations = ec2.describe_instances(Filters=[ours, states])["Reservations"]
    return {
        "machines": [one for some in reservations for one in some["Instances"]],
        "groups": ec2.describe_security_groups(Filters=[ours])["SecurityGroups"],
        "keys": ec2.describe_key_pairs(Filters=[ours])["KeyPairs"],
    }


def transport_to(request: ValidateRequest, machine: BootedMachine) -> Transport:
    return machine.connection.transport(machine.instance_id, request.stop)


SCRIPT = r"""id -un
printf '%s\n' "it's (braces) \$x  \"two\"" 'ünï 世界'
printf '%s\n' 'a\nb' | base64
cat
[ -t 0 ] || echo 'no terminal'
(sleep 600 >/dev/null 2>&1 &)
echo "ends here"
exit 0
"""
SAID = 'root\nit\'s (braces) $x  "two"\nünï 世界\nYVxuYgo=\nno terminal\nends here\n'


@pytest.mark.parametrize("connection", ConnectionKind)
def test_script_when_a_machine_is_booted(
    connection: ConnectionKind, request_of: Callable[..., ValidateRequest], ami_with_agent: str, ec2: Any
) -> None:
    """It runs as root and reads nothing; what it prints comes back byte for byte; what it leaves there holds nobody."""
    request = request_of(connection)
    if connection is ConnectionKind.SSM:
        request = replace(request, ami_id=ami_with_agent)
    with Boot(request, ignore).machine() as machine:
        transport = transport_to(request, machine)
        assert transport.run(SCRIPT, 200, CallCount()) == SAID
        assert (
            transport.run("for i in $(seq 3000); do echo 12345; done\nexit 0\n", 200, CallCount()) == "12345\n" * 3000
        )
        found = held(ec2)
    assert [len(found[kind]) for kind in ("machines", "groups", "keys")] == [1, 1, connection is ConnectionKind.SSH]
    (instance,), (group,) = found["machines"], found["groups"]
    ports = [rule["FromPort"] for rule in group["IpPermissions"]]
    assert ports == ([22] if connection is ConnectionKind.SSH else [])
    assert ("KeyName" in instance) == (connection is ConnectionKind.SSH)
    for one in (*found["machines"], *found["groups"], *found["keys"]):
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        assert (tags["ami:run"], tags["ami:purpose"]) == ("run-1", "validate")


@pytest.fixture(params=[ConnectionKind.SSH, ConnectionKind.PODMAN])
def piped(
    request: pytest.FixtureRequest, request_of: Callable[..., ValidateRequest]
) -> Iterator[tuple[ValidateRequest, BootedMachine]]:
    """A machine without an agent and without an instance profile."""
    wanted = request_of(request.param)
    wanted = replace(wanted, placement=replace(wanted.placement, profile=""))
    with Boot(wanted, ignore).machine() as machine:
        yield wanted, machine


#: Says its number, and how many of its kind run while it does.
AT_ONCE = (
    "mkdir -p /run/at-once; : >/run/at-once/%d; sleep 1; echo %d; ls /run/at-once | wc -l; rm /run/at-once/%d\nexit 0\n"
)


def test_scripts_when_there_are_many_and_long_ones(piped: tuple[ValidateRequest, BootedMachine]) -> None:
    """Several run at once over one way, whole in both directions; `{{ }}` means nothing to it."""
    transport = transport_to(*piped)
    assert isinstance(transport, Piped)
    tally = CallCount()
    long = "true\n" * ((transport.longest_script - 100) // 5) + "echo '{{ end }}'\nexit 0\n"
    assert transport.run(long, 200, tally) == "{{ end }}\n"
    said = transport.run(f"head -c {transport.longest_output * 3 // 4} /dev/zero | base64 -w 0\nexit 0\n", 200, tally)
    assert len(said) == transport.longest_output
    with ThreadPoolExecutor(16) as pool:
        counted = [one.split() for one in pool.map(lambda n: transport.run(AT_ONCE % (n, n, n), 200, tally), range(16))]
    assert [int(number) for number, _ in counted] == list(range(16))
    assert max(int(at_once) for _, at_once in counted) > 1
    assert sum(tally.calls.values()) == 18


def test_script_when_it_fails_or_hangs(
    piped: tuple[ValidateRequest, BootedMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are faults of the connection, told in a few words: what the script did is unclear."""
    monkeypatch.setattr("orchestrator.validate.machine.piped._WAY", 1)
    transport = transport_to(*piped)
    with pytest.raises(ConnectionFault, match=r"failed on .*: that is why$"):
        transport.run("echo 'that is why' >&2; exit 3", 60, CallCount())
    with pytest.raises(ConnectionFault, match=r"did not end in time$"):
        transport.run("sleep 30", 1, CallCount())


def test_script_when_it_is_stopped(piped: tuple[ValidateRequest, BootedMachine]) -> None:
    """`stop` ends the wait at once."""
    request, machine = piped
    began = time.monotonic()
    timer = threading.Timer(0.5, request.stop.set)
    timer.start()
    with pytest.raises(Interrupted):
        transport_to(request, machine).run("sleep 300", 600, CallCount())
    assert time.monotonic() - began < 150


def test_script_when_the_machine_is_gone(piped: tuple[ValidateRequest, BootedMachine], ec2: Any) -> None:
    """It is a fault within seconds, and the machine is known to be lost."""
    request, machine = piped
    assert not is_gone(request.account, machine.instance_id)
    ec2.terminate_instances(InstanceIds=[machine.instance_id])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine.instance_id], WaiterConfig={"Delay": 1})
    with pytest.raises(ConnectionFault):
        transport_to(request, machine).run("exit 0\n", 5, CallCount())
    assert is_gone(request.account, machine.instance_id)


def test_scripts_when_the_shared_connection_is_gone(request_of: Callable[..., ValidateRequest]) -> None:
    """They find a way by themselves."""
    request = request_of(ConnectionKind.SSH)
    with Boot(request, ignore).machine() as machine:
        assert isinstance(machine.connection, OverSsh)
        transport = transport_to(request, machine)
        assert machine.connection._shared is not None
        machine.connection._shared.close()
        assert transport.run("echo here; exit 0\n", 100, CallCount()) == "here\n"


def test_environment_when_a_person_or_a_container_has_one(piped: tuple[ValidateRequest, BootedMachine]) -> None:
    """Nothing of it is seen by what runs on the machine, whichever the way."""
    names = transport_to(*piped).run("env | cut -d = -f 1 | sort; exit 0\n", 100, CallCount()).split()
    assert names == ["PATH", "PWD"]


def test_machine_when_the_user_may_not_get_in(request_of: Callable[..., ValidateRequest]) -> None:
    """The error says what SSH said, and what to look at."""
    request = replace(request_of(ConnectionKind.SSH), ssh_username="nobody-knows", online_timeout=30)
    with (
        pytest.raises(NeverOnline, match=r"within 30 s: .*Permission denied") as caught,
        Boot(request, ignore).machine(),
    ):
        pass
    assert "'nobody-knows' (`ssh_username` of the source)" in caught.value.hint
    assert (request.folder / "console.log").exists()


def test_machine_when_it_dies_while_it_is_awaited(request_of: Callable[..., ValidateRequest], ec2: Any) -> None:
    """That is a loss and no fault of the image, without an agent as well."""

    def hear(event: Any) -> None:
        if event.stage is Stage.AWAIT:
            ec2.terminate_instances(InstanceIds=[one["InstanceId"] for one in held(ec2)["machines"]])

    request = replace(request_of(ConnectionKind.SSH), ssh_username="nobody-knows")
    with pytest.raises(MachineLost), Boot(request, hear).machine():
        pass


@PIPED
def test_kept_machine_when_a_person_wants_in(
    connection: ConnectionKind, request_of: Callable[..., ValidateRequest], ec2: Any
) -> None:
    """The command that is told opens a shell, after everything else has gone."""
    request = replace(request_of(connection), keep=True)
    with Boot(request, ignore).machine() as machine:
        pass
    try:
        assert [len(held(ec2)[kind]) for kind in ("machines", "groups", "keys")] == [1, 1, 0]
        command = shlex.split(machine.way_in.replace("-it", "-i"))
        done = subprocess.run(command, input="id -un\n", capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[-1] == ("admin" if connection is ConnectionKind.SSH else "root"), done.stderr
    finally:
        (group,) = held(ec2)["groups"]
        ec2.terminate_instances(InstanceIds=[machine.instance_id])
        ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine.instance_id], WaiterConfig={"Delay": 1})
        ec2.delete_security_group(GroupId=group["GroupId"])
        if connection is ConnectionKind.SSH:
            shutil.rmtree(Path(command[2]).parent)


def test_ami_validate_when_only_chosen_tests_run(small: Small) -> None:
    """What they say is told, and tagged nowhere; the whole suite is tagged. Whatever the way to the machine."""
    small.ami("build", "--yes")
    before = small.listed()["tiny"]
    path, test = "roles/marker/tests/test_marker.py", "def test_new(host):\n    assert {} host.file('/new').exists\n"
    small.write(path, test.format(""))
    told = json.loads(small.ami("validate", "tiny", "--connection=podman", "--yes", "--json", "-k", "new", code=1))
    assert told["images"][0]["status"] == "failed"
    assert "test_new" in told["images"][0]["reason"]
    small.write(path, test.format("not"))
    for selection in (("-k", "a or"), ("-m", "("), ("-k", "nothing_has_that_name")):
        small.ami("validate", "tiny", "--yes", *selection, code=2)
    for connection in some([ConnectionKind.SSM], [ConnectionKind.SSM, ConnectionKind.SSH]):
        told = small.ami("validate", "tiny", f"--connection={connection}", "--yes", "--explain", "-k", "new")
        assert "checked" in told
        # The facts, and the one question of the test.
        assert re.search(r"^ *0 .*\n *1 +1 +1 ", told, re.MULTILINE), told
    assert small.listed()["tiny"] == before
    small.write(path, test.format(""))
    asked = ("validate", "tiny", "--connection=ssh", "--yes", "--json")
    assert json.loads(small.ami(*asked, code=1))["images"][0]["status"] == "rejected"
    assert small.listed()["tiny"]["state"] == "rejected"
    assert small.left_over() == NOTHING
