"""What names in an HCL template mean: variables, locals, the template's folder, and what an iteration gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.adopt.block import NotConstantError, Unknown
from orchestrator.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: Names that Packer knows while a provisioner runs (Packer documentation, "Contextual Variables"). A fragment may use
#: them as the template did; `source` it may not, because the image's source has another name.
RUNTIME = ("build",)


@dataclass(frozen=True)
class Scope:
    """Values by name. `used` collects the variables and locals that were asked for."""

    folder: Path
    variables: Mapping[str, Any] = field(default_factory=dict)
    #: Each local as a function: it is worked out when it is asked for, as locals may use each other.
    locals: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    iterators: Mapping[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def with_iterator(self, name: str, key: Any, value: Any) -> Scope:
        """The same with the name of an iteration, as in the content of a `dynamic` block."""
        return replace(self, iterators={**self.iterators, name: {"key": key, "value": value}})

    def value(self, root: str, name: str) -> Any:
        """What `root.name` means. Raises NotConstantError when that is not known before Packer runs."""
        if root in self.iterators:
            return self.iterators[root][name]
        match root:
            case "var":
                return self._known(f"var.{name}", self.variables)
            case "local":
                return self._known(f"local.{name}", self.locals)
            case "path" if name in ("root", "cwd"):
                return str(self.folder)
        raise NotConstantError(f"{root}.{name} is known only while Packer runs")

    def _known(self, reference: str, known: Mapping[str, Any]) -> Any:
        self.used.add(reference)
        kind, _, name = reference.partition(".")
        if name not in known:
            near = did_you_mean(name, known)
            raise NotConstantError(f"the template declares no {_KINDS[kind]} '{name}'{near}")
        found = known[name]() if kind == "local" else known[name]
        if isinstance(found, Unknown):
            raise NotConstantError(found.why)
        return found


_KINDS = {"var": "variable", "local": "local"}
