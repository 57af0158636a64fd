"""Labs come up once, go down whole, and survive being killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.errors import LackError, UsageError
from orchestrator.lab import door, lifecycle, settings
from orchestrator.lab.host import shared_disks
from orchestrator.lab.host.network import anchor_names
from orchestrator.lab.lab_status import Condition
from orchestrator.lab.settings import Settings
from tests.cli.contract import printed
from tests.lab.conftest import podman
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AMI = [sys.executable, "-m", "orchestrator.cli.main", "lab"]


@pytest.fixture
def wanted(free_port: Callable[[], int]) -> Iterator[Settings]:
    """Settings of a lab that is not up, and will not be after the test."""
    lab = Settings(f"test-life-{os.getpid()}", free_port(), command_delay=0.0, image_delay=0.0)
    yield lab
    lifecycle.down(lab.name, print)


def ec2_of(lab: Settings) -> Any:
    """A client of a lab."""
    return Account("us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test").client("ec2")


def launch(lab: Settings, image_id: str = "") -> str:
    """Launch a machine, of Debian unless told otherwise, and wait until it runs."""
    ec2 = ec2_of(lab)
    image_id = image_id or ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    (made,) = ec2.run_instances(ImageId=image_id, InstanceType="t3.small", MinCount=1, MaxCount=1)["Instances"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]], WaiterConfig={"Delay": 1})
    return str(made["InstanceId"])


def imaged(lab: Settings, instance_id: str, name: str) -> tuple[str, str]:
    """Make an AMI of a machine; its id, and the state that it ends in."""
    ec2 = ec2_of(lab)
    image_id = ec2.create_image(InstanceId=instance_id, Name=name)["ImageId"]

    def ended() -> str:
        state = str(ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"])
        return "" if state == "pending" else state

    return image_id, until(ended, f"the end of {image_id}")


def remains(name: str) -> dict[str, list[str]]:
    """Whatever on this machine belongs to a lab, by kind."""

    def lines(*argv: str) -> list[str]:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()

    label = f"--filter=label=ami.lab={name}"
    interfaces = anchor_names(name)
    return {
        "containers": lines("podman", "ps", "-aq", label),
        "images": [
            *podman("images", "-q", label).split(),
            *podman("images", "-q", f"--filter=reference=localhost/ami-lab-{name}/*").split(),
        ],
        "networks": lines("podman", "network", "ls", "-q", label),
        "links": [link for link in lines("ip", "-o", "link") if any(one in link for one in interfaces)],
        "mounts": [mount for mount in lines("cat", "/proc/mounts") if name in mount],
        "processes": [line for line in lines("ps", "-ww", "-eo", "args") if _belongs(line, name)],
        "state": [str(path) for path in (settings.STATE / name,) if path.exists()],
        "locks": [path for path in lines("ls", "/run/lock") if name in path],
    }


def _belongs(command: str, name: str) -> bool:
    """The server, or the monitor of a machine."""
    return f"{settings.STATE}/{name}/" in command or f"ami-lab-{name}-" in command


def bridges() -> set[str]:
    shown = subprocess.run(["ip", "-json", "link", "show", "type", "bridge"], capture_output=True, check=True).stdout
    return {link["ifname"] for link in json.loads(shown)}


def test_down_leaves_nothing(wanted: Settings) -> None:
    lab = lifecycle.up(wanted, print)
    launch(lab)
    assert lab.bridge in bridges()
    present = remains(lab.name)
    assert [kind for kind, found in present.items() if not found] == ["mounts", "locks"]
    assert lifecycle.down(lab.name, print)
    assert {kind: found for kind, found in remains(lab.name).items() if found} == {}
    assert lab.bridge not in bridges()
    assert not lifecycle.down(lab.name, print)


def test_a_second_up_finds_the_first(wanted: Settings) -> None:
    first = lifecycle.up(wanted, print)
    pid = lifecycle.status(wanted.name).pid
    assert lifecycle.up(wanted, print) == first
    assert lifecycle.status(wanted.name).pid == pid


def test_two_at_once_end_with_one_lab(wanted: Settings) -> None:
    argv = [*AMI, "up", "--name", wanted.name, "--port", str(wanted.port)]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=300) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert f"export AWS_ENDPOINT_URL={wanted.endpoint}" in said[0][0]
    assert len(remains(wanted.name)["processes"]) == 1


@pytest.fixture
def bad_gateway() -> Iterator[int]:
    """The port of a proxy that reaches nothing."""

    class Proxy(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.raw_requestline = self.rfile.readline()
            self.parse_request()
            self.send_error(502)

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_lab_that_does_not_answer_keeps_what_it_holds(
    wanted: Settings, bad_gateway: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is stopped, or that a proxy hides, is waited for and reported; never cleared."""
    lab = lifecycle.up(wanted, print)
    instance, pid = launch(lab), lifecycle.status(lab.name).pid
    monkeypatch.setattr(lifecycle, "PATIENCE", 1.0)
    monkeypatch.setattr(door, "PATIENCE", 0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert lifecycle.status(lab.name).condition is Condition.SILENT
        with pytest.raises(LackError, match=f"process {pid}. runs and does not answer"):
            lifecycle.up(wanted, print)
        lab.pid_file.unlink()  # as if `up` had been killed before it was written
        monkeypatch.setattr(lifecycle, "PATIENCE", 300.0)
        monkeypatch.setattr(door, "PATIENCE", 60.0)
        threading.Timer(1.0, os.kill, (pid, signal.SIGCONT)).start()
        assert lifecycle.up(wanted, print) == lab
    finally:
        os.kill(pid, signal.SIGCONT)
    proxy = f"http://127.0.0.1:{bad_gateway}"
    environment = {**os.environ, "HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": ""}
    argv = [*AMI, "up", "--name", lab.name, "--port", str(lab.port)]
    two = [subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=300)[1] for one in two]
    assert ([one.returncode for one in two], lifecycle.status(lab.name).pid) == ([0, 0], pid), said
    monkeypatch.setenv("HTTP_PROXY", proxy)
    (held,) = ec2_of(lab).describe_instances(InstanceIds=[instance])["Reservations"]
    assert held["Instances"][0]["State"]["Name"] == "running"


