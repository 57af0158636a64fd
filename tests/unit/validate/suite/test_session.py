"""The process that runs the tests, with tests that need no machine."""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import DefinitionError, Interrupted, UsageError
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.errors import ConnectionFault, NoTests, ValidationError
from orchestrator.validate.options import Selection
from orchestrator.validate.request import ImageFacts, RoleTests, ValidateRequest
from orchestrator.validate.suite.session import collect, laid_out, run
from orchestrator.validate.verdict import AskedCommand, SuiteEnd, TestResult, check_complete
from orchestrator.validate.workers.facts import COMMANDS
from tests.unit.validate.shell_transport import LocalShell, is_cut, well

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long(120)

NOWHERE = Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="s3cret")


def asked_for(tmp_path: Path, **roles: str) -> ValidateRequest:
    tests = []
    for role, text in roles.items():
        folder = tmp_path / "roles" / role / "tests"
        folder.mkdir(parents=True)
        (folder / "test_role.py").write_text(text)
        tests.append(RoleTests(role, folder))
    (tmp_path / "out").mkdir()
    return ValidateRequest(
        account=NOWHERE,
        ami_id="ami-1",
        image=ImageFacts("web", "v1", ("base", "workload"), tuple(roles), {"one": {"port": 80}}),
        tests=tuple(tests),
        run="run-1",
        folder=tmp_path / "out",
        placement=Placement((("t3.small", ""),), profile="ami-lab"),
    )


def here(request: ValidateRequest, *mishaps: Callable[[LocalShell, str], str]) -> Conversation:
    """This machine in the place of one that was booted."""
    return Conversation(LocalShell(*mishaps), stop=threading.Event(), spool=str(request.folder / "spool"))


def outcomes(
    request: ValidateRequest, *mishaps: Callable[[LocalShell, str], str]
) -> tuple[dict[str, str], tuple[TestResult, ...], SuiteEnd]:
    with laid_out(request) as suite:
        tests, end = run(suite.on("i-1"), request, here(request, *mishaps), hear=lambda _: None)
    return {test.name: str(test.outcome) for test in tests}, tests, end


EVERY_KIND = """
import pytest

def test_passes(): pass
def test_fails(): assert {"a": 1} == {"a": 2}
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_xfails(): assert False
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.xfail(strict=True)
def test_xpasses_strictly(): pass
@pytest.fixture
def broken(): raise RuntimeError("in a fixture")
def test_setup(broken): pass
@pytest.fixture
def leaves():
    yield
    raise RuntimeError("in teardown")
def test_teardown(leaves): pass
@pytest.mark.parametrize("n", [1, 2])
def test_parametrised(n): assert n == 1
"""


def test_outcomes_are_pytests_own(tmp_path: Path) -> None:
    found, tests, end = outcomes(asked_for(tmp_path, one=EVERY_KIND))
    assert found == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_skipped": "skipped",
        "test_xfails": "xfailed",
        "test_xpasses": "xpassed",
        "test_xpasses_strictly": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_parametrised[1]": "passed",
        "test_parametrised[2]": "failed",
    }
    by_name = {test.name: test for test in tests}
    assert "assert {'a': 1} == {'a': 2}" in by_name["test_fails"].message
    assert "not today" in by_name["test_skipped"].message
    assert "in a fixture" in by_name["test_setup"].message
    check_complete(tests, end)


def test_roles_do_not_meet_each_other_or_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file names, settings and options of the workspace: none of it is seen."""
    request = asked_for(
        tmp_path, one="X = 1\ndef test_a(): assert X == 1\n", two="def test_b(): assert 'X' not in globals()\n"
    )
    for folder in (tmp_path.parent, tmp_path / "roles" / "one" / "files"):
        folder.mkdir(exist_ok=True)
        (folder / "conftest.py").write_text("raise RuntimeError('stray')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.chdir(tmp_path)
    found, tests, _ = outcomes(request)
    assert found == {"test_a": "passed", "test_b": "passed"}
    assert [test.role for test in tests] == ["one", "two"]
    assert [test.nodeid for test in tests] == [
        "roles/one/tests/test_role.py::test_a",
        "roles/two/tests/test_role.py::test_b",
    ]
    assert not list(tmp_path.rglob("__pycache__"))


FAILS = """
import pytest

