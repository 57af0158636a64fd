"""AMIs that nobody waits for any more, in every shape in which a Packer leaves them: shown, and then removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.build.cleanup.leftovers import Build
from orchestrator.build.cleanup.remove import LATE, clean_up
from orchestrator.run.session.identity import SUMMARY_FILE, begin
from orchestrator.run.session.life import life_of
from tests.lab.swept import BUCKET, dead_here, lease, run_id, tags

if TYPE_CHECKING:
    from orchestrator.aws.resource_kind import ResourceKind
    from tests.lab.conftest import FaultControl
    from tests.lab.swept import Swept

pytestmark = pytest.mark.long(40)


def leave_amis(swept: Swept, faults: FaultControl, run: str) -> dict[str, str]:
    """What builds of a run leave whose Packer ended while it waited for its AMI, by what it is called."""
    name = f"tiny-{run[-6:]}"
    machine = swept.launch(tags(run, name=name))
    swept.stop(machine)
    half = {"image": tags(run, name=name), "snapshot": tags(run, name=name)}
    left = {"to encrypt": swept.image(machine, f"X{run[-6:]}")[0]}
    faults.set("slow-image", 600)
    left["tagged, pending"] = swept.begun(machine, name, **half)  # Packer's plugin from 1.0.2 on
    faults.clear()
    return left


def leave_more_amis(swept: Swept, faults: FaultControl, run: str, intermediary: str) -> dict[str, str]:
    """The same in further shapes; `intermediary` is an AMI that Packer was about to copy."""
    name = f"tiny-{run[-6:]}"
    machine = swept.launch(tags(run, name=name))
    swept.stop(machine)
    for number in (2, 3):
        swept.key(run, f"{name}-{number}")
    half = {"image": tags(run, name=name), "snapshot": tags(run, name=name)}
    left = {"tagged": swept.image(machine, f"{name}-4", **half)[0]}
    faults.set("slow-image", 600)
    left["pending"] = swept.begun(machine, f"{name}-2")
    copied = {"SourceImageId": intermediary, "SourceRegion": "us-east-1"}
    left["pending copy"] = str(swept.ec2.copy_image(**copied, Name=f"{name}-3")["ImageId"])
    faults.clear()
    return left


def listed(swept: Swept) -> dict[str, dict[str, Any]]:
    """What `ami list` tells of each AMI."""
    told = json.loads(swept.ami("--json", command="list"))
    return {one["ami_id"]: one for one in (*told["versions"], *told["unproven"])}


def test_ami_when_nobody_waits_for_it_any_more(swept: Swept, faults: FaultControl) -> None:
    """List and show call it unproven, with its run; the sweep takes a dead run's with its snapshots, and no others."""
    dead = run_id(101)
    alive = begin(swept.root)
    with life_of(swept.account, BUCKET, alive):
        lease(swept, dead_here(dead))
        before = swept.present()
        amis = {run: leave_amis(swept, faults, run) for run in (dead, alive.id)}
        amis[dead] |= leave_more_amis(swept, faults, dead, amis[dead]["to encrypt"])
        of_dead = {one for one in swept.present() - before if _is_of(swept, one, dead, amis[dead])}
        machine = next(name for kind, name in of_dead if kind is INSTANCE)
        finished = swept.image(machine, "tiny-good", image=tags(dead, **{"ami:state": "built"}), snapshot=tags(dead))
        by_hand = swept.image(machine, "rescued-by-hand")

        known = listed(swept)
        assert {name: known[ami]["run"] for name, ami in amis[dead].items()} == dict.fromkeys(amis[dead], dead)
        assert {known[ami]["state"] for run in amis for ami in amis[run].values()} == {"unproven"}
        assert known[finished[0]]["state"] == "built"
        assert by_hand[0] not in known
        shown = json.loads(swept.ami(amis[dead]["to encrypt"], "--json", command="show"))
        assert (shown["state"], shown["run"], shown["next"]) == ("unproven", dead, "`ami sweep` removes it")
        assert "Packer made it of the run's machine" in shown["reason"]
        assert "while its run may live" in swept.ami(amis[alive.id]["to encrypt"], command="show")

        told = json.loads(swept.ami("--yes", "--json"))
        after = swept.present()
        assert set(amis[dead].values()) <= {one["id"] for one in told["found"] if one["status"] == "removed"}
        assert all(one["proof"] for one in told["found"] if one["id"] in amis[dead].values())
        (left,) = told["left_alone"]
        assert left["run"] == alive.id
        assert set(amis[alive.id].values()) <= {one["id"] for one in left["things"] if one["kind"] == "AMI"}
        assert not of_dead & after
        assert {(IMAGE, ami) for ami in amis[alive.id].values()} <= after
        kept = {
            (kind, name) for each in (finished, by_hand) for kind, name in zip((IMAGE, SNAPSHOT), each, strict=True)
        }
        assert kept <= after
    (alive.folder / SUMMARY_FILE).write_text("{}")
    swept.ami("--yes")
    assert not {(IMAGE, ami) for ami in amis[alive.id].values()} & swept.present()


def _is_of(swept: Swept, one: tuple[ResourceKind, str], run: str, amis: dict[str, str]) -> bool:
    """Whether a thing is a run's: by its tags, or an AMI of these, or a snapshot for one of these."""
    kind, name = one
    if kind is IMAGE:
        return name in amis.values()
    if kind is SNAPSHOT:
        (told,) = swept.ec2.describe_snapshots(SnapshotIds=[name])["Snapshots"]
        return any(ami in told["Description"] for ami in amis.values())
    filters = [{"Name": "resource-id", "Values": [name]}, {"Name": "key", "Values": ["ami:run"]}]
    return run in {tag["Value"] for tag in swept.ec2.describe_tags(Filters=filters)["Tags"]}


def test_ami_when_it_is_not_known_yet(swept: Swept, faults: FaultControl) -> None:
    """Of a Packer that ended just after CreateImage: the clean-up, and the sweep, wait until EC2 lists what it made."""
    cleaned, killed = run_id(102), run_id(103)
    lease(swept, dead_here(killed))
    before = swept.present()
    machines = {run: swept.launch(tags(run, name=f"tiny-{run[-6:]}")) for run in (cleaned, killed)}
    for run in machines:
        swept.key(run, f"tiny-{run[-6:]}")
    swept.stop(*machines.values())
    faults.set("slow-image", 600)
    hidden = faults.set("consistency", 4, "ec2:Describe*", "ec2:DeregisterImage")
    swept.begun(machines[cleaned], f"tiny-{cleaned[-6:]}")
    assert clean_up(swept.account, Build(cleaned, "tiny", (f"tiny-{cleaned[-6:]}",)), late=LATE) == ()
    swept.begun(machines[killed], f"tiny-{killed[-6:]}")
    swept.ami("--yes")
    assert faults.hits(hidden) > 0
    faults.clear()
    assert swept.present() - before == set()
