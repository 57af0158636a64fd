"""Condition blocks of policies: operators, `...IfExists`, `ForAllValues:` and `ForAnyValue:`.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators", "Set operators for multivalued context keys".
"""

from __future__ import annotations

import ipaddress
import operator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.lab.rights.evaluation.patterns import NoValueError, arn_like, expanded, like, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    #: The values of the request's keys, by their names in small letters.
    Context = Mapping[str, tuple[str, ...]]

#: Of the names of operators.
_SETS = ("ForAllValues", "ForAnyValue")
_IF_EXISTS = "IfExists"


def _equal(wanted: str, value: str) -> bool:
    return plain(wanted) == value


def _equal_in_any_case(wanted: str, value: str) -> bool:
    return plain(wanted).casefold() == value.casefold()


def _address(wanted: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(plain(wanted), strict=False)
    except ValueError:
        return False


def _number(text: str) -> float:
    return float(text)


def _moment(text: str) -> float:
    """Seconds of an ISO 8601 date, or of the seconds themselves."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _compared(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def holds(wanted: str, value: str) -> bool:
        try:
            return compare(read(value), read(plain(wanted)))
        except ValueError:
            return False

    return holds


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
#: What a wanted value and one of the request are asked, by operator.
_ASKED: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_in_any_case,
    "StringLike": like,
    "Bool": _equal_in_any_case,
    "BinaryEquals": _equal,
    "IpAddress": _address,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    **{f"Numeric{name}": _compared(_number, compare) for name, compare in _ORDERS.items()},
    **{f"Date{name}": _compared(_moment, compare) for name, compare in _ORDERS.items()},
}
#: What holds when the other one does not.
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_NULL = "Null"


@dataclass(frozen=True)
class PolicyCondition:
    """One operator, key and the values that it is compared with."""

    operator: str
    key: str
    values: tuple[str, ...]
    of_set: str = ""
    """ForAllValues or ForAnyValue; empty: the key has one value."""
    if_exists: bool = False

    def holds(self, context: Context) -> bool:
        """Whether it holds for the keys of a request."""
        present = context.get(self.key.lower())
        if self.operator == _NULL:
            return any((present is None) == (each.lower() == "true") for each in self.values)
        negated = self.operator in _NEGATED
        if present is None:
            return self.if_exists or self.of_set == "ForAllValues" or (negated and not self.of_set)
        try:
            wanted = [expanded(each, context) for each in self.values]
        except NoValueError:
            return False
        asked = _ASKED[_NEGATED.get(self.operator, self.operator)]
        one_by_one = [any(asked(each, value) for each in wanted) != negated for value in present]
        every = self.of_set == "ForAllValues" or (negated and not self.of_set)
        return all(one_by_one) if every else any(one_by_one)


def condition(name: str, key: str, values: tuple[str, ...]) -> PolicyCondition:
    """The condition of an entry of a policy. Raises ValueError for an operator that IAM does not have."""
    of_set, _, rest = name.rpartition(":")
    found = rest.removesuffix(_IF_EXISTS)
    if (of_set and of_set not in _SETS) or (found not in _ASKED and found not in _NEGATED and found != _NULL):
        raise ValueError(f"there is no condition operator {name}")
    return PolicyCondition(found, key, values, of_set, if_exists=rest.endswith(_IF_EXISTS))
