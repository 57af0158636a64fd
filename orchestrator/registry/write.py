"""What is said of a version, written onto its AMI.

A state is written by `set_state` alone, which keeps to the transitions of `states`. Tag values keep EC2's limit of 256
characters (EC2 User Guide, "Tag your Amazon EC2 resources").
"""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import TYPE_CHECKING

from orchestrator.errors import StageError, UsageError
from orchestrator.masks import hide
from orchestrator.polling import attempts, growing, poll
from orchestrator.registry.search import find
from orchestrator.registry.states import check_transition
from orchestrator.registry.version import TAGS
from orchestrator.tags import LONGEST_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_ec2.type_defs import TagTypeDef

    from orchestrator.aws.account import Account
    from orchestrator.registry.states import State
    from orchestrator.registry.version import Version

#: How often EC2 is asked until it shows what was written; the pauses begin with 0.2 s, and double.
_ATTEMPTS = 10
#: How often it is asked for an AMI that was made a moment ago.
_FIRST_ATTEMPTS = 5


def tag(account: Account, ami_id: str, values: Mapping[str, str]) -> None:
    """Write fields of a version (names as in `TAGS`) onto its AMI; its state is set by `set_state`.

    Texts are made to fit a tag's value.
    """
    if "state" in values:
        raise AssertionError("a state is set by set_state")
    _write(account, ami_id, values)


def tag_value(text: str) -> str:
    """A text as a tag's value, without secrets: what EC2 does not take becomes a space, what is too long is cut."""
    return " ".join(re.sub(r"[^\w .:/=+\-@]", " ", hide(text)).split())[:LONGEST_VALUE]


def set_state(account: Account, ami_id: str, state: State, **fields: str) -> Version:
    """Write a version's state, and what else is said of it (`tests`, `proof`, `reason`, ...), and read it back.

    A field that is empty, and was before, takes no tag. Raises StageError when the state may not follow the one that
    the version has, and UsageError for what is no version. EC2 has no conditional write for tags: who sets a state
    must hold the lease of what it does.
    """
    before = _present(account, ami_id)
    check_transition(ami_id, before.state, state)
    said = {field: value for field, value in fields.items() if value or getattr(before, field)}
    _write(account, ami_id, {"state": str(state), **said})
    return _read_back(account, ami_id, state)


def _write(account: Account, ami_id: str, values: Mapping[str, str]) -> None:
    tags: list[TagTypeDef] = [{"Key": TAGS[field], "Value": tag_value(value)} for field, value in values.items()]
    account.client("ec2").create_tags(Resources=[ami_id], Tags=tags)


def _present(account: Account, ami_id: str) -> Version:
    """The version; one that was made a moment ago is asked for again, since EC2 may not show it or its tags yet."""
    for attempt in attempts(_pauses(_FIRST_ATTEMPTS)):
        try:
            return find(account, ami_id)
        except UsageError:
            if attempt.last:
                raise
    raise AssertionError("an attempt returns or raises")


def _read_back(account: Account, ami_id: str, state: State) -> Version:
    """Tags are eventually consistent: ask until the answer shows what was written."""
    version = poll(lambda: find(account, ami_id), until=lambda one: one.state is state, pauses=_pauses(_ATTEMPTS))
    if version.state is not state:
        raise StageError(f"{ami_id} was tagged {state}, but EC2 still answers {version.state}", hint="try again")
    return version


def _pauses(number: int) -> Iterable[float]:
    """The pauses between so many attempts."""
    return islice(growing(0.2, factor=2, longest=math.inf), number - 1)
