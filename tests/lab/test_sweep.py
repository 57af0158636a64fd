"""`ami sweep` against an account with leftovers of every kind: a dead run's go, nothing else is touched."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.kinds import kind_named
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.lease import KIND as LEASE
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.aws.resources.volume import KIND as VOLUME
from orchestrator.run.leases.lease import Leases, run_key
from orchestrator.run.leases.lease_record import Records
from orchestrator.run.leases.owner import this_process
from orchestrator.run.session.identity import begin
from orchestrator.run.session.life import life_of
from tests.lab.swept import BUCKET, PROGRAMS, dead_here, lease, leases, run_id, spec, tags

if TYPE_CHECKING:
    from tests.lab.swept import Swept

pytestmark = pytest.mark.long(60)


def test_sweep_when_one_run_is_dead_and_one_lives(swept: Swept) -> None:
    """Everything of the dead one goes; the living one's, the finished AMI and what is nobody's stay."""
    dead, foreign = run_id(1), swept.launch({"Name": "somebody's"})
    alive = begin(swept.root)
    with life_of(swept.account, BUCKET, alive):
        swept.leave_all(dead)
        swept.leave_all(alive.id)
        machine = next(name for kind, name in swept.made[dead] if kind is INSTANCE)
        finished = swept.image(
            machine, "tiny-good", image=tags(dead) | {"ami:state": "built", "ami:fingerprint": "f"}, snapshot=tags(dead)
        )
        theirs = swept.image(foreign, "somebody's")
        lease(swept, dead_here(dead))
        lease(swept, dead_here(dead), key="build/tiny/f00d")
        before = swept.present()
        told = json.loads(swept.ami("--yes", "--json"))
        after = swept.present()
        assert leases(swept) == {run_key(alive.id)}
    gone = {(kind_named(one["kind"]), one["id"]) for one in told["found"]}
    expected = swept.made[dead] | {(LEASE, run_key(dead)), (LEASE, "build/tiny/f00d")}
    assert gone == expected
    assert {one["status"] for one in told["found"]} == {"removed"}
    volumes = {one for one in before - after if one[0] is VOLUME}  # with the root volume of the machine
    assert before - after - volumes == swept.made[dead] - volumes
    assert swept.made[alive.id] <= after
    assert {
        (IMAGE, finished[0]),
        (SNAPSHOT, finished[1]),
        (INSTANCE, foreign),
    } <= after
    assert {(IMAGE, theirs[0]), (SNAPSHOT, theirs[1])} <= after
    assert [one["run"] for one in told["left_alone"]] == [alive.id]


def test_sweep_when_there_is_nothing(swept: Swept) -> None:
    """It says so, and ends well."""
    assert "nothing to sweep" in swept.ami()


def test_sweep_when_the_owner_is_silent_elsewhere(swept: Swept) -> None:
    """Within its time to live a run elsewhere is left alone, although it is old; then it is dead."""
    run = run_id(2, day="20250101")
    key = swept.ec2.create_key_pair(KeyName=f"k-{run}", TagSpecifications=spec("key-pair", tags(run)))["KeyName"]
    owner = replace(this_process(run), machine="elsewhere", host="ci-7")
    with Leases(swept.account, BUCKET, owner).hold(run_key(run), stop=threading.Event()):
        assert "it lives on ci-7" in swept.ami("--yes")
        assert (KEY_PAIR, key) in swept.present()
    records = Records(swept.account.client("s3"), BUCKET, "us-east-1")
    assert records.write(run_key(run), owner, token="x", ttl=1)
    time.sleep(3.1)
    assert "no sign of life from ci-7" in swept.ami("--yes")
    assert (KEY_PAIR, key) not in swept.present()
    assert run_key(run) not in leases(swept)


def test_sweep_when_there_is_no_bucket(swept: Swept) -> None:
    """The folders of this workspace tell of its own runs; of others only their age does."""
    runs = {
        "gone": run_id(3),
        "ended": run_id(4),
        "lives": run_id(5, day="20250101"),
        "unknown": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-aaaaaa",
        "old": run_id(6, day="20250101"),
    }
    for name, run in runs.items():
        swept.ec2.create_key_pair(KeyName=f"k-{name}", TagSpecifications=spec("key-pair", tags(run)))
    for name in ("gone", "ended", "lives"):
        (folder := swept.root / ".ami/runs" / runs[name]).mkdir(parents=True)
        owner = dead_here(runs[name]) if name == "gone" else this_process(runs[name])
        (folder / "owner.json").write_text(json.dumps(owner.as_json()))
    (swept.root / ".ami/runs" / runs["ended"] / "summary.json").write_text("{}")
    swept.ami("--yes", "--env", "bare")
    left = {name for kind, name in swept.present() if kind is KEY_PAIR}
    assert {"k-lives", "k-unknown"} <= left
    assert not {"k-gone", "k-ended", "k-old"} & left


def test_sweep_when_a_machine_was_kept(swept: Swept) -> None:
    """It is shown and stays with its group; with --kept it goes."""
    run = run_id(7)
    lease(swept, dead_here(run))
    machine = swept.launch(tags(run, "validate", **{"ami:keep": "true"}))
    assert "kept:" in swept.ami("--yes")
    assert (INSTANCE, machine) in swept.present()
    lease(swept, dead_here(run))
    swept.ami("--yes", "--kept")
    assert (INSTANCE, machine) not in swept.present()


def test_sweep_when_something_cannot_be_removed(swept: Swept) -> None:
    """It is said with the reason, exit code 1, and what proves its death stays for the next sweep."""
    run = run_id(8)
    lease(swept, dead_here(run))
    machine = swept.launch(tags(run, name="tiny-8"))
    swept.ec2.create_key_pair(KeyName=f"k-{run}", TagSpecifications=spec("key-pair", tags(run, name="tiny-8")))
    swept.ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": True})
    told = json.loads(swept.ami("--yes", "--json", code=1))["found"]
    became = {one["id"]: (one["status"], one["trouble"]) for one in told}
    assert became[machine] == ("stayed", "OperationNotPermitted")
    assert became[f"k-{run}"][0] == "stayed"
    assert run_key(run) in leases(swept)
    swept.ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": False})
    swept.ami("--yes")
    assert run_key(run) not in leases(swept)
    assert not {(INSTANCE, machine), (KEY_PAIR, f"k-{run}")} & swept.present()


def test_sweep_when_images_are_in_two_regions(swept: Swept) -> None:
    """What a dead run left in the second region goes, its proofs too; what is not the run's stays."""
    run, there = run_id(14), swept.account.in_region("eu-west-1").client("ec2")
    environments = swept.root / "packer/environments"
    text = (environments / "lab.pkrvars.hcl").read_text()
    (environments / "wide.pkrvars.hcl").write_text(text + 'regions = ["eu-west-1"]\n')
    swept.ec2.create_key_pair(KeyName=f"k-{run}", TagSpecifications=spec("key-pair", tags(run)))
    there.create_key_pair(KeyName=f"k-{run}", TagSpecifications=spec("key-pair", tags(run)))
    volume, other = (
        there.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=spec("volume", made))["VolumeId"]
        for made in (tags(run), {"Name": "somebody's"})
    )
    lease(swept, dead_here(run))
    told = json.loads(swept.ami("--yes", "--json", "--env", "wide"))["found"]
    assert {(one["region"], one["id"], one["status"]) for one in told} == {
        ("us-east-1", f"k-{run}", "removed"),
        ("eu-west-1", f"k-{run}", "removed"),
        ("eu-west-1", volume, "removed"),
        ("us-east-1", run_key(run), "removed"),
    }
    assert [one["VolumeId"] for one in there.describe_volumes()["Volumes"]] == [other]
    assert there.describe_key_pairs()["KeyPairs"] == []
    assert run_key(run) not in leases(swept)
    there.delete_volume(VolumeId=other)


