"""What the report keeps of long texts: cut where the tests run, and cut once more where secrets are masked.

The processes of the tests do not know the secrets. Where they cut a text a secret may be cut in two, of which half is
found by nobody: so the edge of a cut is marked, and as much is dropped there as a secret can be long.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from orchestrator.masks import masked_where_cut
from orchestrator.validate.batch.attributes import Attributes
from orchestrator.validate.verdict import AskedCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.validate.batch.question import Reply

#: Marks the edge of a cut.
CUT = "[... cut ...]"
#: What is kept of what a command wrote, and of a command, in characters.
_OUTPUT, _COMMAND = 2_000, 4_000
#: How many commands are kept of one test: the last.
_COMMANDS = 200


class Excerpts:
    """The commands that each test has asked, until it is told."""

    def __init__(self) -> None:
        self._asked: dict[int, deque[AskedCommand]] = {}

    def note(self, place: int, command: bytes, reply: Reply) -> None:
        """Keep one of a test."""
        self._asked.setdefault(place, deque(maxlen=_COMMANDS)).append(_asked(command, reply))

    def of(self, place: int) -> tuple[AskedCommand, ...]:
        """Those of a test, once."""
        return tuple(self._asked.pop(place, ()))


def _asked(command: bytes, reply: Reply) -> AskedCommand:
    text = beginning(Attributes.told(command.decode("utf-8", "backslashreplace")), _COMMAND)
    if reply.answer is None:
        return AskedCommand(text, str(reply.ended))
    # A character has at most four bytes, or becomes four.
    written = reply.answer.stdout[: 4 * _OUTPUT + 4] + reply.answer.stderr[: 4 * _OUTPUT + 4]
    return AskedCommand(text, str(reply.answer.code), beginning(written.decode("utf-8", "backslashreplace"), _OUTPUT))


def beginning(text: str, most: int) -> str:
    """The first `most` characters of a text; a cut is marked."""
    return text if len(text) <= most else text[:most] + CUT


def end(text: str, most: int) -> str:
    """The last `most` characters of a text; a cut is marked."""
    return text if len(text) <= most else CUT + text[-most:]


def without_secrets(value: Any, masks: Sequence[str]) -> Any:
    """A JSON value with every secret in its texts masked, and with nothing of one that was cut in two."""
    if isinstance(value, str):
        return _text_without(value, masks)
    if isinstance(value, list | tuple):
        return [without_secrets(one, masks) for one in value]
    if isinstance(value, dict):
        return {without_secrets(key, masks): without_secrets(one, masks) for key, one in value.items()}
    return value


def _text_without(text: str, masks: Sequence[str]) -> str:
    longest = max((len(mask) for mask in masks), default=0)
    text = masked_where_cut(text, masks)
    if longest and text.endswith(CUT):
        text = text[: max(0, len(text) - len(CUT) - longest + 1)] + CUT
    if longest and text.startswith(CUT):
        text = CUT + text[len(CUT) + longest - 1 :]
    return text
