"""Mistakes and failed tests as a code quality report: GitLab's, which Jenkins' plugin Warnings reads as Code Climate.

GitLab documentation, "Code Quality": description, check_name, fingerprint, severity, location.path and lines.begin.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.cli.ci.service import Annotation

_SEVERITIES = {"error": "major", "warning": "minor"}


def code_quality(annotations: Iterable[Annotation]) -> str:
    """The report, a JSON list. What stands at no file of the checkout cannot be in it."""
    return json.dumps([_issue(one) for one in annotations if one.file], indent=1, ensure_ascii=False) + "\n"


def _issue(one: Annotation) -> dict[str, object]:
    digest = hashlib.sha256(f"{one.file}\0{one.message}".encode("utf-8", "replace")).hexdigest()
    return {
        "type": "issue",
        "categories": ["Bug Risk"],
        "check_name": "ami",
        "description": one.message,
        "fingerprint": digest,
        "severity": _SEVERITIES[one.level],
        "location": {"path": one.file, "lines": {"begin": one.line or 1}},
    }
