"""The policies of docs/iam, and the table that says what each of their actions is for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parents[1] / "docs/iam"
PAGE = FOLDER / "README.md"
#: How moto, by whose names the lab counts, calls what IAM calls otherwise.
_IAM_NAMES = {"s3:ListObjectsV2": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket"}
#: Nobody needs a permission for these.
_FREE = {"sts:GetCallerIdentity"}
#: Of the table: an action, and what stands in the three cells after it.
_ROW = re.compile(r"^\| `(\w+:\w+)` \| ([\w, ]+?) +\| (.+?) +\| (.+?) +\|$", re.MULTILINE)
_LEFT_OUT = re.compile(r"^\| `(\w+:\w+)` +\| ([^|]+?) +\|$", re.MULTILINE)


def statements(policy: str) -> list[dict[str, Any]]:
    """The statements of `reader`, `validator`, `builder` or `instance-profile`."""
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{policy}.json").read_text())["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    """A value that IAM lets stand alone, as a list."""
    return [value] if isinstance(value, str) else value


def allowed(*policies: str) -> set[str]:
    """The actions that these policies allow together."""
    return {action for policy in policies for each in statements(policy) for action in listed(each["Action"])}


def rows() -> dict[str, tuple[str, str]]:
    """The table: by action its policies, and whether it is counted in the lab (`yes`, or why not)."""
    text = re.sub(r" {2,}", " ", PAGE.read_text())
    return {action: (policies, counted) for action, policies, _, counted in _ROW.findall(text)}


def left_out() -> set[str]:
    """The actions that Packer's documentation names and no policy allows."""
    text = re.sub(r" {2,}", " ", PAGE.read_text())
    return {action for action, _ in _LEFT_OUT.findall(text)}


def needed(before: Mapping[str, int], after: Mapping[str, int], besides: Iterable[str] = ()) -> set[str]:
    """The actions, as IAM names them, that the lab has counted between two looks at its counts."""
    made = {name for name, count in after.items() if count != before.get(name, 0)}
    return {_IAM_NAMES.get(name, name) for name in made} - _FREE - set(besides)
