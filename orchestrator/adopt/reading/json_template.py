"""A legacy JSON template, as blocks (Packer documentation, "JSON Templates")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import NotConstantError, TemplateAttribute, TemplateBlock, Unknown
from orchestrator.definition.reading.document import Document, read_json
from orchestrator.errors import DefinitionError, Problem, did_you_mean
from orchestrator.render.literal import NotHcl, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: What is a block in HCL2 although JSON writes it as a mapping or a list of mappings.
_BLOCKS = frozenset(
    {
        "ami_block_device_mappings", "assume_role", "aws_polling", "launch_block_device_mappings", "metadata_options",
        "placement", "security_group_filter", "source_ami_filter", "subnet_filter", "tag", "vpc_filter",
    }
)  # fmt: skip
_KEYS: tuple[str, ...] = ("builders", "description", "min_packer_version", "post-processors", "provisioners")
_KEYS += ("sensitive-variables", "variables", "push")
_USER = re.compile(r"\{\{-?\s*user\s+[`\"']([^`\"']+)[`\"']\s*-?\}\}")
_FOLDER = re.compile(r"\{\{-?\s*(?:template_dir|pwd)\s*-?\}\}")
#: A function of JSON templates as a literal of HCL has it; there `build.ID` says the same (Packer documentation,
#: "Contextual Variables").
_BUILD = re.compile(r"""\{\{-?\s*build\s+(?:`|\\")(\w+)(?:`|\\")\s*-?\}\}""")
_FUNCTION = re.compile(r"\{\{-?\s*(\w+)[^}]*\}\}")


@dataclass
class JsonTemplate:
    """One JSON template. `given` are values of variables, over their defaults."""

    path: Path
    given: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    _variables: dict[str, Any] = field(default_factory=dict)
    _document: Document | None = None

    def blocks(self) -> tuple[TemplateBlock, ...]:
        """What an HCL2 template would have: variables, a source for each builder, and one build.

        Raises DefinitionError for what is no template, and for variables without a value.
        """
        self._document = _read(self.path)
        content = self._document.value
        self._variables = dict(self._read_variables(content))
        variables = [
            self._block("variable", (name,), {"default": default}, ("variables", name))
            for name, default in _mapping(content.get("variables")).items()
        ]
        builders = [self._builder(one, index) for index, one in enumerate(_list(content.get("builders")))]
        build = TemplateBlock(
            "build", (), (), tuple(self._of_build(content)), self.path, self._line("provisioners"), "build"
        )
        others = [
            self._block(key, (), {"value": value}, (key,))
            for key, value in content.items()
            if key not in ("variables", "builders", "provisioners", "post-processors")
        ]
        return (*variables, *builders, build, *others)

    def _read_variables(self, content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        sensitive = _list(content.get("sensitive-variables"))
        for name, default in _mapping(content.get("variables")).items():
            if name in sensitive:
                yield name, Unknown(f"it uses the sensitive variable '{name}', whose value is written into no file")
            elif name in self.given:
                yield name, self.given[name]
            elif default is None:
                problem = Problem(self.path, self._line("variables", name), f"variable '{name}' has no value")
                raise DefinitionError([problem], hint=f"--var {name}=VALUE, or --var-file FILE")
            elif "{{" in str(default):
                called = _FUNCTION.search(str(default))
                what = f"the function '{called[1]}'" if called else "a template"
                yield (
                    name,
                    Unknown(f"variable '{name}' is what {what} gives when Packer runs; --var {name}=VALUE fixes it"),
                )
            else:
                yield name, str(default).lower() if isinstance(default, bool) else str(default)

    def _builder(self, builder: Any, index: int) -> TemplateBlock:
        kind, name = str(builder.get("type", "")), str(builder.get("name", builder.get("type", "")))
        fields = {key: value for key, value in builder.items() if key not in ("type", "name")}
        return self._block("source", (kind, name), fields, ("builders", index))

    def _of_build(self, content: dict[str, Any]) -> Iterator[TemplateBlock]:
        for index, one in enumerate(_list(content.get("provisioners"))):
            yield self._step("provisioner", one, ("provisioners", index))
        for index, one in enumerate(_list(content.get("post-processors"))):
            at = ("post-processors", index)
            if isinstance(one, list):
                steps = tuple(self._step("post-processor", each, (*at, place)) for place, each in enumerate(one))
                yield TemplateBlock("post-processors", (), (), steps, self.path, self._line(*at), _address(at))
            else:
                yield self._step("post-processor", one, at)

    def _step(self, kind: str, written: Any, at: tuple[str | int, ...]) -> TemplateBlock:
        fields = written if isinstance(written, dict) else {"type": written}
        rest = {key: value for key, value in fields.items() if key != "type"}
        return self._block(kind, (str(fields.get("type", "")),), rest, at)

    def _block(
        self, kind: str, labels: tuple[str, ...], fields: dict[str, Any], at: tuple[str | int, ...]
    ) -> TemplateBlock:
        attributes, blocks = [], []
        for key, value in fields.items():
            entries = value if isinstance(value, list) else [value]
            if key in _BLOCKS and all(isinstance(entry, dict) for entry in entries):
                for place, entry in enumerate(entries):
                    where = (*at, key, place) if isinstance(value, list) else (*at, key)
                    blocks.append(self._block(key, (), entry, where))
            else:
                attributes.append(self._attribute(key, value, (*at, key)))
        return TemplateBlock(kind, labels, tuple(attributes), tuple(blocks), self.path, self._line(*at), _address(at))

    def _attribute(self, name: str, written: Any, at: tuple[str | int, ...]) -> TemplateAttribute:
        hcl = ""
        try:
            value = self._value(written)
            hcl = _BUILD.sub(r"${build.\1}", literal(value))
        except NotConstantError as unknown:
            value = Unknown(str(unknown))
        except NotHcl:
            pass
        return TemplateAttribute(name, value, hcl, self.path, self._line(*at), _address(at))

    def _value(self, written: Any) -> Any:
        match written:
            case dict():
                return {key: self._value_or_unknown(value) for key, value in written.items()}
            case list():
                return [self._value(value) for value in written]
            case str():
                return _FOLDER.sub(lambda _: str(self.path.parent), _USER.sub(self._user, written))
        return written

    def _value_or_unknown(self, written: Any) -> Any:
        try:
            return self._value(written)
        except NotConstantError as unknown:
            return Unknown(str(unknown))

    def _user(self, found: re.Match[str]) -> str:
        name = found[1]
        self.used.add(f"var.{name}")
        if name not in self._variables:
            near = did_you_mean(name, self._variables)
            raise NotConstantError(f"the template declares no variable '{name}'{near}")
        value = self._variables[name]
        if isinstance(value, Unknown):
            raise NotConstantError(value.why)
        return str(value)

    def _line(self, *keys: str | int) -> int:
        return self._document.place(*keys).key if self._document else 0


def _read(path: Path) -> Document:
    problems: list[Problem] = []
    document = read_json(path, problems)
    if document is None:
        raise DefinitionError(problems)
    if "builders" not in document.value:
        what = "is no Packer template: it has no 'builders'"
        if document.value.keys() & {"source", "build"}:
            what = "is HCL2 in JSON syntax, which is not read: write it as *.pkr.hcl"
        raise DefinitionError([Problem(path, 1, what)])
    if problems := list(_malformed(document.value, document)):
        raise DefinitionError(problems)
    return document


def _malformed(content: dict[str, Any], document: Document) -> Iterator[Problem]:
    for key in content:
        if key not in _KEYS and not key.startswith("_"):
            yield document.problem(f"unknown key '{key}'{did_you_mean(key, _KEYS)}", key)
    if not isinstance(content.get("variables", {}), dict):
        yield document.problem("'variables' must be a mapping", "variables")
    for key in ("builders", "provisioners", "post-processors"):
        if not isinstance(content.get(key, []), list):
            yield document.problem(f"'{key}' must be a list", key)
            continue
        for index, entry in enumerate(content.get(key, [])):
            if isinstance(entry, dict) and not isinstance(entry.get("type"), str):
                yield document.problem(f"entry {index + 1} of '{key}' has no 'type'", key, index)
            elif not isinstance(entry, dict) and key != "post-processors":
                yield document.problem(f"entry {index + 1} of '{key}' must be a mapping", key, index)


def _address(at: tuple[str | int, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in at).removeprefix(".")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
