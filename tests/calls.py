"""Which calls of AWS the factory's own code makes: read in its source, without running it.

A call is a method of a client (`ec2.describe_images(...)`) or a name given to a paginator or a kind of resource. So
each name that stands there, and that botocore gives to an operation of a service that the factory has clients of, is
taken for a call of it.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
from botocore import xform_name

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = Path(__file__).parents[1] / "orchestrator"
#: The lab is AWS; who sets an account up is its administrator.
_OTHERS = ("lab", "bootstrap", "builtin")
#: botocore's names of the services, with IAM's.
_SERVICES = {
    "ec2": "ec2", "iam": "iam", "kms": "kms", "s3": "s3", "secretsmanager": "secretsmanager",
    "service-quotas": "servicequotas", "ssm": "ssm", "sts": "sts",
}  # fmt: skip
#: IAM's names of what the API calls otherwise.
#: A method of Click's, which has the name of a call.
_NO_CALL = {"ssm:ListCommands"}
_IAM_NAMES = {"s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket"}


@cache
def calls_of_code() -> dict[str, tuple[str, ...]]:
    """Each action, as IAM names it, with the files that call it."""
    known, found = _operations(), dict[str, set[str]]()
    for path in sorted(CODE.rglob("*.py")):
        place = path.relative_to(CODE)
        if place.parts[0] not in _OTHERS:
            for name in _names(ast.parse(path.read_text(encoding="utf-8"))):
                for action in known.get(name, set()) - _NO_CALL:
                    found.setdefault(_IAM_NAMES.get(action, action), set()).add(str(place))
    return {action: tuple(sorted(places)) for action, places in sorted(found.items())}


def _operations() -> dict[str, set[str]]:
    """Operations by Python's name of them."""
    session, found = botocore.session.Session(), dict[str, set[str]]()
    for service, prefix in _SERVICES.items():
        for name in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(name), set()).add(f"{prefix}:{name}")
    return found


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)):
                yield name
            case ast.Constant(value=str(text)) if "_" in text:
                yield text
