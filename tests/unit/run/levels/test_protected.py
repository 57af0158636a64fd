"""What the record of a build says of protected layers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from orchestrator.definition.environment import Environment
from orchestrator.definition.workspace import Workspace, load
from orchestrator.plan.inputs import Inputs
from orchestrator.plan.stack import outlines
from orchestrator.run.levels.protected import commit_of_level, protected_layers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.segment import Segment

FILES = {
    "ami.yml": "name: factory\nsources:\n  debian:\n    {ami_id: ami-0123456789abcdef0, ssh_username: admin}\nlayers:\n"
    "  - base: {protected: true}\n  - tools\n",
    "playbooks/default.yml": "[]\n",
    "packer/images/golden.yml": "name: golden\ndescription: d\nowner: {team: t, email: t@example.com}\nfrom: debian\n"
    "layers: [base, tools]\n",
}
TEAM = {
    "ami.yml": "name: team\nextends: ../factory\nlayers:\n  - guarded: {protected: true}\n",
    "packer/images/web.yml": "name: web\ndescription: d\nowner: {team: t, email: t@example.com}\nfrom: golden\n"
    "layers: [guarded]\n",
}
BUCKET = "records"


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def environment() -> Iterator[Environment]:
    with mock_aws():
        made = Environment(
            name="lab", path=Path("lab"), region="us-east-1", access_key="a", secret_key="b", artifact_bucket=BUCKET
        )
        made.account.client("s3").create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture
def team(tmp_path: Path) -> Workspace:
    factory = written(tmp_path / "factory", FILES)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "f"]):
        subprocess.run(["git", "-C", factory, *command], check=True)
    return load(written(tmp_path / "team", TEAM))


def segment_of(team: Workspace, base: str) -> Segment:
    """`web`, whose layer `base` has the fingerprint `base`."""
    inputs: Inputs | None = None
    for layer, fingerprint in (("start", "s"), ("base", base), ("tools", "t"), ("guarded", "g")):
        inputs = Inputs(layer, (), inputs, fingerprint)
    assert inputs
    return outlines(team, ["web"])[-1].planned(inputs, tests="", shared=False)


def test_protected_layers_when_two_levels_protect_some(team: Workspace, environment: Environment) -> None:
    """Each with the level that protects it and the commit of that; what nobody protects is not there."""
    found = protected_layers(team, environment, segment_of(team, "b"), base="ami-1", commit="own")
    (factory,) = [level for level in team.chain() if level.name == "factory"]
    commit = commit_of_level(team, factory, "own")
    assert len(commit) == len("c" * 40)
    assert found == [
        {"layer": "base", "fingerprint": "b", "level": "factory", "origin": "../factory", "commit": commit},
        {"layer": "guarded", "fingerprint": "g", "level": "team", "origin": "", "commit": "own"},
    ]
    (factory.root / "ami.yml").write_text(FILES["ami.yml"] + "\n")
    assert commit_of_level(team, factory, "own") == f"{commit}-dirty"


def test_protected_layers_when_the_parent_was_built_from_another_definition(
    team: Workspace, environment: Environment
) -> None:
    """The record of the AMI that it was built on says what that was built from."""
    old = {"layer": "base", "fingerprint": "old", "level": "factory", "origin": "", "commit": "before"}
    record = {"history": [{"state": "built", "protected": [old]}, {"state": "validated", "protected": []}]}
    environment.account.client("s3").put_object(Bucket=BUCKET, Key="versions/ami-1.json", Body=json.dumps(record))
    segment = segment_of(team, "")
    found = protected_layers(team, environment, segment, base="ami-1", commit="own")
    assert [one["fingerprint"] for one in found] == ["old", "g"]
    assert found[0] == old
    nowhere = protected_layers(
        team, environment.model_copy(update={"artifact_bucket": ""}), segment, base="ami-1", commit="own"
    )
    assert [one["fingerprint"] for one in nowhere] == [None, "g"]
