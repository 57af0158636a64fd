"""One team of many: `ami plan` on three levels, with 49 other teams' workspaces and AMIs, against none of them."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.row import Row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.program import Ended
    from tests.bench.setting import Setting

_OTHERS = 49
#: Images of each team.
_IMAGES = 4
_AIM = 1.3

_TEAM = "---\nname: {name}\nextends: {{path: ../department}}\n"
_IMAGE = """\
---
name: {name}
description: An image of {team}
owner: {{team: {team}, email: {team}@example.com}}
from: golden
layers: [workload]
"""


def run(setting: Setting) -> list[Row]:
    """Seconds of a plan with the other teams, by those without them. What it says must be the same."""
    if not setting.stands:
        setting.tell("teams: ami build of all images from nothing, to have a golden image")
        setting.build_from_nothing()
    setting.loaded()
    _workspace(setting.folder / "department", "---\nname: department\nextends: {path: ../workspace}\n")
    team = _team(setting.folder, "team-00")
    setting.tell("teams: ami plan of one team")
    alone = _planned(setting, team)
    setting.tell(f"teams: writing {_OTHERS} teams and their AMIs")
    for number in range(1, _OTHERS + 1):
        _team(setting.folder, f"team-{number:02}")
        for image in range(_IMAGES):
            _registered(setting.lab.ec2, f"team-{number:02}-image-{image}")
    setting.stands = False
    setting.tell(f"teams: ami plan of one of {_OTHERS + 1}")
    among = _planned(setting, team)
    said = "" if _steps(alone) == _steps(among) else "the plan says something else than without the other teams"
    seconds = [median(one.seconds for one in ended) for ended in (among, alone)]
    compared = f"plan of one team among {_OTHERS + 1} : alone"
    return [Row("teams", compared, seconds[0], seconds[1], aim=_AIM, failed=said)]


def _planned(setting: Setting, team: Path) -> list[Ended]:
    return [setting.ami("plan", "--json", workspace=team) for _ in range(setting.rounds)]


def _steps(rounds: list[Ended]) -> Any:
    return json.loads(rounds[-1].out)["steps"]


def _workspace(root: Path, text: str) -> None:
    (root / "packer/images").mkdir(parents=True, exist_ok=True)
    (root / "ami.yml").write_text(text)


def _team(folder: Path, name: str) -> Path:
    """A team's workspace beside the others."""
    root = folder / name
    _workspace(root, _TEAM.format(name=name))
    for number in range(_IMAGES):
        image = f"{name}-image-{number}"
        (root / f"packer/images/{image}.yml").write_text(_IMAGE.format(name=image, team=name))
    return root


def _registered(ec2: Any, name: str) -> None:
    """An AMI of another team: with the tags of a workload on golden, under another name."""
    filters = [{"Name": "tag:ami:image", "Values": ["web"]}]
    (like, *_) = ec2.describe_images(Owners=["self"], Filters=filters)["Images"]
    tags = [{"Key": tag["Key"], "Value": tag["Value"].replace("web", name)} for tag in like["Tags"]]
    root = like["BlockDeviceMappings"][0]
    disk = {"DeviceName": root["DeviceName"], "Ebs": {"SnapshotId": root["Ebs"]["SnapshotId"]}}
    made = ec2.register_image(Name=f"{name}-1", RootDeviceName=like["RootDeviceName"], BlockDeviceMappings=[disk])
    ec2.create_tags(Resources=[made["ImageId"]], Tags=tags)
