"""As much of HCL as rendered templates need: blocks, attributes, and the expressions in them.

The program for tests reads the templates of Packer with it, in milliseconds. What it does not know is an error, never
skipped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+|(?:\#|//)[^\n]*|/\*.*?\*/)
  | (?P<newline>\n)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<text>"(?:\\.|\$\{(?:[^{}"]|"[^"]*")*\}|[^"\\])*")
  | (?P<name>[A-Za-z_][\w-]*)
  | (?P<sign>==|!=|<=|>=|&&|\|\||=>|[=(){}\[\],.:?+*/%<>!-])
    """,
    re.VERBOSE | re.DOTALL,
)
_INTERPOLATED = re.compile(r'(?<!\$)\$\{((?:[^{}"]|"[^"]*")*)\}')

_WIDE = re.compile(r"\\U([0-9a-fA-F]{8})")

#: Operators by how strongly they bind, the weakest first.
_OPERATORS: tuple[Mapping[str, Callable[[Any, Any], Any]], ...] = (
    {"||": lambda one, other: one or other},
    {"&&": lambda one, other: one and other},
    {"==": lambda one, other: one == other, "!=": lambda one, other: one != other},
    {"+": lambda one, other: one + other, "-": lambda one, other: one - other},
    {"*": lambda one, other: one * other, "/": lambda one, other: one / other},
)

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "join": lambda between, *lists: between.join(str(item) for items in lists for item in items),
    "merge": lambda *maps: {key: value for each in maps for key, value in (each or {}).items()},
    "replace": lambda text, old, new: text.replace(old, new),
    "jsonencode": lambda value: json.dumps(value, separators=(",", ":")),
    "length": len,
    "format": lambda text, *values: text % values,
}

_WORDS = {"true": True, "false": False, "null": None}

#: The types that a variable may declare; they are read as names, and mean nothing here.
_TYPES = frozenset({"string", "number", "bool", "any", "list", "map", "set"})


class HclError(Exception):
    """A text that is no HCL, or more HCL than is known here."""


@dataclass(frozen=True)
class Token:
    """One word of HCL. `kind`: `newline`, `number`, `text`, `name`, `sign` or `end`."""

    kind: str
    text: str
    line: int


