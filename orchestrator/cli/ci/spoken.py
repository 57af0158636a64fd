"""Which CI service this process speaks to: the one that is found by its variables, or the one that `--ci` names."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.cli.ci import services
from orchestrator.errors import UsageError, did_you_mean
from orchestrator.masks import SHORTEST, learn, on_learning, values_of
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.cli.ci.service import Annotation, CiService

#: What `--ci` takes for no service.
NONE = "none"


class _Speaking:
    """What holds for this process."""

    service: CiService | None = None
    groups = 0
    open: int | None = None


_SPEAKING = _Speaking()


def known() -> dict[str, CiService]:
    """Every service, by its name."""
    found: list[CiService] = [module.SERVICE for module in modules_of(services)]
    return {one.name: one for one in found}


def begin() -> None:
    """Speak to the service whose variables are set, if there is one."""
    _SPEAKING.open = None
    _take(next((one for one in known().values() if one.here(os.environ)), None))


def choose(name: str) -> None:
    """Speak to the named service, or with `none` to nobody. Raises UsageError for another name."""
    names = {**known(), NONE: None}
    if name not in names:
        raise UsageError(f"--ci: no CI service '{name}'{did_you_mean(name, names)}", hint=f"one of {', '.join(names)}")
    _take(names[name])


def service() -> CiService | None:
    """The service that is spoken to."""
    return _SPEAKING.service


def _take(chosen: CiService | None) -> None:
    _SPEAKING.service = chosen
    on_learning(None)
    if chosen:
        learn(values_of(chosen.secrets))  # the service hides these already
        on_learning(_mask)


def harmless(text: str) -> str:
    """A text of one or more lines as the log may have it: whoever wrote it, no line of it is a command."""
    chosen = _SPEAKING.service
    return "\n".join(map(chosen.harmless, text.split("\n"))) if chosen else text


def harmless_json(text: str) -> str:
    """JSON of the same value as the log may have it."""
    return _SPEAKING.service.harmless_json(text) if _SPEAKING.service else text


@contextmanager
def group(title: str) -> Iterator[None]:
    """A part of the log that can be folded. Parts do not nest: one within another is no part."""
    chosen = _SPEAKING.service
    if chosen is None or _SPEAKING.open is not None:
        yield
        return
    _SPEAKING.groups += 1
    number = _SPEAKING.open = _SPEAKING.groups
    command(chosen.group(title, number, time.time()))
    try:
        yield
    finally:
        _SPEAKING.open = None
        command(chosen.end_group(number, time.time()))


def annotate(one: Annotation) -> None:
    """Have the service show an annotation, if it has a way to."""
    if _SPEAKING.service:
        command(_SPEAKING.service.annotation(one))


def command(line: str) -> None:
    """Write a line that the service acts on, beside what people read; an empty one is none."""
    if line:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - as terminal.py does


def _mask(secrets: Iterable[str]) -> None:
    """Have the service hide each line of secrets in the rest of the job, also in what other programs write.

    Not when standard error goes to a file: the secrets would stand in it.
    """
    chosen = _SPEAKING.service
    if chosen is None or _is_file():
        return
    lines = {line.strip() for secret in secrets for line in secret.splitlines()}
    for line in sorted(line for line in lines if len(line) >= SHORTEST):
        for text in chosen.masking(line):
            command(text)


def _is_file() -> bool:
    with suppress(OSError, ValueError):
        return stat.S_ISREG(os.fstat(sys.stderr.fileno()).st_mode)
    return False
