"""The layout of HCL; the last test asks `packer fmt` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.process import run
from orchestrator.render.layout import laid_out
from orchestrator.render.literal import literal

if TYPE_CHECKING:
    from pathlib import Path

WILD = """\
locals {
a = 1
long_name = "x"


b = { "k" = "}" }
c = {
"é" = [1, [
2]]
"two = 2" = "${join("}", [for x in ["{"] : "a=${x}"])}"
}
d = jsonencode({
x = 1
longer = a == b ? "=" : "!="
})
e = <<-TEXT
  keep = this
      as = it is }
  TEXT
f = "%{if true}{%{else}=%{endif}"
}
"""


def test_lines_are_indented_by_brackets_and_aligned_by_equals() -> None:
    assert (
        laid_out('a {\nb = "}"\nlong = 2\nc {\nd = 1\n}\n}')
        == 'a {\n  b    = "}"\n  long = 2\n  c {\n    d = 1\n  }\n}\n'
    )


def test_a_value_that_goes_on_breaks_the_chain_as_packer_has_it() -> None:
    assert laid_out("a = 1\nlonger = 2\nb = [\n1\n]\n") == "a      = 1\nlonger = 2\nb = [\n  1\n]\n"


def test_blank_lines_are_trimmed_and_never_doubled() -> None:
    assert laid_out("\n\na = 1\n\n\n\nb = 2\n\n") == "a = 1\n\nb = 2\n"


@given(st.dictionaries(st.text("ab =${}%\"'é#", max_size=8), st.text("ab =${}%\"'é#", max_size=8), min_size=1))
def test_laying_out_twice_changes_nothing_more(values: dict[str, str]) -> None:
    once = laid_out(f"a = {literal(values)}\n")
    assert laid_out(once) == once


def test_packer_fmt_has_nothing_to_add(tmp_path: Path) -> None:
    odd = {"é": 1, "a" * 20: {"x": ["}", {"y = 1": "#", "zz": "//"}], "yyyy": "${a}"}, "": "%{", "b": '"'}
    path = tmp_path / "wild.pkr.hcl"
    path.write_text(laid_out(WILD + f"variable x {{\ndefault = {literal(odd)}\ntype = any\n}}\n"))
    assert run(["packer", "fmt", "-check", "-diff", str(path)], check=False).out == ""
