"""What `--accounts` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import UsageError
from orchestrator.lab.accounts.organisation import FIRST, AccountRole, LabAccount, numbered
from orchestrator.lab.accounts.settings_file import asked

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """\
management: {name: images}
members:
  - name: production
    id: "222222222222"
    unit: workloads/production
    roles:
      - {name: ami-promote, trusts: images, external_id: factory-7, policies: [AmazonEC2FullAccess]}
  - name: sandbox
"""


def test_asked_when_it_is_a_number() -> None:
    assert asked("3") == numbered(3)


def test_asked_when_it_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "accounts.yml").write_text(WHOLE)
    role = AccountRole("ami-promote", FIRST, "factory-7", ("AmazonEC2FullAccess",))
    production = LabAccount("222222222222", "production", "workloads/production", (role,))
    there = asked(str(tmp_path / "accounts.yml"))
    assert there.accounts[:2] == (LabAccount(FIRST, "images"), production)
    assert there.members[1] == LabAccount("111111111111", "sandbox")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("members: [{name: a}, {name: a}]", "two accounts are a"),
        ('members: [{name: a, id: "123456789012"}]', "two accounts are 123456789012"),
        ("members: [{name: a, id: 12}]", r"members.0.id"),
        ("member: []", "member"),
        ("members: [{name: a, roles: [{name: r, trusts: b}]}]", "a role trusts b"),
        ("{", "is no YAML"),
    ],
)
def test_asked_when_the_file_is_wrong(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "accounts.yml").write_text(written)
    with pytest.raises(UsageError, match=said):
        asked(str(tmp_path / "accounts.yml"))


def test_asked_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        asked(str(tmp_path / "none.yml"))
