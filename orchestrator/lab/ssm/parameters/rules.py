"""What Parameter Store refuses at once: values that are too long, data types that change. Pure functions.

Systems Manager User Guide, "Managing parameter tiers" and "Parameter data types in Parameter Store". The words of the
second refusal are not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.lab.api.aws_fault import AwsFault

#: The data type of parameters that hold the id of an AMI.
IMAGE = "aws:ec2:image"
TEXT = "text"

#: How many bytes a value may have.
STANDARD, ADVANCED = 4096, 8192


@dataclass(frozen=True)
class Put:
    """One PutParameter, as far as these rules go."""

    value: str
    data_type: str = ""
    """Empty: not given."""
    tier: str = ""
    """`Standard`, `Advanced`, `Intelligent-Tiering`; empty: what the parameter has, else Standard."""


def tier_of(put: Put, known: str) -> str:
    """The tier that a parameter has after this call; `known`: before it, empty when it is new.

    An advanced parameter stays one. Raises AwsFault for a value that is too long for it.
    """
    size = len(put.value.encode())
    tier = put.tier or known or "Standard"
    if tier == "Intelligent-Tiering":
        tier = "Advanced" if size > STANDARD else "Standard"
    if known == "Advanced":
        tier = known
    most = ADVANCED if tier == "Advanced" else STANDARD
    if size > most:
        what = f"{tier} tier parameters support a maximum parameter value of {most} characters."
        raise AwsFault("ValidationException", what)
    return tier


def data_type_of(put: Put, known: str) -> str:
    """The data type that a parameter has after this call; `known`: before it, empty when it is new.

    Raises AwsFault when it would change to or from that of AMIs.
    """
    wanted = put.data_type or known or TEXT
    if known and wanted != known and IMAGE in (wanted, known):
        raise AwsFault(
            "ValidationException", f"The data type of a parameter cannot be changed from {known} to {wanted}."
        )
    return wanted
