"""What a role's tests find around them: modules beside them, each conftest.py above them, and the role's own files."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import DefinitionError
from orchestrator.validate.errors import ValidationError
from orchestrator.validate.suite.session import collect, laid_out
from orchestrator.validate.verdict import check_complete
from tests.unit.validate.suite.test_session import asked_for, outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.validate.request import ValidateRequest

pytestmark = pytest.mark.long(30)

USES = """
import pytest
from helpers import NAME, Word
@pytest.fixture(scope="module")
def name(): import helpers; return helpers.NAME
def test_name(name):
    import helpers
    assert (NAME, helpers.NAME, name) == ("{role}",) * 3
    assert helpers.Word is Word
    assert helpers.deeper() == "deeper {role}"
def test_it_travels(record_property): record_property("word", Word()); assert False
"""
HELPERS = """
NAME = "{role}"
class Word:
    def __str__(self): return "word of {role}"
def deeper():
    import deeper
    return deeper.NAME
"""


def written(request: ValidateRequest, files: dict[str, str]) -> None:
    """Files of the workspace that the request's tests are from."""
    for name, text in files.items():
        path = request.folder.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def passed(request: ValidateRequest) -> None:
    found, tests, end = outcomes(request)
    assert found != {}
    assert {test.nodeid: test.message for test in tests if test.failed} == {}
    check_complete(tests, end)


def test_a_module_beside_a_test_is_that_roles_own(tmp_path: Path) -> None:
    """Though another role has one of the same name: when it is imported first, later, and when a report is read."""
    request = asked_for(tmp_path, **{role: USES.replace("{role}", role) for role in ("one", "two")})
    for role in ("one", "two"):
        written(request, {f"roles/{role}/tests/helpers.py": HELPERS.replace("{role}", role)})
        written(request, {f"roles/{role}/tests/deeper.py": f"NAME = 'deeper {role}'\n"})
    _, tests, _ = outcomes(request)
    assert [(test.name, str(test.outcome)) for test in tests if test.role == "two"] == [
        ("test_name", "passed"),
        ("test_it_travels", "failed"),
    ]
    assert [test.properties for test in tests if test.failed] == [
        (("word", "word of one"),),
        (("word", "word of two"),),
    ]


def test_a_fixture_imports_what_lies_beside_it(tmp_path: Path) -> None:
    """Also while it is taken down, when tests of another role have run meanwhile."""
    text = "def test_it(made): import helpers; assert (made, helpers.NAME) == ({role!r}, {role!r})\n"
    request = asked_for(tmp_path, **{role: text.format(role=role) for role in ("one", "two")})
    for role in ("one", "two"):
        fixture = f"""
import pytest
@pytest.fixture(scope="session")
def made():
    import helpers
    yield helpers.NAME
    import late
    assert late.NAME == "{role}"
"""
        written(request, {f"roles/{role}/tests/conftest.py": fixture})
        for name in ("helpers", "late"):
            written(request, {f"roles/{role}/tests/{name}.py": f"NAME = {role!r}\n"})
    passed(request)


def test_each_conftest_above_a_role_applies(tmp_path: Path) -> None:
    """With the module that lies beside it, which is one for all roles."""
    text = """
from shared import Mark
def test_it(top, middle, own, marked):
    assert (top, middle, own) == ("top", "middle", "{role}")
    assert type(marked) is Mark
"""
    request = asked_for(tmp_path, **{role: text.replace("{role}", role) for role in ("one", "two")})
    fixture = "import pytest\n@pytest.fixture(scope='session')\ndef {name}(): return {value}\n"
    written(
        request,
        {
            "conftest.py": fixture.format(name="top", value="'top'"),
            "roles/conftest.py": "from shared import Mark\n"
            + fixture.format(name="middle", value="'middle'")
            + fixture.format(name="marked", value="Mark()"),
            "roles/shared.py": "class Mark: pass\n",
            "roles/one/conftest.py": fixture.format(name="own", value="'one'"),
            "roles/two/tests/conftest.py": fixture.format(name="own", value="'two'"),
        },
    )
    passed(request)


def test_files_of_the_role_are_where_a_test_looks_for_them(tmp_path: Path) -> None:
    text = """
from pathlib import Path
ROLE = Path(__file__).parents[1]
DEFAULTS = (ROLE / "defaults/main.yml").read_text()
def test_defaults(): assert DEFAULTS == "port: 80\\n"
def test_link(): assert (ROLE / "files/link").read_text() == "port: 80\\n"
def test_long(): assert (ROLE / "files/long").stat().st_size == 2 << 20
def test_other(): assert (ROLE.parent / "two/vars/Debian.yml").exists()
def test_readme(): assert not (ROLE / "README.md").exists()
def test_is_here(): assert not Path("../defaults").exists() and Path("roles/one/tests/test_role.py").exists()
"""
    request = asked_for(tmp_path, one=text, two="def test_a(): pass\n")
    files = {"one/defaults/main.yml": "port: 80\n", "two/vars/Debian.yml": "", "one/README.md": "", "one/files/x": ""}
    written(request, {f"roles/{name}": content for name, content in files.items()})
    role = tmp_path / "roles/one"
    (role / "files/link").symlink_to("../defaults/main.yml")
    (role / "files/round").symlink_to("..")
    (role / "files/dangling").symlink_to("nothing")
    os.mkfifo(role / "files/pipe")
    (role / "files/long").write_bytes(bytes(2 << 20))
    passed(request)


