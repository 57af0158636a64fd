"""The edge of the command line: exit codes, errors without traces, a help that answers at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.in_process import typed
from tests.thorough import examples

REPOSITORY = Path(__file__).parents[3]
WEB = {
    "name": "web",
    "description": "nginx",
    "owner": {"team": "portal", "email": "portal@example.com"},
    "from": "golden",
    "layers": [{"workload": {"roles": ["nginx"]}}],
}
NOT_TEXT: st.SearchStrategy[object] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.lists(st.integers(), max_size=2), st.just({})
)
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
MALFORMED = st.one_of(
    st.sampled_from(sorted(WEB)).map(lambda key: {name: value for name, value in WEB.items() if name != key}),
    st.tuples(st.sampled_from(sorted(WEB)), NOT_TEXT).map(lambda change: WEB | {change[0]: change[1]}),
    st.tuples(NAMES.filter(lambda name: name not in WEB and name != "tags"), NOT_TEXT).map(
        lambda new: WEB | dict([new])
    ),
    NAMES.filter(lambda name: name != "golden").map(lambda name: WEB | {"from": name}),
    NAMES.filter(lambda name: name != "workload").map(lambda name: WEB | {"layers": [name, "hardening", name]}),
    NAMES.map(lambda name: WEB | {"layers": [{"workload": {"roles": [f"no_{name}"]}}]}),
    st.text(max_size=20).map(lambda text: WEB | {"tags": {f"aws:{text}": text}}),
    st.integers(257, 300).map(lambda length: WEB | {"tags": {"note": "x" * length}}),
    NOT_TEXT,
)


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose web.yml may be broken."""
    root = tmp_path_factory.mktemp("workspace")
    for name in ("ami.yml", "playbooks", "roles"):
        (root / name).symlink_to(REPOSITORY / name)
    (root / "packer/images").mkdir(parents=True)
    for name in ("environments", "images/golden.yml"):
        (root / "packer" / name).symlink_to(REPOSITORY / "packer" / name)
    return root


@settings(max_examples=examples(50, 200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=MALFORMED)
def test_main_when_a_definition_is_malformed(
    written: object, copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A malformed definition: exit code 2, the file's name, and never a trace."""
    (copied / "packer/images/web.yml").write_text(json.dumps(written, indent=1))
    code = typed(monkeypatch, "render", "web", "--packer", "1.6.6", "--workspace", str(copied))
    said = capsys.readouterr().err
    assert code == 2, said
    assert "packer/images/web.yml" in said
    assert "Traceback" not in said


def test_main_when_definitions_are_good(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same workspace, unbroken, renders: it is the mistakes that are refused above."""
    (copied / "packer/images/web.yml").write_text(json.dumps(WEB, indent=1))
    assert typed(monkeypatch, "render", "web", "--packer", "1.6.6", "--workspace", str(copied)) == 0
    assert 'source "amazon-ebs" "web"' in capsys.readouterr().out


def test_main_when_an_image_is_unknown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest name is offered, with exit code 2."""
    assert typed(monkeypatch, "render", "goldn", "--workspace", str(REPOSITORY)) == 2
    assert "(did you mean 'golden'?)" in capsys.readouterr().err


def test_main_when_there_is_no_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said in one line what is missing."""
    assert typed(monkeypatch, "list", "--workspace", str(tmp_path)) == 2
    assert "ami.yml" in capsys.readouterr().err


def test_main_when_nothing_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lab that is down is a lack of this machine (3), with the command that mends it."""
    for name in ("ami.yml", "playbooks", "roles"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "packer/environments").mkdir(parents=True)
    (tmp_path / "packer/images").symlink_to(REPOSITORY / "packer/images")
    variables = (REPOSITORY / "packer/environments/lab.pkrvars.hcl").read_text().replace(":4999", ":1")
    (tmp_path / "packer/environments/lab.pkrvars.hcl").write_text(variables)
    assert typed(monkeypatch, "list", "--workspace", str(tmp_path)) == 3
    said = "error: nothing answers at http://127.0.0.1:1/\nhint: ami lab up --name lab-1 --port 1\n"
    assert capsys.readouterr().err == said


def test_main_when_the_disk_is_full() -> None:
    """`/dev/full` takes no byte, as a full disk; that is a lack of this machine (3), not a trace."""
    argv = [sys.executable, "-m", "orchestrator.cli.main", "render", "web", "--packer", "1.6.6"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=REPOSITORY)
    said = "error: this machine cannot write: No space left on device\nhint: df -h; then run the command again\n"
    assert (done.returncode, done.stderr) == (3, said)


def test_plan_and_show_when_nothing_is_built_or_tested() -> None:
    """What they import has neither pytest nor Jinja in it: they are slow to load."""
    code = (
        "import sys, orchestrator.run.prepare, orchestrator.run.explain, orchestrator.run.tests\n"
        "print([name for name in ('pytest', '_pytest', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_when_asked_for() -> None:
    """None of the heavy libraries is loaded to answer --help."""
    heavy = ("boto3", "botocore", "pydantic", "jinja2", "moto", "testinfra", "hcl2", "yaml", "ansible_runner")
    code = (
        "import sys; from orchestrator.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "validate" in done.stdout
