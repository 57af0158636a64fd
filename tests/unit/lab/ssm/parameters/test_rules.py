from __future__ import annotations

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ssm.parameters.rules import Put, data_type_of, tier_of

SMALL, LARGE, TOO_LARGE = "x" * 4096, "x" * 4097, "x" * 8193


@pytest.mark.parametrize(
    ("put", "known", "tier"),
    [
        (Put(SMALL), "", "Standard"),
        (Put(SMALL, tier="Intelligent-Tiering"), "", "Standard"),
        (Put(LARGE, tier="Intelligent-Tiering"), "", "Advanced"),
        (Put(LARGE), "Advanced", "Advanced"),
        (Put(SMALL, tier="Standard"), "Advanced", "Advanced"),
    ],
)
def test_tiers(put: Put, known: str, tier: str) -> None:
    assert tier_of(put, known) == tier


@pytest.mark.parametrize(
    ("put", "known"), [(Put(LARGE), ""), (Put("ä" * 2049), ""), (Put(TOO_LARGE, tier="Advanced"), "")]
)
def test_values_that_are_too_long(put: Put, known: str) -> None:
    """It is bytes that count."""
    with pytest.raises(AwsFault, match="ValidationException"):
        tier_of(put, known)


def test_a_data_type_that_is_not_given_stays() -> None:
    assert [data_type_of(Put("x"), known) for known in ("", "text", "aws:ec2:image")] == [
        "text",
        "text",
        "aws:ec2:image",
    ]


@pytest.mark.parametrize(("wanted", "known"), [("text", "aws:ec2:image"), ("aws:ec2:image", "text")])
def test_a_data_type_that_would_change(wanted: str, known: str) -> None:
    with pytest.raises(AwsFault, match="cannot be changed"):
        data_type_of(Put("x", wanted), known)
