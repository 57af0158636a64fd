"""What a workspace allows and requires, seen from those who extend it and from itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.definition.conftest import AMI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Mistakes = Callable[..., list[str]]

HEAD = "description: x\nowner: {team: portal, email: p@example.com}\n"
OWN = "sources:\n  mine: {ami_id: ami-0123456789abcdef0, ssh_username: admin}\n"

#: What the factory's ami.yml says besides, from line 11 on; files of the team; the problems that it gets.
REFUSED: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "source": (
        "allow:\n  sources: ['ubuntu-*']\n",
        {"packer/images/x.yml": f"name: x\n{HEAD}from: debian-12\nlayers: [workload]\n"},
        ["packer/images/x.yml:4: source 'debian-12' is not allowed: factory allows 'ubuntu-*' (FACTORY:12)"],
    ),
    "source of the team's own, under an allowed name": (
        "allow:\n  sources: ['*']\n",
        {
            "ami.yml": f"name: team\nextends: ../w\n{OWN}",
            "packer/images/x.yml": f"name: x\n{HEAD}variants: [mine]\nlayers: [workload]\n",
        },
        [
            (
                "packer/images/x.yml:4: source 'mine' is not allowed, as this workspace declares it: "
                "factory allows '*' (FACTORY:12)"
            )
        ],
    ),
    "no source at all": (
        "allow:\n  sources: []\n",
        {"packer/images/x.yml": f"name: x\n{HEAD}from: debian-12\nlayers: [workload]\n"},
        ["packer/images/x.yml:4: source 'debian-12' is not allowed: factory allows none (FACTORY:12)"],
    ),
    "layer": (
        "allow:\n  layers: [workload, 'team-*']\n",
        {
            "ami.yml": "name: team\nextends: ../w\nlayers: [worklod, team-x]\n",
            "packer/images/x.yml": f"name: x\n{HEAD}from: golden\nlayers:\n  - worklod\n  - team-x\n",
            "playbooks/default.yml": "[]\n",
        },
        [
            (
                "packer/images/x.yml:6: layer 'worklod' is not allowed (did you mean 'workload'?): "
                "factory allows 'workload', 'team-*' (FACTORY:12)"
            )
        ],
    ),
    "region": (
        "allow: {regions: [eu-central-1, 'eu-west-?']}\n",
        {"packer/environments/far.pkrvars.hcl": 'region = "us-east-1"\nregions = ["eu-west-1", "eu-central-2"]\n'},
        [
            (
                "packer/environments/far.pkrvars.hcl:1: region 'us-east-1' is not allowed: "
                "factory allows 'eu-central-1', 'eu-west-?' (FACTORY:11)"
            ),
            (
                "packer/environments/far.pkrvars.hcl:2: region 'eu-central-2' is not allowed (did you mean "
                "'eu-central-1'?): factory allows 'eu-central-1', 'eu-west-?' (FACTORY:11)"
            ),
        ],
    ),
    "instance type": (
        "allow: {instance_types: [m7i.large]}\n",
        {
            "ami.yml": "name: team\nextends: ../w\nmachine: {instance_types: [m7i.large, m6i.large]}\n"
            "layers:\n  - extra: {machine: {instance_types: [c7i.large]}}\n",
            "playbooks/extra.yml": "[]\n",
            "packer/environments/far.pkrvars.hcl": 'region = "us-east-1"\nother_instance_types = ["m7i.xlarge"]\n',
            "packer/images/x.yml": f"name: x\n{HEAD}from: golden\nlayers: [extra]\nmachine:\n"
            "  instance_types:\n    - m7i.large\n    - p5.48xlarge\n",
        },
        [
            (
                "ami.yml:3: instance type 'm6i.large' is not allowed (did you mean 'm7i.large'?): "
                "factory allows 'm7i.large' (FACTORY:11)"
            ),
            (
                "ami.yml:5: instance type 'c7i.large' is not allowed (did you mean 'm7i.large'?): "
                "factory allows 'm7i.large' (FACTORY:11)"
            ),
            (
                "packer/environments/far.pkrvars.hcl:1: 'instance_type' is not written here, and instance type "
                "'t3.small' is not allowed: factory allows 'm7i.large' (FACTORY:11)"
            ),
            (
                "packer/environments/far.pkrvars.hcl:2: instance type 'm7i.xlarge' is not allowed (did you mean "
                "'m7i.large'?): factory allows 'm7i.large' (FACTORY:11)"
            ),
            (
                "packer/images/x.yml:9: instance type 'p5.48xlarge' is not allowed (did you mean "
                "'m7i.large'?): factory allows 'm7i.large' (FACTORY:11)"
            ),
        ],
    ),
    "owner": (
        "require:\n  owner: {team: [portals, platform], email: '*.example.com'}\n",
        {"packer/images/x.yml": f"name: x\n{HEAD}from: golden\nlayers: [workload]\n"},
        [
            "packer/images/x.yml:3: owner: 'email' is 'p@example.com': factory requires '*.example.com' (FACTORY:12)",
            (
                "packer/images/x.yml:3: owner: 'team' is 'portal' (did you mean 'portals'?): "
                "factory requires 'portals', 'platform' (FACTORY:12)"
            ),
        ],
    ),
    "tags": (
        "require:\n  tags:\n    cost-center: '[0-9][0-9]'\n    data-class: [public, internal]\n",
        {
            "packer/images/x.yml": f"name: x\n{HEAD}from: golden\nlayers: [workload]\ntags:\n"
            "  cost-centre: '42'\n  data-class: Public\n"
        },
        [
            (
                "packer/images/x.yml:6: tag 'cost-center' is missing (there is 'cost-centre'): "
                "factory requires '[0-9][0-9]' (FACTORY:13)"
            ),
            (
                "packer/images/x.yml:8: tag 'data-class' is 'Public' (did you mean 'public'?): "
                "factory requires 'public', 'internal' (FACTORY:14)"
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "files", "expected"), REFUSED.values(), ids=REFUSED)
def test_load_when_what_is_extended_does_not_allow_it(
    mistakes: Mistakes,
    project: Callable[..., Path],
    rules: str,
    files: Mapping[str, str],
    expected: list[str],
) -> None:
    """Each use at its file and line, with what is allowed, who says so, and where."""
    factory = project({"ami.yml": AMI + rules}) / "ami.yml"
    found = mistakes({"ami.yml": "name: team\nextends: ../w\n", **files}, folder="team", whole=False)
    mine = [line for line in found if not line.startswith(str(factory.parent))]
    assert mine == [line.replace("FACTORY", str(factory)) for line in expected]


def test_load_when_a_workspace_does_not_keep_its_own_rules(mistakes: Mistakes) -> None:
    """What it requires holds for its own images; what it allows holds for those who extend it."""
    rules = (
        "allow: {sources: [], layers: [], regions: [], instance_types: []}\n"
        "require: {owner: {team: platform}, tags: {a: '?'}}\n"
    )
    found = mistakes({"ami.yml": AMI + rules})
    assert [line.partition(": factory")[0].removeprefix("packer/images/") for line in found] == [
        "golden.yml:1: tag 'a' is missing",
        "web.yml:1: tag 'a' is missing",
        "web.yml:3: owner: 'team' is 'portal'",
    ]


def test_load_when_three_levels_have_rules(mistakes: Mistakes, project: Callable[..., Path]) -> None:
    """All hold: nobody in between can take back what is said below."""
    project({"ami.yml": AMI + "allow: {regions: ['eu-*']}\nrequire: {tags: {a: '?'}}\n"}, folder="factory")
    department = "name: department\nextends: ../factory\nallow: {regions: ['*']}\nrequire: {tags: {b: '?'}}\n"
    project({"ami.yml": department}, folder="department", whole=False)
    found = mistakes(
        {
            "ami.yml": "name: team\nextends: ../department\n",
            "packer/environments/far.pkrvars.hcl": 'region = "us-east-1"\n',
            "packer/images/x.yml": f"name: x\n{HEAD}from: golden\nlayers: [workload]\n",
        },
        folder="team",
        whole=False,
    )
    mine = [line.partition(" (/")[0] for line in found if not line.startswith("/")]
    assert mine == [
        "packer/environments/far.pkrvars.hcl:1: region 'us-east-1' is not allowed: factory allows 'eu-*'",
        "packer/images/x.yml:1: tag 'a' is missing: factory requires '?'",
        "packer/images/x.yml:1: tag 'b' is missing: department requires '?'",
    ]


def test_load_when_a_rule_cannot_be_kept(mistakes: Mistakes) -> None:
    rules = (
        "allow:\n  sources:\n    - debian-21\n  layer: [workload]\n"
        "require:\n  tags: {'ami:owner': x}\n  source_age: 90\n  version_age: ninety days\n"
    )
    assert [line for line in mistakes({"ami.yml": AMI + rules}) if line.startswith("ami.yml")] == [
        "ami.yml:14: unknown key 'layer' (did you mean 'layers'?)",
        "ami.yml:17: 'source_age' must be text, not a number: put it in quotes",
        "ami.yml:18: 'version_age' cannot be 'ninety days': A number of hours, days or weeks, as 12h, 7d or 4w.",
    ]
    assert mistakes({"ami.yml": AMI + "allow: {sources: [debian-21]}\nrequire: {tags: {'ami:owner': '*'}}\n"})[:2] == [
        "ami.yml:11: no source 'debian-21' (did you mean 'debian-12'?)",
        "ami.yml:12: tag 'ami:owner': the factory sets 'Name' and the keys that begin with 'ami:' itself",
    ]
