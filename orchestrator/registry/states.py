"""The states of a version, and which may follow which.

```text
built ----> validated <--> rejected         a verdict, and a later one by other tests
               |
               v
           deprecated                       still there, no longer for new use
  from each of these:  ----> disabled ----> revoked
```

Nothing leads back to `built`, and nothing leads out of `disabled` and `revoked` to a state in which a version is used:
whoever needs its content builds it again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """The states of a version, in the order of its life."""

    BUILT = "built"
    VALIDATED = "validated"
    REJECTED = "rejected"
    DEPRECATED = "deprecated"
    DISABLED = "disabled"
    REVOKED = "revoked"


#: The state that a build gives to the AMI that it made.
FIRST = State.BUILT

_RETIRED = frozenset({State.DISABLED, State.REVOKED})
_VERDICTS = frozenset({State.VALIDATED, State.REJECTED})

#: Which states may follow a state. A verdict may be given again, with other tests.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.BUILT: _VERDICTS | _RETIRED,
    State.VALIDATED: _VERDICTS | {State.DEPRECATED} | _RETIRED,
    State.REJECTED: _VERDICTS | _RETIRED,
    State.DEPRECATED: _VERDICTS | {State.DEPRECATED} | _RETIRED,
    State.DISABLED: _RETIRED,
    State.REVOKED: frozenset({State.REVOKED}),
}


def may_follow(state: State, wanted: State) -> bool:
    """Whether a version of this state may be given the wanted one."""
    return wanted in TRANSITIONS[state]


def can_be_tested(state: State) -> bool:
    """Whether a version of this state may be given a verdict."""
    return TRANSITIONS[state] >= _VERDICTS


def check_transition(ami_id: str, state: State, wanted: State) -> None:
    """Raise StageError unless the AMI of a version of this state may be given the wanted one."""
    if not may_follow(state, wanted):
        raise StageError(
            f"{ami_id} is {state}, and cannot become {wanted}", hint="`ami build IMAGE` makes another AMI of the image"
        )
