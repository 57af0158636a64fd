"""Builds end alike whichever Packer a person has: recordings of three versions, played against the lab."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab import door
from orchestrator.lab.api.fault_rules import FaultKind, Rule
from tests.lab.replay import NOTHING, Ended, Replay, Running, discard, left, plain, workspace
from tests.packers.install import VERSIONS as ALL
from tests.packers.install import install
from tests.packers.setting import Home
from tests.thorough import ends, some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(130)

VERSIONS = ends(ALL)

#: Which recordings are played at the same time, and what the lab does to EC2's calls meanwhile.
WAVES: dict[tuple[str, ...], tuple[Rule, ...]] = {
    ("ok", "failed-task"): (),
    ("throttled",): (Rule(FaultKind.THROTTLE, 0.3, ("ec2:*",), seed=3),),
    ("ids-late",): (Rule(FaultKind.CONSISTENCY, 2.0),),
    ("machine-lost", "no-capacity"): (Rule(FaultKind.DIE, 1.0), Rule(FaultKind.CAPACITY, instance_type="t3.medium")),
    ("create-image-5xx", "interrupted"): (Rule(FaultKind.SLOW_IMAGE, 3.0),),
}
#: How the programs behave, beside their recording.
SETTINGS: dict[str, dict[str, Any]] = {
    "ok": {"provisions": True},
    "throttled": {"provisions": True},
    "ids-late": {"provisions": True},
    "no-capacity": {"patience": 1.0},  # it repeats the call for as long as the real one
    "create-image-5xx": {"late": True},
}
GOOD = some(("ok",), ("ok", "throttled", "ids-late"))
BAD = some(("create-image-5xx", "failed-task"), ("no-capacity", "machine-lost", "create-image-5xx", "failed-task"))

#: What the board tells with some versions only, and why that is right.
ONLY_SOMETIMES = {
    r"^Adding tags to source instance": "1.6.6 tags a machine after its launch, and says so",
    r"^Attaching run tags to AMI": "only the newest amazon plugin announces it",
    r"^Skipping Enable AMI": "deprecation and deregistration protection are newer than 1.6.6",
}


@dataclass
class Waves:
    """Plays recordings when a test asks for one, those of a wave and of all versions at once."""

    folder: Path
    lab: Settings
    idle: str
    light: str
    begun: list[Running] = field(default_factory=list)
    ended: dict[tuple[str, str], Ended] = field(default_factory=dict)
    played: set[tuple[str, ...]] = field(default_factory=set)

    def of(self, case: str, version: str) -> Ended:
        """How the build of a recording ended."""
        wave = next(wave for wave in WAVES if case in wave)
        if wave not in self.played:
            self.played.add(wave)
            self._play(wave)
        return self.ended[case, version]

    def _play(self, wave: tuple[str, ...]) -> None:
        for rule in WAVES[wave]:
            door.set_fault(self.lab, rule)
        builds = {(case, version): self._replay(case, version).begin() for case in wave for version in VERSIONS}
        self.begun += builds.values()
        for (case, _), build in builds.items():
            if case == "interrupted":
                build.await_holds(Home(build.replay.packer))
                build.await_log("TASK [seal : Gather the facts that roles ask for]")
                build.interrupt()
        self.ended |= {key: build.end() for key, build in builds.items()}
        door.clear_faults(self.lab)

    def _replay(self, case: str, version: str) -> Replay:
        home = install(self.folder / f"packer-{case}-{version}", version)
        home.change(case=case, **SETTINGS.get(case, {}))
        image = f"{case}-{version.replace('.', '-')}"
        role = "broken" if case == "failed-task" else "marker"
        start = self.light if case in GOOD else self.idle
        made = workspace(self.folder / f"{case}-{version}", [image], home.folder, self.lab, role=role, start=start)
        if case == "no-capacity":
            variables = made.root / "packer/environments/lab.pkrvars.hcl"
            variables.write_text(variables.read_text().replace("t3.small", "t3.medium"))
        return made


@pytest.fixture(scope="module")
def waves(
    tmp_path_factory: pytest.TempPathFactory, lab: Settings, ec2: Any, idle_ami: str, light_ami: str
) -> Iterator[Waves]:
    made = Waves(tmp_path_factory.mktemp("waves"), lab, idle_ami, light_ami)
    yield made
    door.clear_faults(lab)
    for build in made.begun:
        build.close()
    discard(ec2, [build.replay for build in made.begun])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", GOOD)
def test_image_is_validated(waves: Waves, ec2: Any, case: str, version: str) -> None:
    """Nothing stays but the AMI and its snapshot."""
    ended = waves.of(case, version)
    assert (ended.code, ended.outcome.get("status")) == (0, "validated"), ended.said
    found = left(ec2, [ended.replay])
    assert found == {**NOTHING, "images": [ended.outcome["ami_id"]], "snapshots": found["snapshots"]}
    assert len(found["snapshots"]) == 1


@pytest.mark.parametrize("case", GOOD)
def test_ami_carries_the_same_tags(waves: Waves, ec2: Any, case: str) -> None:
    """They say what it is, and not how it was made; so do its snapshot's."""
    tags: dict[str, Any] = {"AMI": {}, "snapshot": {}}
    for version in VERSIONS:
        ended = waves.of(case, version)
        (image,) = ec2.describe_images(ImageIds=[ended.outcome["ami_id"]])["Images"]
        disk = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        (snapshot,) = ec2.describe_snapshots(SnapshotIds=[disk])["Snapshots"]
        tags["AMI"][version] = {tag["Key"] for tag in image["Tags"]}
        tags["snapshot"][version] = {tag["Key"] for tag in snapshot.get("Tags", ())}
    assert tags["AMI"]["1.6.6"].isdisjoint({"ami:purpose", "ami:name", "ami:lease"})
    for kind, found in tags.items():
        assert found == dict.fromkeys(VERSIONS, found["1.6.6"]), kind


