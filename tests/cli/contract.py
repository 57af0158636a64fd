"""What `ami ... --json` prints, compared with its schema: closed here, so that no field goes undeclared."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from orchestrator.cli.json_schemas import schemas


def printed(text: str) -> Any:
    """The object that is all of `text`. Fails the test unless it keeps to its schema."""
    value = json.loads(text)
    assert isinstance(value, dict), f"not an object: {text}"
    assert "schema" in value, f"no schema: {text}"
    validator(value["schema"]).validate(value)
    return value


def error_of(stderr: str) -> Any:
    """The error in the last line of standard error."""
    return printed(stderr.rstrip().splitlines()[-1])


def kept(arguments: tuple[str, ...], stdout: str, stderr: str, code: int) -> None:
    """Hold what a command printed to the contract, if it was asked for JSON."""
    if "--json" not in arguments:
        return
    if stdout.strip():
        printed(stdout)
    else:
        assert code, "neither an object nor an error"
    if code:
        assert error_of(stderr)["exit_code"] == code


@cache
def validator(name: str) -> Draft202012Validator:
    """What checks an object of that schema."""
    schema = schemas()[name]
    for each in (schema, *schema.get("$defs", {}).values()):
        each["additionalProperties"] = False
    return Draft202012Validator(schema, format_checker=FormatChecker())
