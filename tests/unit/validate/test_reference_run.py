"""Tests in rounds behave as in plain pytest: the same outcomes, the same words, in the same order."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.thorough import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.long(90)

Both = "Callable[..., tuple[dict[str, Any], dict[str, Any]]]"


class Server:
    """The program that runs suites."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        argv = [sys.executable, "-m", "tests.unit.validate.reference_run"]
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def run(self, files: dict[str, str], arguments: list[str], *, rounds: bool) -> dict[str, Any]:
        folder = self._folder / "suite"
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "pytest.ini").write_text("[pytest]\n")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"folder": str(folder), "arguments": arguments, "rounds": rounds}) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        shutil.rmtree(folder)
        return result

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("reference"))
    yield made
    made.close()


@pytest.fixture
def same(server: Server) -> Callable[..., dict[str, Any]]:
    """Run a suite both ways, compare, and give what came of the rounds."""
    return lambda files, *arguments: _same(server, files, list(arguments))


def _same(server: Server, files: dict[str, str] | str, arguments: list[str]) -> dict[str, Any]:
    files = {"test_it.py": files} if isinstance(files, str) else files
    plain = server.run(files, arguments, rounds=False)
    rounds = server.run(files, arguments, rounds=True)
    assert "status" not in plain, plain
    one, other = (_told(side, whole="-x" not in arguments) for side in (plain, rounds))
    different = list(difflib.unified_diff(one, other, "plain", "rounds", n=0, lineterm=""))
    assert not different, "\n".join(different)
    return rounds


def _told(result: dict[str, Any], *, whole: bool) -> list[str]:
    """What must be the same, as lines: everything but times, addresses and the numbers of temporary folders.

    Not `whole`: of a session that ends early. There plain pytest takes down at once, as a part of the last test, what
    tests shared; in rounds that is done, but not told.
    """
    told = [json.dumps(one if whole else [one[key] for key in SHORT], sort_keys=True) for one in result["reports"]]
    text = "\n".join([str(result["code"]), *told, *([*result["warnings"], result["printed"]] if whole else [])])
    text = untimed(text)
    text = re.sub(r"0x[0-9a-f]+", "0x0", text)
    return re.sub(r"pytest-\d+", "pytest-N", text).splitlines()


def untimed(text: str) -> str:
    """What pytest prints without the times that tests took, and without the padding of its last line to a width."""
    text = re.sub(r"(?m)^=* ?(.* in )\d+\.\d+s(?: \(\d+:\d\d:\d\d\))? ?=*$", r"\g<1>0.00s", text)
    return re.sub(r"\d+\.\d+s", "0.00s", text)


@pytest.mark.parametrize(
    ("quick", "slow"),
    [
        ("====== 1 failed in 0.12s ======", "===== 1 failed in 10.12s ====="),
        ("====== 1 failed in 9.12s ======", "= 1 failed in 61.23s (0:01:01) ="),
        ("1 passed, 1 warning in 0.12s", "1 passed, 1 warning in 3661.23s (1:01:01)"),
        ("0.01s setup    test_it.py::test_a", "10.01s setup    test_it.py::test_a"),
    ],
)
def test_a_slow_session_prints_the_same_as_a_quick_one(quick: str, slow: str) -> None:
    assert untimed(f"before\n{quick}\nafter") == untimed(f"before\n{slow}\nafter")


def test_what_differs_in_more_than_time_stays_different() -> None:
    assert untimed("=== 1 failed in 0.12s ===") != untimed("=== 2 failed in 0.12s ===")
    assert untimed("=== FAILURES ===") != untimed("==== FAILURES ====")


SHORT = ("nodeid", "when", "outcome", "wasxfail", "text")


