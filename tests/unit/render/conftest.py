"""A workspace made of files, and the real Packer, for the tests of rendering."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.image import Image
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.definition.source import Source
from orchestrator.definition.workspace import Workspace
from orchestrator.plan.planned_layer import PlannedLayer
from orchestrator.plan.segment import SegmentOutline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCE = Source.model_validate({
    "name": "debian-12",
    "filter": {"name": "debian-12-amd64-*", "owner": "136693071363"},
    "ssh_username": "admin",
})  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/unit/render --remake-golden` writes what is rendered now over the golden files."""
    parser.addoption("--remake-golden", action="store_true", help="write the golden files anew")


@dataclass(frozen=True)
class Project:
    """A workspace on disk whose templates a test may add to, and the segments that it may render."""

    workspace: Workspace

    @property
    def root(self) -> Path:
        return self.workspace.root

    def add(self, relative: str, text: str) -> Path:
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def extended_by(self, root: Path) -> Project:
        root.mkdir()
        return Project(Workspace(root=root, name="team", extends=self.workspace))

    def segment(
        self,
        *,
        vars_: Mapping[str, Any] | None = None,
        parent: str | None = None,
        source: Source = SOURCE,
        **image: Any,
    ) -> SegmentOutline:
        written = {
            "name": "golden",
            "description": "What every server starts from",
            "owner": {"team": "platform", "email": "platform@example.com"},
            "from": "debian-12",
            "layers": ["base"],
        }
        layer = PlannedLayer("base", ("system",), dict(vars_ or {}), self.workspace.find("playbooks/base.yml"))
        made = Image.model_construct(**(_image(written) | image))
        return SegmentOutline(made, parent, source, (layer,), (layer,))


def _image(written: dict[str, Any]) -> dict[str, Any]:
    image = Image.model_validate(written)
    return {name: getattr(image, name) for name in Image.model_fields}


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The templates that ship, in a workspace of their own. Not to be written to."""
    root = tmp_path_factory.mktemp("shipped")
    shutil.copytree(BUILTIN_ROOT / "packer", root / "packer")
    project = Project(Workspace(root=root, name="factory"))
    for layer in ("base", "seal"):
        project.add(f"playbooks/{layer}.yml", "[]\n")
    return project


@pytest.fixture
def project(shipped: Project, tmp_path: Path) -> Project:
    """The same, to write to."""
    root = tmp_path / "workspace"
    shutil.copytree(shipped.root, root)
    return Project(replace(shipped.workspace, root=root))
