"""The reference as Markdown pages: every key of every file, what tests may ask, and every command and option.

`docs/reference/` holds them as `python -m orchestrator.cli.documents.reference docs/reference` writes them.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.definition.reference import ReferenceKey, ReferenceTable

#: Columns of prose, as everywhere in docs.
_WIDTH = 120
_MADE = "Made from the code by `make reference`; edit the descriptions there."
_DEFAULT = re.compile(r"\s*\[(?P<what>[^\[\]]*)\]$")
_CONTROL = "\b"


_WORKSPACE = """The file `ami.yml` makes a folder a workspace ([layers](../layers.md), [roles](../roles.md),
[machine](../machine.md))."""
_IMAGE = """Each file `packer/images/NAME.yml` defines the image NAME ([layers](../layers.md), [roles](../roles.md),
[machine](../machine.md))."""
_ENVIRONMENT = """Each file `packer/environments/NAME.pkrvars.hcl` is the environment NAME, which `--env NAME` takes
([secrets](../secrets.md)). Packer reads it, too."""
_TESTS = """Tests of a role are `roles/ROLE/tests/test_*.py`, or `tests/roles/ROLE/test_*.py` for a role from elsewhere.
They are pytest's; two fixtures and a mark are added ([validating](../validating.md))."""
_COMMANDS = """Every command with its arguments and options, as `ami COMMAND --help` has them. Each also takes `--help`
(`-h`). Exit codes: 0 done, 1 a build or a test failed, 2 what was written is wrong, 3 this machine or account lacks
something, 130 interrupted."""


def main() -> None:
    """Write the pages into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def pages() -> Mapping[str, str]:
    """The pages by the name of their file."""
    from orchestrator.cli.main import app
    from orchestrator.definition import reference

    return {
        "ami-yml.md": _page("ami.yml", _WORKSPACE, map(_table, reference.tables_of_workspace())),
        "image.md": _page("Images", _IMAGE, map(_table, reference.tables_of_image())),
        "environment.md": _page("Environments", _ENVIRONMENT, map(_table, reference.tables_of_environment())),
        "role-tests.md": _page("Tests of roles", _TESTS, _parts_about_tests()),
        "commands.md": _page("Commands", _COMMANDS, _commands("ami", typer.main.get_command(app))),
    }


def _page(title: str, about: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", _prose(about), _prose(_MADE), *parts]) + "\n"


def _prose(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("--" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _table(table: ReferenceTable) -> str:
    head = ("key", "takes", "without it", "example", "what it is")
    return f"## {table.title}\n\n{_prose(table.description)}\n\n{_rows(head, map(_row, table.keys))}"


def _row(key: ReferenceKey) -> tuple[str, ...]:
    without = "**required**" if key.required else key.default or "—"
    return f"`{key.name}`", key.takes, without, key.example, _cell(key.description)


def _cell(text: str) -> str:
    """A text in a cell, in which nothing is markup but what stands in backquotes."""
    parts = text.split("`")
    return "`".join(part if place % 2 else re.sub(r"([*_<>\[\]])", r"\\\1", part) for place, part in enumerate(parts))


def _parts_about_tests() -> Iterator[str]:
    from orchestrator.validate.suite.fixtures import ImageUnderTest

    host = "the booted machine, as [Testinfra](https://testinfra.readthedocs.io) knows it"
    fixtures = [("`host`", host), ("`image`", "the image under test: see below")]
    yield f"## Fixtures\n\n{_rows(('fixture', 'what it is'), fixtures)}"
    rows = []
    for name, hint in get_type_hints(ImageUnderTest, include_extras=True).items():
        what, example = hint.__metadata__
        rows.append((f"`image.{name}`", _kind_of(hint), f"`{example}`", _cell(what)))
    yield f"## Image under test\n\n{_rows(('attribute', 'type', 'example', 'what it is'), rows)}"
    alone = ("`@pytest.mark.alone`", "the test changes the machine; it runs by itself, after all others")
    yield f"## Marks\n\n{_rows(('mark', 'what it does'), [alone])}"


def _kind_of(hint: Any) -> str:
    kinds = {str: "text", tuple[str, ...]: "tuple of texts"}
    return kinds.get(hint.__origin__, "mapping")


def _commands(path: str, command: Any) -> Iterator[str]:
    """A part for each command, groups before what is in them."""
    if command.hidden:
        return
    yield _command_part(path, command)
    for name, each in getattr(command, "commands", {}).items():
        yield from _commands(f"{path} {name}", each)


def _command_part(path: str, command: Any) -> str:
    context = typer.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    parts = [f"## {path}", f"```text\n{usage}\n```", *_help(command.help or "")]
    rows = [
        _parameter_row(record)
        for one in command.params
        if not getattr(one, "hidden", False) and (record := one.get_help_record(context))
    ]
    return "\n\n".join([*parts, *([_rows(("argument or option", "without it", "what it is"), rows)] if rows else [])])


def _help(text: str) -> Iterator[str]:
    """Paragraphs; those that Click does not wrap stay as they are."""
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith(_CONTROL):
            body = "\n".join(line.rstrip() for line in paragraph.removeprefix(_CONTROL).strip("\n").splitlines())
            yield f"```text\n{body}\n```"
        else:
            yield _prose(_cell(" ".join(paragraph.split())))


def _parameter_row(record: tuple[str, str]) -> tuple[str, ...]:
    """From `('-p, --parallel <int>', 'How many machines at a time.  [default: 2; x>=1]')`."""
    names, text = record
    facts = _DEFAULT.search(text)
    known = (facts["what"] if facts else "").split("; ")
    if not any(one == "required" or one.startswith("default: ") or "x" in one for one in known):
        known, facts = [], None
    default = next((f"`{one.removeprefix('default: ')}`" for one in known if one.startswith("default: ")), "—")
    span = [one for one in known if one != "required" and not one.startswith("default: ")]
    without = "**required**" if "required" in known else default
    told = text[: facts.start()] if facts else text
    return f"`{names}`", without, _cell(" ".join([told, *(f"({one})" for one in span)]).strip())


if __name__ == "__main__":
    main()
