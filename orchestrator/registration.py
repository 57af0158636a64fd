"""Finding what is added by adding one file: commands, gates, kinds of resources, actions of the lab."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """Every module of a package and of its rooms, imported, in the order of their names."""
    for found in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{found.name}")
        if found.ispkg:
            yield from modules_of(module)
        else:
            yield module
