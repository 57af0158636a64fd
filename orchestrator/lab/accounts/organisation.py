"""The accounts of a lab: one by itself, or an organisation with a management account, units and members.

Everything here is a value: the same accounts have the same ids, keys and units in each lab.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import UsageError

#: The management account, and the one that a lab without an organisation has: that of every key nobody made.
FIRST = "123456789012"
#: The bucket in which builds of the first account keep their leases; other accounts have their id in its name.
BUCKET = "ami-lab-artifacts"
#: The role that a member has for the management account (AWS Organizations User Guide, "Accessing member accounts").
ACCESS_ROLE = "OrganizationAccountAccessRole"
#: The user of each account whose key `ami lab up` prints.
ADMINISTRATOR = "ami-lab-administrator"

#: The longest organisation of which only the number of accounts was said.
MOST = 10
#: Where members are that nobody placed, in turns.
_UNITS = ("workloads/development", "workloads/production")
_ROOT = "r-ami0"


@dataclass(frozen=True)
class AccountRole:
    """A role of an account that another account may assume."""

    name: str
    trusts: str
    """The account whose users and roles may assume it."""
    external_id: str = ""
    policies: tuple[str, ...] = ("AdministratorAccess",)
    """Names of AWS's managed policies."""


@dataclass(frozen=True)
class LabAccount:
    """One account."""

    account_id: str
    name: str
    unit: str = ""
    """The path of its organisational unit, `workloads/production`; empty: the root."""
    roles: tuple[AccountRole, ...] = ()

    @property
    def email(self) -> str:
        """Of its root user."""
        return f"{self.name}@example.com"

    @property
    def bucket(self) -> str:
        """The bucket that it has from the start."""
        return BUCKET if self.account_id == FIRST else f"{BUCKET}-{self.account_id}"

    @property
    def key_id(self) -> str:
        """The access key id of its administrator, which tells the account as on AWS."""
        number = int(self.account_id)
        coded = base64.b32encode((number // 2 + (1 << 39)).to_bytes(5, "big")).decode()
        return f"AKIA{coded}{'Q' if number % 2 else 'A'}AMILABX"

    @property
    def secret_key(self) -> str:
        """The other half of the key."""
        return hashlib.sha256(f"ami-lab {self.account_id}".encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Organisation:
    """The accounts of a lab, the management account first."""

    accounts: tuple[LabAccount, ...] = (LabAccount(FIRST, "management"),)

    #: As AWS names organisations and their roots; the lab has one of each.
    organisation_id = "o-amilab0000"
    root_id = _ROOT

    @property
    def members(self) -> tuple[LabAccount, ...]:
        """All but the management account; none when the first account is by itself."""
        return self.accounts[1:]

    @property
    def units(self) -> tuple[str, ...]:
        """The path of each unit, parents before what is in them."""
        paths = [
            parts[: end + 1] for each in self.accounts if (parts := each.unit.split("/")) for end in range(len(parts))
        ]
        return tuple(dict.fromkeys("/".join(path) for path in paths if path != [""]))

    @staticmethod
    def unit_id(path: str) -> str:
        """The id of the unit of a path; the root's for the empty one."""
        return f"ou-ami0-{hashlib.sha256(path.encode()).hexdigest()[:8]}" if path else _ROOT


def member_id(number: int) -> str:
    """The id of the member of this number, from 1 on: 111111111111."""
    return str(number) * 12 if number < MOST else f"{200_000_000_000 + number}"


def numbered(count: int) -> Organisation:
    """An organisation of so many accounts, in two units. Raises UsageError."""
    if not 1 <= count <= MOST:
        raise UsageError(f"a lab cannot have {count} accounts", hint=f"1 to {MOST}, or a file that names them")
    members = (LabAccount(member_id(number), f"member-{number}", _UNITS[number % 2 - 1]) for number in range(1, count))
    return Organisation((LabAccount(FIRST, "management"), *members))


def of_json(told: dict[str, Any]) -> Organisation:
    """The organisation whose fields these are, as `asdict` writes them. Raises TypeError, KeyError for others."""
    accounts = (LabAccount(**{**each, "roles": tuple(map(_role, each["roles"]))}) for each in told["accounts"])
    return Organisation(tuple(accounts))


def _role(told: dict[str, Any]) -> AccountRole:
    return AccountRole(**{**told, "policies": tuple(told["policies"])})
