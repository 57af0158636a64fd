"""The tests of a workspace and those of what it extends do not meet: each level's run in processes of their own."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import UsageError
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.errors import NoTests
from orchestrator.validate.gates.tests import prepare
from orchestrator.validate.machine.boot import BootedMachine
from orchestrator.validate.machine.connection import OverSsm
from orchestrator.validate.machine_gate import MachineContext
from orchestrator.validate.options import ALL, Selection
from orchestrator.validate.request import ImageFacts, RoleTests, ValidateRequest
from orchestrator.validate.verdict import TestsFinding
from tests.unit.validate.shell_transport import LocalShell

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long(120)

NOWHERE = Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="s3cret")

#: What the factory proves: once by asking the machine, and once by itself.
PROTECTED = """
def test_protected(host): assert host.check_output("echo weak") == "strong"
def test_other(host): assert host.check_output("echo ok") == "ok"
"""
OWN = "def test_own(host): assert host.check_output('echo mine') == 'mine'\n"

#: What a team writes above its tests: it leaves out tests of others, calls failures passes, answers in the machine's
#: place, replaces the fixture `host`, and loads a plugin.
CONFTEST = """
import pytest
import testinfra.host

pytest_plugins = ["weak"]

def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "protected" not in item.name]

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"

testinfra.host.Host.check_output = lambda self, command, *args: "strong"

@pytest.fixture
def host():
    class Strong:
        def check_output(self, command): return "mine" if "mine" in command else "strong"
    return Strong()
"""
PLUGIN = """
import pytest
@pytest.fixture(autouse=True)
def unwilling(request):
    if "protected" in request.node.name: pytest.skip("not today")
"""


def request_for(tmp_path: Path, selection: Selection = ALL) -> ValidateRequest:
    """A factory with a role `hard`, and a team that extends it with a role `own` and a test file of the same name."""
    files = {
        "factory/roles/hard/tests/test_role.py": PROTECTED,
        "team/roles/own/tests/test_role.py": OWN,
        "team/conftest.py": CONFTEST,
        "team/weak.py": PLUGIN,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "out").mkdir(parents=True)
    return ValidateRequest(
        account=NOWHERE,
        ami_id="ami-1",
        image=ImageFacts("web", "v1", ("hardening", "workload"), ("hard", "own")),
        tests=(
            RoleTests("own", tmp_path / "team/roles/own/tests"),
            RoleTests("hard", tmp_path / "factory/roles/hard/tests", level=1),
        ),
        run="run-1",
        folder=tmp_path / "out",
        workspace=tmp_path / "team",
        placement=Placement((("t3.small", ""),), profile="ami-lab"),
        selection=selection,
    )


def found_by(request: ValidateRequest) -> TestsFinding:
    conversation = Conversation(LocalShell(), stop=threading.Event(), spool=str(request.folder / "spool"))
    machine = BootedMachine("i-1", OverSsm(request))
    with prepare(request) as look:
        finding = look(MachineContext(request, machine, conversation, lambda _: None))
    assert isinstance(finding, TestsFinding)
    return finding


def test_tests_of_what_is_extended_when_a_team_would_weaken_them(tmp_path: Path) -> None:
    """They run without any file of the team's, and before the team's own. Who reads the report sees one suite."""
    finding = found_by(request_for(tmp_path))
    assert [(test.nodeid, str(test.outcome)) for test in finding.tests] == [
        ("../factory/roles/hard/tests/test_role.py::test_protected", "failed"),
        ("../factory/roles/hard/tests/test_role.py::test_other", "passed"),
        ("roles/own/tests/test_role.py::test_own", "passed"),
    ]
    assert not finding.passed
    assert finding.evidence["roles"] == {"hard": 2, "own": 1}
    numbers = [one.number for one in finding.end.rounds]
    assert numbers == list(range(len(numbers)))
    log = (tmp_path / "out/pytest.log").read_text()
    assert log.index("test_protected") < log.index("1 passed")


def test_parts_when_a_selection_fits_some(tmp_path: Path) -> None:
    """Levels whose tests nobody chose are left out; a selection that fits nothing at all is a mistake."""
    finding = found_by(request_for(tmp_path / "some", Selection(keyword="own")))
    assert [test.name for test in finding.tests] == ["test_own"]
    with pytest.raises(UsageError, match="no test fits"):
        found_by(request_for(tmp_path / "none", Selection(keyword="nowhere")))


@pytest.mark.parametrize(
    ("collected", "imports"),
    [({}, 2), ({(0, "own"): 1, (1, "hard"): 2}, 1), ({(1, "hard"): 2}, 2)],
    ids=["not", "all", "some"],
)
def test_parts_when_tests_were_collected_before(
    tmp_path: Path, collected: dict[tuple[int, str], int], imports: int
) -> None:
    """A run that has collected all of them imports them once more, on the machine's turn, and finds out the same."""
    request = replace(request_for(tmp_path), collected=collected)
    text = f"open({str(tmp_path / 'imports')!r}, 'a').write('x')\n{OWN}"
    (tmp_path / "team/roles/own/tests/test_role.py").write_text(text)
    finding = found_by(request)
    assert finding.evidence["counts"] == {"passed": 2, "failed": 1}
    assert (tmp_path / "imports").read_text() == "x" * imports


def test_parts_when_a_role_has_fewer_tests_than_were_collected(tmp_path: Path) -> None:
    """A role without tests is no pass, however many it had when the run began."""
    emptied = tmp_path / "factory/roles/emptied/tests"
    emptied.mkdir(parents=True)
    (emptied / "test_role.py").write_text("x = 1\n")
    asked = request_for(tmp_path)
    (tmp_path / "factory/roles/hard/tests/test_role.py").write_text(OWN)
    tests = (*asked.tests, RoleTests("emptied", emptied, level=1))
    collected = {(0, "own"): 1, (1, "hard"): 2, (1, "emptied"): 1}
    finding = found_by(replace(asked, tests=tests, collected=collected))
    assert isinstance(finding.error, NoTests)
    assert "role 'emptied' has no tests" in finding.summary
