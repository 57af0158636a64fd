"""What is too old to build on is refused: file, line, its age, and who says how old it may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError
from orchestrator.plan.ages import built_on, check_ages
from orchestrator.plan.steps import known, steps
from tests.unit.plan.test_steps import segment, version

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.plan.steps import PlanStep
    from orchestrator.registry import Version

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SOURCES = {"debian": ("ami-debian", "2026-08-01T00:00:00.000Z")}
FAMILY = (segment("golden", None), segment("web", "golden"))
IMAGE = "name: %s\ndescription: x\nowner: {team: t, email: t@example.com}\nfrom: %s\nlayers: [%s]\n"


def workspace_at(root: Path, require: str, extends: str = "") -> Path:
    files = {
        "ami.yml": f"name: {root.name}\n{extends}require: {require}\n",
        "packer/images/web.yml": IMAGE % ("web", "golden", "workload"),
    }
    if not extends:
        files["ami.yml"] += "sources:\n  debian: {ami_id: ami-0123456789abcdef0, ssh_username: admin}\n"
        files["ami.yml"] += "layers: [base, workload]\n"
        files |= {"playbooks/default.yml": "[]\n", "packer/images/golden.yml": IMAGE % ("golden", "debian", "base")}
        del files["packer/images/web.yml"]
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def planned(*versions: Version) -> tuple[PlanStep, ...]:
    return steps(FAMILY, wanted={"web"}, account=known(versions))


def made(when: str, created: str = "2026-11-24T00:00:00.000Z") -> Version:
    golden = version("golden", created=created)
    return replace(golden, version=f"{when}-1a2b3c4d")


def problems_with(root: Path, decided: tuple[PlanStep, ...], sources: dict[str, tuple[str, str]]) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        check_ages(load(root), built_on(decided, sources), NOW)
    return caught.value


def test_source_when_it_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image that would be built is reported; the strictest workspace is not the only one that is named."""
    factory = workspace_at(tmp_path / "factory", "{source_age: 90d, version_age: 12h}")
    team = workspace_at(tmp_path / "team", "{source_age: 16w}", "extends: ../factory\n")
    monkeypatch.chdir(team)
    error = problems_with(team, planned(), SOURCES)
    what = "source 'debian' is ami-debian, which is 116 days old: "
    by = {"factory": f"factory requires source_age 90d ({factory}/ami.yml:2)", "team": "team requires source_age 16w"}
    assert str(error).splitlines() == [
        f"{factory}/packer/images/golden.yml:4: {what}{by['factory']}",
        f"{factory}/packer/images/golden.yml:4: {what}{by['team']} (ami.yml:3)",
        f"packer/images/web.yml:4: {what}{by['factory']}",
        f"packer/images/web.yml:4: {what}{by['team']} (ami.yml:3)",
    ]
    assert error.hint == "no newer AMI fits the source 'debian': name another one in ami.yml"


@pytest.mark.parametrize(
    ("golden", "age"),
    [
        (made("20261028T115959Z"), "28 days"),
        (made("20261120T000000Z", "2026-10-20T00:00:00.000Z"), "36 days"),
        (made("somewhen", "2026-10-20T00:00:00.000Z"), "36 days"),
    ],
    ids=["by its name", "by its AMI", "by its AMI alone"],
)
def test_version_when_it_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Version, age: str) -> None:
    """It is as old as the older of two dates: that of its name, and that of its AMI."""
    root = workspace_at(tmp_path / "factory", "{version_age: 4w}")
    team = workspace_at(tmp_path / "team", "{}", "extends: ../factory\n")
    monkeypatch.chdir(team)
    error = problems_with(team, planned(golden), {})
    rule = f"factory requires version_age 4w ({root}/ami.yml:2)"
    assert str(error) == f"packer/images/web.yml:4: golden {golden.version} is {age} old: {rule}"
    assert error.hint == "ami build golden --rebuild"


def test_ages_when_nothing_is_too_old(tmp_path: Path) -> None:
    """As old as it may be, built anew by the same run, or used by nothing that is built."""
    root = workspace_at(tmp_path / "factory", "{source_age: 4w, version_age: 4w}")
    young = {"debian": ("ami-debian", "2026-10-28T12:00:00.000Z")}
    check_ages(load(root), built_on(planned(made("20261028T120000Z")), young), NOW)
    check_ages(load(root), built_on(planned(), young), NOW)
    check_ages(load(root), built_on(planned(made("20200101T000000Z"), version("web")), SOURCES), NOW)
