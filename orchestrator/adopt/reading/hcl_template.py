"""An HCL2 template: one file `*.pkr.hcl`, or all of them in a folder, with the variable files that Packer takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import NotConstantError, TemplateAttribute, TemplateBlock, Unknown
from orchestrator.adopt.reading.expression import Expression, trees
from orchestrator.adopt.reading.scope import Scope
from orchestrator.definition.reading.document import Unreadable, text_of
from orchestrator.definition.reading.variables_file import syntax_tree
from orchestrator.errors import DefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lark import Token, Tree

ENDING = ".pkr.hcl"

#: How many labels blocks have at the top of a template, and within others (Packer documentation, "HCL2 Blocks").
_LABELS = {"build": 0, "data": 2, "local": 1, "locals": 0, "packer": 0, "source": 2, "variable": 1}
_LABELS_WITHIN = {"dynamic": 1, "error-cleanup-provisioner": 1, "post-processor": 1, "provisioner": 1, "source": 1}


@dataclass(frozen=True)
class _RawBlock:
    """A block as it is written: nothing of it is worked out."""

    kind: str
    labels: tuple[str, ...]
    body: Tree[Token]
    line: int
    path: Path
    source: str


@dataclass
class HclTemplate:
    """The blocks of the files of one template. `given` are values of variables, over their defaults."""

    folder: Path
    paths: Sequence[Path]
    given: Mapping[str, Any]
    scope: Scope = field(init=False)
    _counts: dict[str, int] = field(default_factory=dict)

    def blocks(self) -> tuple[TemplateBlock, ...]:
        """Every top-level block, with values where they are known.

        Raises DefinitionError for what is no HCL, for variables without a value, and for values without a variable.
        """
        raw = [block for path in self.paths for block in _raw_blocks(path)]
        self.scope = Scope(self.folder)
        variables = {block.labels[0]: self._variable(block) for block in raw if block.kind == "variable"}
        found = (local for block in raw if block.kind in ("local", "locals") for local in self._locals(block))
        self.scope = Scope(self.folder, variables, dict(found))
        return tuple(self._block(block, self.scope, "") for block in raw)

    def _variable(self, block: _RawBlock) -> Any:
        (name,) = block.labels
        attributes = dict(_attributes(block.body))
        expression = Expression(Scope(self.folder), block.source)
        sensitive = attributes.get("sensitive")
        if sensitive is not None and expression.value(sensitive) is True:
            return Unknown(f"it uses the sensitive variable '{name}', whose value is written into no file")
        if name in self.given:
            return _typed(self.given[name], expression, attributes.get("type"))
        if "default" not in attributes:
            what = f"variable '{name}' has no default, and no value"
            raise DefinitionError(
                [Problem(block.path, block.line, what)], hint=f"--var {name}=VALUE, or --var-file FILE"
            )
        try:
            return expression.value(attributes["default"])
        except NotConstantError as unknown:
            return Unknown(f"the default of variable '{name}' is not known here: {unknown}")

    def _locals(self, block: _RawBlock) -> Iterator[tuple[str, Any]]:
        for name, tree in _attributes(block.body):
            if block.kind == "locals" or name == "expression":
                name = name if block.kind == "locals" else block.labels[0]  # noqa: PLW2901 - `local "x" { expression = }`
                yield name, _Local(self, name, tree, block.source)

    def _block(self, raw: _RawBlock, scope: Scope, within: str) -> TemplateBlock:
        address = self._address(within, ".".join((raw.kind, *raw.labels)))
        expression = Expression(scope, raw.source)
        attributes = [self._attribute(name, tree, expression, raw, address) for name, tree in _attributes(raw.body)]
        blocks = [block for inner in _raw_within(raw) for block in self._expanded(inner, scope, address)]
        return TemplateBlock(raw.kind, raw.labels, tuple(attributes), tuple(blocks), raw.path, raw.line, address)

    def _attribute(
        self, name: str, tree: Tree[Token], expression: Expression, raw: _RawBlock, within: str
    ) -> TemplateAttribute:
        value: Any
        try:
            value = expression.value(tree)
        except NotConstantError as unknown:
            value = Unknown(str(unknown))
        written = expression.written(tree)
        hcl = expression.hcl(tree)
        return TemplateAttribute(name, value, hcl, raw.path, tree.meta.line, f"{within}.{name}", written)

    def _expanded(self, raw: _RawBlock, scope: Scope, within: str) -> Iterator[TemplateBlock]:
        """A block, or all that a `dynamic` block stands for (HCL, "dynamic Blocks"); one that is not known stays."""
        if raw.kind != "dynamic":
            yield self._block(raw, scope, within)
            return
        attributes = dict(_attributes(raw.body))
        content = next((inner for inner in _raw_within(raw) if inner.kind == "content"), None)
        try:
            entries = Expression(scope, raw.source).value(attributes["for_each"])
        except (NotConstantError, KeyError):
            entries = None
        if content is None or not isinstance(entries, dict | list):
            yield self._block(raw, scope, within)
            return
        iterator = attributes.get("iterator")
        name = str(next(iterator.scan_values(lambda _: True))) if iterator else raw.labels[0]
        for key, value in entries.items() if isinstance(entries, dict) else enumerate(entries):
            one = _RawBlock(raw.labels[0], (), content.body, raw.line, raw.path, raw.source)
            yield self._block(one, scope.with_iterator(name, key, value), within)

    def _address(self, within: str, name: str) -> str:
        full = f"{within}.{name}" if within else name
        self._counts[full] = count = self._counts.get(full, -1) + 1
        return f"{full}[{count}]" if count else full


@dataclass
class _Local:
    """A local, worked out when it is asked for."""

    template: HclTemplate
    name: str
    tree: Tree[Token]
    source: str
    entered: bool = False

    def __call__(self) -> Any:
        if self.entered:
            return Unknown(f"local '{self.name}' depends on itself")
        self.entered = True
        try:
            return Expression(self.template.scope, self.source).value(self.tree)
        except NotConstantError as unknown:
            return Unknown(f"local '{self.name}' is not known here: {unknown}")
        finally:
            self.entered = False


def _typed(given: Any, expression: Expression, kind: Tree[Token] | None) -> Any:
    """A value from the command line, which is an expression unless the variable is a text (as Packer takes `-var`)."""
    import hcl2  # noqa: PLC0415 - its grammar takes a tenth of a second
    from lark.exceptions import LarkError  # noqa: PLC0415 - same

    if not isinstance(given, str) or kind is None or expression.written(kind) == "string":
        return given
    source = f"x = {given}\n"
    try:
        (body,) = hcl2.parses_to_tree(source).children
        ((_, tree),) = _attributes(body)
        return Expression(expression.scope, source).value(tree)
    except (LarkError, NotConstantError, ValueError):
        return given


def _raw_blocks(path: Path) -> Iterator[_RawBlock]:
    try:
        source = text_of(path)
        # A here document ends with a line end, which the last line of a file need not have.
        source = source if source.endswith("\n") else f"{source}\n"
        (body,) = trees(syntax_tree(path, source))
    except Unreadable as unreadable:
        raise DefinitionError([unreadable.problem]) from unreadable
    for name, tree in _attributes(body):
        what = f"'{name}': only blocks stand at the top of a template"
        raise DefinitionError([Problem(path, tree.meta.line, what)])
    for block in _blocks_of(body, path, source):
        _check_labels(block, _LABELS)
        yield block


def _raw_within(raw: _RawBlock) -> Iterator[_RawBlock]:
    for block in _blocks_of(raw.body, raw.path, raw.source):
        if raw.kind in ("build", "post-processors") or block.kind == "dynamic":
            _check_labels(block, _LABELS_WITHIN)
        yield block


def _check_labels(block: _RawBlock, labels: Mapping[str, int]) -> None:
    count = labels.get(block.kind, len(block.labels))
    if len(block.labels) != count:
        names = "one name" if count == 1 else "two names" if count else "no name"
        what = f"`{block.kind}` takes {names} before its brace, and has {len(block.labels) or 'none'}"
        raise DefinitionError([Problem(block.path, block.line, what)])


def _blocks_of(body: Tree[Token], path: Path, source: str) -> Iterator[_RawBlock]:
    for statement in trees(body):
        if statement.data == "block":
            *names, inner = trees(statement)
            kind, *labels = (_name(name) for name in names)
            yield _RawBlock(kind, tuple(labels), inner, statement.meta.line, path, source)


def _attributes(body: Tree[Token]) -> Iterator[tuple[str, Tree[Token]]]:
    for statement in trees(body):
        if statement.data == "attribute":
            name, value = trees(statement)
            yield _name(name), value


def _name(tree: Tree[Token]) -> str:
    """An identifier, or the text of a label."""
    return "".join(str(token) for token in tree.scan_values(lambda _: True)).strip('"')
