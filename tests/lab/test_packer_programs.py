"""What `ami` says of the Packer that it finds, before anything is launched; and builds with those that are named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.replay import NOTHING, discard, left, workspace
from tests.lab.small import PROGRAMS, REPOSITORY, held
from tests.packers.install import PLUGINS, VERSIONS, install
from tests.packers.setting import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestrator.lab.settings import Settings
    from tests.lab.conftest import FaultControl
    from tests.lab.replay import Replay
    from tests.packers.option import Given

pytestmark = pytest.mark.long(60)

#: The versions whose plugins are programs of their own.
WITH_PLUGINS = VERSIONS[1:]
#: What changes nothing in an account.
READS = ("Describe", "Get", "List", "Head")


@pytest.fixture
def replay(tmp_path: Path, lab: Settings, idle_ami: str) -> Callable[..., Replay]:
    """A workspace with one image, and a Packer of a version."""

    def make(version: str, **setting: Any) -> Replay:
        home = install(tmp_path / f"packer-{version}", version)
        home.change(**setting)
        image = f"programs-{version.replace('.', '-')}"
        return workspace(tmp_path / version, [image], home.folder, lab, start=idle_ami)

    return make


def doctor(replay: Replay) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of `ami doctor`, and what it says of Packer, by what it examined."""
    done = replay.ami("doctor", "--json")
    findings = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    return done.returncode, {what: one for what, one in findings.items() if "packer" in what}


@pytest.mark.parametrize("version", VERSIONS)
def test_doctor_when_all_is_there(replay: Callable[..., Replay], version: str) -> None:
    """Packer, and each plugin with its version and its file."""
    here = replay(version)
    code, findings = doctor(here)
    assert code == 0
    assert all(one["ok"] for one in findings.values())
    assert version in findings["packer"]["message"]
    said = " ".join(one["message"] for one in findings.values())
    for name, number in PLUGINS[version].items():
        assert f"{here.packer}/plugins/github.com/hashicorp/{name}/packer-plugin-{name}_v{number}" in said


@pytest.mark.parametrize("version", WITH_PLUGINS)
def test_doctor_when_plugins_are_missing(replay: Callable[..., Replay], tmp_path: Path, version: str) -> None:
    """Which, and the command that gets each."""
    here = replay(version)
    here.more |= {"PACKER_PLUGIN_PATH": None, "HOME": str(tmp_path)}
    code, findings = doctor(here)
    lacking = [one for one in findings.values() if not one["ok"]]
    assert code == 3
    for name in PLUGINS[version]:
        assert [one for one in lacking if f"github.com/hashicorp/{name}" in one["message"] and one["hint"]]


@pytest.mark.parametrize("version", WITH_PLUGINS)
def test_doctor_when_a_plugin_has_no_checksum(replay: Callable[..., Replay], version: str) -> None:
    """Packer passes it over without a word."""
    here = replay(version)
    (checksum,) = (here.packer / "plugins").glob("*/*/amazon/*_SHA256SUM")
    checksum.unlink()
    code, findings = doctor(here)
    assert code == 3
    assert any(checksum.name in one["message"] and not one["ok"] for one in findings.values())


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PACKER_PLUGIN_PATH": "/nowhere:/elsewhere"}, "PACKER_PLUGIN_PATH"),
        ({"PACKER_PLUGIN_PATH": None, "HOME": None}, "HOME"),
    ],
)
def test_doctor_when_packer_cannot_run(
    replay: Callable[..., Replay], environment: dict[str, str | None], said: str
) -> None:
    """1.16 refuses every command then: that is told, with what helps, and it is no bug."""
    here = replay("1.16.0")
    here.more |= environment
    code, findings = doctor(here)
    assert code == 3
    assert any(said in one["message"] and not one["ok"] and one["hint"] for one in findings.values())
    done = here.ami("build", "--yes")
    assert done.returncode == 3
    assert said in done.stderr


def test_doctor_when_there_is_no_packer(replay: Callable[..., Replay], tmp_path: Path) -> None:
    here = replay("1.16.0")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "python3", "ssh", "sh", "env"):
        (programs / name).symlink_to(str(shutil.which(name)))
    here.more |= {"PATH": f"{PROGRAMS}:{programs}"}
    code, findings = doctor(here)
    assert code == 3
    assert [one["ok"] for one in findings.values()] == [False]
    assert "packer" in findings["packer"]["hint"]