def check(value):
    assert value

def test_here():
    check(True)
    check(
        False
    )

@pytest.fixture
def broken(away):
    pass

def test_fixture(broken): pass

def test_passes(): pass

def test_copy():
    raise OSError(__file__)
"""


def test_places_are_those_of_the_workspaces(tmp_path: Path) -> None:
    """File and line of each test and of what failed, also for roles of an extended workspace, and no copy anywhere."""
    request = asked_for(tmp_path / "mine", one=FAILS)
    other = asked_for(tmp_path / "other", two="def test_it():\n    assert 1 == 2\n")
    (tmp_path / "mine/roles/one/tests/conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef away():\n    raise RuntimeError('away')\n"
    )
    both = replace(request, tests=(*other.tests, *request.tests), workspace=tmp_path / "mine")
    _, tests, _ = outcomes(both)
    file = "roles/one/tests/test_role.py"
    assert {(test.nodeid, test.place) for test in tests} == {
        ("../other/roles/two/tests/test_role.py::test_it", "../other/roles/two/tests/test_role.py:2"),
        (f"{file}::test_here", f"{file}:5"),
        (f"{file}::test_fixture", "roles/one/tests/conftest.py:4"),
        (f"{file}::test_passes", f"{file}:19"),
        (f"{file}::test_copy", f"{file}:22"),
    }
    by_name = {test.name: test for test in tests}
    assert by_name["test_copy"].message == f"OSError: {file}"
    assert "../other/roles/two/tests/test_role.py:2: AssertionError" in by_name["test_it"].details
    assert "workspace-" not in str(tests) + (request.folder / "pytest.log").read_text()


def test_a_role_may_have_a_conftest_of_its_own(tmp_path: Path) -> None:
    request = asked_for(tmp_path, json="import json\ndef test_a(port): assert json.dumps(port) == '80'\n")
    (tmp_path / "roles" / "json" / "tests" / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef port(image): return image.vars.get('port', 80)\n"
    )
    assert outcomes(request)[0] == {"test_a": "passed"}


def test_tests_see_the_image(tmp_path: Path) -> None:
    text = """
def test_image(image):
    assert (image.name, image.version, image.ami_id, image.role) == ("web", "v1", "ami-1", "{role}")
    assert image.layers == ("base", "workload")
    assert image.roles == ("one", "two")
    assert image.vars == {vars}
"""
    one = text.replace("{role}", "one").replace("{vars}", '{"port": 80}')
    two = text.replace("{role}", "two").replace("{vars}", "{}")
    _, tests, _ = outcomes(asked_for(tmp_path, one=one, two=two))
    assert [test.message for test in tests] == ["", ""]


def test_what_tests_print_cannot_disturb_the_record(tmp_path: Path) -> None:
    text = """
import os
def test_a():
    os.write(1, b'{"event": "end"}\\n')
    print("x")
    assert os.read(0, 1) == b""
"""
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert found == {"test_a": "passed"}
    check_complete(tests, end)


def test_a_process_that_dies_is_its_tests_error(tmp_path: Path) -> None:
    """Never a pass, and the others go on."""
    text = "import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): os.abort()\ndef test_d(): pass\n"
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert found == {"test_a": "passed", "test_b": "error", "test_c": "error", "test_d": "passed"}
    check_complete(tests, end)


def test_a_skipped_test_may_still_fail(tmp_path: Path) -> None:
    text = """
import pytest
@pytest.fixture
def checks():
    yield
    assert False, "left behind"
