"""Values as HCL literals: read back by python-hcl2, and by Packer itself in test_packer_reads.py."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

import hcl2
import pytest
from hcl2.utils import SerializationOptions
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.render.literal import NotHcl, literal

TEXT = st.text().map(lambda text: unicodedata.normalize("NFC", text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", '"plain"'),
        ('"}', '"\\"}"'),
        ("back\\slash", '"back\\\\slash"'),
        ("a\nb\r\tc", '"a\\nb\\r\\tc"'),
        ('${file("/etc/passwd")}', '"\\u0024{file(\\"/etc/passwd\\")}"'),
        ("%{ if true }", '"\\u0025{ if true }"'),
        ("100% $5 {}", '"100% $5 {}"'),
        ("{{ user }}", '"{{ user }}"'),
        ("\x00\x1b\x7f", '"\\u0000\\u001b\\u007f"'),
        ("é 漢 \U0001f600", '"é 漢 \U0001f600"'),
        ("\u202e", '"\\u202e"'),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (0, "0"),
        (-12, "-12"),
        (0.5, "0.5"),
        ([], "[]"),
        ({}, "{}"),
        (("a", 1), '["a", 1]'),
        ({"b": 1, "a": {"é": None}}, '{\n"a" = {\n"\\u00e9" = null\n}\n"b" = 1\n}'),
    ],
)
def test_a_value_has_one_literal(value: Any, expected: str) -> None:
    assert literal(value) == expected


@pytest.mark.parametrize(
    "value",
    [float("inf"), float("nan"), Decimal("1.5"), {1: "a"}, b"bytes", {"a"}, object(), "\ud800", "e\u0301", ["e\u0301"]],
)
def test_what_hcl_cannot_hold_unchanged_is_refused(value: Any) -> None:
    with pytest.raises(NotHcl):
        literal(value)


@given(TEXT)
def test_text_is_one_line_and_closes_only_at_its_end(text: str) -> None:
    written = literal(text)
    assert written.splitlines() == [written]
    assert hcl2.loads(f"a = {written}\n").keys() == {"a"}


@given(VALUES)
def test_what_was_written_is_read_back(value: Any) -> None:
    read = hcl2.loads(f"a = {literal([value])}\n", serialization_options=SerializationOptions(strip_string_quotes=True))
    assert read["a"] == [value]
