"""Which plugins a rendered file asks for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.render.required import required_plugins

FRAME = """\
packer {
  required_plugins {
    amazon = {
      "source"  = "github.com/hashicorp/amazon"
      "version" = ">= 1.2.1, < 2.0.0"
    }
    ansible = {
      "source"  = "github.com/hashicorp/ansible"
      "version" = ">= 1.1.0, < 2.0.0"
    }
  }
}
"""
ASKED = {
    "github.com/hashicorp/amazon": ">= 1.2.1, < 2.0.0",
    "github.com/hashicorp/ansible": ">= 1.1.0, < 2.0.0",
}
FRAGMENT = """
packer {
  required_plugins {
    docker = { version = ">= 1.0", source = "github.com/hashicorp/docker" } # of a team
  }
}
"""


def test_plugins_of_the_frame_need_no_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hcl2", None)
    assert required_plugins(f"# web\n{FRAME}variable x {{\n}}\n") == ASKED


def test_plugins_when_a_fragment_asks_for_one() -> None:
    assert required_plugins(FRAME + FRAGMENT) == {**ASKED, "github.com/hashicorp/docker": ">= 1.0"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version" = ">= 1.2.1, < 2.0.0"', '"version" = ">= 1.2.1, < 2.0.0" # pinned'),
        ('"source"  =', "source ="),
        ("  required_plugins {\n", '  required_version = ">= 1.7"\n  required_plugins {\n'),
    ],
)
def test_plugins_when_a_frame_writes_them_otherwise(old: str, new: str) -> None:
    """A workspace may have a frame of its own."""
    assert required_plugins(FRAME.replace(old, new)) == ASKED


def test_plugins_of_rendered_files_are_those_that_the_grammar_finds() -> None:
    """Of every kept rendering."""
    kept = [path.read_text() for path in (Path(__file__).parent / "golden").rglob("*.hcl")]
    commented = [text.replace("\npacker {\n", "\npacker {\n  # asked\n") for text in kept]
    assert [required_plugins(text) for text in kept] == [required_plugins(text) for text in commented]
    assert any(required_plugins(text) for text in kept)
