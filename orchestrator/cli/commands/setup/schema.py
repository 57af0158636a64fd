"""`ami schema`: the JSON Schemas of what people write, for editors, and of what commands print, for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.terminal import print_json, say


def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Write the schemas into this folder.")] = None,
) -> None:
    """Print the JSON Schemas of the YAML files and of what --json prints, or write them into a folder."""
    from orchestrator.cli import json_schemas
    from orchestrator.definition.schema import schemas
    from orchestrator.files.whole_file import write_whole

    printed = {f"json/{json_schemas.file_of(name)}": value for name, value in json_schemas.schemas().items()}
    found = schemas() | printed
    if out is None:
        print_json({"schema": "ami/schema/1", "schemas": found})
        return
    (out / "json").mkdir(parents=True, exist_ok=True)
    for name, value in found.items():
        write_whole(out / name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        say(f"wrote {out / name}")


COMMAND = CliCommand("schema", 90, schema, prints=("ami/schema/1",))
