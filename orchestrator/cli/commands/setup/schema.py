"""`ami schema`: the JSON Schemas of what people write, for editors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.terminal import print_json, say


def schema(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", help="Write the schemas into this folder.")] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Write pages about every key, command and option into this folder."),
    ] = None,
) -> None:
    """Print the JSON Schema of ami.yml and of image files, or write them into a folder."""
    from orchestrator.definition.schema import schemas

    if out is None and reference is None:
        print_json(schemas())
    if out is not None:
        texts = {name: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for name, value in schemas().items()}
        _write(texts, out)
    if reference is not None:
        from orchestrator.cli.reference import pages

        _write(pages(context.find_root().command), reference)


def _write(texts: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        say(f"wrote {folder / name}")


COMMAND = CliCommand("schema", 90, schema)