@dataclass
class Block:
    """A block: its type, its labels, the tokens of each attribute, and the blocks in it."""

    type: str = ""
    labels: tuple[str, ...] = ()
    line: int = 0
    attributes: dict[str, list[Token]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def all(self, type_: str, *labels: str) -> list[Block]:
        """The blocks of a type whose labels begin so."""
        return [one for one in self.blocks if one.type == type_ and one.labels[: len(labels)] == labels]

    def value(self, name: str, scope: Mapping[str, Any], default: Any = None) -> Any:
        """What an attribute is, with `scope` as what names mean."""
        return evaluated(self.attributes[name], scope) if name in self.attributes else default


def parsed(text: str) -> Block:
    """The blocks of a file, in a block without a type."""
    return _Reader(list(_tokens(text))).body("end")


def evaluated(tokens: list[Token], scope: Mapping[str, Any]) -> Any:
    """The value of an expression."""
    inner = [token for token in tokens if token.kind != "newline"]
    reader = _Expression([*inner, Token("end", "", inner[-1].line if inner else 0)], 0, scope)
    value = reader.conditional()
    reader.expect("end")
    return value


def _tokens(text: str) -> Iterator[Token]:
    position, line = 0, 1
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise HclError(f"line {line}: no HCL: {text[position : position + 20]!r}")
        if found.lastgroup != "space":
            yield Token(str(found.lastgroup), found.group(), line)
        line += found.group().count("\n")
        position = found.end()
    yield Token("end", "", line)


@dataclass
class _Reader:
    """Reads blocks and attributes."""

    tokens: list[Token]
    at: int = 0

    def next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def peek(self) -> Token:
        return self.tokens[self.at]

    def expect(self, text: str) -> Token:
        token = self.next()
        if text not in (token.text, token.kind):
            raise HclError(f"line {token.line}: {text!r} is missing before {token.text!r}")
        return token

    def body(self, end: str) -> Block:
        block = Block()
        while (token := self.next()) and end not in (token.text, token.kind):
            if token.kind == "newline":
                continue
            if token.kind not in ("name", "text"):
                raise HclError(f"line {token.line}: unexpected {token.text!r}")
            if self.peek().text == "=":
                self.next()
                block.attributes[token.text] = self._attribute()
            else:
                block.blocks.append(self._block(token))
        return block

    def _block(self, head: Token) -> Block:
        labels = []
        while (token := self.next()).text != "{":
            if token.kind not in ("name", "text"):
                raise HclError(f"line {token.line}: unexpected {token.text!r}")
            labels.append(token.text.strip('"'))
        inner = self.body("}")
        return Block(head.text, tuple(labels), head.line, inner.attributes, inner.blocks)

    def _attribute(self) -> list[Token]:
        """The tokens up to the end of the line, or of the block that stands on one line."""
        found: list[Token] = []
        depth = 0
        while self.peek().kind != "end":
            token = self.peek()
            if depth == 0 and (token.kind == "newline" or token.text == "}"):
                break
            depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
            found.append(self.next())
        return found


@dataclass
class _Expression(_Reader):
    """Evaluates while it reads."""

    scope: Mapping[str, Any] = field(default_factory=dict)

    def conditional(self) -> Any:
        value = self._operation(0)
        if self.peek().text != "?":
            return value
        self.next()
        yes = self.conditional()
        self.expect(":")
        no = self.conditional()
        return yes if value else no

    def _operation(self, level: int) -> Any:
        if level == len(_OPERATORS):
            return self._reference()
        value = self._operation(level + 1)
        while (sign := self.peek()).kind == "sign" and sign.text in _OPERATORS[level]:
            self.next()
            value = _OPERATORS[level][sign.text](value, self._operation(level + 1))
        return value

    def _reference(self) -> Any:
        value = self._primary()
        while self.peek().text in (".", "["):
            index = self.next().text == "["
            key = self.conditional() if index else self.next().text
            if index:
                self.expect("]")
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                raise HclError(f"line {self.peek().line}: there is no {key!r}") from None
        return value

    def _primary(self) -> Any:
        token = self.next()
        match token.kind, token.text:
            case "number", text:
                return float(text) if "." in text else int(text)
            case "text", text:
                return self._text(text)
            case "name", text:
                return self._named(text, token)
        return self._signed(token)

    def _signed(self, token: Token) -> Any:
        """What begins with a bracket or with `!`."""
        match token.text:
            case "(":
                value = self.conditional()
                self.expect(")")
                return value
            case "[":
                return self._list_for() if self.peek().text == "for" else self._items("]")
            case "{":
                return self._object()
            case "!":
                return not self._reference()
        raise HclError(f"line {token.line}: unexpected {token.text!r}")

    def _named(self, name: str, token: Token) -> Any:
        if self.peek().text == "(":
            self.next()
            arguments = self._items(")")
            if name in _TYPES:
                return name
            if name not in _FUNCTIONS:
                raise HclError(f"line {token.line}: the function {name!r} is not known here")
            return _FUNCTIONS[name](*arguments)
        if name in _WORDS:
            return _WORDS[name]
        if name in self.scope:
            return self.scope[name]
        if name in _TYPES:
            return name
        raise HclError(f"line {token.line}: {name!r} is not known here")

    def _items(self, end: str) -> list[Any]:
        items = []
        while self.peek().text != end:
            items.append(self.conditional())
            if self.peek().text != end:
                self.expect(",")
        self.next()
        return items

    def _object(self) -> dict[str, Any]:
        """Newlines between items are gone here: an item ends where the next key begins."""
        made: dict[str, Any] = {}
        while self.peek().text != "}":
            key = self.next()
            if self.peek().text not in ("=", ":"):
                raise HclError(f"line {key.line}: no value for {key.text!r}")
            self.next()
            made[self._text(key.text) if key.kind == "text" else key.text] = self.conditional()
            if self.peek().text == ",":
                self.next()
        self.next()
        return made

    def _list_for(self) -> list[Any]:
        self.expect("for")
        name = self.expect("name").text
        self.expect("in")
        over = self.conditional()
        self.expect(":")
        start, made = self.at, []
        for item in over:
            inner = _Expression(self.tokens, start, {**self.scope, name: item})
            made.append(inner.conditional())
            self.at = inner.at
        while self.peek().text != "]":  # also when there was no item
            self.next()
        self.next()
        return made

    def _text(self, quoted: str) -> str:
        """A string: references in it replaced, escapes undone. `$${` is `${`."""

        def replaced(found: re.Match[str]) -> str:
            return json.dumps(str(evaluated(list(_tokens(found[1])), self.scope)))[1:-1]

        whole = _WIDE.sub(lambda found: chr(int(found[1], 16)), _INTERPOLATED.sub(replaced, quoted))
        return str(json.loads(whole, strict=False)).replace("$${", "${").replace("%%{", "%{")