@pytest.fixture(scope="module")
def checks_last():
    yield
    assert False, "left behind at last"
def test_a(checks): pytest.skip("no need")
def test_b(checks_last): pass
@pytest.mark.skip
def test_c(checks_last): pass
"""
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert found == {"test_a": "error", "test_b": "passed", "test_c": "error"}
    check_complete(tests, end)


def test_stopping_counts_failures_and_not_tests(tmp_path: Path) -> None:
    """As pytest does: a test that fails twice is enough for --maxfail=2."""
    text = """
import pytest
@pytest.fixture
def checks():
    yield
    assert False, "in the teardown"
def test_a(checks): assert False, "in the test"
def test_b(): pass
"""
    found, tests, end = outcomes(replace(asked_for(tmp_path, one=text), selection=Selection(maxfail=2)))
    assert found == {"test_a": "failed"}
    assert (
        tests[0].message == "AssertionError: in the test\nassert False\nAssertionError: in the teardown\nassert False"
    )
    check_complete(tests, end)


def test_properties_are_told(tmp_path: Path) -> None:
    text = "def test_a(record_property): record_property('size', 3)\n"
    _, tests, _ = outcomes(asked_for(tmp_path, one=text))
    assert tests[0].properties == (("size", "3"),)


def test_a_property_that_cannot_travel_fails_its_own_test(tmp_path: Path) -> None:
    text = """
import sys, types
def test_a(record_property):
    made = types.ModuleType("made")
    exec("class Size: pass", made.__dict__)
    made.Size.__module__ = "made"
    sys.modules["made"] = made
    record_property("size", made.Size())
def test_b(): pass
"""
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert found == {"test_a": "error", "test_b": "passed"}
    assert "the report of the test cannot be read: ModuleNotFoundError" in tests[0].message
    check_complete(tests, end)


def test_tests_know_nothing_of_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "in the environment")
    text = """
import os, gc
def test_a(request):
    assert not [name for name in os.environ if name.startswith("AWS_")]
    assert not [one for one in gc.get_objects() if isinstance(one, str) and "s3cret" in one]
    assert not [one for one in gc.get_objects() if isinstance(one, dict) and "s3cret" in map(str, one.values())]
"""
    assert outcomes(asked_for(tmp_path, one=text))[0] == {"test_a": "passed"}


LITTER = """
import pytest, tempfile
@pytest.mark.parametrize("n", range(5))
def test_a(tmp_path, n):
    tempfile.mkdtemp()
    assert len(list(tmp_path.parent.parent.glob("pytest-[0-9]*"))) == 1
"""


@pytest.mark.parametrize("length", [8, 100])
def test_nothing_is_left_here(length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of what pytest makes nor of what tests forget; and all share one base folder, as in one process.

    A socket's path cannot be as long as others.
    """
    request = asked_for(tmp_path, one=LITTER)
    scratch = Path(tempfile.mkdtemp(prefix="s" * length))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    assert set(outcomes(request)[0].values()) == {"passed"}
    scratch.rmdir()


def test_tests_that_were_changed_since_they_were_chosen(tmp_path: Path) -> None:
    request = replace(asked_for(tmp_path, one="def test_a(): pass\n"), is_current=lambda: False)
    with pytest.raises(ValidationError, match="the tests were changed since"), laid_out(request):
        pass


def test_tests_that_are_changed_while_they_wait(tmp_path: Path) -> None:
    """What was laid out runs."""
    request = asked_for(tmp_path, one="def test_a(): assert False\n")
    with laid_out(request) as suite:
        (tmp_path / "roles/one/tests/test_role.py").write_text("def test_a(): pass\n")
        tests, _ = run(suite.on("i-1"), request, here(request), hear=lambda _: None)
    assert str(tests[0].outcome) == "failed"


