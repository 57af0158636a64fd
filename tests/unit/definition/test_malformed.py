"""However a definition is broken, what is wrong is reported, and nothing else happens."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.definition.workspace import load
from orchestrator.errors import DefinitionError
from tests.thorough import examples

REPOSITORY = Path(__file__).parents[3]
IMAGE = (REPOSITORY / "packer/images/web.yml").read_text()
AMI = (REPOSITORY / "ami.yml").read_text()
ENVIRONMENT = 'region = "us-east-1"\nendpoint = "http://127.0.0.1:4999"\nextra_vars = {\n  url = "http://x/"\n}\n'

FILES = {"packer/images/web.yml": IMAGE, "ami.yml": AMI, "packer/environments/lab.pkrvars.hcl": ENVIRONMENT}

#: Texts that a YAML or HCL file does not survive, or survives as something else than it looks like.
PIECES = [
    *(
        "\t",
        "\x00",
        "\ufeff",
        "\x85",
        "\u2028",
        "\r",
        "\U0001f600",
        "\\x",
        "#",
        "'",
        '"',
        "|\n",
        ">",
        "=",
        "- ",
        ": ",
        "? ",
    ),
    *("---\n", "...\n", "%YAML 3.0\n", "&a ", "*a", "<<: *a\n", "a: &a [*a]\n", "a: *a\n"),
    *("!!python/object:os.system ", "!!binary ", "!!set ", "!x "),
    *(
        "[" * 3000,
        "{a: " * 2000,
        "{" * 500,
        "- " * 2000,
        "9" * 5000,
        "0x" + "f" * 5000,
        "1e999",
        "1.0e+999",
        "0b_",
        "1:99",
    ),
    *(".inf", ".nan", "2024-01-01", "2024-99-99", "on", "null", "~"),
    *("${", "%{ if x }", "<<EOT\n", "= [", "f(1)", "/*"),
]

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=4), st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(SCALARS, inner, max_size=3)),
    max_leaves=6,
)
EACH_FILE = st.sampled_from(sorted(FILES))
QUICK = settings(
    max_examples=examples(60, 200),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def attempt(root: Path, name: str, content: bytes) -> list[str]:
    """The problems of a workspace whose file `name` has this content. Any other exception fails the test."""
    for file, text in FILES.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content if file == name else text.encode())
    for shared in ("roles", "playbooks"):
        with contextlib.suppress(FileExistsError):
            (root / shared).symlink_to(REPOSITORY / shared)
    golden = "packer/images/golden.yml"
    (root / golden).write_bytes((REPOSITORY / golden).read_bytes())
    error = refusal(root)
    if error is None:
        return []
    assert error.exit_code == 2
    assert error.problems
    for jargon in ("Input should", "pydantic", "Traceback", "https://errors", "Token("):
        assert jargon not in str(error)
    lines = content.count(b"\n") + content.count(b"\r") + 1
    for problem in error.problems:
        assert problem.line >= 0
        assert problem.line <= lines or problem.path != root / name
    return [str(problem).removeprefix(f"{root}/") for problem in error.problems]


def refusal(root: Path) -> DefinitionError | None:
    """What loading raises; any other exception ends the test."""
    try:
        load(root)
    except DefinitionError as error:
        return error
    return None


def test_load_when_no_file_is_changed(tmp_path: Path) -> None:
    """The files that the mutations begin from are without mistakes, so that each report below is the mutation's."""
    for name, text in FILES.items():
        assert attempt(tmp_path, name, text.encode()) == []


@QUICK
@given(
    name=EACH_FILE,
    piece=st.sampled_from(PIECES),
    where=st.floats(0, 1),
    cut=st.integers(0, 12),
    times=st.integers(1, 3),
)
def test_load_when_text_is_mutated(tmp_path: Path, name: str, piece: str, where: float, cut: int, times: int) -> None:
    """Pieces put into, or in the place of, any part of a valid file."""
    text = FILES[name]
    at = int(where * len(text))
    attempt(tmp_path, name, (text[:at] + piece * times + text[at + cut :]).encode())


@QUICK
@given(name=EACH_FILE, content=st.binary(max_size=200), keep=st.booleans())
def test_load_when_bytes_are_garbage(tmp_path: Path, name: str, content: bytes, keep: bool) -> None:  # noqa: FBT001
    """Any bytes, alone or after a valid file."""
    found = attempt(tmp_path, name, FILES[name].encode() + content if keep else content)
    assert found or keep


@QUICK
@given(data=st.data())
def test_load_when_structure_is_mutated(tmp_path: Path, data: st.DataObject) -> None:
    """Any value of a valid file replaced by any other, any key renamed or removed: every one of 200."""
    name = data.draw(st.sampled_from(["packer/images/web.yml", "ami.yml"]))
    value = yaml.safe_load(FILES[name])
    path = data.draw(st.sampled_from(list(paths(value))))
    changed = put(value, path, data.draw(VALUES), data.draw(st.sampled_from(["replace", "rename", "remove"])))
    text = (
        yaml.dump(changed, allow_unicode=True)
        if data.draw(st.booleans())
        else json.dumps(changed, default=str, skipkeys=True)
    )
    attempt(tmp_path, name, text.encode("utf-8", "surrogatepass"))


@QUICK
@given(name=EACH_FILE, key=st.from_regex(r"[a-z]{3,12}", fullmatch=True), value=st.booleans() | st.integers())
def test_load_when_a_key_is_unknown(tmp_path: Path, name: str, key: str, value: int) -> None:
    """Two hundred definitions that are wrong for certain: each gives a problem that names the very line."""
    text = FILES[name]
    if re.search(rf"^{key}\b", text, re.MULTILINE) or key in ENVIRONMENT_VARIABLES | {"extends", "tags"}:
        return
    line = f"{key} = 1\n" if name.endswith(".hcl") else f"{key}: {json.dumps(value)}\n"
    number = text.count("\n") + 1
    assert any(
        f"{name}:{number}: unknown key '{key}'" in said for said in attempt(tmp_path, name, (text + line).encode())
    )


ENVIRONMENT_VARIABLES = {"region", "profile", "endpoint"}


def paths(value: Any, at: tuple[Any, ...] = ()) -> Any:
    """The keys that lead to every value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*at, key)
        yield from paths(inner, (*at, key))


def put(value: Any, path: tuple[Any, ...], new: Any, how: str) -> Any:
    """`value` with what is at `path` replaced, renamed or removed."""
    whole = copy.deepcopy(value)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    if how == "replace":
        inner[path[-1]] = new
    else:
        del inner[path[-1]]
    if how == "rename" and isinstance(inner, dict) and isinstance(new, str):
        inner[new] = old
    return whole