def test_tests_may_be_packages(tmp_path: Path) -> None:
    """As with `from .helpers import ...`; two of the same name, `tests`, are two."""
    text = """
from .helpers import NAME
from tests.helpers import NAME as again
from .inner import deep
def test_it(): assert (NAME, again, deep.NAME) == ("{role}",) * 3
"""
    request = asked_for(tmp_path, **{role: text.replace("{role}", role) for role in ("one", "two")})
    for role in ("one", "two"):
        name = f"NAME = {role!r}\n"
        written(
            request,
            {
                f"roles/{role}/tests/__init__.py": "",
                f"roles/{role}/tests/helpers.py": name,
                f"roles/{role}/tests/inner/__init__.py": "",
                f"roles/{role}/tests/inner/deep.py": name,
                f"roles/{role}/tests/inner/test_deep.py": (
                    f"from ..helpers import NAME\ndef test_a(): assert NAME == {role!r}\n"
                ),
            },
        )
    passed(request)


def test_tests_in_folders_meet_what_lies_in_those_above(tmp_path: Path) -> None:
    request = asked_for(tmp_path, one="def test_a(): pass\n")
    written(
        request,
        {
            "roles/one/tests/helpers.py": "NAME = 'helpers'\n",
            "roles/one/tests/unit/beside.py": "NAME = 'beside'\n",
            "roles/one/tests/unit/conftest.py": (
                "import pytest, helpers, beside\n@pytest.fixture\ndef names(): return helpers.NAME, beside.NAME\n"
            ),
            "roles/one/tests/unit/test_b.py": "def test_b(names): assert names == ('helpers', 'beside')\n",
        },
    )
    passed(request)


def test_a_role_of_an_extended_workspace_meets_the_conftest_of_its_own(tmp_path: Path) -> None:
    text = "def test_it(whose, image): assert (whose, image.role) == ({whose!r}, {role!r})\n"
    request = asked_for(tmp_path / "a", one=text.format(whose="a", role="one"))
    other = asked_for(tmp_path / "b", two=text.format(whose="b", role="two"))
    for one, whose in ((request, "a"), (other, "b")):
        written(one, {"conftest.py": f"import pytest\n@pytest.fixture\ndef whose(): return {whose!r}\n"})
    both = replace(request, tests=(*request.tests, *other.tests))
    _, tests, _ = outcomes(both)
    assert [(test.role, test.message) for test in tests] == [("one", ""), ("two", "")]
    written(other, {"roles/two/tests/test_role.py": "import nothing_there\n"})
    with laid_out(both) as suite, pytest.raises(DefinitionError, match=r"b/roles/two/tests/test_role.py:1: Module"):
        collect(suite, both)


TEST, HELPERS_OF, CONFTEST = "roles/one/tests/test_role.py", "roles/one/tests/helpers.py", "roles/one/tests/conftest.py"
NO_ARGUMENT = "import pytest\n@pytest.mark.parametrize('n', [1])\ndef test_a(): pass\n"


@pytest.mark.parametrize(
    ("files", "place", "said"),
    [
        ({TEST: "\nimport helprs\n", HELPERS_OF: ""}, f"{TEST}:2", r"'helprs' \(did you mean 'helpers'\?\)"),
        ({TEST: "import helpers\n", HELPERS_OF: "x = 1\n1 / 0\n"}, f"{HELPERS_OF}:2", "ZeroDivisionError"),
        ({TEST: "import helpers\n", HELPERS_OF: "def (\n"}, f"{HELPERS_OF}:1", "SyntaxError"),
        ({TEST: "from helpers import X\n", HELPERS_OF: ""}, f"{TEST}:1", "ImportError: cannot import name 'X'"),
        ({TEST: NO_ARGUMENT}, TEST, "In .*test_a: function uses no argument 'n'"),
        ({CONFTEST: "x = 1\nimport nothing_there\n"}, f"{CONFTEST}:2", "ModuleNotFoundError"),
        ({"roles/conftest.py": "import nothing_there\n"}, "roles/conftest.py:1", "ModuleNotFoundError"),
        ({"conftest.py": "import nothing_there\n"}, "conftest.py:1", "ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_collected_is_told_with_its_place(
    tmp_path: Path, files: dict[str, str], place: str, said: str
) -> None:
    request = asked_for(tmp_path, one="def test_a(): pass\n")
    written(request, files)
    with laid_out(request) as suite, pytest.raises(DefinitionError, match=f"^{tmp_path}/{place}: .*{said}") as caught:
        collect(suite, request)
    assert caught.value.exit_code == 2
    assert len(caught.value.problems) == 1


def test_every_file_that_cannot_be_collected_is_told(tmp_path: Path) -> None:
    request = asked_for(tmp_path, one="import nothing_a\n", two="def test_a(): pass\n", three="import nothing_b\n")
    with laid_out(request) as suite, pytest.raises(DefinitionError) as caught:
        collect(suite, request)
    assert [problem.line for problem in caught.value.problems] == [1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def pytest_sessionstart(): raise RuntimeError('at the start')\n", "RuntimeError: at the start"),
        ("def pytest_no_such_hook(): pass\n", "unknown hook 'pytest_no_such_hook'"),
    ],
)
def test_a_conftest_that_breaks_pytest_is_no_verdict(tmp_path: Path, text: str, said: str) -> None:
    request = asked_for(tmp_path, one="def test_a(): pass\n")
    written(request, {"roles/conftest.py": text})
    with laid_out(request) as suite, pytest.raises(ValidationError, match=f"pytest failed while it collected.*{said}"):
        collect(suite, request)
