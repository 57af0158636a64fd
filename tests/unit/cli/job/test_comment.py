"""The comment of a pull request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.cli.job.comment import LIMIT, CheckLine, marker, of_error, of_plan
from orchestrator.cli.job.markdown import DocumentPart, cell, characters, code, fenced, fitted, octets
from orchestrator.errors import DefinitionError, LackError, Problem
from orchestrator.plan.explaining.change import Change, InputKind
from orchestrator.registry import version_of
from orchestrator.run.explain import Explained
from tests.unit.cli.job.test_matrix import plan, step

FIRST = marker("images", "lab")
CHECKS = (CheckLine("tests of roles", "24 tests are collected"), CheckLine("templates", "no such file", ok=False))


def explained(*changes: Change) -> Explained:
    tags = {"ami:image": "web", "ami:version": "20261128T000000Z-1a2b3c4d", "ami:state": "validated"}
    tags |= {"ami:fingerprint": "1a2b3c4d" * 8, "ami:run": "20261128T000000Z-1a2b3c"}
    image = {"ImageId": "ami-0123456789abcdef0", "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
    return Explained("web", version_of(image, "us-east-1"), changes)


def test_comment_of_a_plan() -> None:
    """The marker first; then each step with its reason, the checks, and each variable with its old and new value."""
    workers = Change("workload", "vars: nginx_worker_processes", "changed", InputKind.VALUE, "2", "4")
    text = of_plan(
        FIRST, plan(step("web", "golden"), step("golden", "debian-12", "reuse")), [explained(workers)], CHECKS
    )
    lines = text.splitlines()
    assert lines[0] == '<!-- ami plan workspace="images" env="lab" -->'
    assert lines[1] == "### `ami plan`: 1 to build, 1 reused"
    assert "| `web` | to build |  | `golden` | 10 s |" in lines
    assert "| tests of roles | ok | `24 tests are collected` |" in lines
    assert "| templates | **failed** | `no such file` |" in lines
    assert "- `nginx_worker_processes: 2 -> 4 (layer workload)`" in lines


def test_comment_of_mistakes() -> None:
    text = of_error(FIRST, DefinitionError([Problem(Path("packer/images/web.yml"), 4, "no image 'a|b' @team")]))
    assert text.startswith(FIRST)
    assert "| `packer/images/web.yml:4` | `no image 'a\\|b' @team` |" in text.splitlines()


def test_comment_of_a_lack() -> None:
    assert "Hint: `ami lab up`" in of_error(FIRST, LackError("nothing answers", hint="ami lab up"))


def test_comment_when_the_plan_is_long() -> None:
    """Whole rows are left out, and the comment says how many; what is built is there before what is reused."""
    steps = [step(f"image-{number}", "golden", "reuse" if number < 3000 else "build") for number in range(3100)]
    text = of_plan(FIRST, plan(*steps), [], CHECKS)
    assert LIMIT - 200 < characters(text) <= LIMIT
    shown = len(re.findall(r"^\| `image-\d+` .* \|$", text, flags=re.MULTILINE))
    assert f"… and {3100 - shown} more images" in text
    assert all(f"`image-{number}`" in text for number in range(3000, 3100))
    assert "#### Checks" in text


def test_comment_when_differences_are_long() -> None:
    """They give way before the table does, each as a whole."""
    changes = [Change("base", f"file-{number}", "changed", before="", after="x\n" * 150) for number in range(40)]
    one = explained(*changes)
    text = of_plan(FIRST, plan(step("web", "golden")), [one, one, one, one, one], CHECKS)
    assert characters(text) <= LIMIT
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0
    assert "more images that changed" in text


@pytest.mark.parametrize(
    "text", ["a`b", "``", "a|b", "@team #12", "<!-- x -->", "a\nb", "::error::x", "\x1b[2J\u202e", "[x](y)"]
)
def test_code_when_the_text_is_hostile(text: str) -> None:
    """It stays in its code span, in one line, and its fence is longer than any run of backticks in it."""
    shown = code(text)
    fence = re.match("`+", shown)
    assert fence is not None
    inside = shown[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)
    assert shown.isprintable()
    assert "|" not in cell(text).replace("\\|", "")


def test_fenced_when_a_line_is_a_fence() -> None:
    assert fenced(["```", "x"]) == "````\n```\nx\n````\n"


def test_fitted_when_heads_alone_are_too_long() -> None:
    """The text is cut at the end of a line, in what is counted."""
    assert fitted([DocumentPart("ä\nää\n", ("x\n",))], 5, octets) == "ä\n"
    assert fitted([DocumentPart("ab\n", ("12\n", "34\n"))], 100, octets) == "ab\n12\n34\n"