#: What is told of a build that fails, whichever version it is.
TOLD = {
    "no-capacity": ("InsufficientInstanceCapacity", "other_instance_types"),
    "machine-lost": ("the machine was lost", "attempt 1: the machine was lost"),
    "create-image-5xx": ("InternalError", r"attempt 1: .*\n?.*InternalError"),
    "failed-task": (r"layer workload, role broken, task 'Install the impossible' failed", "three"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", BAD)
def test_failure_says_why_and_leaves_nothing(waves: Waves, ec2: Any, case: str, version: str) -> None:
    """Both attempts, where there are two."""
    ended = waves.of(case, version)
    assert (ended.code, ended.outcome.get("status")) == (1, "failed"), ended.said
    for pattern in TOLD[case]:
        assert re.search(pattern, ended.reason), ended.reason
    assert ended.replay.log.count("Launching a source AWS instance") == (2 if "attempt 1" in TOLD[case][1] else 1)
    assert "may have stayed behind" not in ended.reason
    assert left(ec2, [ended.replay]) == NOTHING


@pytest.mark.parametrize("version", VERSIONS)
def test_interrupted_build_leaves_nothing(waves: Waves, ec2: Any, version: str) -> None:
    """While Ansible runs."""
    ended = waves.of("interrupted", version)
    assert ended.code == 130, ended.said
    assert left(ec2, [ended.replay]) == NOTHING


@pytest.mark.thorough
@pytest.mark.parametrize("version", VERSIONS)
def test_no_capacity_is_told_soon(waves: Waves, version: str) -> None:
    """Long before Packer itself gives up, which 1.16 does after 83 s. It takes 9 s where nothing else runs."""
    at = [
        datetime.fromisoformat(event["at"])
        for event in waves.of("no-capacity", version).replay.events
        if event.get("message", "").startswith("Launching a source") or event["stage"] == "done"
    ]
    assert (at[-1] - at[0]).total_seconds() < 60


@pytest.mark.parametrize("case", [*GOOD, *BAD, "interrupted"])
def test_board_is_the_same(waves: Waves, case: str) -> None:
    """Stages with their messages, apart from what only some versions say; and tasks."""
    messages = {version: messages_of(waves.of(case, version).replay) for version in VERSIONS}
    tasks = {version: tasks_of(waves.of(case, version).replay) for version in VERSIONS}
    if case == "ids-late":  # 1.16 builds twice: it does not wait for a new id to be known
        again = next(at for at, (_, said) in enumerate(messages["1.16.0"]) if said.startswith("building once more"))
        messages["1.16.0"] = messages["1.16.0"][again + 1 :]
        tasks["1.16.0"] = tasks["1.16.0"][len(tasks["1.16.0"]) // 2 :]
    if case == "no-capacity":  # 1.16 would be silent for a minute more, so that EC2 is asked beside it
        asked = next(at for at, (_, said) in enumerate(messages["1.16.0"]) if said.startswith("EC2 has no room"))
        assert messages["1.16.0"][:asked] == messages["1.6.6"][:asked]
        messages["1.16.0"] = messages["1.6.6"]
    for version in VERSIONS[1:]:
        assert messages[version] == messages["1.6.6"]
        assert tasks[version] == tasks["1.6.6"]


@pytest.mark.parametrize("version", VERSIONS)
def test_board_tells_no_lines_of_ansible(waves: Waves, version: str) -> None:
    """Its tasks come as tasks. Each stage begins once."""
    told = messages_of(waves.of("ok", version).replay)
    lines = [said for _, said in told if re.match(r"(ok|changed|skipping|fatal): \[|TASK|PLAY|amazon-ebs\.", said)]
    assert lines == []
    stages = [stage for stage, _ in told]
    begun = [stage for before, stage in zip(["", *stages], stages, strict=False) if stage != before]
    assert begun == ["resolve", "launch", "connect", "provision", "snapshot", "tag", "clean up", "tag"]


def messages_of(replay: Replay) -> list[tuple[str, str]]:
    """What was told of an image until its AMI was there, besides tasks: stage and message."""
    told: list[tuple[str, str]] = []
    for event in replay.events:
        message = plain(event.get("message", ""), replay.image).replace(
            "Using ssh communicator", "Using SSH communicator"
        )
        if event["stage"] in ("boot", "await", "test", "done"):
            break
        if "layer" not in event and not any(re.match(pattern, message) for pattern in ONLY_SOMETIMES):
            told.append((event["stage"], message))
    return told


def tasks_of(replay: Replay) -> list[tuple[str, str, str, str]]:
    """What was told of Ansible's tasks: layer, role, task and outcome."""
    tasks = [event for event in replay.events if "layer" in event]
    return [
        (one["layer"], one.get("role", ""), one.get("task", ""), plain(one["message"], replay.image)) for one in tasks
    ]
