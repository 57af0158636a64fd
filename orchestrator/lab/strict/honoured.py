"""Which parameters of an action the lab reads: found in the source of what answers it.

An action is answered by a method of moto's class, by a module of the lab's own, or by a handler. All of them name each
parameter that they read in a string (`self._get_param("ImageId")`). So a parameter whose name stands in no string of
the code that an action can reach is one that it does not honour. Code is followed from the method through the methods
and functions that it names; once it hands its parameters on as a whole (`**self.request_params`), also into moto's
tables, where they are names of arguments.

What is found can be too much, never too little: a string may stand there for another reason, and a value that is read
may be forgotten.
"""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from orchestrator.lab.strict.answering import classes, method_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Values that hold all parameters of a call.
_WHOLE = {"params", "request_params", "querystring", "parameters", "_get_params", "body", "kwargs", "parsed"}
#: Tables with more entries hold data (instance types, regions), and no names of parameters.
_LARGE = 200
#: Packages whose code is followed.
_FOLLOWED = ("moto.", "orchestrator.lab.")
#: moto's own reading of requests: it names no parameter.
_FRAME = ("moto.core.", "moto.utilities.")


@dataclass
class Reading:
    """What was found on the way through the code of one action."""

    service: str
    owners: tuple[type, ...]
    strings: set[str] = field(default_factory=set)
    _left: list[Any] = field(default_factory=list)
    _seen: set[Any] = field(default_factory=set)

    def follow(self, code: Any) -> None:
        """Read a function, a class or a module, and what it names."""
        self._left.append(code)
        while self._left:
            self._one(_unwrapped(self._left.pop()))

    def _one(self, code: Any) -> None:
        if not isinstance(code, FunctionType | type | ModuleType) or code in self._seen or not _followed(code):
            return
        self._seen.add(code)
        tree = _source(code)
        module = code if isinstance(code, ModuleType) else sys.modules[code.__module__]
        for node in ast.walk(tree) if tree is not None else ():
            self._read(node, vars(module))

    def _read(self, node: ast.AST, names: Mapping[str, Any]) -> None:
        match node:
            case ast.Constant(value=str(text)):
                self.strings.update(text.split("."))
            case ast.arg(arg=str(name)) | ast.keyword(arg=str(name)):
                self.strings.add(name)
            case ast.Name(id=name):
                self._named(names.get(name))
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if isinstance(names.get(owner), ModuleType):
                self._named(getattr(names[owner], name, None))
            case ast.Attribute(attr=name):
                self._left += [vars(parent)[name] for parent in self._parents() if name in vars(parent)]
            case ast.Call() if _hands_on(node):
                self._left += _tables(self.service).get(_called(node.func), ())

    def _named(self, value: Any) -> None:
        if isinstance(value, FunctionType) or (isinstance(value, type) and _own(value)):
            self._left.append(value)
        elif isinstance(value, dict | list | tuple | set | frozenset):
            for each in _texts(value):
                self.strings.update(each.split("."))

    def _parents(self) -> Iterator[type]:
        return (parent for owner in self.owners for parent in owner.__mro__)


def reading(service: str, action: str, handler: object | None = None) -> frozenset[str] | None:
    """Every string that stands in the code of an action, among them the names of all parameters that it reads.

    `service` is botocore's name; `handler` answers in moto's place. None when nothing answers.
    """
    if handler is not None:
        return _of_room(sys.modules[type(handler).__module__])
    owners = classes(service)
    name = method_name(action)
    methods = [vars(parent)[name] for owner in owners for parent in owner.__mro__ if name in vars(parent)]
    if not methods:
        return None
    found = Reading(service, owners)
    for method in methods:
        found.follow(method)
    return frozenset(found.strings)


def reads(strings: frozenset[str], parameter: str) -> bool:
    """Whether a parameter's name is among the strings, as it is or as an argument of Python's."""
    return parameter in strings or parameter[:1].lower() + parameter[1:] in strings or method_name(parameter) in strings


@cache
def _of_room(module: ModuleType) -> frozenset[str]:
    """The strings of all modules in the folder of a handler's module; of that module alone where parts lie."""
    path = Path(str(module.__file__))
    files = [path] if path.parent.name == "parts" else sorted(path.parent.glob("*.py"))
    return frozenset(
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _unwrapped(code: Any) -> Any:
    """The code behind decorators; of an action of the lab's own its module."""
    if isinstance(code, staticmethod | classmethod):
        code = code.__func__
    if isinstance(code, property):
        code = code.fget
    code = inspect.unwrap(code) if callable(code) else code
    for cell in getattr(code, "__closure__", None) or ():
        if isinstance(cell.cell_contents, FunctionType) and code.__module__ == "orchestrator.lab.own_actions":
            return sys.modules[cell.cell_contents.__module__]
    return code


def _followed(code: Any) -> bool:
    name = code.__name__ if isinstance(code, ModuleType) else getattr(code, "__module__", None) or ""
    return name.startswith(_FOLLOWED) and not name.startswith(_FRAME)


@cache
def _module_tree(name: str) -> ast.Module | None:
    try:
        return ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):
        return None


def _source(code: Any) -> ast.AST | None:
    """The tree of a function or class, found in that of its module."""
    if isinstance(code, ModuleType):
        return _module_tree(code.__name__)
    tree: ast.AST | None = _module_tree(code.__module__)
    for name in code.__qualname__.split("."):
        if name == "<locals>" or tree is None:
            return tree
        tree = next((each for each in ast.iter_child_nodes(tree) if getattr(each, "name", None) == name), None)
    return tree


def _own(owner: type) -> bool:
    """Whether a class is the lab's and stands on nothing of moto's."""
    return all(each.__module__.startswith(("orchestrator.lab.", "builtins")) for each in owner.__mro__)


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _hands_on(call: ast.Call) -> bool:
    given = [*call.args, *(each.value for each in call.keywords if each.arg is None)]
    return any(_is_whole(each) for each in given)


def _is_whole(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _WHOLE
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _WHOLE
    return False


@cache
def _tables(service: str) -> dict[str, list[Any]]:
    """The methods of all classes of moto's tables of a service by their names; those that make one, by the class's."""
    found: dict[str, list[Any]] = {}
    package = f"moto.{service.replace('-', '')}.models"
    modules = [module for name, module in list(sys.modules.items()) if f"{name}.".startswith(f"{package}.")]
    for owner in {each for module in modules for each in vars(module).values() if isinstance(each, type)}:
        for name, method in vars(owner).items():
            if isinstance(method, FunctionType) and owner.__module__.startswith(package):
                found.setdefault(owner.__name__ if name == "__init__" else name, []).append(method)
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif len(value) > _LARGE if isinstance(value, dict | list | tuple | set | frozenset) else True:
        return
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)
