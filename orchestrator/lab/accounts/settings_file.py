"""The file of `ami lab up --accounts FILE`: who is in the organisation, in YAML.

management: {name: images}
members:
  - name: production
    id: "222222222222"
    unit: workloads/production
    roles:
      - {name: ami-promote, trusts: images, external_id: factory-7, policies: [AmazonEC2FullAccess]}
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.errors import UsageError
from orchestrator.lab.accounts.organisation import FIRST, AccountRole, LabAccount, Organisation, member_id, numbered

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$", max_length=63)]


class StrictEntry(BaseModel):
    """What takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AssumableRole(StrictEntry):
    """A role that another account may assume."""

    name: _Name
    trusts: str = Field(description="The name of the account that may assume it.")
    external_id: str = Field(default="", pattern=r"^[\w+=,.@:/-]*$", max_length=1224)
    policies: tuple[str, ...] = ("AdministratorAccess",)


class AccountEntry(StrictEntry):
    """An account."""

    name: _Name = "management"
    roles: tuple[AssumableRole, ...] = ()


class MemberEntry(AccountEntry):
    """A member. The management account's id is always that of the lab's first account, and its unit the root."""

    name: _Name
    id: str = Field(default="", pattern=r"^(\d{12})?$")
    unit: str = Field(default="", pattern=r"^([\w. -]+(/[\w. -]+)*)?$")


class AccountsFile(StrictEntry):
    """The whole file."""

    management: AccountEntry = AccountEntry()
    members: tuple[MemberEntry, ...] = ()


def asked(accounts: str) -> Organisation:
    """The organisation that `--accounts` asks for: a number of accounts, or a file. Raises UsageError."""
    return numbered(int(accounts)) if accounts.isascii() and accounts.isdigit() else read(Path(accounts))


def read(file: Path) -> Organisation:
    """The organisation of a file. Raises UsageError with all that is wrong with it."""
    try:
        written = AccountsFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="--accounts takes a number or a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no YAML: {error}") from None
    except ValidationError as error:
        found = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"{file}: {'; '.join(found)}") from None
    return _organisation(file, written)


def _organisation(file: Path, written: AccountsFile) -> Organisation:
    given = {each.id for each in written.members}
    free = (made for number in count(1) if (made := member_id(number)) not in given)
    ids = [FIRST, *(each.id or next(free) for each in written.members)]
    entries: list[AccountEntry] = [written.management, *written.members]
    names = [each.name for each in entries]
    twice = sorted({each for listed in (names, ids) for each in listed if listed.count(each) > 1})
    if twice:
        raise UsageError(f"{file}: two accounts are {', '.join(twice)}")
    unknown = sorted({role.trusts for each in entries for role in each.roles} - set(names))
    if unknown:
        raise UsageError(f"{file}: a role trusts {', '.join(unknown)}, which is no account", hint=f"{', '.join(names)}")
    by_name = dict(zip(names, ids, strict=True))
    return Organisation(
        tuple(
            LabAccount(
                account_id,
                each.name,
                each.unit if isinstance(each, MemberEntry) else "",
                tuple(
                    AccountRole(role.name, by_name[role.trusts], role.external_id, role.policies) for role in each.roles
                ),
            )
            for account_id, each in zip(ids, entries, strict=True)
        )
    )
