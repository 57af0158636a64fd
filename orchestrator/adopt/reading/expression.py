"""The value of an HCL expression, and the text that says the same outside of its template.

Literals, string templates, references, conditions, comparisons, sums and pure functions are worked out. Everything else
(`for` expressions, splats, other functions, data sources) has no value here.
"""

from __future__ import annotations

import operator
import re
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import NotConstantError, Unknown
from orchestrator.adopt.reading.functions import called, is_pure, text_of_value
from orchestrator.adopt.reading.scope import RUNTIME, Scope
from orchestrator.render.literal import NotHcl, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lark import Token, Tree

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_LITERALS = {"true": True, "false": False, "null": None}
_TEMPLATE = re.compile(r"(?<!\$)\$\{([^{}]*)\}|(?<!%)%\{|(?<!\$)\$\{")
#: What may stand in a text that is kept as it is written.
_PLAIN = {"expr_term", "string", "string_part", "int_lit", "float_lit", "literal_value", "tuple", "new_line_or_comment"}
_PLAIN |= {"object", "object_elem", "object_elem_key", "heredoc_template", "heredoc_template_trim", "keyword"}
_OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def trees(tree: Tree[Token]) -> list[Tree[Token]]:
    """The subtrees of a tree that are neither tokens nor comments."""
    return [child for child in tree.children if not isinstance(child, str) and child.data != "new_line_or_comment"]


class Expression:
    """Expressions of one file, whose text is `source`, in one scope."""

    def __init__(self, scope: Scope, source: str) -> None:
        self.scope = scope
        self.source = source

    def value(self, tree: Tree[Token]) -> Any:
        """The value of an expression. Raises NotConstantError, which says why it has none."""
        reader = getattr(self, f"_{tree.data}", None)
        if reader is None:
            raise NotConstantError(f"it has a `{str(tree.data).replace('_', ' ')}` expression")
        return reader(tree)

    def hcl(self, tree: Tree[Token]) -> str:
        """The expression as HCL for a fragment: as it is written when it is plain, else with values for references.

        Empty when it asks for something that only its own template has.
        """
        if _is_plain(tree):
            return self.written(tree)
        try:
            return literal(self.value(tree))
        except (NotHcl, NotConstantError):
            return self._substituted(tree)

    def written(self, tree: Tree[Token]) -> str:
        """The text of an expression."""
        return self.source[tree.meta.start_pos : tree.meta.end_pos]

    def _substituted(self, tree: Tree[Token]) -> str:
        """The text with each reference whose value is known replaced by it; empty when one is left that is unknown."""
        if not all(is_pure(str(trees(call)[0].children[0])) for call in tree.find_data("function_call")):
            return ""
        edits = dict(self._edits(tree))
        left = [reference for reference in _references(tree) if not _is_within(reference, edits)]
        if not (edits or left) or any(_root_of(reference) not in RUNTIME for reference in left):
            return ""
        text, end = "", tree.meta.start_pos
        for (start, stop), new in sorted(edits.items()):
            text += self.source[end:start] + new
            end = stop
        return text + self.source[end : tree.meta.end_pos]

    def _edits(self, tree: Tree[Token]) -> Iterator[tuple[tuple[int, int], str]]:
        """((first, after last), new text) of what has a value; within a string template that is its text."""
        try:
            if tree.data == "interpolation":
                text = text_of_value(self.value(trees(tree)[0]))
                yield (tree.meta.start_pos, tree.meta.end_pos), literal(text)[1:-1]
                return
            if tree.data == "get_attr_expr_term" and _root(trees(tree)[0]) is not None:
                yield (tree.meta.start_pos, tree.meta.end_pos), literal(self.value(tree))
                return
        except (NotConstantError, NotHcl):
            pass
        for inner in trees(tree):
            yield from self._edits(inner)

    def _expr_term(self, tree: Tree[Token]) -> Any:
        (inner,) = trees(tree)
        return self.value(inner)

    def _string(self, tree: Tree[Token]) -> Any:
        parts = [self._part(part) for part in trees(tree)]
        if len(parts) == 1 and not isinstance(trees(tree)[0].children[0], str):
            return parts[0]  # "${x}" is x itself, whatever its type (HCL, "Template Interpolation Unwrapping")
        return "".join(text_of_value(part) for part in parts)

    def _part(self, part: Tree[Token]) -> Any:
        (inner,) = part.children
        if not isinstance(inner, str):
            if inner.data != "interpolation":
                raise NotConstantError("it has a template directive (%{ })")
            return self.value(trees(inner)[0])
        text = str(inner)
        return _ESCAPE.sub(_unescaped, text[1:] if text.startswith(("$${", "%%{")) else text)

    def _heredoc_template(self, tree: Tree[Token]) -> str:
        return self._heredoc([f"{line}\n" for line in str(tree.children[0]).rstrip("\n").splitlines()[1:-1]])

    def _heredoc_template_trim(self, tree: Tree[Token]) -> str:
        lines = [f"{line}\n" for line in str(tree.children[0]).rstrip("\n").splitlines()[1:-1]]
        least = min((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), default=0)
        return self._heredoc([line[least:] if line.strip() else line for line in lines])

    def _heredoc(self, lines: list[str]) -> str:
        text = _TEMPLATE.sub(self._interpolated, "".join(lines))
        return text.replace("$${", "${").replace("%%{", "%{")

    def _interpolated(self, found: re.Match[str]) -> str:
        import hcl2  # noqa: PLC0415 - its grammar takes a tenth of a second

        if not found[1]:
            raise NotConstantError("it has a template within a here document")
        source = f"x = {found[1]}\n"
        (body,) = hcl2.parses_to_tree(source).children
        _, tree = trees(trees(body)[0])
        return text_of_value(Expression(self.scope, source).value(tree))

    def _int_lit(self, tree: Tree[Token]) -> int:
        return int(str(tree.children[0]))

    def _float_lit(self, tree: Tree[Token]) -> float:
        return float(str(tree.children[0]))

    def _literal_value(self, tree: Tree[Token]) -> bool | None:
        return _LITERALS[str(tree.children[0])]

    def _identifier(self, tree: Tree[Token]) -> Any:
        raise NotConstantError(f"'{tree.children[0]}' is no value")

    def _tuple(self, tree: Tree[Token]) -> list[Any]:
        return [self.value(entry) for entry in trees(tree)]

    def _object(self, tree: Tree[Token]) -> dict[str, Any]:
        """A mapping. An entry that has no value here leaves the others theirs."""
        return {self._key(key): self._value_or_unknown(value) for key, value in map(trees, trees(tree))}

    def _value_or_unknown(self, tree: Tree[Token]) -> Any:
        try:
            return self.value(tree)
        except NotConstantError as unknown:
            return Unknown(str(unknown))

    def _key(self, tree: Tree[Token]) -> str:
        (inner,) = trees(tree)
        within = trees(inner)[0] if inner.data == "expr_term" else inner
        if within.data in ("identifier", "keyword") and len(inner.children) == 1:
            return str(within.children[0])
        return text_of_value(self.value(inner))

    def _get_attr_expr_term(self, tree: Tree[Token]) -> Any:
        start, attribute = trees(tree)
        name = str(trees(attribute)[0].children[0])
        if (root := _root(start)) is not None:
            return self.scope.value(root, name)
        return _at(self.value(start), name)

    def _index_expr_term(self, tree: Tree[Token]) -> Any:
        start, index = trees(tree)
        return _at(self.value(start), self.value(trees(index)[0]) if trees(index) else int(str(index.children[-1])))

    def _function_call(self, tree: Tree[Token]) -> Any:
        name, *arguments = trees(tree)
        if arguments and str(arguments[-1].children[-1]) == "...":
            raise NotConstantError("it expands a list into arguments")
        return called(str(name.children[0]), [self.value(one) for each in arguments for one in trees(each)])

    def _conditional(self, tree: Tree[Token]) -> Any:
        condition, yes, no = trees(tree)
        return self.value(yes if self.value(condition) is True else no)

    def _binary_op(self, tree: Tree[Token]) -> Any:
        left, term = trees(tree)
        sign, right = trees(term)
        name = str(sign.children[0]).strip()
        if name not in _OPERATORS:
            raise NotConstantError(f"it has the operator {name}")
        try:
            return _OPERATORS[name](self.value(left), self.value(right))
        except TypeError as refused:
            raise NotConstantError(f"{name} does not take what it is given") from refused

    def _unary_op(self, tree: Tree[Token]) -> Any:
        value = self.value(trees(tree)[-1])
        return (not value) if str(tree.children[0]).strip() == "!" else -value


