"""Secret variables as people write them: where the value is, never the value.

    vars: {db_password: {secret: env:DB_PASSWORD}}

A mapping of the one key `secret` is a reference, at any depth of a variable's value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.definition.reading.document import Document, Keys

#: The key of a reference.
KEY = "secret"


class Store(StrEnum):
    """Where a secret's value is."""

    ENV = "env"
    SSM = "ssm"
    SECRETS_MANAGER = "secretsmanager"


_NAMES = {
    Store.ENV: (re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "the name of an environment variable, as in env:DB_PASSWORD"),
    Store.SSM: (re.compile(r"[A-Za-z0-9_.:/-]+"), "the name of a SecureString parameter, as in ssm:/prod/db_password"),
    Store.SECRETS_MANAGER: (
        re.compile(r"[A-Za-z0-9/_+=.@:-]+(#.+)?"),
        "the name of a secret, as in secretsmanager:prod/db, and of a key of its JSON: secretsmanager:prod/db#password",
    ),
}


@dataclass(frozen=True, order=True)
class Reference:
    """Where a value is."""

    store: Store
    #: Its name in the store.
    name: str
    #: That of a JSON object in Secrets Manager; empty: the whole text.
    key: str = ""

    def __str__(self) -> str:
        return f"{self.store}:{self.name}" + (f"#{self.key}" if self.key else "")


def parse(written: Any) -> Reference:
    """The reference that `env:DB_PASSWORD` is. Raises ValueError, which says what is wrong with it."""
    ways = ", ".join(f"{store}:NAME" for store in Store)
    if not isinstance(written, str) or ":" not in written:
        raise ValueError(f"'{KEY}' says where the value is, and never holds it: {ways}")
    kind, _, name = written.partition(":")
    if kind not in set(Store):
        raise ValueError(f"there are no secrets of the kind '{kind}'{did_you_mean(kind, list(Store))}: write {ways}")
    fits, rule = _NAMES[Store(kind)]
    if not fits.fullmatch(name):
        raise ValueError(f"'{written}' is no reference to a secret: it needs {rule}")
    name, _, key = name.partition("#") if kind == Store.SECRETS_MANAGER else (name, "", "")
    return Reference(Store(kind), name, key)


def is_reference(value: Any) -> bool:
    """Whether a part of a variable's value is the mapping that refers to a secret."""
    return isinstance(value, dict) and set(value) == {KEY}


def written_in(value: Any, at: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """What references say in a variable's value, each with the keys that lead to it."""
    if is_reference(value):
        yield (*at, KEY), value[KEY]
    elif isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from written_in(one, (*at, key))


def references_in(value: Any) -> tuple[Reference, ...]:
    """The references of a variable's value that was checked."""
    return tuple(parse(written) for _, written in written_in(value))


def filled(value: Any, fill: Callable[[Reference], Any]) -> Any:
    """A variable's value with something in the place of each reference."""
    if is_reference(value):
        return fill(parse(value[KEY]))
    if isinstance(value, dict):
        return {key: filled(one, fill) for key, one in value.items()}
    return [filled(one, fill) for one in value] if isinstance(value, list) else value


def references_of(document: Document) -> Iterator[tuple[Keys, Any]]:
    """The references in the variables of a file's layers, with the keys that lead to each."""
    layers = document.value.get("layers")
    for place, entry in enumerate(layers if isinstance(layers, list) else []):
        if not isinstance(entry, dict) or len(entry) != 1:
            continue
        ((name, rest),) = entry.items()
        variables = rest.get("vars") if isinstance(rest, dict) else None
        for variable, value in variables.items() if isinstance(variables, dict) else ():
            yield from written_in(value, ("layers", place, name, "vars", variable))
