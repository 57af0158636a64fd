"""What programs may rely on: schemas of all that is printed, and errors as JSON."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.core import TyperGroup

from orchestrator.cli import commands
from orchestrator.cli.json_schemas import file_of, schemas, shapes
from orchestrator.cli.main import app, main
from orchestrator.registration import modules_of
from tests.cli.contract import error_of, printed

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
AMI = Path(sys.executable).parent / "ami"
PRINTS = {module.COMMAND.name: module.COMMAND.prints for module in modules_of(commands)}


def leaves(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by its words."""
    if not isinstance(command, TyperGroup):
        yield names, command
        return
    for name, one in command.commands.items():
        yield from leaves(one, *names, name)


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


COMMANDS = dict(leaves(typer.main.get_command(app)))


def ended(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AMI, *arguments], cwd=cwd, capture_output=True, text=True, check=False, stdin=-3)


def test_schemas_when_a_shape_has_changed() -> None:
    """The committed schemas are those of the code: `ami schema --out docs/schema` writes them."""
    committed = {path.name: json.loads(path.read_text()) for path in (REPOSITORY / "docs/schema/json").iterdir()}
    assert committed == {file_of(name): schema for name, schema in schemas().items()}


@pytest.mark.parametrize("words", [words for words, one in COMMANDS.items() if "--json" in options(one)], ids=" ".join)
def test_command_when_it_has_json(words: tuple[str, ...]) -> None:
    """Its `COMMAND` names the schemas of what it prints, and each is there."""
    assert PRINTS[words[0]], f"{words[0]}: COMMAND has no `prints`"
    assert set(PRINTS[words[0]]) <= shapes().keys()


def test_shapes_when_commands_are_asked() -> None:
    """Nothing is declared that nobody prints."""
    assert shapes().keys() - {name for names in PRINTS.values() for name in names} == {"ami/error/1"}


def types_of(schema: Any) -> Iterator[tuple[str, str]]:
    """Each field with its type, null aside: `("tests", "object of integer")`. Any object is an object."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            ways = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
            (way,) = ways
            inner = way.get("items") or way.get("additionalProperties") or {}
            what = inner if isinstance(inner, dict) else {}
            yield name, f"{way.get('type', 'object')} of {what.get('type', 'object' if '$ref' in what else 'any')}"


def test_fields_when_they_have_one_name() -> None:
    """One name has one type everywhere. Numbers are one: whole ones may be written as such."""
    found: dict[str, set[str]] = {}
    for name, schema in schemas().items():
        for field, what in types_of(schema):
            number = what.replace("integer", "number")
            found.setdefault(field, set()).add(number)
            assert not field.endswith("seconds") or number == "number of any", (name, field)
    assert {field: types for field, types in found.items() if len(types) > 1} == {}


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        (("build", "--jsn"), "usage", 2),
        (("biuld",), "usage", 2),
        (("plan", "goldn"), "usage", 2),
        (("validate",), "usage", 2),
        (("lab", "faults", "list", "--name", "never-up"), "lack", 3),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else None,
)
def test_error_when_json_was_asked_for(arguments: tuple[str, ...], error: str, code: int) -> None:
    """One line of JSON ends standard error, and standard output is empty."""
    done = ended(*arguments, "--json")
    said = error_of(done.stderr)
    assert (done.returncode, said["exit_code"], said["error"], done.stdout) == (code, code, error, "")
    assert said["message"]
    assert said["hint"], "nobody knows what to do about it"


def test_status_when_the_lab_is_down() -> None:
    """The state of what was asked for is the result; that it is no good is the error."""
    done = ended("lab", "status", "--name", "never-made", "--json")
    assert (done.returncode, printed(done.stdout)["condition"]) == (3, "down")
    assert error_of(done.stderr)["exit_code"] == 3


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """This one, in a place of its own; nothing answers in its account."""
    for name in ("ami.yml", "playbooks", "roles"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copytree(REPOSITORY / "packer", tmp_path / "packer")
    variables = tmp_path / "packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text().replace(":4999", ":1"))
    return tmp_path


def test_error_when_files_are_wrong(workspace: Path) -> None:
    """Each mistake has its file and line."""
    (workspace / "packer/images/web.yml").write_text("name: web\ncolour: red\n")
    done = ended("plan", "web", "--json", cwd=workspace)
    said = error_of(done.stderr)
    assert (done.returncode, said["error"], done.stdout) == (2, "definition", "")
    assert {(Path(one["file"]).name, one["line"]) for one in said["places"]} >= {("web.yml", 2)}


def test_images_when_the_account_does_not_answer(workspace: Path) -> None:
    """A program can tell "not built" from "not known"."""
    told = printed(ended("images", "--json", cwd=workspace).stdout)
    assert told["account_answered"] is False
    assert {one["image"]: one["ami_id"] for one in told["images"]} == dict.fromkeys(("golden", "web", "analytics"))


@pytest.mark.parametrize(
    ("raised", "error", "code", "message"),
    [
        (ZeroDivisionError("by 0"), "bug", 1, "Traceback"),
        (KeyboardInterrupt(), "interrupted", 130, "stopped"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "lack", 3, "cannot write (/x)"),
    ],
    ids=["bug", "ctrl-c", "full disk"],
)
def test_error_when_nobody_expected_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    error: str,
    code: int,
    message: str,
) -> None:
    """Whatever ends a command ends it with JSON; a bug has its trace."""

    def broken(**_: Any) -> None:
        raise raised

    monkeypatch.setattr("orchestrator.cli.main.app", broken)
    monkeypatch.setattr(sys, "argv", ["ami", "list", "--json"])
    with pytest.raises(SystemExit) as over:
        main()
    said = error_of(capsys.readouterr().err)
    assert (over.value.code, said["error"], said["exit_code"]) == (code, error, code)
    assert message in said["message"]


@pytest.mark.parametrize("arguments", [("schema",), ("list",)], ids=" ".join)
def test_results_when_nothing_is_loaded_in_vain(arguments: tuple[str, ...]) -> None:
    """Shapes are for schemas: printing JSON does not load them."""
    code = (
        "import sys; from orchestrator.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('orchestrator.contract.')])"
    )
    asked = [sys.executable, "-c", code, *arguments, *(["--json"] if arguments == ("list",) else [])]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/")
    assert (done.stdout.splitlines()[-1] == "[]") == (arguments == ("list",))