@pytest.mark.parametrize("scope", ["function", "class", "module", "session"])
def test_commands_of_a_fixture_are_told_with_the_test_that_it_fails(scope: str, tmp_path: Path) -> None:
    text = f"""
import pytest
@pytest.fixture(scope="{scope}")
def made(host):
    assert host.run("echo making; false").rc == 0
@pytest.fixture(scope="{scope}")
def taken_down(host):
    yield
    assert host.run("echo ending; false").rc == 0
class TestIt:
    def test_a(self, host): host.run("true")
    def test_b(self, made): pass
    def test_c(self, taken_down): pass
    def test_d(self): pass
"""
    _, tests, _ = outcomes(asked_for(tmp_path, one=text))
    told = {test.name[-1]: [one.output for one in test.asked] for test in tests if test.failed}
    assert told == {"b": ["making\n"], "c" if scope == "function" else "d": ["ending\n"]}


def test_the_end_of_the_whole_process_is_never_a_pass(tmp_path: Path) -> None:
    text = "import os, signal\ndef test_a(): pass\ndef test_b(): os.killpg(0, signal.SIGKILL)\n"
    text += "def test_c():\n    import time; time.sleep(1)\n"
    _, tests, end = outcomes(asked_for(tmp_path, one=text))
    with pytest.raises(ValidationError, match=r"the process of the tests ended when \d of 3 tests had run"):
        check_complete(tests, end)


def test_a_machine_that_cannot_be_asked_ends_the_suite(tmp_path: Path) -> None:
    """The first questions are the facts; then it is gone. A test that catches everything does not change that."""
    text = """
def test_swallows(host):
    try:
        host.run("true")
    except Exception:
        pass
def test_next(host): host.run("true")
"""

    def refuses(_shell: LocalShell, _script: str) -> str:
        raise ConnectionFault("you may not ask")

    _, tests, end = outcomes(asked_for(tmp_path, one=text), well, refuses)
    with pytest.raises(ValidationError, match="could not be finished: you may not ask"):
        check_complete(tests, end)
    assert len(tests) <= 1


def test_facts_that_cannot_be_asked_for_are_a_fault(tmp_path: Path) -> None:
    """And nothing is asked on: numbers of questions are never used twice."""
    text = "def test_a(host): assert host.run('false').rc == 0\n"
    _, tests, end = outcomes(asked_for(tmp_path, one=text), is_cut, is_cut)
    assert tests == ()
    with pytest.raises(ValidationError, match="could not be finished: the machine's answer is missing or cut"):
        check_complete(tests, end)


def test_what_a_test_leaves_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    text = """
import os, time
def test_a():
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
def test_b(): assert True
"""
    began = time.monotonic()
    assert outcomes(asked_for(tmp_path, one=text))[0] == {"test_a": "passed", "test_b": "passed"}
    assert time.monotonic() - began < 200


def test_first_failure_when_others_still_wait(tmp_path: Path) -> None:
    """With -x: their round is not waited for, and does no harm when it comes."""
    text = """
import time
def test_a(host): host.run("sleep 1"); assert False
def test_b(host): host.run("sleep 1; echo"); host.run("sleep 30")
def test_c(): time.sleep(60)
"""
    found, tests, end = outcomes(replace(asked_for(tmp_path, one=text), selection=Selection(maxfail=1)))
    assert found == {"test_a": "failed"}
    check_complete(tests, end)


@pytest.mark.parametrize("seconds", ["None", "'60'", "-5", "0", "float('nan')"])
def test_a_time_that_is_none_fails_the_test_that_gives_it(seconds: str, tmp_path: Path) -> None:
    text = f"def test_a(host): host.run('true', timeout={seconds})\ndef test_b(host): host.run('true')\n"
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert found == {"test_a": "failed", "test_b": "passed"}
    assert "a number of seconds" in tests[0].message
    check_complete(tests, end)


