"""A Packer variable file as a Document: plain values only, as Packer itself takes them, with their lines."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.definition.reading.document import Document, Keys, Position, Unreadable, text_of
from orchestrator.definition.reading.plain_lines import read_plain
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from lark import Token, Tree

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
#: What HCL evaluates in a text.
_TEMPLATE = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
_LITERALS = {"true": True, "false": False, "null": None}
_MUST_BE_PLAIN = "must be a plain value: Packer takes no variable or function here"
#: Deeper than any variable of ours; python-hcl2 recurses.
_DEEPEST = 20


def read_variables(path: Path, problems: list[Problem]) -> Document | None:
    """The assignments of a variable file. What is wrong is added to `problems`; None when nothing could be read."""
    try:
        text = text_of(path)
        if plain := read_plain(text):
            return Document(path, *plain)
        return _Assignments(path, problems).document(syntax_tree(path, text))
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
        return None


def syntax_tree(path: Path, text: str) -> Tree[Token]:
    """The syntax tree of an HCL text. Raises Unreadable, with the line, for what is no HCL."""
    import hcl2  # noqa: PLC0415 - its grammar takes a fifth of a second, and most files are read without it
    from lark.exceptions import LarkError  # noqa: PLC0415 - same

    try:
        tree: Tree[Token] = hcl2.parses_to_tree(text)
    except LarkError as error:
        last = text.count("\n") + 1
        line = getattr(error, "line", None)
        token = getattr(error, "token", None)
        if token is not None and token.type == "$END":
            raise Unreadable(Problem(path, last, "the file ends in the middle of a value")) from error
        near = str(token).strip().split("\n", 1)[0][:40] if token is not None else ""
        what = "is not HCL" + (f": '{near}' was not expected here" if near else ": the line ends too early")
        raise Unreadable(Problem(path, min(line, last) if isinstance(line, int) and line > 0 else 0, what)) from error
    except RecursionError as error:
        raise Unreadable(Problem(path, 0, "is nested too deep")) from error
    return tree


class _Plain(Exception):
    """An expression that is no plain value."""


class _Assignments:
    """Turns the syntax tree of one file into a Document."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.places: dict[Keys, Position] = {(): Position(1, 1)}

    def document(self, tree: Tree[Token]) -> Document:
        values: dict[str, Any] = {}
        (body,) = _trees(tree)
        for statement in _trees(body):
            if statement.data == "attribute":
                name, value = _trees(statement)
                self._assign(values, (), str(name.children[0]), name, value)
            elif statement.data != "new_line_or_comment":
                self._problem(statement, "only `name = value` lines may stand in a variable file")
        return Document(self.path, values, self.places)

    def _assign(self, values: dict[str, Any], keys: Keys, key: str, name: Tree[Token], value: Tree[Token]) -> None:
        if key in values:
            self._problem(name, f"'{key}' is set twice, first in line {self.places[(*keys, key)].key}")
            return
        self.places[(*keys, key)] = Position(_line(name), _line(value))
        try:
            values[key] = self._value(value, (*keys, key))
        except _Plain:
            del self.places[(*keys, key)]
            self._problem(value, f"'{key}' {_MUST_BE_PLAIN}")

    def _value(self, tree: Tree[Token], keys: Keys) -> Any:
        if len(keys) > _DEEPEST:
            raise _Plain
        (inner,) = _only(tree) if tree.data == "expr_term" else [tree]
        reader = getattr(self, f"_{inner.data}", None)
        if reader is None:
            raise _Plain
        return reader(inner, keys)

    def _string(self, tree: Tree[Token], _: Keys) -> str:
        return "".join(self._part(part) for part in _trees(tree))

    def _part(self, part: Tree[Token]) -> str:
        (token,) = part.children
        if not isinstance(token, str):
            raise _Plain
        text = str(token)
        if "\n" in text:
            self._problem(part, "a line ends within quotes: write \\n, or close them")
        if text.startswith(("$${", "%%{")):
            text = text[1:]
        return _ESCAPE.sub(self._unescape(part), text)

    def _heredoc_template(self, tree: Tree[Token], _: Keys) -> str:
        """The lines of a `<<END`, in which `$${` and `%%{` are the only escapes (HCL, "Template Expressions")."""
        return self._heredoc([f"{line}\n" for line in str(tree.children[0]).splitlines()[1:-1]])

    def _heredoc_template_trim(self, tree: Tree[Token], _: Keys) -> str:
        """The lines of a `<<-END`, without the white space that all of them begin with."""
        lines = [f"{line}\n" for line in str(tree.children[0]).splitlines()[1:-1]]
        least = min((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), default=0)
        return self._heredoc([line[least:] if line.strip() else line for line in lines])

    def _heredoc(self, lines: list[str]) -> str:
        text = "".join(lines)
        if _TEMPLATE.search(text):
            raise _Plain
        return text.replace("$${", "${").replace("%%{", "%{")

    def _unescape(self, part: Tree[Token]) -> Any:
        def one(found: re.Match[str]) -> str:
            point = found[1] or found[2]
            if point and int(point, 16) <= sys.maxunicode:
                return chr(int(point, 16))
            if found[3] not in _ESCAPED:
                self._problem(part, f"{found[0]} is no escape of HCL: write \\\\ for a backslash")
            return _ESCAPED.get(found[3] or "", "")

        return one

    def _object(self, tree: Tree[Token], keys: Keys) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for entry in _trees(tree):
            if entry.data == "object_elem":
                name, value = _trees(entry)
                self._assign(values, keys, self._name(name), name, value)
        return values

    def _name(self, tree: Tree[Token]) -> str:
        while tree.data in ("object_elem_key", "expr_term"):
            (tree,) = _only(tree)
        if tree.data == "string":
            return self._string(tree, ())
        if tree.data in ("identifier", "keyword", "literal_value"):
            return str(tree.children[0])
        raise _Plain

    def _tuple(self, tree: Tree[Token], keys: Keys) -> list[Any]:
        """A list. An entry that is no plain value is told of and left out."""
        values: list[Any] = []
        entries = [entry for entry in _trees(tree) if entry.data != "new_line_or_comment"]
        for number, entry in enumerate(entries, 1):
            at = (*keys, len(values))
            self.places[at] = Position(_line(entry), _line(entry))
            try:
                values.append(self._value(entry, at))
            except _Plain:
                self._problem(entry, f"entry {number} of '{keys[-1]}' {_MUST_BE_PLAIN}")
        return values

    def _int_lit(self, tree: Tree[Token], _: Keys) -> int:
        return int(str(tree.children[0]))

    def _float_lit(self, tree: Tree[Token], _: Keys) -> float:
        return float(str(tree.children[0]))

    def _unary_op(self, tree: Tree[Token], keys: Keys) -> float:
        """A negative number: the only sign that Packer takes here."""
        number = self._value(_trees(tree)[-1], keys)
        if tree.children[0] != "-" or isinstance(number, bool) or not isinstance(number, int | float):
            raise _Plain
        return -number

    def _literal_value(self, tree: Tree[Token], _: Keys) -> bool | None:
        return _LITERALS[str(tree.children[0])]

    def _problem(self, tree: Tree[Token], what: str) -> None:
        self.problems.append(Problem(self.path, _line(tree), what))


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if not isinstance(child, str)]


def _only(tree: Tree[Token]) -> list[Tree[Token]]:
    """The one subtree of a tree. Raises _Plain when there are more, or other tokens such as parentheses."""
    if len(tree.children) != 1 or isinstance(tree.children[0], str):
        raise _Plain
    return _trees(tree)


def _line(tree: Tree[Token]) -> int:
    return int(getattr(tree.meta, "line", 1))
