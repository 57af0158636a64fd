"""Which exceptions a person can meet, and what those of other libraries mean to a person."""

from __future__ import annotations

import sys

from orchestrator.errors import AmiError
from orchestrator.system_refusal import system_refusal


def expected(error: Exception) -> AmiError | None:
    """The error that tells a person of a refusal of AWS or of the operating system, or `error` itself if it is one
    that a person can meet; None for a bug.
    """
    if isinstance(error, AmiError):
        return error
    return system_refusal(error) or _aws_lack(error)


def _aws_lack(error: Exception) -> AmiError | None:
    if "botocore" not in sys.modules:
        return None
    from orchestrator.aws.account import refusal

    return refusal(error)