def test_what_is_unclear_is_no_verdict(tmp_path: Path) -> None:
    """Also when the test makes nothing of it."""
    text = """
KILL = "kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $PPID))"
def test_swallows(host):
    try:
        host.run(KILL)
    except Exception:
        pass
def test_other(host): assert host.run("echo x").stdout == "x\\n"
"""
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert found["test_other"] == "passed"
    with pytest.raises(ValidationError, match=r"the result of kill -9 .*is unknown"):
        check_complete(tests, end)


def test_commands_are_kept_of_failed_tests_only(tmp_path: Path) -> None:
    """With what they wrote, secrets masked."""
    text = """
def test_good(host): host.run("echo good")
def test_bad(host):
    host.run("echo s3cret; exit 3")
    assert False
"""
    request = replace(asked_for(tmp_path, one=text), masks=("s3cret",))
    _, (good, bad), end = outcomes(request)
    assert good.asked == ()
    assert bad.asked == (AskedCommand("echo ********; exit 3", "3", "********\n"),)
    assert end.calls["sh"] >= len(end.rounds) >= 2


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "import nothing_of_that_name\n",
            DefinitionError,
            "py:1: ModuleNotFoundError: No module named 'nothing_of_that",
        ),
        ("x = 1\ndef (\n", DefinitionError, r"roles/two/tests/test_role.py:2: SyntaxError: invalid syntax"),
        ("x = 1\n\nx.nothing\n", DefinitionError, "test_role.py:3: AttributeError: 'int' object has no attribute"),
        ("x = 1\n", NoTests, "role 'two' has no tests"),
    ],
)
def test_collecting_finds_what_cannot_run(tmp_path: Path, text: str, error: type[Exception], said: str) -> None:
    request = asked_for(tmp_path, one="def test_a(): pass\n", two=text)
    with laid_out(request) as suite, pytest.raises(error, match=said):
        collect(suite, request)


def test_collecting_counts(tmp_path: Path) -> None:
    request = asked_for(tmp_path, one="def test_a(): assert False\ndef test_b(): pass\n", two="def test_a(): pass\n")
    with laid_out(request) as suite:
        assert collect(suite, request) == 3


@pytest.mark.parametrize(
    ("selection", "ran"),
    [
        (Selection(keyword="a or b"), {"test_a": "passed", "test_b": "failed"}),
        (Selection(marker="slow"), {"test_c": "failed"}),
        (Selection(maxfail=1), {"test_a": "passed", "test_b": "failed"}),
        (Selection(keyword="not a", maxfail=2), {"test_b": "failed", "test_c": "failed"}),
    ],
)
def test_selection_is_pytests_own(tmp_path: Path, selection: Selection, ran: dict[str, str]) -> None:
    text = """
import pytest
def test_a(): pass
def test_b(): assert False
@pytest.mark.slow
def test_c(): assert False
"""
    request = replace(asked_for(tmp_path, one=text, two="def test_d(): pass\n"), selection=selection)
    if selection.partial:
        with laid_out(request) as suite:
            assert collect(suite, request) >= len(ran)
    found, tests, end = outcomes(request)
    assert {name: outcome for name, outcome in found.items() if name != "test_d"} == ran
    check_complete(tests, end)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(keyword="nowhere"), "no test fits -k 'nowhere'"),
        (Selection(marker="nowhere", keyword="a"), "no test fits -k 'a' -m 'nowhere'"),
        (Selection(keyword="a or"), "pytest does not understand -k 'a or': Wrong expression"),
    ],
)
def test_selection_that_chooses_nothing_is_refused(tmp_path: Path, selection: Selection, said: str) -> None:
    request = replace(asked_for(tmp_path, one="def test_a(): pass\n"), selection=selection)
    with laid_out(request) as suite, pytest.raises(UsageError, match=said):
        collect(suite, request)


