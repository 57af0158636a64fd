"""Where an adopted template is written, and what is left alone there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adopt.reading.template import read_template
from orchestrator.adopt.written import extended
from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError
from orchestrator.plan.inputs import Collector
from orchestrator.plan.stack import outlines
from tests.cli.contract import printed
from tests.unit.adopt.conftest import PROJECT, TEMPLATES, AdoptedTemplate, adopt_into, read_call, steps_of

AMI = Path(sys.executable).parent / "ami"
PORTAL = str(TEMPLATES / "portal-json/portal.json")
GIVEN = ("--owner", "portal <portal@example.com>", "--var", "release=7", "--yes")


def ami(*arguments: str, cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AMI, "adopt", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace that has an ami.yml with comments, and extends this repository."""
    (tmp_path / "ami.yml").write_text(
        f"# Mine.\nname: mine\nextends: {PROJECT}\n\nsources: # where it starts\n    # Debian.\n"
        "    mine:\n        ami_id: ami-0123456789abcdef0\n        ssh_username: admin\n\n# The order counts.\n"
        "layers:\n    - own\n\nmasks: [TOKEN]\n"
    )
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/own.yml").write_text("[]\n")
    return tmp_path


def test_a_workspace_that_is_there_keeps_what_it_says(workspace: Path) -> None:
    before = (workspace / "ami.yml").read_text()
    adopted = adopt_into(workspace, read_call("fleet"))
    after = (workspace / "ami.yml").read_text()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert added == ["    - fleet-api", "    - worker"], "the shipped workspace has the sources"
    assert after.startswith(before[: before.index("layers")])
    assert list(adopted.workspace.layers)[-3:] == ["own", "fleet-api", "worker"]
    assert adopted.workspace.images["fleet-api"].from_ == "mine", "an equal source is used as it is"


def test_names_that_are_taken_get_a_number(workspace: Path) -> None:
    for text in ("packer/images", "packer/environments"):
        (workspace / text).mkdir(parents=True)
    first = adopt_into(workspace, read_call("bastion"))
    second = adopt_into(workspace, read_call("search"))
    assert (first.adoption.images, second.adoption.images) == (("bastion",), ("search",))
    shutil.copy(workspace / "packer/images/search.yml", workspace / "packer/images/portal.yml")
    text = (workspace / "packer/images/portal.yml").read_text().replace("name: search", "name: portal")
    (workspace / "packer/images/portal.yml").write_text(text)
    third = adopt_into(workspace, read_call("portal"))
    assert third.adoption.images == ("portal-2",)
    assert "source 'amazon-ebs.amazon-ebs' is the image 'portal-2'" in third.adoption.notes
    assert set(load(workspace).images) >= {"bastion", "portal", "portal-2", "search"}


def test_lists_in_one_line_are_refused_with_their_line() -> None:
    with pytest.raises(DefinitionError, match=r"ami.yml:2: `layers` is written in one line"):
        extended("name: x\nlayers: [a]\n", Path("ami.yml"), {}, ["b"])


