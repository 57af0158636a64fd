"""Jinja as this product uses it: values become HCL literals, templates loop and print, nothing is dropped silently.

Autoescaping is on, with HCL in the place of HTML: what `finalize` returns is `Markup`, and the only other Markup is
what `super()` gives back, which is HCL already. Whatever else could make Markup, or run code, is refused before a
template is used.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2 import TemplateNotFound as NoTemplate
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from orchestrator.errors import DefinitionError, LackError, Problem, did_you_mean
from orchestrator.render.literal import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jinja2 import Environment

    from orchestrator.definition.workspace import Workspace

#: Where templates live in a workspace; their names are relative to it.
FOLDER = "packer"

#: Filters whose result counts as HCL although it is not, or that are of no use without HTML.
_REFUSED_FILTERS = ("e", "escape", "forceescape", "safe", "tojson", "urlize", "xmlattr")

_STATEMENTS = (nodes.Output, nodes.For, nodes.If, nodes.Include, nodes.Extends, nodes.Block, nodes.Assign)
#: What a template's mistake raises while it is rendered. NotHcl is a ValueError; `1e999` is a NameError.
_MISTAKES = (TemplateError, ValueError, TypeError, ArithmeticError, LookupError, NameError, RecursionError)

_UNDEFINED = re.compile(r"'(\w+)' is undefined|has no attribute '(\w+)'")


class Templates:
    """The templates of a workspace, and of the one it extends, as they are now: each is read and checked once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._environment = _environment(workspace)

    def rendered(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of a template with `values`.

        Raises DefinitionError, which says file and line, for whatever is wrong in a template.
        """
        try:
            return self._environment.get_template(name).render(values)
        except TemplateSyntaxError as wrong:
            path = Path(wrong.filename or name)
            raise DefinitionError([Problem(path, wrong.lineno, wrong.message or "is no template")]) from wrong
        except _MISTAKES as wrong:
            raise DefinitionError([Problem(*_place(wrong, self._workspace), _said(wrong, values))]) from wrong


def _environment(workspace: Workspace) -> Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=_Fragments(workspace),
        undefined=StrictUndefined,
        finalize=_finalize,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    for refused in _REFUSED_FILTERS:
        del environment.filters[refused]
    return environment


# With the context passed, Jinja does not fold constants, which it would escape before they are finalized.
@pass_context
def _finalize(_context: Context, value: Any) -> Markup:
    if isinstance(value, Markup):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises what StrictUndefined has to say
    return Markup(literal(value))  # noqa: S704 - a literal is HCL


class _Fragments(BaseLoader):
    """Templates by the workspace's search path, each checked before it is used."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            path = self._workspace.find(f"{FOLDER}/{template}")
        except LackError:
            raise NoTemplate(template) from None
        if ".." in template.split("/"):
            raise NoTemplate(template)
        try:
            source = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise DefinitionError([Problem(path, 0, "is not UTF-8 text")]) from None
        tree = environment.parse(source, template, str(path))
        problems = [Problem(path, line, what) for line, what in self._problems(environment, tree)]
        if problems:
            raise DefinitionError(problems)
        return source, str(path), lambda: True

    def _problems(self, environment: Environment, tree: nodes.Template) -> Iterator[tuple[int, str]]:
        yield from _unsafe(tree)
        parent = tree.find(nodes.Extends)
        if parent is None:
            return
        if not isinstance(parent.template, nodes.Const):
            yield parent.lineno, "`extends` needs the name of a template in quotes"
            return
        try:
            known = self._blocks(environment, parent.template.value)
        except NoTemplate as missing:
            yield parent.lineno, _said(missing, {})
            return
        for child in tree.body:
            if isinstance(child, nodes.Block) and child.name not in known:
                yield child.lineno, f"no parent template has a block '{child.name}'{did_you_mean(child.name, known)}"
            if isinstance(child, nodes.Output) and (line := _first_line(child)):
                yield line, "text outside of the blocks of a template that extends another one is never printed"

    def _blocks(self, environment: Environment, template: str) -> set[str]:
        """The names of all blocks of a template and of the templates that it extends, which are checked as well."""
        source, path, _ = self.get_source(environment, template)
        tree = environment.parse(source, template, path)
        above = [extends.template for extends in tree.find_all(nodes.Extends)]
        names = {block.name for block in tree.find_all(nodes.Block)}
        return names.union(*(self._blocks(environment, one.value) for one in above if isinstance(one, nodes.Const)))


def _unsafe(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """(line, what) for each thing in a template that is more than looping and printing."""
    printed = {id(child) for output in tree.find_all(nodes.Output) for child in output.nodes}
    for node in tree.find_all((nodes.Stmt, nodes.Expr)):
        match node:
            case nodes.Stmt() if not isinstance(node, _STATEMENTS):
                # Jinja gives `autoescape` no line.
                yield node.lineno or 0, f"`{type(node).__name__.lower()}` is not allowed in a template"
            case nodes.Getattr(attr=attr) if attr.startswith("_"):
                yield node.lineno, f"access to '{attr}' is not allowed in a template"
            case nodes.Name(name="self"):
                yield node.lineno, "`self` is not allowed in a template"
            case nodes.Call(node=nodes.Name(name="super")) if id(node) not in printed:
                yield node.lineno, "`super()` can only be printed as it is"
            case _:
                pass


def _first_line(output: nodes.Output) -> int:
    """The line of the first thing in an output that is more than white space; 0 when there is none."""
    for child in output.nodes:
        if not isinstance(child, nodes.TemplateData):
            return child.lineno
        if text := child.data.lstrip():
            return child.lineno + child.data[: -len(text)].count("\n")
    return 0


def _said(error: Exception, values: Mapping[str, Any]) -> str:
    match error:
        case NoTemplate():
            return f"there is no template '{error.name}'"
        case UndefinedError() if found := _UNDEFINED.search(str(error)):
            return f"{error}{did_you_mean(found[1] or found[2], _names(values))}"
        case SecurityError():
            return f"not allowed in a template: {error}"
        case RecursionError():
            return "templates include or extend each other in a circle"
    return str(error)


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    """The names that a template knows, and those within what it knows."""
    for name, value in values.items():
        yield name
        if isinstance(value, dict):
            yield from value
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from value[0]


def _place(error: Exception, workspace: Workspace) -> tuple[Path, int]:
    """The innermost line of a template that an error came through; Jinja puts them into the traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
    if not frames:
        return workspace.root / FOLDER, 0
    return Path(frames[-1].filename), frames[-1].lineno or 0
