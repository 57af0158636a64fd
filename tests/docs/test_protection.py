"""docs/protection.md says what becomes of each way that the tests try, and has rules that a workspace takes."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.definition.policy.rules import Allow, Require
from orchestrator.definition.reading.document import read
from tests.unit.plan.weakenings import as_table

PAGE = Path(__file__).parents[2] / "docs" / "protection.md"


def test_table_is_that_of_the_tests() -> None:
    """`python -c 'from tests.unit.plan.weakenings import as_table; print(as_table())'` prints it."""
    assert as_table() in PAGE.read_text()


def test_rules_are_rules(tmp_path: Path) -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "ami.yml").write_text(written)
    document = read(tmp_path / "ami.yml", [])
    assert document is not None
    assert Allow.model_validate(document.value["allow"]).model_fields_set == set(Allow.model_fields)
    assert Require.model_validate(document.value["require"]).model_fields_set == set(Require.model_fields)
