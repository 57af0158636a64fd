"""The policies as files with example names, for accounts that are set up by other means: `docs/iam/*.json`.

`python -m orchestrator.bootstrap.documented docs/iam` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from orchestrator.bootstrap import policies
from orchestrator.bootstrap.permission import PermissionSet, PolicyPlace, PolicyUse
from orchestrator.registration import modules_of

#: Names that people replace by their own. A key is known by its alias there, which is a condition.
_NAMES = {
    "partition": ("aws",),
    "region": ("*",),
    "account": ("*",),
    "bucket": ("image-artifacts",),
    "profile": ("image-validation",),
    "key": ("arn:aws:kms:*:*:key/*",),
    "imagekey": ("arn:aws:kms:*:*:key/*",),
    "sourceparameter": ("arn:aws:ssm:*:*:parameter/aws/service/*",),
    "secret": ("arn:aws:secretsmanager:*:*:secret:images/*",),
    "secretparameter": ("arn:aws:ssm:*:*:parameter/images/*",),
}
_EXAMPLE = PolicyPlace(_NAMES, frozenset(PolicyUse))
_OF_KEY = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/images"}}


def all_policies() -> dict[str, PermissionSet]:
    """Every policy, by its name."""
    return {module.POLICY.name: module.POLICY for module in modules_of(policies)}


def documents() -> dict[str, dict[str, Any]]:
    """The documents by the names of their policies."""
    return {name: _by_alias(each.as_json(_EXAMPLE)) for name, each in all_policies().items()}


def _by_alias(document: dict[str, Any]) -> dict[str, Any]:
    for statement in document["Statement"]:
        if statement["Resource"] == _NAMES["key"][0]:
            statement["Condition"] = {**_OF_KEY, **statement.get("Condition", {})}
    return document


def text_of(document: dict[str, Any]) -> str:
    """A document as it stands in its file."""
    return json.dumps(document, indent=2) + "\n"


def main() -> None:
    """Write the files into the folder that is named."""
    for name, document in documents().items():
        (Path(sys.argv[1]) / f"{name}.json").write_text(text_of(document), encoding="utf-8")


if __name__ == "__main__":
    main()
