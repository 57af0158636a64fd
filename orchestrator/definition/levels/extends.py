"""What `extends` in an `ami.yml` says: a folder, or a git repository at a ref."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.definition.reading.frozen import Frozen


class Extends(Frozen):
    """Another workspace: a folder (`path`), or a git repository (`git`) at a `ref`."""

    path: Annotated[
        str | None,
        Field(min_length=1, description="A folder with an ami.yml, relative to this file.", examples=["../factory"]),
    ] = None
    git: Annotated[
        str | None,
        Field(
            min_length=1,
            description="URL of a git repository; `ami update` locks it to a commit.",
            examples=["https://git.example.com/platform/factory.git"],
        ),
    ] = None
    ref: Annotated[
        str | None,
        Field(min_length=1, description="A tag, branch or commit of that repository.", examples=["v1.4.0"]),
    ] = None
    folder: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Where the ami.yml is inside the repository; without it at the top.",
            examples=["factory"],
        ),
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.path is None) == (self.git is None):
            raise ValueError("needs exactly one of path and git")
        if self.git is None and (self.ref or self.folder):
            raise ValueError(f"takes {'ref' if self.ref else 'folder'} beside git only")
        if self.git is not None and not self.ref:
            raise ValueError("needs the ref of the repository, as in `ref: v1.4.0`")
        return self


def as_extends(written: Any) -> Any:
    """The fields of what is written: a text alone is the path of a folder."""
    return {"path": written} if isinstance(written, str) else written


#: Written as a mapping, or as the path of a folder alone.
WrittenExtends = Annotated[
    Extends,
    BeforeValidator(as_extends, json_schema_input_type=Annotated[str, Field(min_length=1)] | Extends),
]
