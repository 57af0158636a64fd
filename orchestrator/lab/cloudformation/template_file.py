"""Templates as CloudFormation reads them: JSON or YAML with its short forms.

Source: AWS CloudFormation User Guide, "Template anatomy", "Intrinsic function reference", "CloudFormation quotas".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Bytes of a template that stands in a call.
LONGEST = 51_200
_SECTIONS = ("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions", "Resources", "Outputs")
_OF_RESOURCE = ("Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata")
_OF_PARAMETER = ("Type", "Default", "Description", "AllowedPattern", "AllowedValues", "ConstraintDescription")
#: AWS's functions that the lab evaluates; `Ref` and `Condition` besides.
FUNCTIONS = ("GetAtt", "Sub", "If", "Equals", "Not", "And", "Or", "Join", "Select", "Split")
_NAMED = re.compile(r"\$\{([^!][^}]*)\}")


def invalid(what: str) -> AwsFault:
    """CloudFormation's refusal of what is asked."""
    return AwsFault("ValidationError", what)


@dataclass(frozen=True)
class TemplateResource:
    """A resource as it is written."""

    name: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    deletion: str = "Delete"
    replacing: str = "Delete"


@dataclass(frozen=True)
class StackTemplate:
    """A template that has the right form."""

    body: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    conditions: Mapping[str, Any]
    resources: Mapping[str, TemplateResource]
    outputs: Mapping[str, Mapping[str, Any]]


class _TemplateLoader(yaml.SafeLoader):
    """With the short forms, and dates as the texts that they are."""


def _short(loader: _TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type] # the third kind of node
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _short)
_TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_template(body: str) -> StackTemplate:
    """The template of a text. Raises AwsFault."""
    if len(body.encode()) > LONGEST:
        what = (
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
            f"length less than or equal to {LONGEST}"
        )
        raise invalid(what)
    try:
        told = yaml.load(body, _TemplateLoader)  # noqa: S506  a subclass of the safe one
    except yaml.YAMLError as error:
        raise invalid(f"Template format error: YAML not well-formed. {error}") from None
    if not isinstance(told, dict):
        raise invalid("Template format error: unsupported structure.")
    _check_keys(told, _SECTIONS, "Invalid template property or properties", "the template")
    if not told.get("Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")
    template = StackTemplate(
        body,
        str(told.get("Description") or ""),
        told.get("Parameters") or {},
        told.get("Conditions") or {},
        {name: _resource(name, each) for name, each in told["Resources"].items()},
        told.get("Outputs") or {},
    )
    _check(template)
    return template


def _resource(name: str, told: Any) -> TemplateResource:
    if not isinstance(told, dict) or not told.get("Type"):
        raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
    _check_keys(told, _OF_RESOURCE, "Invalid template resource property", f"the resource {name}")
    after = told.get("DependsOn") or ()
    return TemplateResource(
        name,
        str(told["Type"]),
        told.get("Properties") or {},
        (after,) if isinstance(after, str) else tuple(after),
        str(told.get("Condition") or ""),
        str(told.get("DeletionPolicy") or "Delete"),
        str(told.get("UpdateReplacePolicy") or "Delete"),
    )


def _check_keys(told: Mapping[str, Any], known: tuple[str, ...], refusal: str, where: str) -> None:
    for key in told:
        if key not in known:
            raise invalid(f"{refusal} '{key}': the lab does not read it in {where}")


def _check(template: StackTemplate) -> None:
    for each in template.parameters.values():
        _check_keys(each, _OF_PARAMETER, "Invalid template parameter property", "a parameter")
        if each.get("Type") != "String":
            raise invalid(f"the lab does not do parameters of type {each.get('Type')}")
    for resource in template.resources.values():
        known = {*template.resources, *template.parameters}
        missing = sorted(set(references(resource.properties)) - known | set(resource.depends_on) - set(known))
        if missing:
            named = ", ".join(missing)
            what = f"Unresolved resource dependencies [{named}] in the Resources block of the template"
            raise invalid(f"Template format error: {what}")


def references(value: Any) -> Iterator[str]:
    """The parameters and resources that a value names; not AWS's own (`AWS::Region`)."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
        return
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        names: list[str] = []
        if key == "Ref":
            names = [str(inner)]
        elif key == "Fn::GetAtt":
            names = [str(inner[0])]
        elif key == "Fn::Sub":
            text, given = (inner, {}) if isinstance(inner, str) else (inner[0], inner[1])
            names = [each.partition(".")[0] for each in _NAMED.findall(text) if each not in given]
        yield from (each for each in names if not each.startswith("AWS::"))
        if key not in ("Ref", "Fn::GetAtt"):
            yield from references(inner)


def in_order(resources: Mapping[str, TemplateResource]) -> list[TemplateResource]:
    """Resources, each after those that it names. Raises AwsFault for a circle."""
    left, done = dict(resources), list[TemplateResource]()
    while left:
        ready = [each for each in left.values() if not (_after(each) & set(left))]
        if not ready:
            raise invalid(f"Circular dependency between resources: [{', '.join(left)}]")
        done += ready
        for each in ready:
            del left[each.name]
    return done


def _after(resource: TemplateResource) -> set[str]:
    return {*references(resource.properties), *resource.depends_on}
