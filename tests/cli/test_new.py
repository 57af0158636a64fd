"""`ami new`: what it writes is read and passes linters, and what is there stays as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.definition.workspace import load
from tests.cli.in_process import typed

PROGRAMS = Path(sys.executable).parent
AMI_YML = """\
# What all images need.
name: shop
default_environment: lab
required_tags: ["ami:owner", cost-center]

sources:  # one for now
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin

layers:
- base:  # for everybody
    roles: [ssm_agent]
    protected: true

# What teams add.
- app

# The end.
machine:
  instance_types: [t3.small]
"""
IMAGE = """\
---
name: golden
description: What every server starts from
owner: {team: "The Platform, Inc", email: platform@example.com}
from: debian-12
layers: [base]
tags: {cost-center: "042"}
"""


def run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAMS / program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def new(*arguments: str, cwd: Path) -> list[str]:
    """What `ami new` says when all is well."""
    done = run("ami", "new", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace with an image; its ami.yml has comments in many places."""
    for name, text in (
        ("ami.yml", AMI_YML),
        ("packer/images/golden.yml", IMAGE.replace("The Platform, Inc", "platform")),
        ("packer/environments/lab.pkrvars.hcl", 'region = "us-east-1"\n'),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_workspace_when_everything_new_is_in_it(tmp_path: Path) -> None:
    """What `ami init` and each `ami new` write is rendered, and passes yamllint and ansible-lint."""
    assert run("ami", "init", "hello", cwd=tmp_path).returncode == 0
    root = tmp_path / "hello"
    new("role", "web_server", cwd=root)
    new("layer", "monitoring", "--after", "base", cwd=root)
    new("environment", "dev", "--region", "eu-central-1", cwd=root)
    new("image", "a-name-that-has-forty-characters-in-full", "--role", "web_server", cwd=root)
    new("layer", "services", cwd=root)
    said = new("image", "portal", "--from", "hello", "--role", "web_server", cwd=root / "roles")
    assert said == ["wrote ../packer/images/portal.yml", "next: ami plan portal"]
    loaded = load(root)
    assert list(loaded.layers) == ["base", "monitoring", "app", "services"]
    assert loaded.environment("dev").region == "eu-central-1"
    for program, *arguments in (
        ("ami", "render", "a-name-that-has-forty-characters-in-full", "--packer", "1.6.6"),
        ("yamllint", "--strict", "."),
        ("ansible-lint", "--offline", "--strict"),
    ):
        done = run(program, *arguments, cwd=root)
        assert done.returncode == 0, f"{program}\n{done.stdout}\n{done.stderr}"


def test_image_when_there_is_one_already(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new one starts where the first one does, has its layers, its owner, and the tags that must be there."""
    monkeypatch.chdir(shop)
    assert typed(monkeypatch, "new", "image", "portal") == 0
    portal, golden = (load(shop).image(name) for name in ("portal", "golden"))
    assert portal.model_dump(exclude={"name", "description"}) == golden.model_dump(exclude={"name", "description"})
    typed(monkeypatch, "new", "image", "cart", "--from", "golden", "--owner", "Shop: 24 <shop@example.org>")
    cart = load(shop).image("cart")
    assert [layer.name for layer in cart.layers] == ["app"]
    assert (cart.owner.team, cart.tags) == ("Shop: 24", {"cost-center": "042"})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), AMI_YML.replace("- app\n", "- app\n- extra\n")),
        (("--after", "app"), AMI_YML.replace("- app\n", "- app\n- extra\n")),
        (
            ("--after", "base", "--role", "ssm_agent"),
            AMI_YML.replace("    protected: true\n", "    protected: true\n- extra: {roles: [ssm_agent]}\n"),
        ),
    ],
)
def test_layer_when_it_is_added(
    shop: Path, arguments: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line comes in; all else stays as it was written."""
    monkeypatch.chdir(shop)
    assert typed(monkeypatch, "new", "layer", "extra", *arguments) == 0
    assert (shop / "ami.yml").read_text() == expected
    assert "extra" in load(shop).layers


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["image", "Web"], "'Web' cannot be the name of an image (did you mean 'web'?)"),
        (["image", "golden"], "there is an image or a source 'golden' already"),
        (["image", "debian-12"], "there is an image or a source 'debian-12' already"),
        (["image", "web", "--from", "goldn"], "no image or source 'goldn' (did you mean 'golden'?)"),
        (["image", "web", "--layer", "ap"], "no layer 'ap' (did you mean 'app'?)"),
        (
            ["image", "web", "--from", "golden", "--layer", "base"],
            "the layer 'base' cannot be applied: 'golden' has the layers base",
        ),
        (["image", "web", "--role", "sealed"], "no role 'sealed' (did you mean 'seal'?)"),
        (["role", "my-role"], "'my-role' cannot be the name of a role (did you mean 'my_role'?)"),
        (["layer", "base"], "there is a layer 'base' already"),
        (["layer", "seal"], "no layer may be called 'seal'"),
        (["layer", "extra", "--after", "bse"], "ami.yml has no layer 'bse' (did you mean 'base'?)"),
        (["layer", "extra", "--role", "agent"], "no role 'agent' (did you mean 'ssm_agent'?)"),
        (["environment", "lab", "--region", "us-east-1"], "there is an environment 'lab' already"),
        (["environment", "dev", "--region", "Frankfurt"], "'Frankfurt' is not a region's name"),
    ],
)
def test_new_when_it_cannot_be(
    shop: Path,
    arguments: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Names that are none, or taken, or unknown are mistakes, and nothing is written."""
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    monkeypatch.chdir(shop)
    code = typed(monkeypatch, "new", *arguments)
    assert (code, capsys.readouterr().err.splitlines()[0].replace(f"{shop}/", "")) == (2, f"error: {expected}")
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before


def test_role_when_it_is_somebody_elses(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A role of what the workspace extends is not hidden by accident, and a file that is there stays."""
    monkeypatch.chdir(shop)
    assert typed(monkeypatch, "new", "role", "ssm_agent") == 2
    assert "there is a role 'ssm_agent' already" in capsys.readouterr().err
    (shop / "roles/web/tests").mkdir(parents=True)
    (shop / "roles/web/tests/test_web.py").write_text("mine")
    assert typed(monkeypatch, "new", "role", "web") == 2
    assert (shop / "roles/web/tests/test_web.py").read_text() == "mine"


def test_layer_when_the_list_is_in_one_line(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be added there without writing the line anew: file and line say so."""
    (shop / "ami.yml").write_text("name: shop\ndefault_environment: lab\nlayers: [base]\n")
    (shop / "packer/images/golden.yml").unlink()
    monkeypatch.chdir(shop)
    assert typed(monkeypatch, "new", "layer", "app") == 2
    assert "ami.yml:3: `layers` is written in one line" in capsys.readouterr().err
