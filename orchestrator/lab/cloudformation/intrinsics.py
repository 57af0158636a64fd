"""Functions of templates, evaluated (AWS CloudFormation User Guide, "Intrinsic function reference")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.template_file import FUNCTIONS, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
#: Stands where a property is left out by `AWS::NoValue`.
NOTHING = object()


@dataclass(frozen=True)
class Made:
    """What a resource is once it is there: what `Ref` gives, and what `Fn::GetAtt` does."""

    physical: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass
class TemplateScope:
    """What names in a template stand for.

    A resource that is not in `made` stands for a text of its own: values of one template can be compared with those of
    another before anything is there.
    """

    parameters: Mapping[str, str]
    pseudo: Mapping[str, str]
    conditions: Mapping[str, Any]
    made: dict[str, Made] = field(default_factory=dict)

    def value(self, written: Any) -> Any:
        """A value with all functions evaluated. Raises AwsFault."""
        if isinstance(written, list):
            return [each for each in map(self.value, written) if each is not NOTHING]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            ((key, inner),) = written.items()
            if key == "Ref":
                return self._ref(str(inner))
            if key == "Condition" and isinstance(inner, str):
                return self.holds(inner)
            if key.startswith("Fn::"):
                return self._function(key.removeprefix("Fn::"), inner)
        values = {key: self.value(each) for key, each in written.items()}
        return {key: each for key, each in values.items() if each is not NOTHING}

    def holds(self, name: str) -> bool:
        """Whether a condition of the template holds. Raises AwsFault."""
        if name not in self.conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {name}")
        return bool(self.value(self.conditions[name]))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in self.pseudo:
            return self.pseudo[name]
        if name.startswith("AWS::"):
            raise invalid(f"the lab does not do {name}")
        if name in self.parameters:
            return self.parameters[name]
        return self.made[name].physical if name in self.made else f"<{name}>"

    def _attribute(self, name: str, attribute: str) -> str:
        made = self.made.get(name)
        if made is None:
            return f"<{name}.{attribute}>"
        if attribute not in made.attributes:
            raise invalid(f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt")
        return made.attributes[attribute]

    def _sub(self, inner: Any) -> str:
        text, given = (inner, {}) if isinstance(inner, str) else (inner[0], self.value(inner[1]))

        def filled(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in given:
                return str(given[name])
            resource, dot, attribute = name.partition(".")
            return self._attribute(resource, attribute) if dot else str(self._ref(name))

        return _VARIABLE.sub(filled, text)

    def _function(self, name: str, inner: Any) -> Any:
        if name not in FUNCTIONS:
            raise invalid(f"the lab does not do Fn::{name}")
        if name == "If":
            condition, then, otherwise = inner
            return self.value(then if self.holds(condition) else otherwise)
        if name == "GetAtt":
            return self._attribute(str(inner[0]), str(inner[1]))
        if name == "Sub":
            return self._sub(inner)
        return _OF_VALUES[name](self.value(inner))


_OF_VALUES: dict[str, Callable[[Any], Any]] = {
    "Equals": lambda inner: inner[0] == inner[1],
    "Not": lambda inner: not inner[0],
    "And": all,
    "Or": any,
    "Join": lambda inner: str(inner[0]).join(map(str, inner[1])),
    "Select": lambda inner: inner[1][int(inner[0])],
    "Split": lambda inner: str(inner[1]).split(str(inner[0])),
}