@pytest.mark.parametrize("version", WITH_PLUGINS)
def test_build_without_plugins_changes_nothing(
    replay: Callable[..., Replay], calls: Callable[[], dict[str, int]], tmp_path: Path, version: str
) -> None:
    """It says what is missing and how to get it, before the account sees a single call that changes something."""
    here = replay(version, case="no-plugins")
    here.more |= {"PACKER_PLUGIN_PATH": None, "HOME": str(tmp_path)}
    before = calls()
    done = here.ami("build", "--yes")
    changed = {name for name, count in calls().items() if count != before.get(name, 0)}
    assert done.returncode == 3
    for name in PLUGINS[version]:
        assert f"github.com/hashicorp/{name}" in done.stderr
    assert "hint: packer plugins install github.com/hashicorp/amazon" in done.stderr
    assert [name for name in changed if not name.partition(":")[2].startswith(READS)] == []
    assert not [note for note in Home(here.packer).notes if note["argv"][:1] in (["build"], ["init"])]


@pytest.mark.parametrize("version", VERSIONS)
def test_settings_of_a_person_do_not_reach_packer(replay: Callable[..., Replay], lab: Settings, version: str) -> None:
    """Of HCP, of Packer and of other endpoints. Its plugins come from one folder, its endpoint is the environment's."""
    here = replay(version, case="failed-task")
    here.more |= {
        "HCP_PACKER_BUCKET_NAME": "mine",
        "HCP_CLIENT_ID": "mine",
        "PKR_VAR_version": "mine",
        "PACKER_LOG": "1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
    loose = here.root / "packer-plugin-loose"
    loose.write_text(f"#!/bin/sh\ntouch {here.root}/ran\n")
    loose.chmod(0o755)
    ended = here.begin().end()
    assert ended.code == (2 if version == "1.6.6" else 1)
    builds = [note["environment"] for note in Home(here.packer).notes if note.get("argv", [""])[0] == "build"]
    if version == "1.6.6":  # it runs what lies there whatever is set, so that nothing is built
        assert builds == []
        assert "packer-plugin-loose" in ended.said
        return
    (given,) = builds
    assert not (here.root / "ran").exists()
    assert {name for name in given if name.startswith("HCP_")} <= {"HCP_PACKER_REGISTRY"}
    assert given.get("HCP_PACKER_REGISTRY", "off") == "off"
    assert given["AWS_ENDPOINT_URL"] == lab.endpoint
    assert not given.keys() & {"PKR_VAR_version", "PACKER_LOG", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}
    assert not given.keys() & {"AWS_MAX_ATTEMPTS"}
    assert os.pathsep not in given["PACKER_PLUGIN_PATH"]


def test_plan_when_the_workspace_wants_more_than_there_is(replay: Callable[..., Replay]) -> None:
    """A newer plugin than any that is here, one for a fragment, and the program that Session Manager takes."""
    here = replay("1.16.0")
    definition, variables = here.root / "ami.yml", here.root / "packer/environments/lab.pkrvars.hcl"
    written = definition.read_text()

    def plan(pins: str) -> tuple[int, str]:
        definition.write_text(f"{written}packer: {{required_plugins: {{{pins}}}}}\n")
        done = here.ami("plan")
        return done.returncode, done.stderr

    assert plan("amazon: '>= 1.8.0'") == (0, "")
    code, said = plan("amazon: '>= 1.9.0', docker: {source: github.com/hashicorp/docker, version: ~> 1.0}")
    assert code == 3
    assert "github.com/hashicorp/amazon >= 1.2.1, < 2.0.0, >= 1.9.0" in said
    assert "github.com/hashicorp/docker ~> 1.0" in said
    assert "packer-plugin-amazon_v1.8.2" in said
    definition.write_text(written)
    variables.write_text(variables.read_text().replace('"private_ip"', '"session_manager"'))
    assert here.ami("plan").returncode == 3
    (program,) = [
        one
        for one in json.loads(here.ami("doctor", "--json").stdout)["checks"]
        if one["name"] == "session-manager-plugin"
    ]
    assert not program["ok"]


def test_shipped_images_pass_a_named_packer(other_packer: Given, tmp_path: Path) -> None:
    """`fmt -check` and `validate` find nothing in what `ami render` writes for it."""
    given = {
        **os.environ,
        "PATH": f"{other_packer.folder}:{os.environ['PATH']}",
        "PACKER_PLUGIN_PATH": str(other_packer.folder / "plugins"),
        "CHECKPOINT_DISABLE": "1",
    }

    def run(*argv: str) -> str:
        return subprocess.run(argv, cwd=REPOSITORY, env=given, capture_output=True, text=True, check=True).stdout

    for image in ("golden", "web", "analytics"):
        run(str(PROGRAMS / "ami"), "render", image, "--out", str(tmp_path))
        file = tmp_path / f"{image}.pkr.hcl"
        assert f'Rendered for "Packer {other_packer.version}' in file.read_text()
        assert run("packer", "fmt", "-check", "-diff", str(file)) == ""
        run("packer", "validate", "-var-file=packer/environments/lab.pkrvars.hcl", str(file))


@pytest.fixture
def named(other_packer: Given, tmp_path: Path, lab: Settings, ec2: Any, light_ami: str) -> Iterator[Replay]:
    """A workspace with one image, and one of the Packers that `--packers` names."""
    if other_packer.plays:
        Home(other_packer.folder).change(case="ok", provisions=True, holds={})
    image = f"named-{other_packer.version.replace('.', '-')}"
    made = workspace(tmp_path / "named", [image], other_packer.folder, lab, start=light_ami)
    yield made
    discard(ec2, [made])


def test_image_is_validated_with_a_named_packer(named: Replay, other_packer: Given, ec2: Any) -> None:
    """By the whole of `ami build`, from what `ami doctor` finds in order."""
    code, findings = doctor(named)
    assert code == 0
    assert other_packer.version in findings["packer"]["message"]
    ended = named.begin().end()
    assert (ended.code, ended.outcome.get("status")) == (0, "validated"), ended.said
    found = left(ec2, [named])
    assert (found["images"], found["instances"], found["keys"]) == ([ended.outcome["ami_id"]], [], [])
    shown = json.loads(named.ami("show", ended.outcome["ami_id"], "--json").stdout)
    assert shown["built_with"]["packer"] == other_packer.version
    assert {"amazon", "ansible"} <= shown["built_with"].keys() or other_packer.version.startswith("1.6.")


def test_image_is_validated_with_a_named_packer_when_calls_are_throttled(
    named: Replay, other_packer: Given, ec2: Any, faults: FaultControl
) -> None:
    """Three calls of ten are refused at first."""
    if other_packer.plays:
        Home(other_packer.folder).change(case="throttled")
    rule = faults.set("throttle", 0.3, "ec2:*", seed=3)
    ended = named.begin().end()
    assert faults.hits(rule) > 10
    faults.clear()
    assert (ended.code, ended.outcome.get("status")) == (0, "validated"), ended.said
    found = left(ec2, [named])
    assert (found["images"], found["instances"], found["keys"]) == ([ended.outcome["ami_id"]], [], [])


def test_named_packer_when_there_is_no_capacity(
    named: Replay, other_packer: Given, ec2: Any, faults: FaultControl
) -> None:
    """It is told as what it is, and nothing stays."""
    if other_packer.plays:
        Home(other_packer.folder).change(case="no-capacity", patience=1.0)
    faults.set("capacity", 0.0, "ec2:RunInstances", instance_type="t3.medium")
    variables = named.root / "packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text().replace("t3.small", "t3.medium"))
    ended = named.begin().end()
    assert ended.code == 1
    assert "InsufficientInstanceCapacity" in ended.reason
    assert left(ec2, [named]) == NOTHING


def test_dry_run_by_hand_with_a_named_packer(
    named: Replay, other_packer: Given, ec2: Any, lab: Settings, tmp_path: Path
) -> None:
    """As the head of the file says: with a key of Packer's own, to the end, and no AMI."""
    if other_packer.plays or other_packer.version.startswith("1.6."):
        pytest.skip("there is no dry run with this Packer")
    before = held(ec2)
    assert named.ami("render", named.image, "--out", str(tmp_path)).returncode == 0
    file = tmp_path / f"{named.image}.pkr.hcl"
    argv = ["packer", "build", "-var-file=packer/environments/lab.pkrvars.hcl", "-var", "dry_run=true", str(file)]
    environment = {**named.environment, "AWS_ENDPOINT_URL": lab.endpoint, "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(argv, cwd=named.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "TASK [marker : Leave a mark]" in done.stdout
    assert held(ec2) == before
    assert left(ec2, [named]) == NOTHING


def test_named_packer_without_its_plugins(named: Replay, tmp_path: Path) -> None:
    """It is told before anything is begun."""
    named.more |= {"PACKER_PLUGIN_PATH": None, "HOME": str(tmp_path)}
    done = named.ami("build", "--yes")
    assert done.returncode == 3
    assert "github.com/hashicorp/amazon" in done.stderr