EVERY_KIND = """
import pytest, warnings

def test_passes(host): assert host.run("true").rc == 0
def test_fails(host): assert host.run("echo out; exit 3").rc == 0
def test_compares(host): assert {"a": [1, 2]} == {"a": [1, host.run("exit 3").rc]}
@pytest.mark.skip(reason="not today")
def test_skipped(host): pass
@pytest.mark.skipif("1 + 1 == 2", reason="counted")
def test_skipped_if(): pass
def test_skips(host): pytest.skip("in the middle")
@pytest.mark.xfail(reason="known")
def test_xfails(host): assert host.run("false").rc == 0
@pytest.mark.xfail
def test_xpasses(host): pass
@pytest.mark.xfail(strict=True, reason="strict")
def test_xpasses_strictly(host): pass
@pytest.mark.xfail(run=False, reason="never")
def test_never_runs(host): assert False
@pytest.mark.xfail(raises=ValueError)
def test_xfails_otherwise(host): raise KeyError("k")
@pytest.fixture
def broken(host): raise RuntimeError("in a fixture")
def test_setup(broken): pass
@pytest.fixture
def leaves(host):
    yield
    print("leaving")
    raise RuntimeError("in teardown")
def test_teardown(leaves): print("called")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_parametrised(host, n): assert host.run(f"exit {n}").rc == 2
def test_prints(host, capsys):
    print("captured", host.run("echo x").stdout)
    assert capsys.readouterr().out == "captured x\\n\\n"
def test_speaks(host):
    import logging, sys
    print("to stdout"); print("to stderr", file=sys.stderr); logging.getLogger("a").warning("to the log")
    assert not host.run("true").succeeded
def test_warns(host): warnings.warn("mind", UserWarning)
def test_properties(record_property): record_property("key", "value")
def test_raises(host):
    with pytest.raises(AssertionError): host.check_output("false")
class TestClass:
    def setup_method(self): self.value = 1
    def test_method(self, host): assert self.value == 2
    @classmethod
    def setup_class(cls): print("class set up"); cls.shared = []
    @classmethod
    def teardown_class(cls): print("class torn down")
    def test_shared(self): assert self.shared is None
def test_catches_everything(host):
    try: host.run("true"); raise ValueError
    except BaseException: pass
def test_temporary(tmp_path): (tmp_path / "a").write_text("x"); assert (tmp_path / "a").read_text() == "y"
def test_environment(monkeypatch): monkeypatch.setenv("A", "b"); assert __import__("os").environ["A"] == "b"
def test_no_such_fixture(nothing): pass
"""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-v"],
        ["-x"],
        ["--maxfail=3"],
        ["-k", "passes or parametrised"],
        ["-m", "xfail"],
        ["-rA"],
        ["--tb=short"],
        ["--tb=line", "-q"],
        ["-vv", "--no-header", "--no-summary"],
        ["-s"],
        ["--capture=sys"],
        ["-W", "error"],
        ["--runxfail"],
        ["--deselect", "test_it.py::test_fails"],
        ["--log-level=INFO", "--show-capture=log"],
    ],
    ids=" ".join,
)
def test_every_kind_of_test_ends_as_in_plain_pytest(same: Callable[..., dict[str, Any]], arguments: list[str]) -> None:
    same(EVERY_KIND, *arguments)


SCOPES = {
    "conftest.py": """
import pytest
@pytest.fixture(scope="session", autouse=True)
def always():
    print("always up"); yield; print("always down")
@pytest.fixture(scope="session", params=["a", "b"])
def flavour(request, host):
    print("flavour", request.param, "up")
    yield host.check_output(f"echo {request.param}")
    print("flavour", request.param, "down")
@pytest.fixture(scope="package")
def packed():
    print("packed up"); yield 1; print("packed down")
def pytest_configure(config): config.addinivalue_line("markers", "slow: of our own")
def pytest_collection_modifyitems(items): items.sort(key=lambda item: "last" in item.name)
def pytest_runtest_setup(item):
    if item.get_closest_marker("slow") and not item.getparent(pytest.Class): pytest.skip("too slow")
def pytest_generate_tests(metafunc):
    if "generated" in metafunc.fixturenames: metafunc.parametrize("generated", [1, 2])
""",
    "one/__init__.py": "",
    "one/test_a.py": """
import pytest
@pytest.fixture(scope="module", autouse=True)
def module(host, always):
    made = [host.check_output("echo module")]
    print("module up", made); yield made; print("module down"); assert len(made) == 2, "of the module"
def setup_module(): print("xunit up")
def teardown_module(): print("xunit down")
def test_one(packed, module): assert module == ["module"]
def test_two(flavour): assert flavour == "a"
class TestIt:
    @pytest.fixture(scope="class", params=[1, 2])
    def each(self, request): print("each", request.param); yield request.param; print("each down", request.param)
    def test_each(self, each, host): assert host.run(f"exit {each}").rc == 1
    def test_again(self, each): print("again", each)
    class TestInner:
        @classmethod
        def setup_class(cls): raise ValueError("inner")
        def test_inner(self): pass
        def test_inner_again(self): pass
""",
    "one/test_b.py": """
import pytest
@pytest.fixture(scope="module")
def fails(host): print("failing"); assert host.run("exit 4").rc == 0, "a module's fixture"
@pytest.fixture(scope="module")
def skips(): pytest.skip("of the module")
def test_one(fails): pass
def test_two(fails): pass
def test_three(skips): pass
def test_four(skips, packed): pass
def test_five(generated, flavour): assert generated == 1
def test_last(packed): assert packed == 2
""",
    "test_c.py": """
import unittest, pytest
@pytest.mark.slow
def test_slow(): assert False
class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls): print("case up")
    @classmethod
    def tearDownClass(cls): print("case down")
    def setUp(self): print("set up")
    def test_one(self): self.assertEqual(1, 2)
    def test_two(self): self.skipTest("of unittest")
    @unittest.expectedFailure
    def test_three(self): assert False
def test_dynamic(request): assert request.getfixturevalue("packed") == 3
def test_subtests(subtests):
    for i in range(3):
        with subtests.test(i=i): assert i == 1
""",
}


