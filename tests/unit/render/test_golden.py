"""The shipped images as Packer HCL, kept as files so that a change is seen for what it does.

`pytest tests/unit/render --remake-golden` writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.definition.workspace import load
from orchestrator.plan.stack import outlines
from orchestrator.process import run
from orchestrator.render.levels import link_levels
from orchestrator.render.packer import render
from tests.unit.render.sets import SETS

PROJECT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
IMAGES = sorted(path.stem for path in (PROJECT / "packer" / "images").glob("*.yml"))


def golden(packers: str, image: str) -> Path:
    return GOLDEN / packers / f"{image}.pkr.hcl"


@pytest.mark.parametrize("packers", SETS)
@pytest.mark.parametrize("image", IMAGES)
def test_a_shipped_image_is_rendered_as_its_golden_file_says(
    image: str, packers: str, request: pytest.FixtureRequest
) -> None:
    workspace = load(PROJECT)
    text = render(workspace, outlines(workspace, [image])[-1], SETS[packers])
    path = golden(packers, image)
    if request.config.getoption("--remake-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_there_is_no_golden_file_of_an_image_that_is_gone() -> None:
    wanted = {f"{packers}/{image}.pkr.hcl" for packers in SETS for image in IMAGES}
    assert {str(path.relative_to(GOLDEN)) for path in GOLDEN.glob("*/*")} == wanted


@pytest.mark.parametrize("packers", SETS)
def test_packer_fmt_has_nothing_to_add_to_golden_files(packers: str) -> None:
    assert run(["packer", "fmt", "-check", "-diff", str(GOLDEN / packers)], check=False).out == ""


@pytest.mark.parametrize("image", IMAGES)
def test_packer_validate_takes_golden_files_from_the_workspace_root(image: str) -> None:
    link_levels(load(PROJECT))
    argv = [
        "packer",
        "validate",
        "-var-file=packer/environments/lab.pkrvars.hcl",
        str(golden("packer-1.6.6", image)),
    ]
    run(argv, cwd=PROJECT, env={"CHECKPOINT_DISABLE": "1"})
