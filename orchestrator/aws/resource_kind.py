"""What is known of one kind of thing that a run can leave in an account: how it is found, removed, and charged for.

Each module of `resources/` holds one kind as its `KIND`; `kinds` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class ResourceKind:
    """One kind of thing. `str(kind)` is what people read."""

    name: str
    #: The place in the order of removal: what others depend on has a higher one.
    order: int
    #: What it costs to leave one, in plain words.
    cost: str
    #: Whether it tells whose other things are, an AMI without tags above all: it is removed after these.
    proof: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How EC2 lists the things of a kind (Amazon EC2 API Reference)."""

    #: The operation as boto3 calls it, and the key of the list in its answer.
    operation: str
    key: str
    #: The field with the id by which a thing is removed.
    id_field: str
    #: The key of the things in each entry of the list, when EC2 groups them.
    inside: str = ""
    #: The parameter that leaves out the things of other accounts, when EC2 would list them.
    owner: str = ""

    def all(self, ec2: Any, filters: Sequence[Mapping[str, Any]] = (), **arguments: Any) -> Iterator[Mapping[str, Any]]:
        """What EC2 lists of the account's own things, as it describes them, page by page. Raises AwsError."""
        if self.owner:
            arguments[self.owner] = ["self"]
        if filters:
            arguments["Filters"] = list(filters)
        for page in self._pages(ec2, arguments):
            for entry in page[self.key]:
                yield from entry[self.inside] if self.inside else (entry,)

    def _pages(self, ec2: Any, arguments: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if ec2.can_paginate(self.operation):
            yield from ec2.get_paginator(self.operation).paginate(**arguments)
        else:
            yield getattr(ec2, self.operation)(**arguments)

    def id_of(self, described: Mapping[str, Any]) -> str:
        """The id of a thing that EC2 describes."""
        return str(described[self.id_field])


@dataclass(frozen=True, kw_only=True)
class Removal:
    """How EC2 removes one thing of a kind (Amazon EC2 API Reference)."""

    #: The operation as boto3 calls it, and its parameter for the id.
    operation: str
    parameter: str
    #: Whether the parameter takes a list.
    several: bool = False
    #: Error codes, besides those that end in `.NotFound`, which say that the thing is gone.
    gone: frozenset[str] = frozenset()

    def remove(self, ec2: Any, thing: str) -> None:
        """Ask EC2 to remove the thing with this id. Raises AwsError."""
        getattr(ec2, self.operation)(**{self.parameter: [thing] if self.several else thing})

    def is_gone(self, code: str) -> bool:
        """Whether an error code says that the thing is gone already."""
        return ".NotFound" in code or code in self.gone


@dataclass(frozen=True, kw_only=True)
class Ec2Kind(ResourceKind):
    """A kind of thing that EC2 lists and removes."""

    listing: Listing
    removal: Removal
    #: Whether a run's things of this kind always have its tags, so that a filter by tags finds all of them.
    tagged: bool = True
    #: States in which EC2 still lists a thing that needs no removal any more.
    going: frozenset[str] = frozenset()


def state_of(described: Mapping[str, Any]) -> str:
    """The state of a thing as EC2 describes it; empty for a kind that has none."""
    state = described.get("State", "")
    return str(state["Name"] if isinstance(state, dict) else state)
