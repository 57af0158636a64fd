"""The templates of the tests, adopted into workspaces that extend this repository."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.adopt.adoption import Adoption, adopt
from orchestrator.adopt.block import Unknown
from orchestrator.adopt.reading.template import PackerTemplate, read_template
from orchestrator.adopt.target import changes_of, target_of, write
from orchestrator.definition.image import Owner
from orchestrator.definition.workspace import Workspace, load
from orchestrator.plan.stack import outlines
from orchestrator.render.levels import link_levels
from orchestrator.render.packer import render
from tests.unit.render.sets import LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.adopt.block import TemplateBlock
    from orchestrator.render.packer_set import PackerSet


def _factory() -> Path:
    """This repository's workspace with nothing protected: adopted images start from sources, without its layers."""
    repository = Path(__file__).parents[3]
    folder = Path(tempfile.mkdtemp(prefix="ami-adopt-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("packer", "playbooks", "roles"):
        (folder / name).symlink_to(repository / name)
    (folder / "ami.yml").write_text((repository / "ami.yml").read_text().replace(", protected: true", ""))
    return folder


#: What adopted workspaces extend.
PROJECT = _factory()
#: Roles of templates bring tests for machines.
collect_ignore = ["templates"]
TEMPLATES = Path(__file__).parent / "templates"
OWNER = Owner(team="portal", email="portal@example.com")

#: Each template with what Packer would be given on its command line.
CALLS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "bastion": ("bastion-hcl/bastion.pkr.hcl", {}, ()),
    "cache": ("cache-json/cache.json", {}, ("cache-json/small.json",)),
    "fleet": ("fleet-json/fleet.json", {}, ()),
    "portal": ("portal-json/portal.json", {"release": "7"}, ()),
    "search": ("search-hcl/search.pkr.hcl", {}, ()),
    "shop": ("shop-hcl", {}, ("shop-hcl/production.pkrvars.hcl",)),
}


@dataclass(frozen=True)
class AdoptedTemplate:
    """A template, and the workspace that was made of it."""

    template: PackerTemplate
    adoption: Adoption
    workspace: Workspace

    @property
    def root(self) -> Path:
        return self.workspace.root

    def listed(self) -> set[str]:
        return {entry.what for entry in self.adoption.ledger.entries()}

    def rendered(self, image: str, packers: PackerSet = LEGACY) -> Path:
        path = self.root / f"{image}.pkr.hcl"
        text = render(self.workspace, outlines(self.workspace, [image])[-1], packers)
        path.write_text(text, encoding="utf-8")
        link_levels(self.workspace)
        return path

    def rendered_blocks(self, image: str) -> PackerTemplate:
        """What is rendered, read as a template is, with the values of the image's environment."""
        values: dict[str, Any] = {"region": "us-east-1"}
        for path in sorted((self.root / "packer/environments").glob("*.pkrvars.hcl")):
            values |= {"region": "us-east-1"} if path.name.startswith(image) else {}
        return read_template(self.rendered(image), values)


def read_call(name: str) -> PackerTemplate:
    path, variables, files = CALLS[name]
    return read_template(TEMPLATES / path, variables, [TEMPLATES / file for file in files])


def adopt_into(folder: Path, template: PackerTemplate, *, force: bool = False) -> AdoptedTemplate:
    target = target_of(folder, PROJECT)
    adoption = adopt(template, target.workspace, OWNER, force=force, requirements=target.requirements)
    write(changes_of(adoption, target, force=force), target)
    return AdoptedTemplate(template, adoption, load(folder))


@pytest.fixture(scope="session")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AdoptedTemplate]:
    """A template of the tests by its name, adopted once. Not to be written to."""
    known: dict[str, AdoptedTemplate] = {}

    def get(name: str) -> AdoptedTemplate:
        if name not in known:
            known[name] = adopt_into(tmp_path_factory.mktemp("adopted") / name, read_call(name))
        return known[name]

    return get


def steps_of(template: PackerTemplate) -> list[tuple[str, Any]]:
    """The provisioners of a rendered file: the kind, and what tells one from another.

    The first is the frame's, and the last is the seal's: both are left out.
    """
    (build,) = template.all("build")
    return [_step(block) for block in build.all("provisioner")[1:-1]]


def _step(block: TemplateBlock) -> tuple[str, Any]:
    telling = ("inline", "scripts", "script", "source", "playbook_file")
    attribute = next(found for name in telling if (found := block.get(name)) is not None)
    return block.labels[0], attribute.written if isinstance(attribute.value, Unknown) else attribute.value