def test_dry_run_prints_and_writes_nothing(tmp_path: Path) -> None:
    done = ami(PORTAL, *GIVEN, "--to", str(tmp_path / "new"), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "    description: Portal 7\n" in done.stdout
    assert "not carried over (12):" in done.stdout
    assert not (tmp_path / "new").exists()


def test_what_says_something_else_is_overwritten_with_force_only(tmp_path: Path) -> None:
    new = tmp_path / "new"
    first = ami(PORTAL, *GIVEN, "--to", str(new), "--json")
    report = printed(first.stdout)
    assert (first.returncode, report["problems"], report["images"]) == (0, [], [{"image": "portal"}])
    script = new / "packer/files/portal/scripts/install.sh"
    assert script.stat().st_mode & 0o100

    script.write_text("changed\n")
    second = ami(PORTAL, *GIVEN, "--to", str(new))
    assert second.returncode == 2
    assert "packer/files/portal/scripts/install.sh in" in second.stderr
    assert "would be overwritten" in second.stderr
    assert script.read_text() == "changed\n"

    third = ami(PORTAL, *GIVEN, "--to", str(new), "--force", "--json")
    changes = {each["file"]: each["change"] for each in printed(third.stdout)["files"]}
    assert changes.pop("packer/files/portal/scripts/install.sh") == "changed"
    assert set(changes.values()) == {"same"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--owner", "portal"), "--owner 'portal': write a team and an address"),
        (("--owner", "portal <portal@example.com>"), "portal.json:7: variable 'release' has no value"),
        ((*GIVEN, "--var", "releese=7"), "the template declares no variable 'releese' (did you mean 'release'?)"),
        ((*GIVEN, "--var", "release"), "--var release: write NAME=VALUE"),
    ],
)
def test_bad_input_ends_with_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = ami(PORTAL, *arguments, "--to", str(tmp_path / "new"))
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_new_workspace_where_there_is_none_stands_by_itself(tmp_path: Path) -> None:
    done = ami(PORTAL, *GIVEN, cwd=tmp_path)
    assert done.returncode == 2
    assert "hint: go to a workspace, or have a new one written: --to DIR" in done.stderr
    done = ami(PORTAL, *GIVEN, "--to", str(tmp_path / "new"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "extends" not in (tmp_path / "new/ami.yml").read_text()
    load(tmp_path / "new")


def test_a_template_without_images_says_why(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"builders": [\n{"type": "docker"},\n{"type": "amazon-ebs", "ssh_username": "admin"}]}')
    done = ami(str(path), "--owner", "x <x@example.com>", "--to", str(tmp_path / "new"))
    assert done.returncode == 2
    assert f"{path}:2: the factory builds with amazon-ebs only, not with docker" in done.stderr
    assert f"{path}:3: no image is made of it: it names neither source_ami nor source_ami_filter" in done.stderr


def test_the_adopted_files_count_in_the_fingerprint(tmp_path: Path) -> None:
    """A changed script of a kept provisioner builds the image again, and a changed folder as well."""

    def fingerprint(adopted: AdoptedTemplate, image: str) -> str:
        environment = adopted.workspace.environment()
        collector = Collector(adopted.workspace, environment, datetime(2026, 11, 25, tzinfo=UTC))
        (layer,) = outlines(adopted.workspace, [image])[-1].layers
        source = adopted.workspace.sources["debian-12"]
        return collector.layer(layer, collector.start(source, "ami-1")).fingerprint

    for name, file in (("portal", "portal/scripts/clean.sh"), ("cache", "cache/tree/etc/cache.d/policy")):
        adopted = adopt_into(tmp_path / name, read_call(name))
        before = fingerprint(adopted, name)
        assert before == fingerprint(adopted, name)
        path = adopted.root / "packer/files" / file
        path.write_text("changed\n")
        assert before != fingerprint(adopted, name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.pkr.hcl: has no build with a source"),
        (
            'source "amazon-ebs" "web" {\n}\nbuild {\n  sources = ["source.amazon-ebs.wbe"]\n}\n',
            "t.pkr.hcl:4: the template has no source 'amazon-ebs.wbe' (did you mean 'amazon-ebs.web'?)",
        ),
        ('build {\n  sources = "x"\n}\n', "t.pkr.hcl:2: the sources of the build are not known: they are no list"),
    ],
)
def test_a_template_whose_builds_have_no_sources_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.pkr.hcl"
    path.write_text(text)
    with pytest.raises(DefinitionError) as refused:
        adopt_into(tmp_path / "new", read_template(path, {}))
    assert message in str(refused.value)


def test_a_template_without_provisioners_runs_none(tmp_path: Path) -> None:
    """The layer's own playbook is not run in their place: it is empty."""
    path = tmp_path / "bare.json"
    builder = {"type": "amazon-ebs", "region": "us-east-1", "source_ami": "ami-01234567", "ssh_username": "admin"}
    path.write_text(json.dumps({"builders": [builder]}))
    adopted = adopt_into(tmp_path / "new", read_template(path, {}))
    assert steps_of(adopted.rendered_blocks("bare")) == []
