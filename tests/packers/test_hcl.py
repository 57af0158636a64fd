"""As much of HCL as templates need is read as Packer reads it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.packers.hcl import HclError, parsed

SCOPE = {"var": {"name": "x", "list": ["a", "b"], "none": ""}, "local": {"tags": {"a": "1"}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"plain"', "plain"),
        (r'"a\n\"b\" \u0024{not}"', 'a\n"b" ${not}'),
        (r'"\U0001F600"', "\U0001f600"),
        ('"v-${var.name}"', "v-x"),
        ("4 * 60 * 60 / 2", 7200),
        ('var.none == "" ? null : true', None),
        ('var.name != ""', True),
        ('join("-", ["tiny", var.name])', "tiny-x"),
        ('join(":", [for each in var.list : join("/", [var.name, each])])', "x/a:x/b"),
        ("[for each in [] : each]", []),
        ('merge(local.tags, { "b" = var.name })', {"a": "1", "b": "x"}),
        ('replace(jsonencode({"k" = ["{{"]}), "{{", "<")', '{"k":["<"]}'),
        ("var.list[1]", "b"),
        ("!true", False),
    ],
)
def test_value_of_an_expression(text: str, expected: Any) -> None:
    assert parsed(f"it = {text}\n").value("it", SCOPE) == expected


def test_blocks_and_what_is_in_them() -> None:
    """On several lines or on one, with comments anywhere."""
    body = parsed(
        """
# a comment
variable "one" { default = 1 } // and another
source "amazon-ebs" "tiny" {
  tags = {
    # about a tag
    "ami:run" = "r"
    plain     = "p",
  }
  filter {
    owners = ["self"]
  }
}
"""
    )
    assert body.all("variable", "one")[0].value("default", {}) == 1
    (source,) = body.all("source", "amazon-ebs", "tiny")
    assert source.value("tags", {}) == {"ami:run": "r", "plain": "p"}
    assert source.all("filter")[0].value("owners", {}) == ["self"]


@pytest.mark.parametrize("text", ["it = other.name\n", "it = unknown(1)\n", "it = [1\n", "it = 1 2\n", "it = @\n"])
def test_what_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises(HclError, match="line 1"):
        parsed(text).value("it", SCOPE)
