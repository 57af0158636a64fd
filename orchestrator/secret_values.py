"""The secrets of a workspace's images in one environment: each is read once, hidden from then on, and counted."""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator import masks, secret_key
from orchestrator.aws.account import AwsError, told
from orchestrator.definition.layer import in_variant
from orchestrator.definition.places import place_of_image, place_of_mask, places_of, problems
from orchestrator.definition.secret import Reference, filled, parse, references_in
from orchestrator.errors import DefinitionError, LackError, Problem
from orchestrator.secret_store import NoValue, value_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.image import Image
    from orchestrator.definition.workspace import Workspace
    from orchestrator.secret_key import FingerprintKey


@dataclass
class Secrets:
    """Reads secrets when they are asked for.

    `strict`: raise for one that cannot be read. Otherwise `unknown` says why, and what depends on it counts as changed.
    `also` is secret too, and no variable's value.
    """

    workspace: Workspace
    environment: Environment
    strict: bool = True
    unknown: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list, repr=False)
    _values: dict[Reference, str | None] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        masks.learn(self.environment.account.secrets)

    def of_images(self, names: Iterable[str], standing: Collection[str] = ()) -> Secrets:
        """Read what the environment and the images with all that they stand on refer to, and check what is public.

        `standing` images are not built, and who builds on them need not know their secrets.

        Raises DefinitionError with every secret that is not there, at each of its lines.
        """
        wanted = [one for one in self.workspace.with_ancestors(names, standing) if one.name not in standing]
        found, hints = self._missing(self._references(wanted))
        if found and self.strict:
            raise DefinitionError(found, hint="; ".join(dict.fromkeys(hint for hint in hints if hint)))
        self.unknown += map(str, found)
        if public := [*self._public(wanted)]:
            raise DefinitionError(public)
        return self

    def of_references(self, references: Iterable[Reference]) -> Secrets:
        """Read these. Raises DefinitionError with every secret that is not there, at each of its lines."""
        found, hints = self._missing(references)
        if found:
            raise DefinitionError(found, hint="; ".join(dict.fromkeys(hint for hint in hints if hint)))
        return self

    def digests(self) -> dict[str, str]:
        """A keyed digest of each value that was read, by its reference: equal only for equal values."""
        read = {str(one): value for one, value in self._values.items() if value is not None}
        return {name: self.key.digest(name, value) for name, value in read.items()}

    def values(self) -> tuple[str, ...]:
        """All values that were read."""
        return (*(value for value in self._values.values() if value is not None), *self.also)

    def hide(self, values: Iterable[str]) -> None:
        """Hide what was found to be secret elsewhere."""
        self.also += values
        masks.learn(self.also)

    def filled(self, value: Any, fill: Any = None) -> Any:
        """A variable's value with the values of its secrets, each given to `fill` first."""
        return filled(value, lambda reference: (fill or str)(self._value(reference)))

    def counted(self, name: str, value: Any) -> Any:
        """What of a variable enters the fingerprint: of a secret its keyed digest, and not where it was read."""
        return filled(value, lambda reference: {"digest": self._digest(name, reference)})

    @cached_property
    def key(self) -> FingerprintKey:
        """The account's key; asked for when the first secret is counted. Raises LackError."""
        try:
            return secret_key.read(self.environment.account)
        except AwsError as error:
            what = f"secrets cannot be compared without the parameter {secret_key.PARAMETER}: {told(error)}"
            if self.strict:
                raise LackError(what, hint="allow ssm:GetParameter, and kms:Decrypt for its key") from error
            self.unknown.append(what)
            return secret_key.FingerprintKey(random.token_hex(32))

    def keep_key(self) -> None:
        """Write the account's key if a secret was counted with one that is not there yet."""
        if "key" in self.__dict__:
            self.key.keep(self.environment.account)
            self.__dict__["key"] = replace(self.key, new=False)

    def _digest(self, name: str, reference: Reference) -> str:
        value = self._value(reference)
        return random.token_hex(32) if value is None else self.key.digest(name, value)

    def _value(self, reference: Reference) -> str | None:
        if reference not in self._values:
            found, hints = self._missing([reference])
            if found and self.strict:
                raise DefinitionError(found, hint="; ".join(hints))
            self.unknown += map(str, found)
        return self._values[reference]

    def _missing(self, references: Iterable[Reference]) -> tuple[list[Problem], list[str]]:
        """Read references; a problem for each line of those that cannot be read."""
        found: list[Problem] = []
        hints: list[str] = []
        for reference in dict.fromkeys(references):
            if reference in self._values:
                continue
            try:
                value = value_of(reference, self.environment.account)
            except (NoValue, *AwsError) as error:
                what = error.what if isinstance(error, NoValue) else f"{reference} cannot be read: {told(error)}"
                hints += [error.hint] if isinstance(error, NoValue) else []
                found += problems(places_of(self.workspace, self.environment, reference), what)
                self._values[reference] = None
            else:
                masks.learn([value])
                self._values[reference] = value
        return found, hints

    def _references(self, images: Iterable[Image]) -> Iterator[Reference]:
        yield from map(parse, self.environment.secret_vars.values())
        for image in images:
            for use in image.layers:
                layer = in_variant(self.workspace.home(image.name).layers[use.name], image.variant)
                variables: Mapping[str, Any] = {**layer.vars, **use.vars}
                for value in variables.values():
                    yield from references_in(value)

    def _public(self, images: Iterable[Image]) -> Iterator[Problem]:
        """Secrets that are written where everybody reads them."""
        for image in images:
            texts: dict[tuple[str, ...], str] = {("description",): image.description}
            texts |= {("tags", key): f"{key} {value}" for key, value in image.tags.items()}
            for keys, text in texts.items():
                if masks.hide(text) != text:
                    path, line = place_of_image(self.workspace, image.family, *keys)
                    named = f"the tag '{keys[-1]}'" if len(keys) > 1 else "the description"
                    yield Problem(path, line, f"{named} holds a secret: whoever may describe the AMI reads it")


def learn_masks(workspace: Workspace) -> None:
    """Hide the values of the environment variables that `masks` names. Raises DefinitionError for one too short."""
    found: list[Problem] = []
    for variable in workspace.masks:
        (value,) = masks.values_of([variable])
        if 0 < len(value.strip()) < masks.SHORTEST:
            path, line = place_of_mask(workspace, variable)
            what = (
                f"the value of {variable} has {len(value.strip())} characters: less than {masks.SHORTEST} cannot be "
                "hidden, because they are part of many words"
            )
            found.append(Problem(path, line, what))
    if found:
        raise DefinitionError(found, hint="give the variable a longer value, or take it out of `masks`")
    masks.learn(masks.values_of(workspace.masks))
