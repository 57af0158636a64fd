"""Where an account is in the organisation of the lab's tables, and what is shared with it there.

Something is shared with everybody, with accounts, with organisations or with organisational units. A permission is a
dict as the EC2 API Reference has it ("LaunchPermission").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.organizations.models import organizations_backends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    #: One key and its value: `{"UserId": "123456789012"}`.
    Permission = Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """An account, and the ARNs of its organisation and of the OUs that it is in, at any depth."""

    account: str
    organization: str = ""
    units: frozenset[str] = frozenset()

    def may(self, permissions: Iterable[Permission], *, public: bool = True) -> bool:
        """Whether one of these permissions is its own; with `public`, also one for everybody."""
        mine = {("UserId", self.account), ("OrganizationArn", self.organization)}
        mine |= {("OrganizationalUnitArn", unit) for unit in self.units}
        mine |= {("Group", "all")} if public else set()
        return any(not mine.isdisjoint(permission.items()) for permission in permissions)


def reader(account: str) -> Reader:
    """An account, with its place in the organisation that the lab's tables know it in."""
    for tables in _organizations():
        if tables.org is None:
            continue
        place = next((each for each in tables.accounts if each.id == account), None)
        if place is None:
            continue
        units = {each.id: each for each in tables.ou}
        above, parent = [], units.get(place.parent_id)
        while parent is not None and parent.type == "ORGANIZATIONAL_UNIT":
            above.append(parent.arn)
            parent = units.get(parent.parent_id)
        return Reader(account, str(tables.org.arn), frozenset(above))
    return Reader(account)


def known(permission: Permission) -> bool:
    """Whether the organisation or the OU of a permission exists; accounts are not looked up."""
    (key, value), *_ = permission.items()
    arns = {
        "OrganizationArn": lambda: {str(each.org.arn) for each in _organizations() if each.org},
        "OrganizationalUnitArn": lambda: {str(unit.arn) for each in _organizations() for unit in each.ou},
    }
    return key not in arns or value in arns[key]()


def _organizations() -> Iterator[Any]:
    for regions in list(organizations_backends.values()):
        yield from list(regions.values())
