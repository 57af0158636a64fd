"""What a rendered template and its variable files ask of a build: the part of it that the account will see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.packers.hcl import Block, HclError, evaluated, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class TemplateError(Exception):
    """What Packer refuses a template for, in the words that it prints."""


@dataclass(frozen=True)
class Template:
    """One template with its variables. `required` maps each plugin's source to its constraint; `warnings` are told."""

    image: str
    settings: Mapping[str, Any]
    blocks: Mapping[str, Mapping[str, Any]]
    warnings: tuple[str, ...] = ()

    def get(self, name: str, default: Any = "") -> Any:
        """An attribute of the source; `default` when it is missing or null."""
        value = self.settings.get(name)
        return default if value is None else value


def read(path: Path, var_files: Iterable[Path] = (), given: Mapping[str, str] | None = None) -> Template:
    """A template with the values of its variable files, later ones first, and of `-var`.

    Raises TemplateError for a file that is not there, for undeclared `-var`, and for a variable without a value.
    """
    body = _body(path)
    values: dict[str, Any] = {}
    for file in var_files:
        values |= _values_of(file)
    declared = {block.labels[0]: block for block in body.all("variable")}
    for name, text in (given or {}).items():
        if name not in declared:
            raise TemplateError(f'Error: Undefined -var variable\n\nA "{name}" variable was passed in the command line')
        values[name] = text
    scope: dict[str, Any] = {"var": _variables(declared, values)}
    scope["local"] = _locals(body, scope)
    unknown = sorted(values.keys() - declared.keys())
    warnings = tuple(
        f'Warning: Undefined variable\n\nThe variable "{name}" was set but was not declared' for name in unknown
    )
    return _template(body, scope, warnings)


def required(path: Path) -> dict[str, str]:
    """The plugins that a file asks for: source -> constraint. Variables are not looked at."""
    return {source: constraint for _, source, constraint in requirements(path)}


def requirements(path: Path) -> list[tuple[str, str, str]]:
    """Name, source and constraint of each plugin that a file asks for; none without a block of them."""
    blocks = [block for packer in _body(path).all("packer") for block in packer.all("required_plugins")]
    asked = [(name, block.value(name, {})) for block in blocks for name in block.attributes]
    return [(name, plugin["source"], plugin["version"]) for name, plugin in asked]


def provisioners(path: Path) -> set[str]:
    """The types of provisioners that a file asks for."""
    return {one.labels[0] for build in _body(path).all("build") for one in build.all("provisioner")}


def _template(body: Block, scope: Mapping[str, Any], warnings: tuple[str, ...]) -> Template:
    sources = body.all("source", "amazon-ebs")
    if not sources:
        raise TemplateError("Error: the program for tests builds with amazon-ebs alone")
    source = sources[0]
    own = {**scope, "build": {}, "source": {}}
    return Template(
        image=source.labels[1],
        settings={name: source.value(name, own) for name in source.attributes},
        blocks={one.type: {name: one.value(name, own) for name in one.attributes} for one in source.blocks},
        warnings=warnings,
    )


def _body(path: Path) -> Block:
    if not path.exists():
        raise TemplateError(f"Error: Could not find any config file in {path}")
    return parsed(path.read_text(encoding="utf-8"))


def _values_of(file: Path) -> dict[str, Any]:
    if not file.exists():
        raise TemplateError(f"Error: Failed to read file\n\nThe configuration file {str(file)!r} could not be read.")
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        return dict(json.loads(text))
    return {name: evaluated(tokens, {}) for name, tokens in parsed(text).attributes.items()}


def _variables(declared: Mapping[str, Block], values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, block in declared.items():
        if name not in values and "default" not in block.attributes:
            raise TemplateError(
                f"Error: Unset variable {name!r}\n\nA used variable must be set or have a default value"
            )
        found[name] = values[name] if name in values else block.value("default", {})
    return found


def _locals(body: Block, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Locals may use each other in any order: each is tried until all are known."""
    waiting = {name: tokens for block in body.all("locals") for name, tokens in block.attributes.items()}
    found: dict[str, Any] = {}
    while waiting:
        before, failed = len(waiting), HclError("")
        for name in list(waiting):
            try:
                found[name] = evaluated(waiting[name], {**scope, "local": found})
            except HclError as error:
                failed = error
            else:
                del waiting[name]
        if len(waiting) == before:
            raise failed
    return found