ALONE = """
import pytest
@pytest.mark.alone
def test_changes(host):
    assert sorted(host.run("cat {log}").stdout.split()) == ["a", "b"]
    host.run("echo changes >>{log}")
def test_a(host): host.run("sleep 0.2; echo a >>{log}")
def test_b(host): host.run("sleep 0.6; echo b >>{log}")
@pytest.mark.alone
def test_changes_more(host):
    assert host.run("cat {log}").stdout.split()[2:] == ["changes"]
    host.run("echo more >>{log}")
@pytest.mark.alone
@pytest.mark.parametrize("n", [1, 2])
def test_fails(host, n):
    host.run("echo %s >>{log}", str(n))
    assert False
def test_c(host): assert "changes" not in host.run("cat {log}").stdout
"""


@pytest.mark.parametrize("maxfail", [0, 1])
def test_tests_that_change_the_machine_run_alone_after_the_others(tmp_path: Path, maxfail: int) -> None:
    """In their order; what came of all is told in the order in which they stand. After enough failures none begins."""
    log = tmp_path / "log"
    request = asked_for(tmp_path, one=ALONE.replace("{log}", str(log)))
    found, _, _ = outcomes(replace(request, selection=Selection(maxfail=maxfail)))
    expected = {
        "test_changes": "passed",
        "test_a": "passed",
        "test_b": "passed",
        "test_changes_more": "passed",
        "test_fails[1]": "failed",
        "test_fails[2]": "failed",
        "test_c": "passed",
    }
    assert list(found.items()) == list(expected.items())[: 5 if maxfail else 7]
    together, alone = log.read_text().split()[:2], log.read_text().split()[2:]
    assert (sorted(together), alone) == (["a", "b"], ["changes", "more", "1", "2"][: 3 if maxfail else 4])


def test_tests_that_change_the_machine_ask_for_its_facts_anew(tmp_path: Path) -> None:
    text = """
import pytest
def test_a(host): assert host.system_info.type == "linux"; assert False
@pytest.mark.alone
def test_b(host): assert not host.exists("rpm"); assert host.exists("rpm")
def test_c(host): assert not host.exists("rpm"); assert host.exists("rpm")
"""
    _, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert [len(test.asked) for test in tests] == [0, 2, 2]
    assert [one.commands for one in end.rounds] == [len(COMMANDS), 1, 1]  # test_c's is a fact, and known


def test_facts_are_asked_anew_after_a_command_that_may_have_changed_them(tmp_path: Path) -> None:
    """Whichever test said it."""
    text = f"""
import pytest
@pytest.fixture(scope="session", autouse=True)
def installed(host): assert not host.exists("rpm"); host.run("install -D /bin/true {tmp_path}/rpm")
def test_a(host): assert host.run("test -x {tmp_path}/rpm").succeeded
def test_b(host): assert not host.exists("rpm")
"""
    found, _, end = outcomes(asked_for(tmp_path, one=text))
    assert found == {"test_a": "passed", "test_b": "passed"}
    assert sum(one.commands for one in end.rounds) == len(COMMANDS) + 3


def test_what_tests_say_runs_as_often_as_they_say_it(tmp_path: Path) -> None:
    """Equal commands of tests that wait at the same time, and of fixtures."""
    text = f"""
import pytest
@pytest.fixture
def scratch(host):
    path = host.check_output("mktemp -d -p {tmp_path}")
    yield path
    assert host.run("rmdir %s", path).succeeded
@pytest.mark.parametrize("n", range(5))
def test_a(host, scratch, n):
    assert host.file(scratch).is_directory
    host.run("echo line >>{tmp_path}/log")
"""
    found, tests, end = outcomes(asked_for(tmp_path, one=text))
    assert set(found.values()) == {"passed"}, [test.message for test in tests]
    assert (tmp_path / "log").read_text() == "line\n" * 5
    check_complete(tests, end)


