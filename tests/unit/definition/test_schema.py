"""The schemas that editors check with agree with what the factory itself says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestrator.definition.schema import schemas

REPOSITORY = Path(__file__).parents[3]
WRITTEN = [REPOSITORY / "ami.yml", *sorted((REPOSITORY / "packer/images").glob("*.yml"))]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas()[name])


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_schemas_when_a_file_names_its_own(path: Path) -> None:
    """The comment in the first line leads to the schema, and the file fits it."""
    comment, _, text = path.read_text().partition("\n")
    schema = (path.parent / comment.removeprefix("# yaml-language-server: $schema=")).resolve()
    assert schema.parent == REPOSITORY / "docs" / "schema"
    assert list(validator(schema.name).iter_errors(yaml.safe_load(text))) == []


def test_schemas_when_committed() -> None:
    """`ami schema --out docs/schema` would change nothing."""
    committed = {path.name: json.loads(path.read_text()) for path in (REPOSITORY / "docs/schema").glob("*.json")}
    assert committed == schemas()
    for schema in committed.values():
        Draft202012Validator.check_schema(schema)


IMAGE = {
    "name": "x",
    "description": "x",
    "owner": {"team": "t", "email": "t@example.com"},
    "from": "y",
    "layers": ["a"],
}
SOURCE = {"ami_id": "ami-0123456789abcdef0", "ssh_username": "admin"}


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("image", IMAGE, True),
        ("image", IMAGE | {"layers": [{"a": {"roles": ["r"], "vars": {"v": [1, None]}}}]}, True),
        ("image", IMAGE | {"layers": [{"a": {"rols": []}}]}, False),
        ("image", IMAGE | {"layers": [{"a": {}, "b": {}}]}, False),
        ("image", IMAGE | {"layers": [{"a": {"vars": {"not-a-name": 1}}}]}, False),
        ("image", IMAGE | {"layers": [{"name": "a"}]}, False),
        ("image", IMAGE | {"layers": []}, False),
        ("image", IMAGE | {"name": "A_b"}, False),
        ("image", IMAGE | {"tag": {}}, False),
        ("ami", {"name": "f", "sources": {"s": SOURCE}, "layers": ["a", {"b": {"protected": True}}]}, True),
        ("ami", {"name": "f", "sources": {"s": SOURCE | {"ssm_parameter": "/a"}}}, False),
        ("ami", {"name": "f", "sources": {"s": SOURCE | {"name": "s"}}}, False),
        ("ami", {"name": "f", "layers": [{"b": {"protected": "yes"}}]}, False),
    ],
)
def test_schemas_when_a_value_is_right_or_wrong(name: str, value: Any, fits: bool) -> None:  # noqa: FBT001
    assert validator(f"{name}.schema.json").is_valid(value) == fits
