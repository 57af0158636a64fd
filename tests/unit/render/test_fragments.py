"""A fragment cannot close the block that it stands in, and take the seal out of the build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import DefinitionError
from orchestrator.render.fragments import problems_of_fragment
from orchestrator.render.packer import render
from tests.unit.render.sets import LEGACY

if TYPE_CHECKING:
    from tests.unit.render.conftest import Project

ELSEWHERE = """
}

source "null" "elsewhere" {
  communicator = "none"
}

build {
  sources = ["source.null.elsewhere"]
"""
WHOLE = """
provisioner "shell" {
  inline = ["echo }", <<-EOT
    } build {
    EOT
  ]
  environment_vars = [for name in ["A"] : "${name}=1" if name != ""]
}
post-processor "manifest" {
  output = "out.json" # }
}
"""


@pytest.mark.parametrize(
    ("printed", "expected"),
    {
        "whole blocks": (WHOLE, None),
        "another build": (ELSEWHERE, "prints no whole HCL blocks: line 2 of what it prints is not HCL"),
        "a comment without end": ("/* {", "prints no whole HCL blocks"),
        "a text without end": ("x = <<EOT\n", "prints no whole HCL blocks"),
        "a source": ('source "amazon-ebs.golden" {\n}\n', "prints 'source', and a layer has provisioner, "),
        "a misspelled one": ('provisoner "shell" {\n}\n', "(did you mean 'provisioner'?)"),
    }.values(),
)
def test_fragment_of_a_layer(printed: str, expected: str | None) -> None:
    problems = [str(one) for one in problems_of_fragment(Path("f.j2"), printed, of_layer=True)]
    assert len(problems) == (expected is not None)
    assert not expected or expected in problems[0]


def test_fragment_of_a_machine_block() -> None:
    """It stands in the source, which has blocks of many kinds."""
    assert not [
        *problems_of_fragment(Path("f.j2"), "temporary_iam_instance_profile_policy_document {\n}", of_layer=False)
    ]
    assert [*problems_of_fragment(Path("f.j2"), ELSEWHERE, of_layer=False)]


def test_render_when_a_fragment_closes_the_build(project: Project) -> None:
    path = project.add("packer/layers/base.pkr.hcl.j2", ELSEWHERE)
    with pytest.raises(DefinitionError) as caught:
        render(project.workspace, project.segment(vars_={"x": 1}), LEGACY)
    (problem,) = caught.value.problems
    assert problem.path == path