def test_a_question_after_a_command_is_answered_after_it(tmp_path: Path) -> None:
    """Also when it was asked before: by the same test, by a fixture, by what the test has forked."""
    text = f"""
import os, pytest
@pytest.fixture(scope="module")
def there(host): assert not host.file("{tmp_path}/by-fixture").exists
def test_itself(host):
    file = host.file("{tmp_path}/itself")
    assert not file.exists
    host.run("touch {tmp_path}/itself")
    assert file.is_file
@pytest.mark.alone
def test_one(host, there): host.run("touch {tmp_path}/by-fixture")
@pytest.mark.alone
def test_other(host, there): assert host.file("{tmp_path}/by-fixture").is_file
def test_child(host):
    file = host.file("{tmp_path}/by-child")
    ask, answered = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.read(ask[0], 1)
        host.run("touch {tmp_path}/by-child")
        os.write(answered[1], b".")
        os._exit(0)
    assert not file.exists
    os.write(ask[1], b".")
    os.read(answered[0], 1)
    assert file.is_file
"""
    found, tests, _ = outcomes(asked_for(tmp_path, one=text))
    assert set(found.values()) == {"passed"}, [test.message for test in tests]


MANY = """
import pytest
@pytest.mark.parametrize("n", range(300))
def test_it(host, n):
    assert host.run("echo %s", str(n)).stdout == f"{n}\\n"
    assert host.run("echo x").rc == 0
"""


def test_many_tests_stay_within_the_bound_of_processes(tmp_path: Path) -> None:
    """A quarter of the processes that a user may have."""
    before = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (400, before[1]))
    most, over, others = [0], threading.Event(), set(descendants())

    def watch() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], sum(count for session, count in descendants().items() if session not in others))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        found, tests, end = outcomes(asked_for(tmp_path, one=MANY))
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, before)
        over.set()
        watcher.join()
    assert set(found.values()) == {"passed"}
    check_complete(tests, end)
    assert len(tests) == 300
    assert 2 < most[0] <= 100 + 2  # the caller of rounds, the root of the tree


def descendants() -> dict[int, int]:
    """How many processes hold memory in each session that this process has begun: proc_pid_stat(5), "vsize"."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            found.append((int(fields[1]), int(fields[3]), int(fields[20])))
    begun = {session for parent, session, _ in found if parent == os.getpid()} - {os.getsid(0)}
    return {session: sum(one == session and memory > 0 for _, one, memory in found) for session in begun}


def test_roles_without_a_test_file_are_named_together(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    request = asked_for(tmp_path, one="def test_a(): pass\n")
    more = tuple(RoleTests(role, tmp_path / "empty") for role in ("two", "three"))
    with (
        pytest.raises(NoTests, match="roles 'two', 'three' have no tests"),
        laid_out(replace(request, tests=request.tests + more)),
    ):
        pytest.fail("not reached")


def test_secrets_are_masked_in_results_and_log(tmp_path: Path) -> None:
    request = asked_for(tmp_path, one="def test_a():\n    print('s3cret')\n    assert 's3cret' == 'x'\n")
    _, (test,), _ = outcomes(replace(request, masks=("s3cret",)))
    assert "********" in test.message
    assert "s3cret" not in str(test)
    log = (request.folder / "pytest.log").read_text()
    assert "********" in log
    assert "s3cret" not in log


def test_stop_ends_a_running_test_and_what_it_started(tmp_path: Path) -> None:
    text = f"""
import pathlib, subprocess, time
def test_a():
    child = subprocess.Popen(["sleep", "300"])
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
    time.sleep(300)
"""
    stop = threading.Event()
    request = replace(asked_for(tmp_path, one=text), stop=stop)

    def stop_it() -> None:
        pid = tmp_path / "pid"
        while not (pid.exists() and pid.read_text()):  # it is there before its text is
            time.sleep(0.1)
        stop.set()

    threading.Thread(target=stop_it).start()
    began = time.monotonic()
    with laid_out(request) as suite, pytest.raises(Interrupted):
        run(suite.on("i-1"), request, here(request), hear=lambda _: None)
    assert time.monotonic() - began < 200
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 300
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