@pytest.fixture
def small_disk(wanted: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 1.2 GB for everything that a lab writes: podman's storage and the state folder."""
    disk, state = tmp_path / "disk", settings.STATE / wanted.name
    for folder in (disk, state):
        folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200m", "tmpfs", disk], check=True)
    (disk / "state").mkdir()
    subprocess.run(["mount", "--bind", disk / "state", state], check=True)
    configuration = tmp_path / "storage.conf"
    configuration.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{disk}/storage"\nrunroot = "{tmp_path}/run"\n'
    )
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(configuration))
    yield disk
    lifecycle.down(wanted.name, print)
    for mounted in (f"{disk}/storage/overlay", state, disk):
        subprocess.run(["umount", mounted], check=False)
    state.rmdir()


def test_a_full_disk_costs_what_is_being_made_and_nothing_else(wanted: Settings, small_disk: Path) -> None:
    lab = lifecycle.up(wanted, print)
    instance_id, pid = launch(lab), lifecycle.status(lab.name).pid
    kept, state = imaged(lab, instance_id, "before")
    assert state == "available"
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while file.write(bytes(1 << 20)):
            pass
    assert shutil.disk_usage(small_disk).free < 1 << 20
    assert imaged(lab, instance_id, "full")[1] == "failed"
    assert (lifecycle.up(wanted, print), lifecycle.status(lab.name).pid) == (lab, pid)
    filler.unlink()
    assert imaged(lab, instance_id, "after")[1] == "available"
    launch(lab, kept)


