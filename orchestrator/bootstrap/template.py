"""The whole template, and the files' keys that its outputs belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.bootstrap.roles import roles
from orchestrator.bootstrap.storage import makes_key, storage
from orchestrator.bootstrap.trust import PipelineHost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.bootstrap.order import BootstrapOrder

#: Outputs by the keys of an environment's file that they are for.
OUTPUT_KEYS = {"ArtifactBucket": "artifact_bucket", "InstanceProfile": "iam_instance_profile", "ImageKey": "kms_key_id"}

_PATTERNS = {
    PipelineHost.GITHUB: r"^[A-Za-z0-9_.-]+(@\d+)?/[A-Za-z0-9_.-]+(@\d+)?$",
    PipelineHost.GITLAB: r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$",
}


def template(order: BootstrapOrder) -> dict[str, Any]:
    """The template as an object. Raises UsageError for names that AWS does not take."""
    order.check()
    parameters = _parameters(order)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"What ami needs in an account, for the environment {order.environment}",
        **({"Parameters": parameters} if parameters else {}),
        "Resources": {**storage(order), **roles(order)},
        "Outputs": _outputs(order),
    }


def _parameters(order: BootstrapOrder) -> dict[str, Any]:
    if order.trust is None:
        return {}
    host = order.trust.host
    return {
        "Repository": {
            "Type": "String",
            "Description": f"The repository of {host.shown} whose pipelines may assume the roles",
            "Default": order.trust.repository,
            "AllowedPattern": _PATTERNS[host],
        },
        "Branch": {
            "Type": "String",
            "Description": "The branch whose pipelines may build",
            "Default": order.trust.branch,
            "AllowedPattern": r"^[A-Za-z0-9_.][A-Za-z0-9_./+#=-]*$",
        },
    }


def _outputs(order: BootstrapOrder) -> dict[str, Any]:
    values: dict[str, tuple[str, Any]] = {
        "ArtifactBucket": ("artifact_bucket of the environment", {"Ref": "Bucket"}),
        "InstanceProfile": ("iam_instance_profile of the environment", {"Ref": "MachineProfile"}),
        "ReaderRole": ("For whoever looks", {"Fn::GetAtt": ["Reader", "Arn"]}),
        "BuilderRole": ("For whoever builds", {"Fn::GetAtt": ["Builder", "Arn"]}),
    }
    if makes_key(order):
        values["ImageKey"] = ("kms_key_id of the environment, if its AMIs are to be encrypted", {"Ref": "KeyAlias"})
    return {name: {"Description": about, "Value": value} for name, (about, value) in values.items()}


class _TemplateDumper(yaml.SafeDumper):
    """With CloudFormation's short forms, and without anchors, which it does not read everywhere."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        return True


def _written(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.Node:
    """An object, or the short form of a function (CloudFormation User Guide, "Intrinsic function reference")."""
    match value:
        case {"Fn::Sub": str(text)} if len(value) == 1:
            return dumper.represent_scalar("!Sub", text)
        case {"Ref": str(name)} if len(value) == 1:
            return dumper.represent_scalar("!Ref", name)
        case {"Fn::GetAtt": [name, attribute]} if len(value) == 1:
            return dumper.represent_scalar("!GetAtt", f"{name}.{attribute}")
    return dumper.represent_dict(value.items())


_TemplateDumper.add_representer(dict, _written)


def text_of(document: Mapping[str, Any]) -> str:
    """A template as YAML."""
    return yaml.dump(dict(document), Dumper=_TemplateDumper, sort_keys=False, width=110)
