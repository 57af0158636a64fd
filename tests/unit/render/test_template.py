"""Mistakes in templates: each is said with its file and line, and nothing is dropped silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import DefinitionError
from orchestrator.render.packer import render
from tests.unit.render.sets import LEGACY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.render.conftest import Project

BASE = "packer/layers/base.pkr.hcl.j2"
EXTENDS = '{% extends "layers/default.pkr.hcl.j2" %}\n'


def rendered(project: Project) -> str:
    return render(project.workspace, project.segment(vars_={"x": 1}), LEGACY)


@pytest.mark.parametrize(
    ("template", "line", "what"),
    [
        ("a\n{% for %}\n", 2, "Expected"),
        ("\n{{ imagee.name }}\n", 2, "'imagee' is undefined (did you mean 'image'?)"),
        ("{{ layer.playbok }}\n", 1, "no attribute 'playbok' (did you mean 'playbook'?)"),
        ("{{ layer.vars.y }}\n", 1, "no attribute 'y'"),
        ("{% if missing %}{% endif %}\n", 1, "'missing' is undefined"),
        ("{{ layer.name | upperr }}\n", 1, "No filter named 'upperr'"),
        ("a\n{{ layer.name | safe }}\n", 2, "No filter named 'safe'"),
        ("{{ layer.vars | tojson }}\n", 1, "No filter named 'tojson'"),
        ("{{ layer.__class__ }}\n", 1, "access to '__class__' is not allowed"),
        ('{{ layer["__class__"] }}\n', 1, "not allowed in a template"),
        ('{{ layer | attr("__class__") }}\n', 1, "not allowed in a template"),
        ('{{ "%s" | format(layer.name.__init__) }}\n', 1, "access to '__init__' is not allowed"),
        ("{% macro m() %}{% endmacro %}\n", 1, "`macro` is not allowed"),
        ("{% filter upper %}x{% endfilter %}\n", 1, "`filterblock` is not allowed"),
        ("{% set x %}y{% endset %}\n", 1, "`assignblock` is not allowed"),
        ('{% import "image.pkr.hcl.j2" as x %}\n', 1, "`import` is not allowed"),
        ("{% block before %}{% endblock %}\n{{ self.before() }}\n", 2, "`self` is not allowed"),
        ('\n{% include "layers/defalt.pkr.hcl.j2" %}\n', 2, "there is no template 'layers/defalt.pkr.hcl.j2'"),
        ('{% include "layers/base.pkr.hcl.j2" %}\n', 1, "in a circle"),
        ('{% extends "../../ami.yml" %}\n', 1, "there is no template"),
        ("{{ 1 / 0 }}\n", 1, "division by zero"),
        ("{{ layer.name + 1 }}\n", 1, "concatenate"),
        ("{{ 1e999 }}\n", 1, "inf"),
        (EXTENDS + "{% block befor %}x{% endblock %}\n", 2, "has a block 'befor' (did you mean 'before'?)"),
        (EXTENDS + "\nprovisioner {}\n", 3, "never printed"),
        (EXTENDS + "{% block before %}{{ super() ~ layer.name }}{% endblock %}\n", 2, "`super()` can only be printed"),
        ("{% extends layer.fragment %}\n", 1, "`extends` needs the name of a template in quotes"),
    ],
)  # fmt: skip
def test_when_a_template_is_wrong_then_file_and_line_are_said(
    project: Project, template: str, line: int, what: str
) -> None:
    path = project.add(BASE, template)
    with pytest.raises(DefinitionError) as caught:
        rendered(project)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == (path, line)
    assert what in problem.what


@pytest.mark.parametrize(
    "template", ["{% autoescape false %}{% endautoescape %}\n", '{% extends "layers/base.pkr.hcl.j2" %}\n']
)
def test_when_jinja_knows_no_line_then_the_problem_is_said_all_the_same(project: Project, template: str) -> None:
    project.add(BASE, template)
    with pytest.raises(DefinitionError, match=r"not allowed|in a circle"):
        rendered(project)


def test_when_a_template_is_not_utf8_then_that_is_said(project: Project) -> None:
    (project.root / BASE).write_bytes(b"\xff")
    with pytest.raises(DefinitionError, match=r"base\.pkr\.hcl\.j2: is not UTF-8 text"):
        rendered(project)


def test_when_a_block_is_overridden_then_it_and_what_it_replaces_are_printed(project: Project) -> None:
    project.add(BASE, EXTENDS + '{% block provisioners %}\nfirst = {{ "}" }}\n{{ super() }}\n{% endblock %}\n')
    text = rendered(project)
    assert text.index('first = "}"') < text.index("playbooks/base.yml")
    assert text.count('provisioner "ansible"') == 2


def test_when_a_block_lies_within_an_overridden_one_then_it_is_new_and_fine(project: Project) -> None:
    project.add(BASE, EXTENDS + "{% block before %}{% block mine %}\nnew = 1\n{% endblock %}{% endblock %}\n")
    assert "  new = 1\n" in rendered(project)


def test_when_a_team_overrides_a_fragment_then_theirs_is_taken(project: Project, tmp_path: Path) -> None:
    team = project.extended_by(tmp_path / "team")
    team.add(BASE, EXTENDS + "{% block after %}ours = 1{% endblock %}\n")
    assert "ours = 1" in rendered(team)
    assert "ours = 1" not in rendered(project)


def test_when_constants_are_printed_then_they_are_literals_too(project: Project) -> None:
    project.add(BASE, 'a = {{ "<" }}\nb = {{ \'"\' ~ 1 }}\nc = {{ none }}\nd = {{ [1, "é"] }}\n')
    assert '  a = "<"\n  b = "\\"1"\n  c = null\n  d = [1, "é"]\n' in rendered(project)
