"""The report of a validation as files: JUnit XML for CI stages, JSON for programs.

The same verdict gives the same bytes.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from orchestrator.files.whole_file import write_whole
from orchestrator.validate.verdict import TestOutcome

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.validate.verdict import TestResult, Verdict

#: Characters that XML 1.0 cannot carry, not even escaped (Extensible Markup Language 1.0, "Characters").
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_reports(verdict: Verdict, folder: Path) -> None:
    """Write junit.xml and report.json into a folder.

    Tests may say what UTF-8 has no bytes for: halves of surrogate pairs, as `surrogateescape` makes of other bytes.
    Escaped they are JSON that reads as the same text.
    """
    write_whole(folder / "junit.xml", junit(verdict), errors="backslashreplace")
    text = json.dumps(verdict.as_json(), indent=2, sort_keys=True, ensure_ascii=False)
    write_whole(folder / "report.json", text + "\n", errors="backslashreplace")


def set_aside(folder: Path) -> None:
    """Keep what an attempt that came to nothing has written, as `lost-<name>`."""
    for name in ("junit.xml", "report.json", "pytest.log"):
        if (folder / name).exists():
            (folder / name).rename(folder / f"lost-{name}")


def junit(verdict: Verdict) -> str:
    """JUnit XML: one test suite per role, in the order in which the roles were tested.

    Tests run at the same time: a suite takes as long as its longest test, and all suites what was waited for them.
    """
    root = ET.Element("testsuites", _numbers(verdict.tests, name=f"{verdict.image.name} {verdict.image.version}"))
    root.set("time", f"{verdict.suite_seconds:.3f}")
    for role in dict.fromkeys(test.role for test in verdict.tests):
        tests = [test for test in verdict.tests if test.role == role]
        suite = ET.SubElement(root, "testsuite", _numbers(tests, name=role))
        properties = ET.SubElement(suite, "properties")
        facts = {"ami": verdict.ami_id, "image": verdict.image.name, "version": verdict.image.version}
        for name, value in facts.items():
            ET.SubElement(properties, "property", {"name": name, "value": value})
        for test in tests:
            _case(suite, test)
    for role, why in verdict.image.untested.items():
        suite = ET.SubElement(root, "testsuite", _numbers((), name=role))
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", {"name": "untested", "value": _speakable(why)})
    ET.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, test: TestResult) -> None:
    path = test.nodeid.partition("::")[0]
    attributes = {
        "classname": path.removesuffix(".py").replace("/", ".").lstrip("."),
        "name": test.name,
        "time": f"{test.seconds:.3f}",
        "file": test.file or path,
        **({"line": str(test.line)} if test.line else {}),
    }
    case = ET.SubElement(suite, "testcase", {name: _speakable(value) for name, value in attributes.items()})
    if test.properties:
        properties = ET.SubElement(case, "properties")
        for name, value in test.properties:
            ET.SubElement(properties, "property", {"name": _speakable(name), "value": _speakable(value)})
    kind = {
        TestOutcome.FAILED: "failure",
        TestOutcome.ERROR: "error",
        TestOutcome.SKIPPED: "skipped",
        TestOutcome.XFAILED: "skipped",
    }.get(test.outcome)
    if kind is not None:
        told = ET.SubElement(case, kind, {"message": _speakable(test.message)})
        told.text = _speakable(test.details)
    if test.asked or test.output:
        commands = "".join(f"[{one.ended}] {one.command}\n{_indented(one.output)}" for one in test.asked)
        ET.SubElement(case, "system-out").text = _speakable(commands + test.output)


def _indented(output: str) -> str:
    return "".join(f"    {line}\n" for line in output.splitlines())


def _numbers(tests: list[TestResult] | tuple[TestResult, ...], *, name: str) -> dict[str, str]:
    def count(*outcomes: TestOutcome) -> str:
        return str(sum(test.outcome in outcomes for test in tests))

    return {
        "name": name,
        "tests": str(len(tests)),
        "failures": count(TestOutcome.FAILED),
        "errors": count(TestOutcome.ERROR),
        "skipped": count(TestOutcome.SKIPPED, TestOutcome.XFAILED),
        "time": f"{max((test.seconds for test in tests), default=0):.3f}",
    }


def _speakable(text: str) -> str:
    r"""Text that XML can carry: other characters as `\x1b`."""
    return _UNSPEAKABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