@pytest.mark.parametrize("arguments", [[], ["-x"], ["-s", "-v"], ["-rA"], ["-k", "one or last"]], ids=" ".join)
def test_fixtures_of_every_scope_are_made_once_and_told_of_where_plain_pytest_does(
    same: Callable[..., dict[str, Any]], arguments: list[str]
) -> None:
    same(SCOPES, *arguments)


POLLS = """
import time
def test_a(host):
    for _ in range(3):
        host.run("true")
        time.sleep(0.05)
def test_b(host): assert 0
"""
RANDOM = """
import random
def test_a(host):
    n = random.random()
    assert host.run("echo %s", str(n)).stdout.strip() == str(n)
"""
HANGS = """
def test_a(host): assert host.run("sleep 9", timeout=0.2).rc == 0
def test_b(host): assert host.run("true").rc == 0
"""
THREADS = """
import threading
def test_a(host):
    found = []
    ask = lambda n: found.append(host.run(f"exit {n}").rc)
    some = [threading.Thread(target=ask, args=(n,)) for n in range(5)]
    [t.start() for t in some]; [t.join() for t in some]
    assert sorted(found) == [0, 1, 2, 3, 5]
"""
FORKS = """
import os
def test_a(host):
    pid = os.fork()
    if pid == 0: os._exit(host.run("exit 5").rc)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6
"""


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\ndef test_a(): pass\ndef test_b(): pytest.exit('enough', 7)\ndef test_c(): pass\n",
        "def test_a(request): request.session.shouldstop = 'now'\ndef test_b(): pass\n",
        (
            "import pytest\n@pytest.fixture(scope='module')\ndef m(): pytest.exit('enough')\n"
            "def test_a(): pass\ndef test_b(m): pass\ndef test_c(m): pass\n"
        ),
        "def test_a(): raise SystemExit(3)\ndef test_b(): pass\n",
        "def broken(:\n",
        "x = 1\n",
        "import pytest\npytest.skip('all of it', allow_module_level=True)\n",
        POLLS,
        RANDOM,
        HANGS,
        THREADS,
        FORKS,
    ],
)
def test_what_ends_early_or_is_odd_does_so_as_in_plain_pytest(same: Callable[..., dict[str, Any]], text: str) -> None:
    same(text)


EFFECTS = """
from pathlib import Path
import pytest
HERE = Path(__file__).parent
def say(host, word): host.run("echo %s >>%s", word, f"{HERE}/said")
@pytest.fixture(scope="class")
def scratch(host):
    path = host.check_output("mktemp -d -p %s", str(HERE))
    say(host, "scratch")
    yield path
    assert host.run("rmdir %s", path).succeeded
class TestOne:
    def test_a(self, host, scratch): assert host.file(scratch).is_directory; say(host, "line")
    def test_b(self, host, scratch): assert not host.file(scratch).is_file; say(host, "line")
class TestTwo:
    def test_a(self, host, scratch): assert host.file(scratch).is_directory; say(host, "line")
@pytest.mark.parametrize("n", range(4))
def test_c(host, n):
    say(host, "line")
    file = host.file(f"{HERE}/{n}")
    assert not file.exists
    host.run("touch %s", f"{HERE}/{n}")
    assert file.is_file
    say(host, "line")
@pytest.mark.alone
def test_what_was_said(host): assert host.check_output("sort %s | uniq -c", f"{HERE}/said") == ""
"""


