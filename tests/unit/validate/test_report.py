from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.validate.report import junit, write_reports
from orchestrator.validate.request import ImageFacts
from orchestrator.validate.round import Round
from orchestrator.validate.verdict import AskedCommand, TestOutcome, TestResult, Verdict

if TYPE_CHECKING:
    from pathlib import Path


def verdict(*tests: TestResult) -> Verdict:
    return Verdict(
        ami_id="ami-1",
        image=ImageFacts("web", "v1", ("base",), ("system", "nginx")),
        passed=False,
        tests=tests,
        instance_id="i-1",
        seconds=12.5,
        suite_seconds=3.25,
        calls={"send_command": 2},
        rounds=(Round(number=1, waiting=3, commands=2, calls=3, scripts=1, parts=0, seconds=1.5),),
    )


PASSED = TestResult("system", "roles/system/test_a.py::test_a", TestOutcome.PASSED, 0.25)
FAILED = TestResult(
    "nginx",
    "roles/nginx/test_a.py::test_b[x]",
    TestOutcome.FAILED,
    1.5,
    "assert 1 == 2",
    "E  assert 1 == 2",
    "--- out ---\nhello",
    (AskedCommand("test -e /x", "1", "no\nreally"),),
)
SKIPPED = TestResult("nginx", "roles/nginx/test_a.py::test_c", TestOutcome.SKIPPED, 0, "Skipped: not here")


def test_a_report_has_a_suite_per_role() -> None:
    root = ET.fromstring(junit(verdict(PASSED, FAILED, SKIPPED)))
    assert root.attrib == {
        "name": "web v1",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "3.250",  # what was waited: tests run at the same time
    }
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [("system", "1"), ("nginx", "2")]
    properties = {one.get("name"): one.get("value") for one in root[0].iter("property")}
    assert properties == {"ami": "ami-1", "image": "web", "version": "v1"}


def test_properties_are_those_of_their_test() -> None:
    recorded = replace(PASSED, properties=(("size", "3 \x1b"),))
    case = ET.fromstring(junit(verdict(recorded, FAILED))).find(".//testcase")
    assert case is not None
    assert [one.attrib for one in case.iter("property")] == [{"name": "size", "value": "3 \\x1b"}]


def test_a_failure_shows_the_assertion_and_the_commands() -> None:
    case = ET.fromstring(junit(verdict(FAILED))).find(".//testcase")
    assert case is not None
    assert (case.get("classname"), case.get("name")) == ("roles.nginx.test_a", "test_b[x]")
    assert (case.get("file"), case.get("line")) == ("roles/nginx/test_a.py", None)
    found = replace(FAILED, file="roles/nginx/tests/conftest.py", line=7)
    case = ET.fromstring(junit(verdict(found))).find(".//testcase")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("roles/nginx/tests/conftest.py", "7")
    failure = case.find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("assert 1 == 2", "E  assert 1 == 2")
    assert case.findtext("system-out") == "[1] test -e /x\n    no\n    really\n--- out ---\nhello"


@given(st.text())
def test_any_text_makes_good_xml(text: str) -> None:
    result = TestResult(
        "a", f"roles/a/test_a.py::test[{text}]", TestOutcome.FAILED, 0, text, text, text, (AskedCommand(text, "1"),)
    )
    ET.fromstring(junit(verdict(result)).encode("utf-8", "surrogatepass"))


def test_the_same_verdict_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_reports(verdict(PASSED, FAILED), tmp_path / name)
    for name in ("junit.xml", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    report = json.loads((tmp_path / "one" / "report.json").read_text())
    assert report["counts"] == {"passed": 1, "failed": 1}
    assert report["tests"][1]["asked"] == [{"command": "test -e /x", "ended": "1", "output": "no\nreally"}]


LONE = b"caf\xe9".decode("utf-8", "surrogateescape")


def test_text_that_utf_8_has_no_bytes_for_is_reported(tmp_path: Path) -> None:
    """As a file name, or a message about one."""
    test = TestResult(
        "a",
        f"roles/a/test_{LONE}.py::test_{LONE}",
        TestOutcome.FAILED,
        1,
        LONE,
        LONE,
        LONE,
        (AskedCommand(*[LONE] * 3),),
    )
    write_reports(verdict(test), tmp_path)
    (told,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["tests"]
    assert told["message"] == LONE
    assert ET.fromstring((tmp_path / "junit.xml").read_text(encoding="utf-8")).find(".//failure") is not None
