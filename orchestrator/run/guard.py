"""Where work on a segment ends well or not: the one place that turns errors into outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, refusal
from orchestrator.errors import AmiError, StageError
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus
from orchestrator.system_refusal import system_refusal
from orchestrator.validate.errors import ValidationError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


def guarded(
    name: str, stop: threading.Event, work: Callable[[], SegmentOutcome], *, passing: tuple[type[AmiError], ...] = ()
) -> SegmentOutcome:
    """The outcome of work on a segment, or why there is none. Only a bug raises, and errors of a `passing` kind."""
    if stop.is_set():
        return SegmentOutcome(name, SegmentStatus.CANCELLED, reason="stopped before it was begun")
    try:
        return work()
    except AmiError as error:
        wrong: AmiError = error
    except AwsError as error:
        wrong = refusal(error) or StageError(str(error))
    except OSError as error:
        lack = system_refusal(error)
        if lack is None:
            raise
        wrong = lack
    if isinstance(wrong, passing) and not stop.is_set():
        raise wrong
    status = SegmentStatus.CANCELLED if stop.is_set() else SegmentStatus.FAILED
    rounds = wrong.rounds if isinstance(wrong, ValidationError) else ()
    return SegmentOutcome(name, status, reason=wrong.message, hint=wrong.hint, rounds=rounds)
