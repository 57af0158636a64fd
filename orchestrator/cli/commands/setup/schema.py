"""`ami schema`: the JSON Schemas of what people write, for editors."""

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
    """Print the JSON Schema of ami.yml and of image files, or write them into a folder."""
    from orchestrator.definition.schema import schemas

    if out is None:
        print_json(schemas())
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, value in schemas().items():
        (out / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"wrote {out / name}")


COMMAND = CliCommand("schema", 90, schema)