def test_a_killed_lab_is_dead_and_the_next_up_clears_it(wanted: Settings) -> None:
    lab = lifecycle.up(wanted, print)
    launch(lab)
    os.kill(lifecycle.status(lab.name).pid, signal.SIGKILL)
    until(lambda: lifecycle.status(lab.name).condition is Condition.DEAD, "the end of the server")
    assert remains(lab.name)["containers"]
    lifecycle.up(wanted, print)
    status = lifecycle.status(lab.name)
    assert (status.condition, status.machines) == (Condition.UP, 0)


def test_down_clears_a_killed_lab(wanted: Settings) -> None:
    lab = lifecycle.up(wanted, print)
    launch(lab)
    os.kill(lifecycle.status(lab.name).pid, signal.SIGKILL)
    assert lifecycle.down(lab.name, print)
    assert {kind: found for kind, found in remains(lab.name).items() if found} == {}


def test_a_port_in_use_is_named(wanted: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", wanted.port))
        other.listen()
        with pytest.raises(LackError, match=f"port {wanted.port} "):
            lifecycle.up(wanted, print)
    assert lifecycle.status(wanted.name).condition is Condition.DOWN


def test_a_lab_that_is_up_does_not_move_to_another_port(lab: Settings, free_port: Callable[[], int]) -> None:
    with pytest.raises(UsageError, match=f"is up on port {lab.port}"):
        lifecycle.up(Settings(lab.name, free_port(), 0.0, 0.0), print)


def test_a_lab_that_is_up_keeps_its_kind_of_agent(lab: Settings) -> None:
    with pytest.raises(UsageError, match="is up with its stand-in"):
        lifecycle.up(lab, print, lab.agent)


def test_two_labs_are_up_side_by_side(lab: Settings, wanted: Settings, podman: Callable[..., str]) -> None:
    other = lifecycle.up(wanted, print)
    asked = (
        "curl -s -o /dev/null -w '%{http_code}' -X PUT "
        "-H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token"
    )
    for each in (lab, other):
        container = f"ami-lab-{each.name}-{launch(each)}"
        assert podman("exec", container, "sh", "-c", asked) == "200"


def test_down_of_one_lab_when_another_has_the_same_disk(
    wanted: Settings, free_port: Callable[[], int], podman: Callable[..., str]
) -> None:
    """The machines of the other one run on, and it launches more. So it does when all shared disks are given up."""
    living = lifecycle.up(wanted, print)
    container = f"ami-lab-{living.name}-{launch(living)}"
    for cache in (False, True):
        other = Settings(f"{wanted.name}-{cache}".lower(), free_port(), command_delay=0.0, image_delay=0.0)
        lifecycle.up(other, print)
        lifecycle.down(other.name, print)
        if cache:
            shared_disks.forget()
        assert podman("inspect", "--format={{.State.Running}}", container).strip() == "true"
        launch(living)


def test_the_lab_is_heard_on_loopback_and_its_own_bridge_only(lab: Settings) -> None:
    pid = lifecycle.status(lab.name).pid
    listed = subprocess.run(["ss", "-Hltnup"], capture_output=True, text=True, check=True).stdout.splitlines()
    own = {line.split()[4] for line in listed if f"pid={pid}," in line}
    assert own == {f"127.0.0.1:{lab.port}", f"169.254.169.254%{lab.bridge}:80"}


def test_status_as_json(lab: Settings) -> None:
    done = subprocess.run([*AMI, "status", "--name", lab.name, "--json"], capture_output=True, text=True, check=False)
    told: dict[str, Any] = printed(done.stdout)
    assert done.returncode == 0
    assert (told["condition"], told["endpoint"]) == ("up", lab.endpoint)


def test_status_of_no_lab_ends_with_3() -> None:
    done = subprocess.run([*AMI, "status", "--name", "never-made"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "the lab 'never-made' is down\n")


def test_a_missing_program_is_named_with_its_package(wanted: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LackError, match="'podman' is not installed") as raised:
        lifecycle.up(wanted, print)
    monkeypatch.undo()
    assert raised.value.hint == "apt-get install podman"