def started(swept: Swept) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAMS / "ami", "sweep", "--yes"],
        cwd=swept.root,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize(("number", "lines"), [(9, 1), (10, 2), (11, 4)])
def test_sweep_when_it_is_killed(swept: Swept, number: int, lines: int) -> None:
    """Whatever is gone by then, the next sweep knows whose the rest is."""
    run = run_id(number)
    swept.leave_all(run)
    lease(swept, dead_here(run))
    with started(swept) as process:
        assert process.stderr is not None
        for _ in range(lines):
            assert "removed" in process.stderr.readline()
        process.kill()
    swept.ami("--yes")
    assert not swept.made[run] & swept.present()
    assert run_key(run) not in leases(swept)


def test_sweep_when_it_is_interrupted(swept: Swept) -> None:
    """Ctrl-C ends it with the exit code for that; the rest is found again."""
    run = run_id(13)
    swept.leave_all(run)
    lease(swept, dead_here(run))
    with started(swept) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert "ami sweep finds it again" in said
    swept.ami("--yes")
    assert not swept.made[run] & swept.present()


def test_sweep_when_two_sweep_at_once(swept: Swept) -> None:
    """They do not get into each other's way, and the account is swept."""
    run = run_id(12)
    swept.leave_all(run)
    lease(swept, dead_here(run))
    both = [started(swept), started(swept)]
    assert [process.communicate(timeout=300)[1].count("stayed") for process in both] == [0, 0]
    assert [process.returncode for process in both] == [0, 0]
    assert not swept.made[run] & swept.present()
    assert run_key(run) not in leases(swept)


def test_sweep_when_a_lease_is_nobodys(swept: Swept) -> None:
    """An object that the factory did not write is left alone."""
    swept.account.client("s3").put_object(Bucket=BUCKET, Key="leases/notes.txt", Body=b"hello")
    assert "nothing to sweep" in swept.ami("--yes")
    assert "notes.txt" in leases(swept)


@pytest.mark.parametrize("text", ["2", "h", "2 weeks", "-3h"])
def test_sweep_when_the_age_is_no_time(swept: Swept, text: str) -> None:
    """What was typed is wrong: exit code 2."""
    assert "90m, 24h, 7d" in swept.ami(f"--older-than={text}", code=2)
