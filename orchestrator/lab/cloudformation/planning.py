"""What a template would change in a stack, found before anything is done."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.cloudformation import types
from orchestrator.lab.cloudformation.stack import StackDiff
from orchestrator.lab.cloudformation.template_file import in_order, invalid
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.lab.cloudformation.intrinsics import TemplateScope
    from orchestrator.lab.cloudformation.resource_type import StackResourceType
    from orchestrator.lab.cloudformation.stack import Stack
    from orchestrator.lab.cloudformation.template_file import StackTemplate, TemplateResource


@cache
def resource_types() -> Mapping[str, StackResourceType]:
    """The types that the lab makes, by their names."""
    return {module.TYPE.name: module.TYPE for module in modules_of(types)}


def given_parameters(
    template: StackTemplate, asked: Iterable[Mapping[str, Any]], before: Mapping[str, str]
) -> dict[str, str]:
    """The values of a template's parameters. Raises AwsFault."""
    told = {str(each["ParameterKey"]): each for each in asked}
    if foreign := sorted(set(told) - set(template.parameters)):
        raise invalid(f"Parameters: [{', '.join(foreign)}] do not exist in the template")
    values: dict[str, str] = {}
    for name, written in template.parameters.items():
        each = told.get(name, {})
        if each.get("UsePreviousValue") in (True, "true") and name in before:
            values[name] = before[name]
        elif "ParameterValue" in each:
            values[name] = str(each["ParameterValue"])
        elif "Default" in written:
            values[name] = str(written["Default"])
    if missing := sorted(set(template.parameters) - set(values)):
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in values.items():
        _check_value(name, value, template.parameters[name])
    return values


def _check_value(name: str, value: str, written: Mapping[str, Any]) -> None:
    allowed = written.get("AllowedValues")
    if allowed and value not in map(str, allowed):
        raise invalid(f"Parameter '{name}' must be one of AllowedValues")
    pattern = written.get("AllowedPattern")
    if pattern and not re.fullmatch(str(pattern), value):
        what = written.get("ConstraintDescription") or f"Parameter {name} failed to satisfy constraint: Parameter value"
        raise invalid(f"{what} {value} for parameter name {name} does not match pattern {pattern}")


def check_types(template: StackTemplate, capabilities: Sequence[str]) -> None:
    """Raise AwsFault for types that the lab does not make, and for IAM's without the word of whoever asks."""
    for wanted in wanted_capabilities(template):
        if not {wanted, "CAPABILITY_NAMED_IAM"} & set(capabilities):
            raise AwsFault("InsufficientCapabilitiesException", f"Requires capabilities : [{wanted}]")


def wanted_capabilities(template: StackTemplate) -> tuple[str, ...]:
    """What whoever deploys a template has to say: CAPABILITY_IAM, or CAPABILITY_NAMED_IAM. Raises AwsFault."""
    known = resource_types()
    if unknown := sorted({each.type for each in template.resources.values()} - set(known)):
        what = f"the lab makes {', '.join(known)}"
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]; {what}")
    of_iam = [each for each in template.resources.values() if known[each.type].of_iam]
    named = any(known[each.type].named in each.properties for each in of_iam if known[each.type].named)
    return ("CAPABILITY_NAMED_IAM",) if named else ("CAPABILITY_IAM",) if of_iam else ()


def wanted_resources(template: StackTemplate, scope: TemplateScope) -> list[TemplateResource]:
    """The resources whose conditions hold, in the order in which they are made. Raises AwsFault."""
    wanted = {
        name: each for name, each in template.resources.items() if not each.condition or scope.holds(each.condition)
    }
    return in_order(wanted)


def differences(stack: Stack, template: StackTemplate, scope: TemplateScope) -> tuple[StackDiff, ...]:
    """What differs between a stack and a template. `scope` knows parameters and no resources. Raises AwsFault."""
    wanted = wanted_resources(template, scope)
    return (*_wanted(stack, wanted, scope), *_left(stack, wanted))


def _wanted(stack: Stack, wanted: Iterable[TemplateResource], scope: TemplateScope) -> Iterator[StackDiff]:
    for each in wanted:
        written, kind = scope.value(each.properties), resource_types()[each.type]
        kind.check(each.name, written)
        there = stack.resources.get(each.name)
        if there is None:
            yield StackDiff("Add", each.name, each.type)
        elif there.type != each.type:
            raise invalid(f"Update of resource type is not permitted. The new template modifies {each.name}")
        elif there.written != written:
            details = tuple(
                sorted(key for key in {*written, *there.written} if written.get(key) != there.written.get(key))
            )
            replaced = kind.replaces(there.written, written)
            yield StackDiff("Modify", each.name, each.type, replaced, there.made.physical, details)


def _left(stack: Stack, wanted: Iterable[TemplateResource]) -> Iterator[StackDiff]:
    names = {each.name for each in wanted}
    for name, there in stack.resources.items():
        if name not in names:
            yield StackDiff("Remove", name, there.type, physical=there.made.physical)