def test_what_tests_do_to_the_machine_is_what_plain_pytest_does(same: Callable[..., dict[str, Any]]) -> None:
    """Equal commands of tests and fixtures that wait at the same time all run."""
    printed = same(EFFECTS)["printed"]
    assert "11 line" in printed
    assert "2 scratch" in printed


FOR_THE_NEXT = {
    "conftest.py": """
import pytest
@pytest.fixture(scope="session", params=["x", "y"])
def flavour(request, host):
    print("flavour", request.param, "up")
    yield request.param
    print("flavour", request.param, "down"); assert host.run("exit 1").rc == 0
""",
    "test_a.py": "def test_a(flavour): assert flavour\ndef test_b(flavour): assert flavour\n",
    "test_b.py": """
import pytest
@pytest.fixture(scope="module")
def module(flavour): print("module up"); yield flavour; print("module down")
class TestIt:
    @pytest.fixture(scope="class")
    def each(self, module): print("class up"); yield module; print("class down")
    def test_a(self, each): assert each == "x"
    def test_b(self, each): assert each == "x"
""",
}


def test_what_fails_to_be_taken_down_for_the_next_test_fails_that_one(same: Callable[..., dict[str, Any]]) -> None:
    """A fixture is taken down, for the sake of another parameter, in the setup of the test that has this."""
    same(FOR_THE_NEXT)


@pytest.mark.parametrize("mark", ["skip", "xfail", "xfail(strict=True)", "xfail(run=False)", "xfail(raises=KeyError)"])
@pytest.mark.parametrize("ends", ["raise ValueError", "pytest.skip('late')", "pytest.xfail('late')"])
def test_what_fails_to_be_taken_down_after_a_marked_test_counts_as_in_plain_pytest(
    same: Callable[..., dict[str, Any]], mark: str, ends: str
) -> None:
    text = f"""
import pytest
@pytest.fixture(scope="module")
def module(): yield; print("module down"); {ends}
def test_a(module): pass
@pytest.mark.{mark}
def test_b(module, record_property): record_property("key", "value")
"""
    same(text)


def test_a_parameter_that_does_not_equal_itself_serves_one_test(same: Callable[..., dict[str, Any]]) -> None:
    text = """
import pytest
@pytest.fixture(scope="module", params=[float("nan")])
def number(request): print("up"); yield request.param; print("down")
def test_a(number): pass
def test_b(number): pass
"""
    same(text)


def test_warnings_of_a_test_come_after_its_last_report(same: Callable[..., dict[str, Any]]) -> None:
    """Also when a fixture that it shares is taken down after it."""
    text = """
import pytest, warnings
@pytest.fixture(scope="module")
def module(): yield; print("module down"); warnings.warn("of the module")
@pytest.fixture
def own(): yield; warnings.warn("of the test")
def test_a(module): pass
def test_b(module, own): pass
"""
    same(text)


def test_what_a_fixture_prints_while_tests_begin_stays_its_own(same: Callable[..., dict[str, Any]]) -> None:
    """The process of a test has the captured files of the one that forked it, which goes on writing there."""
    text = """
import os, pytest, time
os.register_at_fork(after_in_child=lambda: time.sleep(0.1))
@pytest.fixture(scope="module")
def module(): print("line 1"); time.sleep(0.3); print("line 2")
def test_a(): print("test a")
def test_b(module): assert False
"""
    same(text)


def test_a_test_that_interrupts_ends_the_session(same: Callable[..., dict[str, Any]]) -> None:
    text = "def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\ndef test_c(): pass\n"
    assert same(text, "-x")["code"] == pytest.ExitCode.INTERRUPTED


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_SCOPES = ("session", "module", "class", "function")


@st.composite
def steps(draw: st.DrawFn, *, may_fail: bool = True) -> list[str]:
    """What a test or a fixture does."""
    kinds = ["print('said {n}')", "assert host.run('exit {n}').rc == {n}", "assert host.file('/').is_directory"]
    if may_fail:
        kinds += [
            "assert host.run('echo {n}').stdout == '{n}'",
            "raise ValueError({n})",
            "pytest.skip('for {n}')",
            "pytest.xfail('of {n}')",
            "pytest.fail('because {n}')",
            "sys.stderr.write('{n}\\n')",
            "warnings.warn('mind {n}')",
            "logging.warning('logged {n}')",
        ]
    drawn = draw(st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 9)), max_size=3))
    return [kind.format(n=n) for kind, n in drawn]


