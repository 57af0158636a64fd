"""What an input was and is, and which inputs differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.plan.explaining.differences import between_files, between_values, is_long, parsed, shown
from orchestrator.plan.inputs import START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.contract.plan import ChangeJson


class InputKind(StrEnum):
    """How an input is shown."""

    #: By its name, and by the lines that differ.
    FILE = "file"
    #: By its old and new value: a variable, a setting.
    VALUE = "value"


@dataclass(frozen=True)
class InputState:
    """What an input was at one time."""

    #: Any text that is another one when the input is another one.
    digest: str
    kind: InputKind = InputKind.FILE
    #: Its content, a value's as JSON or bare text; None when it is not known, or may not be shown.
    text: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Change:
    """One input that differs: `how` is "changed", "added" or "removed"; `layer` is "start" for what is below all.

    `before` and `after` are its contents as in `InputState`, each None when it is not known.
    """

    layer: str
    what: str
    how: str
    kind: InputKind = InputKind.FILE
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> tuple[str, ...]:
        """The change for a person: `nginx_worker_processes: 2 -> 4 (layer workload)`, `roles/nginx/... changed`."""
        where = "" if self.layer == START else f" (layer {self.layer})"
        if self.kind is InputKind.FILE or self.before is self.after is None:
            return (f"{self.what} {self.how}{where}",)
        name = self.what.removeprefix("vars: ")
        if self.before is not None and self.after is not None:
            return tuple(f"{line}{where}" for line in between_values(name, parsed(self.before), parsed(self.after)))
        if self.how == "changed":
            known = f"it was {shown(self.before)}" if self.after is None else f"it is {shown(self.after)} now"
            return (f"{self.what} changed{where}: {known}",)
        return (f"{name}: {shown(self.before if self.after is None else self.after)}, {self.how}{where}",)

    @property
    def diff(self) -> tuple[str, ...]:
        """The lines that differ, as `diff -u` shows them; empty when a content is not known or `lines` says it all."""
        if self.before is self.after is None:
            return ()
        if self.kind is InputKind.VALUE and not is_long(self.before, self.after):
            return ()
        if self.how == "changed" and None in {self.before, self.after}:
            return ()
        return between_files(self.what, self.before, self.after)

    def as_json(self, *, diff: bool = False) -> ChangeJson:
        """A JSON object. `before` and `after` are values; of a file they are null, and `diff` has what differs."""
        value = self.kind is InputKind.VALUE
        before, after = (None if text is None or not value else parsed(text) for text in (self.before, self.after))
        return {
            "layer": self.layer,
            "input": self.what,
            "how": self.how,
            "kind": self.kind.value,
            "before": before,
            "after": after,
            "diff": ("\n".join(self.diff) or None) if diff else None,
        }


def changes(
    before: Mapping[tuple[str, str], InputState], after: Mapping[tuple[str, str], InputState]
) -> tuple[Change, ...]:
    """What differs between two sets of inputs, in the order of `after`; what was removed comes last."""
    found: list[Change] = []
    for (layer, what), state in after.items():
        old = before.get((layer, what))
        if old is None:
            found.append(Change(layer, what, "added", state.kind, None, state.text))
        elif old.digest != state.digest:
            found.append(Change(layer, what, "changed", state.kind, old.text, state.text))
    gone = ((key, old) for key, old in before.items() if key not in after)
    return (*found, *(Change(layer, what, "removed", old.kind, old.text, None) for (layer, what), old in gone))