def _root(tree: Tree[Token]) -> str | None:
    """The name that a term is, if it is one: `var` of `var.region`."""
    inner = trees(tree)
    return str(inner[0].children[0]) if len(inner) == 1 and inner[0].data == "identifier" else None


def _references(tree: Tree[Token]) -> Iterator[Tree[Token]]:
    """Each `root.name` in an expression."""
    for found in tree.iter_subtrees():
        if found.data == "get_attr_expr_term" and _root(trees(found)[0]) is not None:
            yield found


def _root_of(reference: Tree[Token]) -> str | None:
    return _root(trees(reference)[0])


def _is_within(tree: Tree[Token], edits: Iterable[tuple[int, int]]) -> bool:
    return any(start <= tree.meta.start_pos and tree.meta.end_pos <= stop for start, stop in edits)


def _is_plain(tree: Tree[Token]) -> bool:
    """Whether an expression is written without anything that has a meaning elsewhere."""
    for found in tree.iter_subtrees():
        if found.data == "identifier" or found.data in _PLAIN:
            if found.data.startswith("heredoc") and _TEMPLATE.search(str(found.children[0])):
                return False
            continue
        return False
    return all(_within_key(tree, found) for found in tree.iter_subtrees() if found.data == "identifier")


def _within_key(tree: Tree[Token], identifier: Tree[Token]) -> bool:
    keys = (key for key in tree.iter_subtrees() if key.data == "object_elem_key")
    return any(inner is identifier for key in keys for inner in key.iter_subtrees())


def _at(value: Any, key: Any) -> Any:
    try:
        found = value[key]
    except (TypeError, LookupError) as missing:
        raise NotConstantError(f"there is nothing at '{key}'") from missing
    if isinstance(found, Unknown):
        raise NotConstantError(found.why)
    return found


def _unescaped(found: re.Match[str]) -> str:
    point = found[1] or found[2]
    if point:
        return chr(int(point, 16)) if int(point, 16) <= sys.maxunicode else ""
    return _ESCAPED.get(found[3], found[0])