@st.composite
def fixture(draw: st.DrawFn, name: str, known: dict[str, int], *, careless: bool) -> tuple[str, int]:
    """The text of a fixture that may use those that are `known`, and how narrow it is.

    A `careless` one may fail to be taken down; one in a suite, as replay.py says.
    """
    narrow = draw(st.integers(0, 3))
    uses = [one for one, scope in known.items() if scope <= narrow and draw(st.booleans())]
    options = [f"scope={_SCOPES[narrow]!r}"]
    if draw(st.integers(0, 4)) == 0:
        options.append("autouse=True")
    if draw(st.integers(0, 3)) == 0:
        options.append("params=['x', 'y']")
    before = draw(steps(may_fail=draw(st.integers(0, 3)) == 0))
    after = draw(steps(may_fail=careless))
    body = [f"print('{name} up')", *before, f"yield '{name}'", f"print('{name} down')", *after]
    lines = "".join(f"    {line}\n" for line in body)
    return f"@pytest.fixture({', '.join(options)})\ndef {name}({', '.join(['host', *uses])}):\n{lines}", narrow


@st.composite
def case(draw: st.DrawFn, name: str, known: dict[str, int], indent: str = "") -> str:
    """The text of a test."""
    marks = draw(
        st.lists(
            st.sampled_from(
                [
                    "skip(reason='marked')",
                    "skipif(True, reason='if')",
                    "xfail",
                    "xfail(strict=True)",
                    "xfail(run=False)",
                    "parametrize('n', [1, 2])",
                ]
            ),
            unique=True,
            max_size=1 + draw(st.integers(0, 1)),
        )
    )
    uses = [one for one in known if draw(st.integers(0, 2)) == 0]
    given_n = ["n"] if any("parametrize" in mark for mark in marks) else []
    arguments = [*(["self"] if indent else []), "host", *uses, *given_n]
    body = [*draw(steps()), f"print('{name} ran', {', '.join([*uses, *given_n]) or None})"]
    text = "".join(f"@pytest.mark.{mark}\n" for mark in marks)
    text += f"def test_{name}({', '.join(arguments)}):\n" + "".join(f"    {line}\n" for line in body)
    return "".join(f"{indent}{line}\n" for line in text.splitlines())


_HEAD = "import logging, sys, warnings\nimport pytest\n"


@st.composite
def suites(draw: st.DrawFn) -> dict[str, str]:
    """The files of a suite: some fixtures in conftest.py, modules with fixtures, tests and classes of their own."""
    shared: dict[str, int] = {}
    conftest = _HEAD
    careless = draw(st.tuples(st.integers(-1, 2), _NAMES))
    for name in draw(st.lists(_NAMES, unique=True, max_size=2)):
        text, shared[f"c_{name}"] = draw(fixture(f"c_{name}", shared, careless=careless == (-1, name)))
        conftest += text
    files = {"conftest.py": conftest}
    for number in range(draw(st.integers(1, 3))):
        known, module = dict(shared), _HEAD
        for name in draw(st.lists(_NAMES, unique=True, max_size=2)):
            text, known[f"m_{name}"] = draw(fixture(f"m_{name}", known, careless=careless == (number, name)))
            module += text
        for place in range(draw(st.integers(1, 3))):
            module += draw(case(f"t{place}", known))
        if draw(st.booleans()):
            module += "class TestClass:\n" + draw(case("c0", known, "    ")) + draw(case("c1", known, "    "))
        module += draw(case("z", known))
        files[f"test_{number}.py"] = module
    return files


#: Each is two sessions of pytest; a hundred find nothing more, and take minutes.
EXAMPLES = examples(5, 40)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(files=suites(), arguments=st.sampled_from([[], [], [], ["-x"], ["-k", "t0 or c1"], ["-rA", "-v"]]))
def test_generated_suites_end_as_in_plain_pytest(
    same: Callable[..., dict[str, Any]], files: dict[str, str], arguments: list[str]
) -> None:
    same(files, *arguments)
