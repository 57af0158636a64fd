"""A build that ends in any stage, with an AMI pending: nothing stays that `list` and `sweep` do not show."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab import door
from orchestrator.lab.api.fault_rules import FaultKind, Rule
from tests.lab.replay import NOTHING, Replay, Running, discard, left, workspace
from tests.packers.install import VERSIONS as ALL
from tests.packers.install import install
from tests.thorough import ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.lab.settings import Settings
    from tests.packers.setting import Home

pytestmark = pytest.mark.long(120)

VERSIONS = ends(ALL)

#: Where builds stay, by the stage that this is: the beginning of what Packer says there.
MOMENTS = {
    "resolve": "Prevalidating AMI Name",
    "launch": "Launching a source AWS instance",
    "connect": "Waiting for SSH",
    "provision": "TASK [marker : Leave a mark]",
    "pending": "Waiting for AMI to become ready",
    "tag": "Creating AMI tags",
    "clean": "Terminating the source AWS instance",
}
#: Seconds for which an AMI is pending: longer than it takes to stop everything.
PENDING = 12.0


@dataclass
class Stop:
    """Builds of one version, one image for each moment, and what became of them."""

    replay: Replay
    home: Home
    build: Running
    left: dict[str, list[str]] = field(default_factory=dict)
    """What stayed when everything had ended, and no AMI was pending any more."""
    swept: dict[str, list[str]] = field(default_factory=dict)
    """What stayed after the sweep."""

    def hold_pending(self) -> None:
        """Let the AMI of one image become pending; that of another image is available by now, without its tags."""
        (image,) = (name for name in self.replay.images if name.endswith("-pending"))
        self.home.change(holds={**self.home.setting.holds, image: MOMENTS["pending"]})


def interrupt(stop: Stop) -> None:
    """Ctrl-C, and whatever `ami` does then."""
    stop.build.interrupt()
    assert stop.build.end().code == 130


def kill(stop: Stop) -> None:
    """The machine on which it runs loses its power."""
    stop.build.kill(stop.build.await_holds(stop.home))


def kill_driver(stop: Stop) -> None:
    """`ami` alone: Packer is told by the kernel, and cleans up by itself."""
    packers = stop.build.await_holds(stop.home)
    stop.build.kill()
    deadline = time.monotonic() + 300
    while any(Path("/proc", str(pid)).exists() for pid in packers):
        assert time.monotonic() < deadline, "Packer did not end"
        time.sleep(0.2)


#: In these stages alone is a build stopped in this way; Packer's end is what differs, and not the stage.
FEW = {"driver-killed": ("provision", "pending", "clean")}

WAYS = {"interrupted": interrupt, "killed": kill, "driver-killed": kill_driver}


@dataclass
class Stops:
    """Stops builds of all versions at once, when a test asks for one way of it."""

    folder: Path
    lab: Settings
    ec2: Any
    idle: str
    begun: list[Running] = field(default_factory=list)
    done: dict[str, dict[str, Stop]] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    """What `list` and `sweep` showed after builds were stopped in a way."""

    def of(self, way: str, version: str) -> Stop:
        """The builds of a version that were stopped in a way."""
        if way not in self.done:
            self.done[way] = {}  # a way that fails is not tried again
            self.done[way] = self._begun(way)
            self._stop(way, list(self.done[way].values()))
        return self.done[way][version]

    def _begun(self, way: str) -> dict[str, Stop]:
        begun = {}
        for version in VERSIONS:
            home = install(self.folder / f"packer-{way}-{version}", version)
            moments = {name: said for name, said in MOMENTS.items() if name in FEW.get(way, MOMENTS)}
            images = [f"{way}-{version.replace('.', '-')}-{name}" for name in moments]
            holds = dict(zip(images, moments.values(), strict=True))
            home.change(
                holds={image: hold.replace(MOMENTS["pending"], "Creating AMI") for image, hold in holds.items()}
            )
            replay = workspace(self.folder / f"{way}-{version}", images, home.folder, self.lab, start=self.idle)
            begun[version] = Stop(replay, home, replay.begin())
            self.begun.append(begun[version].build)
        return begun

    def _stop(self, way: str, stops: Sequence[Stop]) -> None:
        for stop in stops:
            stop.build.await_holds(stop.home)
        door.set_fault(self.lab, Rule(FaultKind.SLOW_IMAGE, PENDING))
        for stop in stops:
            stop.hold_pending()
            stop.build.await_holds(stop.home)
        assert self._pending(stops) == len(stops), "no AMI is pending any more: this machine is too slow"
        with ThreadPoolExecutor() as pool:
            list(pool.map(WAYS[way], stops))
        door.clear_faults(self.lab)
        deadline = time.monotonic() + 300
        while self._pending(stops):
            assert time.monotonic() < deadline, "AMIs are pending without end"
            time.sleep(0.2)
        self._sweep(way, stops)

    def _pending(self, stops: Sequence[Stop]) -> int:
        images = [image for stop in stops for image in left(self.ec2, [stop.replay])["images"]]
        states = [one["State"] for one in self.ec2.describe_images(ImageIds=images)["Images"]] if images else []
        return states.count("pending")

    def _sweep(self, way: str, stops: Sequence[Stop]) -> None:
        for stop in stops:
            stop.left = left(self.ec2, [stop.replay])
        first = stops[0].replay
        self.shown[way] = first.ami("list", "--json", "--shared").stdout + first.ami("sweep").stdout
        swept = first.ami("sweep", "--yes")
        assert swept.returncode == 0, swept.stderr
        for stop in stops:
            stop.swept = left(self.ec2, [stop.replay])


@pytest.fixture(scope="module")
def stops(tmp_path_factory: pytest.TempPathFactory, lab: Settings, ec2: Any, idle_ami: str) -> Iterator[Stops]:
    made = Stops(tmp_path_factory.mktemp("stops"), lab, ec2, idle_ami)
    yield made
    door.clear_faults(lab)
    for build in made.begun:
        build.close()
    discard(ec2, [build.replay for build in made.begun])


@pytest.mark.parametrize("version", VERSIONS)
def test_interrupted_build_leaves_what_is_finished(stops: Stops, ec2: Any, version: str) -> None:
    """Not the AMI that Packer no longer waits for, whether it is pending or just available."""
    assert_finished_alone(ec2, stops.of("interrupted", version).left)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", WAYS)
def test_whatever_stays_is_shown(stops: Stops, ec2: Any, way: str, version: str) -> None:
    """By `list` what is finished or unproven, by `sweep` what it removes."""
    stop = stops.of(way, version)
    unseen = {kind: [one for one in ids if one not in stops.shown[way]] for kind, ids in stop.left.items()}
    listed = [image for image in stop.left["images"] if image not in unseen["images"]]
    unseen["snapshots"] = [one for one in unseen["snapshots"] if one not in disks_of(ec2, listed)]
    assert unseen == NOTHING


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", WAYS)
def test_sweep_leaves_nothing(stops: Stops, ec2: Any, way: str, version: str) -> None:
    """But what is finished: builds adopt it."""
    assert_finished_alone(ec2, stops.of(way, version).swept)


def assert_finished_alone(ec2: Any, found: dict[str, list[str]]) -> None:
    """One AMI has all its tags: when its build was stopped, only the machine was still to be terminated."""
    finished = [image for image in found["images"] if state_of(ec2, image) == "built"]
    assert found == {**NOTHING, "images": finished, "snapshots": disks_of(ec2, finished)}
    assert len(finished) == 1


def state_of(ec2: Any, image: str) -> str:
    (told,) = ec2.describe_images(ImageIds=[image])["Images"]
    return next((tag["Value"] for tag in told.get("Tags", ()) if tag["Key"] == "ami:state"), "")


def disks_of(ec2: Any, images: Sequence[str]) -> list[str]:
    """The snapshots of AMIs that are still there."""
    wanted = [{"Name": "image-id", "Values": list(images) or ["none"]}]
    there = ec2.describe_images(Owners=["self"], Filters=wanted)["Images"]
    return sorted(disk["Ebs"]["SnapshotId"] for image in there for disk in image["BlockDeviceMappings"])
